//! One automation: what it does, in words, what came of it, and the switch.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::super::ledger::Standing;
use super::words;
use crate::automations::counts;
use crate::automations::{self, Automation, AutomationChange, AutomationStatus, Definition, EnrollmentStatus, Step};
use crate::contacts;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::messages::ledger::{self, Counts, Days, Grouping, LedgerFilter, Maker};
use crate::types::id::{AutomationId, ContactId, EnrollmentId};
use crate::web::{Marketer, Page, PageResult, Viewer, Visit};
use crate::{senders, templates};

/// Enrollments shown on the page.
const RECENT: i64 = 20;

/// An automation with its steps in words, its counts and its newest enrollments.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationPage {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    version: i32,
    updated_at: DateTime<Utc>,
    trigger: String,
    steps: Vec<StepRow>,
    enrollments: Vec<Count<EnrollmentStatus>>,
    standing: Standing,
    recent: Vec<EnrollmentRow>,
    errors: FieldErrors,
}

#[derive(Debug, Serialize)]
struct StepRow {
    text: String,
    template: Option<String>,
}

#[derive(Debug, Serialize)]
struct Count<S> {
    status: S,
    count: i64,
}

#[derive(Debug, Serialize)]
struct EnrollmentRow {
    id: EnrollmentId,
    contact_id: ContactId,
    contact: String,
    status: EnrollmentStatus,
    step: i16,
    due_at: Option<DateTime<Utc>>,
    started_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<AutomationId>) -> PageResult {
    let page = AutomationPage::load(&mut *visit.conn().await?, *id, visit.now(), FieldErrors::default()).await?;
    visit.page(&page)
}

