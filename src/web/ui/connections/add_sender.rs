//! Adding a sender to a connection: chosen from what the account has, or typed.

use actix_web::web::{self, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::view::{ConnectionView, RegistrationView};
use crate::connection_center::{self, ConnectError, Existing};
use crate::connections::{self, SenderAddress};
use crate::error::FieldErrors;
use crate::senders::offers::{Offer, Offers};
use crate::types::id::ConnectionId;
use crate::web::http::error::PageError;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// Mounts the form.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/senders/new").get(ask))
        .service(web::resource("/connections/{id}/senders").post(add));
}

/// The form for one more sender.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AddSenderPage {
    connection: ConnectionView,
    /// What the account has and the connection has not; services and numbers.
    groups: Vec<Group>,
    /// How many services are not listed, because there are so many.
    left_out: usize,
    /// Why Twilio could not be asked for them.
    problem: Option<String>,
    form: SenderInput,
    errors: FieldErrors,
    /// The connection that has what was entered.
    existing: Option<Existing>,
}

/// Offers of one kind.
#[derive(Debug, Serialize)]
struct Group {
    title: &'static str,
    offers: Vec<OfferView>,
}

/// An offer, with what is to be known before it is chosen.
#[derive(Debug, Serialize)]
struct OfferView {
    #[serde(flatten)]
    offer: Offer,
    registrations: Vec<RegistrationView>,
    /// Who would lose its reports, in sentences.
    takes_from: Option<String>,
}

/// What is chosen, or typed: typing wins.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SenderInput {
    chosen: String,
    sender: String,
}

async fn ask(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let page =
        AddSenderPage::load(&visit, *id, SenderInput::default(), FieldErrors::default()).await?;
    visit.page(&page)
}

async fn add(visit: Visit<Admin>, id: Path<ConnectionId>, form: Form<SenderInput>) -> PageResult {
    let wanted = if form.sender.trim().is_empty() { &form.chosen } else { &form.sender };
    match connection_center::add_sender(&visit.context, &visit.actor(), *id, wanted).await {
        Ok(sender) => {
            let there = visit.redirect(format!("/connections/{id}"));
            match &sender.webhook_error {
                None => there.flash(format!(
                    "{} is added, and its incoming messages are reported here.",
                    sender.label()
                )),
                Some(reason) => there.warning(format!(
                    "{} is added, but its incoming messages are not reported here. {reason}",
                    sender.label()
                )),
            }
        }
        Err(error) => {
            let existing = error.existing();
            let errors = error.fields()?;
            let page = AddSenderPage::load(&visit, *id, form.into_inner(), errors).await?;
            visit.invalid(&AddSenderPage { existing, ..page })
        }
    }
}

impl AddSenderPage {
    async fn load(
        visit: &Visit<Admin>,
        id: ConnectionId,
        form: SenderInput,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let connection = connections::find(&mut *visit.conn().await?, id).await?;
        let (Offers { offers, left_out }, problem) =
            match connection_center::offers(&visit.context, id).await {
                Ok(offers) => (offers, None),
                Err(ConnectError::Problem(problem)) => {
                    (Offers { offers: Vec::new(), left_out: 0 }, Some(problem.message()))
                }
                Err(error) => return Err(error.into()),
            };
        Ok(Self {
            connection: connection.into(),
            groups: groups(offers),
            left_out,
            problem,
            form,
            errors,
            existing: None,
        })
    }
}

/// Services apart from numbers.
fn groups(offers: Vec<Offer>) -> Vec<Group> {
    let (services, numbers): (Vec<_>, Vec<_>) = offers
        .into_iter()
        .partition(|offer| matches!(offer.address, SenderAddress::MessagingService(_)));
    let view = |mut offer: Offer| OfferView {
        registrations: std::mem::take(&mut offer.registrations)
            .into_iter()
            .map(RegistrationView::from)
            .collect(),
        takes_from: offer.takes_from(),
        offer,
    };
    let group =
        |title, offers: Vec<Offer>| Group { title, offers: offers.into_iter().map(view).collect() };
    let groups = [group("Messaging Services", services), group("Phone numbers", numbers)];
    groups.into_iter().filter(|group| !group.offers.is_empty()).collect()
}

impl Page for AddSenderPage {
    const TEMPLATE: &'static str = "ui/connections/add_sender.html";
}

#[cfg(debug_assertions)]
#[path = "samples/add_sender.rs"]
mod samples;
