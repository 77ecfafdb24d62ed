//! The page of one automation: its flow with numbers, and how to start it.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::flow::FlowCard;
use super::how_to_start::HowToStart;
use super::sentences;
use super::step_numbers::StepNumber;
use crate::automations::counts::{self, STEP_SCAN_LIMIT};
use crate::automations::{self, AutomationStatus, Definition, EnrollmentStatus, Step};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::types::id::AutomationId;
use crate::types::public_url::PublicUrl;
use crate::web::ui::ledger::LedgerTotals;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{senders, templates};

/// The page of one automation: its flow with numbers.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationShowPage {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    version: i32,
    updated_at: DateTime<Utc>,
    archived_at: Option<DateTime<Utc>>,
    /// Whether it can be deleted: no contact has entered it.
    deletable: bool,
    trigger: FlowCard,
    /// The numbers of the trigger: of all versions.
    entered: Vec<StepNumber>,
    steps: Vec<StepRow>,
    inside_former: Vec<Former>,
    enrollments: Vec<Count>,
    /// Whether there are more enrollments than were counted.
    only_newest: bool,
    most_counted: i64,
    standing: LedgerTotals,
    how_to_start: Option<HowToStart>,
    errors: FieldErrors,
}

/// A step in words.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    text: String,
    card: FlowCard,
    numbers: Vec<StepNumber>,
    template: Option<String>,
}

/// The number of active enrollments in an earlier version.
#[derive(Debug, Serialize)]
struct Former {
    version: i32,
    inside: i64,
}

#[derive(Debug, Serialize)]
struct Count {
    status: EnrollmentStatus,
    count: i64,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<AutomationId>) -> PageResult {
    let page = AutomationShowPage::load(
        &mut *visit.conn().await?,
        &visit.context.config.public_url,
        *id,
        visit.now(),
        FieldErrors::default(),
    )
    .await?;
    visit.page(&page)
}

impl AutomationShowPage {
    pub(super) async fn load(
        conn: &mut Conn,
        public_url: &PublicUrl,
        id: AutomationId,
        now: DateTime<Utc>,
        errors: FieldErrors,
    ) -> Result<Self, Error> {
        let automation = automations::find(conn, id).await?;
        let passages = counts::by_step(conn, id, automation.version).await?;
        let messages = counts::messages(conn, id, now).await?;
        let mut steps = step_rows(conn, &automation.definition).await?;
        let numbers = StepNumber::of_steps(&automation.definition, &passages);
        for (row, numbers) in steps.iter_mut().zip(numbers) {
            row.numbers = numbers;
        }
        Ok(Self {
            id,
            status: automation.status,
            version: automation.version,
            updated_at: automation.updated_at,
            archived_at: automation.archived_at,
            deletable: passages.scanned == 0 && automation.status != AutomationStatus::Active,
            trigger: FlowCard::of_trigger(Some(&automation.definition.trigger)),
            entered: StepNumber::of_trigger(&passages),
            steps,
            inside_former: passages
                .inside_former
                .iter()
                .rev()
                .map(|(version, inside)| Former { version: *version, inside: *inside })
                .collect(),
            enrollments: EnrollmentStatus::ALL
                .iter()
                .map(|status| Count { status: *status, count: passages.with(*status) })
                .collect(),
            only_newest: passages.scanned >= STEP_SCAN_LIMIT,
            most_counted: STEP_SCAN_LIMIT,
            standing: LedgerTotals::of_automation(id, messages),
            how_to_start: HowToStart::load(conn, &automation, public_url).await?,
            name: automation.name,
            errors,
        })
    }
}

/// The rows of the steps of a definition, without numbers.
pub(super) async fn step_rows(
    conn: &mut Conn,
    definition: &Definition,
) -> Result<Vec<StepRow>, Error> {
    let (template_ids, sender_ids) = definition.refers_to();
    let templates = templates::find_many(conn, &template_ids).await?;
    let senders = senders::find_many(conn, &sender_ids).await?;
    let row = |step: &Step| {
        let template_id = match step {
            Step::SendSms { template_id, .. } => *template_id,
            Step::Wait { .. } => None,
        };
        StepRow {
            text: sentences::step(step, &templates, &senders),
            card: FlowCard::of_step(step, &templates, &senders),
            numbers: Vec::new(),
            template: template_id.map(|id| format!("/templates/{id}")),
        }
    };
    Ok(definition.steps.iter().map(row).collect())
}

impl Page for AutomationShowPage {
    const TEMPLATE: &'static str = "ui/automations/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
