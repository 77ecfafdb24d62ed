//! The form that adds a sender to a connection: chosen from what the account has, or typed.

use actix_web::web::{self, Path, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::connection_view::ConnectionView;
use super::sender_view::RegistrationView;
use super::show::show_senders;
use crate::connection_center::{self, ConnectError, Existing};
use crate::connections::{self, SenderAddress};
use crate::error::FieldErrors;
use crate::senders::candidates::{SenderCandidate, SenderCandidates};
use crate::types::id::ConnectionId;
use crate::web::http::error::PageError;
use crate::web::{Admin, Form, Page, PageResult, Query, Visit};

/// Mounts the form and its target, whose path is also that of the tab with the senders.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/senders/new").get(show))
        .service(web::resource("/connections/{id}/senders").get(show_senders).post(add));
}

/// The page that adds a sender.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AddSenderPage {
    connection: ConnectionView,
    /// The senders of the account that the connection lacks: services, then numbers.
    groups: Vec<Group>,
    /// The number of services that are not listed, because there are too many.
    left_out: usize,
    /// Why Twilio could not be queried for the senders of the account.
    problem: Option<String>,
    form: SenderInput,
    errors: FieldErrors,
    /// The connection that already has the entered sender.
    existing: Option<Existing>,
}

/// Candidates of one kind.
#[derive(Debug, Serialize)]
struct Group {
    title: &'static str,
    candidates: Vec<CandidateView>,
}

/// A candidate with its registrations, and what choosing it changes elsewhere.
#[derive(Debug, Serialize)]
struct CandidateView {
    #[serde(flatten)]
    candidate: SenderCandidate,
    registrations: Vec<RegistrationView>,
    /// Sentences about who would no longer get its reports.
    takes_from: Option<String>,
}

/// The chosen or the typed sender; a typed one takes precedence.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct SenderInput {
    chosen: String,
    sender: String,
}

/// Shows the form; the query can preset its fields.
async fn show(visit: Visit<Admin>, id: Path<ConnectionId>, form: Query<SenderInput>) -> PageResult {
    let page = AddSenderPage::load(&visit, *id, form.into_inner(), FieldErrors::default()).await?;
    visit.page(&page)
}

async fn add(visit: Visit<Admin>, id: Path<ConnectionId>, form: Form<SenderInput>) -> PageResult {
    let address = if form.sender.trim().is_empty() { &form.chosen } else { &form.sender };
    match connection_center::add_sender(&visit.context, &visit.actor(), *id, address).await {
        Ok(sender) => {
            let redirect = visit.redirect(format!("/connections/{id}"));
            match &sender.webhook_error {
                None => redirect
                    .flash(format!("{} added. Its incoming messages arrive here.", sender.label())),
                Some(reason) => redirect.warning(format!(
                    "{} added, but its incoming messages don’t arrive here. {reason}",
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
        mut form: SenderInput,
        errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let connection = connections::find(&mut *visit.conn().await?, id).await?;
        let (SenderCandidates { candidates, left_out }, problem) =
            match connection_center::candidates(&visit.context, id).await {
                Ok(candidates) => (candidates, None),
                Err(ConnectError::Problem(problem)) => (
                    SenderCandidates { candidates: Vec::new(), left_out: 0 },
                    Some(problem.message()),
                ),
                Err(error) => return Err(error.into()),
            };
        let mut fit = candidates.iter().filter(|candidate| candidate.unfit.is_none());
        if let (Some(only), None, 0) = (fit.next(), fit.next(), left_out)
            && form.chosen.is_empty()
        {
            only.address.as_str().clone_into(&mut form.chosen);
        }
        Ok(Self {
            connection: connection.into(),
            groups: groups(candidates),
            left_out,
            problem,
            form,
            errors,
            existing: None,
        })
    }
}

/// Groups candidates by kind: Messaging Services, then phone numbers.
fn groups(candidates: Vec<SenderCandidate>) -> Vec<Group> {
    let (services, numbers): (Vec<_>, Vec<_>) = candidates
        .into_iter()
        .partition(|candidate| matches!(candidate.address, SenderAddress::MessagingService(_)));
    let view = |mut candidate: SenderCandidate| CandidateView {
        registrations: std::mem::take(&mut candidate.registrations)
            .into_iter()
            .map(RegistrationView::from)
            .collect(),
        takes_from: candidate.effect_on_inbound(),
        candidate,
    };
    let group = |title, candidates: Vec<SenderCandidate>| Group {
        title,
        candidates: candidates.into_iter().map(view).collect(),
    };
    let groups = [group("Messaging Services", services), group("Phone numbers", numbers)];
    groups.into_iter().filter(|group| !group.candidates.is_empty()).collect()
}

impl Page for AddSenderPage {
    const TEMPLATE: &'static str = "ui/connections/add_sender.html";
}

#[cfg(debug_assertions)]
#[path = "samples/add_sender.rs"]
mod samples;
