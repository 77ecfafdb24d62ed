//! The form for a sender's limits (rate and validity), with its current queue.

use actix_web::web::{self, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::connection_view::ConnectionView;
use super::limit_labels;
use super::sender_view::SenderView;
use crate::error::{FieldErrors, Result};
use crate::messages::throttle::queue_figures;
use crate::senders::{self, Limits, PartsPerSecond, Sender, SenderChange, Validity};
use crate::types::id::SenderId;
use crate::web::http::error::PageError;
use crate::web::{Admin, Form, Page, PageResult, Visit};
use crate::{connection_center, connections};

/// Mounts the form and its target.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/senders/{id}/limits").get(show).post(save));
}

/// The page for a sender's limits.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SenderLimitsPage {
    connection: ConnectionView,
    sender: SenderView,
    /// A sentence about the rate that Twilio usually grants.
    usual: String,
    form: LimitsInput,
    errors: FieldErrors,
}

/// The form's input.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct LimitsInput {
    parts_per_second: String,
    validity_minutes: String,
}

async fn show(visit: Visit<Admin>, id: Path<SenderId>) -> PageResult {
    let sender = senders::find(&mut *visit.conn().await?, *id).await?;
    let form = LimitsInput {
        parts_per_second: sender
            .parts_per_second
            .map(|rate| rate.get().to_string())
            .unwrap_or_default(),
        validity_minutes: sender.validity.minutes().to_string(),
    };
    let page = SenderLimitsPage::load(&visit, sender, form, FieldErrors::default()).await?;
    visit.page(&page)
}

async fn save(visit: Visit<Admin>, id: Path<SenderId>, form: Form<LimitsInput>) -> PageResult {
    let form = form.into_inner();
    match form.limits() {
        Ok(limits) => {
            let change = SenderChange { limits: Some(limits), ..SenderChange::default() };
            let sender =
                connection_center::change_sender(&visit.context, &visit.actor(), *id, &change)
                    .await?;
            let location = format!("/connections/{}/senders", sender.connection_id);
            visit.redirect(location).flash(format!(
                "Limits of {} saved. They also apply to waiting messages.",
                sender.label()
            ))
        }
        Err(errors) => {
            let sender = senders::find(&mut *visit.conn().await?, *id).await?;
            let page = SenderLimitsPage::load(&visit, sender, form, errors).await?;
            visit.invalid(&page)
        }
    }
}

impl LimitsInput {
    fn limits(&self) -> std::result::Result<Limits, FieldErrors> {
        let mut errors = FieldErrors::default();
        let rate = errors.check("parts_per_second", PartsPerSecond::parse(&self.parts_per_second));
        let validity = errors.check("validity_minutes", Validity::parse(&self.validity_minutes));
        match (rate, validity) {
            (Some(parts_per_second), Some(validity)) => Ok(Limits { parts_per_second, validity }),
            _ => Err(errors),
        }
    }
}

impl SenderLimitsPage {
    async fn load(
        visit: &Visit<Admin>,
        sender: Sender,
        form: LimitsInput,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let connection = connections::find(&mut conn, sender.connection_id).await?;
        let waiting = queue_figures::of_sender(&mut conn, &sender, visit.now()).await?;
        let usual = limit_labels::usual_rate(&sender.address);
        Ok(Self {
            connection: connection.into(),
            sender: SenderView::with_queue(sender, &waiting, visit.now()),
            usual,
            form,
            errors,
        })
    }
}

impl Page for SenderLimitsPage {
    const TEMPLATE: &'static str = "ui/connections/sender_limits.html";
}

#[cfg(debug_assertions)]
#[path = "samples/sender_limits.rs"]
mod samples;
