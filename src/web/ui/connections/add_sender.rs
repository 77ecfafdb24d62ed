//! Adding a sender to a connection: chosen from what the account has, or typed.

use actix_web::web::{self, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::view::ConnectionView;
use crate::connections::{self, SenderAddress, VerifiedSender};
use crate::error::FieldErrors;
use crate::types::id::ConnectionId;
use crate::web::connecting::{self, ConnectError};
use crate::web::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// Mounts the form.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/senders/new").get(ask)).service(web::resource("/connections/{id}/senders").post(add));
}

/// The form for one more sender.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AddSenderPage {
    connection: ConnectionView,
    /// What the account has and the connection has not.
    options: Vec<Choice>,
    /// Why Twilio could not be asked for them.
    problem: Option<String>,
    form: SenderInput,
    errors: FieldErrors,
}

/// What is chosen, or typed: typing wins.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SenderInput {
    chosen: String,
    sender: String,
}

async fn ask(visit: Visit<Admin>, id: Path<ConnectionId>) -> PageResult {
    let page = AddSenderPage::load(&visit, *id, SenderInput::default(), FieldErrors::default()).await?;
    visit.page(&page)
}

async fn add(visit: Visit<Admin>, id: Path<ConnectionId>, form: Form<SenderInput>) -> PageResult {
    let wanted = if form.sender.trim().is_empty() { &form.chosen } else { &form.sender };
    match connecting::add_sender(&visit.app, *id, wanted).await {
        Ok(sender) => {
            let there = visit.redirect(format!("/connections/{id}"));
            match &sender.webhook_error {
                None => there.flash(format!("{} is added, and its incoming messages are reported here.", sender.label())),
                Some(reason) => {
                    there.warning(format!("{} is added, but its incoming messages are not reported here. {reason}", sender.label()))
                }
            }
        }
        Err(error) => {
            let errors = error.fields()?;
            let page = AddSenderPage::load(&visit, *id, form.into_inner(), errors).await?;
            visit.invalid(&page)
        }
    }
}

impl AddSenderPage {
    async fn load(visit: &Visit<Admin>, id: ConnectionId, form: SenderInput, errors: FieldErrors) -> Result<Self, PageError> {
        let connection = connections::find(&mut *visit.conn().await?, id).await?;
        let (candidates, problem) = match connecting::candidates(&visit.app, id).await {
            Ok(candidates) => (candidates, None),
            Err(ConnectError::Problem(problem)) => (Vec::new(), Some(problem.message())),
            Err(error) => return Err(error.into()),
        };
        let options = candidates.iter().map(choice).collect();
        Ok(Self { connection: connection.into(), options, problem, form, errors })
    }
}

fn choice(candidate: &VerifiedSender) -> Choice {
    let address = candidate.address.for_people();
    let label = match &candidate.address {
        SenderAddress::MessagingService(_) => format!("{} – Messaging Service {address}", candidate.name),
        SenderAddress::PhoneNumber(_) if candidate.name == address => address,
        SenderAddress::PhoneNumber(_) => format!("{address} – {}", candidate.name),
    };
    Choice::new(candidate.address.as_str(), label)
}

impl Page for AddSenderPage {
    const TEMPLATE: &'static str = "ui/connections/add_sender.html";

    fn samples() -> Vec<Self> {
        let sample = |options, problem, errors| Self {
            connection: ConnectionView::sample(),
            options,
            problem,
            form: SenderInput::default(),
            errors,
        };
        let options =
            vec![Choice::new("+15005550006", "+1 500 555 0006 – Shop <1>"), Choice::new("MG1", "Newsletter – Messaging Service MG1")];
        vec![
            sample(options, None, FieldErrors::default()),
            sample(Vec::new(), None, FieldErrors::default().with("sender", "The number is not in this account.")),
            sample(Vec::new(), Some("Twilio could not be reached.".to_owned()), FieldErrors::default()),
        ]
    }
}