pub(super) async fn activate(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    match switch(&mut *visit.conn().await?, visit.now(), *id, AutomationStatus::Active).await {
        Ok(automation) => visit.redirect(format!("/automations/{}", automation.id)).flash("The automation is switched on."),
        Err(Error::Invalid(errors)) => {
            let page = AutomationPage::load(&mut *visit.conn().await?, *id, visit.now(), as_problems(&errors)).await?;
            visit.invalid(&page)
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn pause(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    match switch(&mut *visit.conn().await?, visit.now(), *id, AutomationStatus::Paused).await {
        Ok(automation) => visit.redirect(format!("/automations/{}", automation.id)).flash("The automation is paused."),
        Err(Error::Invalid(errors)) => visit.redirect(format!("/automations/{id}")).warning(sentences(&errors).join(" ")),
        Err(other) => Err(other.into()),
    }
}

async fn switch(conn: &mut Conn, now: DateTime<Utc>, id: AutomationId, status: AutomationStatus) -> Result<Automation, Error> {
    let change = AutomationChange { status: Some(status), ..AutomationChange::default() };
    conn.transaction(async |conn| automations::update(conn, id, change, now).await).await
}

/// The errors of fields that this page does not show, as sentences that say where they belong.
fn as_problems(errors: &FieldErrors) -> FieldErrors {
    let lead = "It cannot be switched on yet. Edit it:";
    let start = FieldErrors::default().with("form", lead);
    sentences(errors).into_iter().fold(start, |problems, sentence| problems.with("form", sentence))
}

fn sentences(errors: &FieldErrors) -> Vec<String> {
    let place = |field: &str| match field.split('.').collect::<Vec<_>>().as_slice() {
        ["steps", index, ..] => index.parse::<usize>().map_or_else(|_| "Steps: ".to_owned(), |index| format!("Step {}: ", index + 1)),
        ["trigger", ..] => "Trigger: ".to_owned(),
        _ => String::new(),
    };
    errors.iter().flat_map(|(field, all)| all.iter().map(move |sentence| format!("{}{sentence}", place(field)))).collect()
}

impl AutomationPage {
    async fn load(conn: &mut Conn, id: AutomationId, now: DateTime<Utc>, errors: FieldErrors) -> Result<Self, Error> {
        let automation = automations::find(conn, id).await?;
        let enrollments = counts::enrollments(conn, id).await?;
        let filter = LedgerFilter { days: Days::all(now), maker: Some(Maker::Automation(id)), sender_id: None };
        let ledger = ledger::read(conn, &filter, Grouping::Automation).await?;
        let steps = step_rows(conn, &automation.definition).await?;
        Ok(Self {
            id,
            status: automation.status,
            version: automation.version,
            updated_at: automation.updated_at,
            trigger: words::trigger(&automation.definition.trigger),
            steps,
            enrollments: enrollments.into_iter().map(|(status, count)| Count { status, count }).collect(),
            standing: Standing::of_automation(id, ledger.totals),
            recent: recent(conn, id).await?,
            name: automation.name,
            errors,
        })
    }
}

async fn step_rows(conn: &mut Conn, definition: &Definition) -> Result<Vec<StepRow>, Error> {
    let ids = |step: &Step| match step {
        Step::SendSms { template_id, sender_id, .. } => (*template_id, *sender_id),
        Step::Wait { .. } => (None, None),
    };
    let (template_ids, sender_ids): (Vec<_>, Vec<_>) = definition.steps.iter().map(ids).unzip();
    let template_ids: Vec<_> = template_ids.into_iter().flatten().collect();
    let sender_ids: Vec<_> = sender_ids.into_iter().flatten().collect();
    let templates = templates::find_many(conn, &template_ids).await?;
    let senders = senders::find_many(conn, &sender_ids).await?;
    let row =
        |step: &Step| StepRow { text: words::step(step, &templates, &senders), template: ids(step).0.map(|id| format!("/templates/{id}")) };
    Ok(definition.steps.iter().map(row).collect())
}

async fn recent(conn: &mut Conn, id: AutomationId) -> Result<Vec<EnrollmentRow>, Error> {
    let enrollments = automations::enrollments(conn, id, None, RECENT).await?;
    let contact_ids: Vec<ContactId> = enrollments.iter().map(|enrollment| enrollment.contact_id).collect();
    let contacts = contacts::find_many(conn, &contact_ids).await?;
    let label = |id: ContactId| {
        let contact = contacts.iter().find(|contact| contact.id == id);
        contact.map(|contact| contact.full_name().unwrap_or_else(|| contact.phone.international())).unwrap_or_default()
    };
    let row = |enrollment: automations::Enrollment| EnrollmentRow {
        id: enrollment.id,
        contact_id: enrollment.contact_id,
        contact: label(enrollment.contact_id),
        status: enrollment.status,
        step: enrollment.step,
        due_at: Some(enrollment.due_at).filter(|_| enrollment.status == EnrollmentStatus::Active),
        started_at: enrollment.started_at,
    };
    Ok(enrollments.into_iter().map(row).collect())
}

impl Page for AutomationPage {
    const TEMPLATE: &'static str = "ui/automations/show.html";

    fn samples() -> Vec<Self> {
        let step = |text: &str| StepRow { text: text.to_owned(), template: Some("/templates/1".to_owned()) };
        let row = |status| EnrollmentRow {
            id: EnrollmentId::new(),
            contact_id: ContactId::new(),
            contact: "Ada <Lovelace>".to_owned(),
            status,
            step: 1,
            due_at: Some(DateTime::UNIX_EPOCH).filter(|_| status == EnrollmentStatus::Active),
            started_at: DateTime::UNIX_EPOCH,
        };
        let page = |status, errors| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            status,
            version: 3,
            updated_at: DateTime::UNIX_EPOCH,
            trigger: "When the event “order_completed” is reported".to_owned(),
            steps: vec![step("Send “Thank you” to the contact, from Shop"), step("Wait 1 day")],
            enrollments: EnrollmentStatus::ALL.iter().map(|status| Count { status: *status, count: 1_234 }).collect(),
            standing: Standing::of_automation(1, Counts { recipients: 7, delivered: 7, ..Counts::default() }),
            recent: EnrollmentStatus::ALL.iter().map(|status| row(*status)).collect(),
            errors,
        };
        let wrong = FieldErrors::default().with("steps.0.sender_id", "The sender is disabled.").with("name", "Odd.");
        let empty = Self {
            steps: Vec::new(),
            recent: Vec::new(),
            standing: Standing::of_automation(1, Counts::default()),
            ..page(AutomationStatus::Draft, as_problems(&wrong))
        };
        vec![page(AutomationStatus::Active, FieldErrors::default()), page(AutomationStatus::Paused, FieldErrors::default()), empty]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_fields_elsewhere_say_where_they_belong() {
        let errors =
            FieldErrors::default().with("steps.1.sender_id", "Choose one.").with("trigger.name", "Name it.").with("steps", "Add one.");
        assert_eq!(sentences(&errors), ["Add one.", "Step 2: Choose one.", "Trigger: Name it."]);
    }
}
