//! Buttons of the Connection Center: switching connections and senders off and on, naming senders, setting webhooks again.

use actix_web::web::{self, Path, ServiceConfig};
use serde::Deserialize;

use super::show::ConnectionPage;
use crate::error::Error;
use crate::senders;
use crate::types::id::{ConnectionId, SenderId};
use crate::web::connecting;
use crate::web::{Admin, Form, PageResult, Visit};

/// Mounts the buttons.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/disable").post(disable_connection))
        .service(web::resource("/connections/{id}/enable").post(enable_connection))
        .service(web::resource("/senders/{id}/disable").post(disable_sender))
        .service(web::resource("/senders/{id}/enable").post(enable_sender))
        .service(web::resource("/senders/{id}/name").post(rename_sender))
        .service(web::resource("/senders/{id}/webhook").post(set_webhook));
}

/// A sender's new name.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SenderName {
    name: String,
}

async fn disable_connection(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = connecting::disable_connection(&visit.app, *id).await?;
    let text = format!("“{}” is disabled: it sends nothing. Messages that are due wait for it.", connection.name);
    visit.redirect(format!("/connections/{id}")).undo(format!("/connections/{id}/enable"), []).flash(text)
}

async fn enable_connection(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let connection = connecting::enable_connection(&visit.app, *id).await?;
    visit
        .redirect(format!("/connections/{id}"))
        .flash(format!("“{}” is enabled: it sends again, also what has been waiting.", connection.name))
}

async fn disable_sender(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = connecting::disable_sender(&visit.app, *id).await?;
    let text = format!("{} is disabled: nothing is sent from it. Messages that are due wait for it.", sender.label());
    visit.redirect(format!("/connections/{}", sender.connection_id)).undo(format!("/senders/{id}/enable"), []).flash(text)
}

async fn enable_sender(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = connecting::enable_sender(&visit.app, *id).await?;
    let text = format!("{} is enabled: it sends again, also what has been waiting.", sender.label());
    visit.redirect(format!("/connections/{}", sender.connection_id)).flash(text)
}

async fn rename_sender(visit: Visit<Admin>, id: Path<SenderId>, form: Form<SenderName>) -> PageResult {
    let mut conn = visit.conn().await?;
    let before = senders::find(&mut conn, *id).await?;
    match senders::rename(&mut conn, *id, &form.name).await {
        Ok(sender) => visit
            .redirect(format!("/connections/{}", sender.connection_id))
            .undo(format!("/senders/{id}/name"), [("name", before.name.as_str())])
            .flash(format!("The sender is called {} now.", sender.label())),
        Err(Error::Invalid(errors)) => {
            let page = ConnectionPage::load(&mut conn, before.connection_id, visit.now()).await?.with_name_of(*id, &form.name, &errors);
            drop(conn);
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

async fn set_webhook(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = connecting::set_inbound(&visit.app, *id).await?;
    let there = visit.redirect(format!("/connections/{}/health", sender.connection_id));
    match &sender.webhook_error {
        None => there.flash(format!("Twilio now reports the incoming messages of {} here.", sender.label())),
        Some(reason) => there.warning(format!("The webhook of {} could not be set. {reason}", sender.label())),
    }
}
