//! The buttons of a sender on the page of its connection: disabling and enabling it, naming it, and
//! setting its webhook.

use actix_web::web::{self, Path, ServiceConfig};
use serde::Deserialize;

use super::show::{ConnectionShowPage, ConnectionTab};
use crate::connection_center::{self, ConnectError};
use crate::senders::{self, Sender, SenderChange};
use crate::types::id::SenderId;
use crate::web::{Admin, Form, PageResult, Visit};

/// Mounts the targets of the buttons.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/senders/{id}/disable").post(disable))
        .service(web::resource("/senders/{id}/enable").post(enable))
        .service(web::resource("/senders/{id}/name").post(rename))
        .service(web::resource("/senders/{id}/webhook").post(set_webhook));
}

/// The form with a sender's new name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SenderNameForm {
    name: String,
}

async fn disable(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = switch(&visit, *id, true).await?;
    let text = format!("{} is disabled. Messages that are due wait for it.", sender.label());
    visit
        .redirect(format!("/connections/{}/senders", sender.connection_id))
        .undo(format!("/senders/{id}/enable"), [])
        .flash(text)
}

async fn enable(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = switch(&visit, *id, false).await?;
    let text =
        format!("{} is enabled. It sends again, starting with waiting messages.", sender.label());
    visit.redirect(format!("/connections/{}/senders", sender.connection_id)).flash(text)
}

async fn switch(
    visit: &Visit<Admin>,
    id: SenderId,
    disabled: bool,
) -> Result<Sender, ConnectError> {
    let change = SenderChange { disabled: Some(disabled), ..SenderChange::default() };
    connection_center::change_sender(&visit.context, &visit.actor(), id, &change).await
}

async fn rename(visit: Visit<Admin>, id: Path<SenderId>, form: Form<SenderNameForm>) -> PageResult {
    let before = senders::find(&mut *visit.conn().await?, *id).await?;
    let change = SenderChange { name: Some(form.name.clone()), ..SenderChange::default() };
    match connection_center::change_sender(&visit.context, &visit.actor(), *id, &change).await {
        Ok(sender) => visit
            .redirect(format!("/connections/{}/senders", sender.connection_id))
            .undo(format!("/senders/{id}/name"), [("name", before.name.as_str())])
            .flash(format!("The sender is now called {}.", sender.label())),
        Err(error) => {
            let errors = error.fields()?;
            let page = ConnectionShowPage::load(
                &visit.context,
                &mut *visit.conn().await?,
                before.connection_id,
                ConnectionTab::Senders,
                visit.now(),
            )
            .await?;
            visit.invalid(&page.with_name_error(*id, &form.name, &errors))
        }
    }
}

async fn set_webhook(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = connection_center::set_inbound(&visit.context, &visit.actor(), *id).await?;
    let redirect = visit.redirect(format!("/connections/{}/health", sender.connection_id));
    match &sender.webhook_error {
        None => redirect.flash(format!("Incoming messages of {} now arrive here.", sender.label())),
        Some(reason) => {
            redirect.warning(format!("The webhook of {} isn’t set. {reason}", sender.label()))
        }
    }
}
