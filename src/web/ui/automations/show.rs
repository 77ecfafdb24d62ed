//! The page of one automation: its steps, its counts and its newest enrollments.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::enrollment_list::{self, EnrollmentRow};
use super::labels;
use crate::automations::counts::{self, STEP_SCAN_LIMIT, StepCounts};
use crate::automations::{
    self, AutomationStatus, Definition, EnrollmentFilter, EnrollmentStatus, Step,
};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::ledger::outcome::Outcome;
use crate::types::id::AutomationId;
use crate::web::ui::ledger::LedgerTotals;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{senders, templates};

/// The number of enrollments on the page.
const RECENT: i64 = 10;

/// The page of one automation: steps in words, counts, and newest enrollments.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationShowPage {
    id: AutomationId,
    name: String,
    status: AutomationStatus,
    version: i32,
    updated_at: DateTime<Utc>,
    trigger: String,
    steps: Vec<StepRow>,
    inside_former: Vec<Former>,
    enrollments: Vec<Count>,
    /// Whether there are more enrollments than were counted.
    only_newest: bool,
    most_counted: i64,
    standing: LedgerTotals,
    recent: Vec<EnrollmentRow>,
    errors: FieldErrors,
}

/// A step in words, with how many contacts wait at it, have passed it, or failed.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    /// The kind of step: `send_sms` or `wait`.
    kind: &'static str,
    text: String,
    template: Option<String>,
    waiting: i64,
    passed: i64,
    failed: i64,
    /// The outcomes of the messages that this step has sent.
    messages: Vec<StepMessages>,
    /// How many contacts have passed a sending step without a message, as far as known.
    without_message: i64,
}

/// The number of messages of a step with one outcome.
#[derive(Debug, Serialize)]
struct StepMessages {
    outcome: Outcome,
    count: i64,
    meaning: &'static str,
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
        id: AutomationId,
        now: DateTime<Utc>,
        errors: FieldErrors,
    ) -> Result<Self, Error> {
        let automation = automations::find(conn, id).await?;
        let passages = counts::by_step(conn, id, automation.version).await?;
        let messages = counts::messages(conn, id, now).await?;
        let mut steps = step_rows(conn, &automation.definition).await?;
        fill_counts(&mut steps, &automation.definition, &passages);
        let newest =
            automations::enrollments(conn, id, &EnrollmentFilter::default(), None, RECENT).await?;
        Ok(Self {
            id,
            status: automation.status,
            version: automation.version,
            updated_at: automation.updated_at,
            trigger: labels::trigger(&automation.definition.trigger),
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
            recent: enrollment_list::rows(conn, newest).await?,
            name: automation.name,
            errors,
        })
    }
}

/// The rows of the steps of a definition, without counts.
pub(super) async fn step_rows(
    conn: &mut Conn,
    definition: &Definition,
) -> Result<Vec<StepRow>, Error> {
    let (template_ids, sender_ids) = definition.refers_to();
    let templates = templates::find_many(conn, &template_ids).await?;
    let senders = senders::find_many(conn, &sender_ids).await?;
    let row = |step: &Step| {
        let (kind, template_id) = match step {
            Step::SendSms { template_id, .. } => ("send_sms", *template_id),
            Step::Wait { .. } => ("wait", None),
        };
        let template = template_id.map(|id| format!("/templates/{id}"));
        StepRow {
            kind,
            text: labels::step(step, &templates, &senders),
            template,
            waiting: 0,
            passed: 0,
            failed: 0,
            messages: Vec::new(),
            without_message: 0,
        }
    };
    Ok(definition.steps.iter().map(row).collect())
}

/// Fills in the counts of each step. An enrollment in a wait already points to the next step, so it
/// is counted at the wait and not there.
fn fill_counts(rows: &mut [StepRow], definition: &Definition, passages: &StepCounts) {
    let is_wait = |index: usize| matches!(definition.steps.get(index), Some(Step::Wait { .. }));
    for (index, row) in rows.iter_mut().enumerate() {
        let step = i16::try_from(index).unwrap_or(i16::MAX);
        let after_wait = index > 0 && is_wait(index - 1);
        let about_to = if after_wait { 0 } else { passages.at(EnrollmentStatus::Active, step) };
        let in_wait =
            if is_wait(index) { passages.at(EnrollmentStatus::Active, step + 1) } else { 0 };
        row.waiting = about_to + in_wait;
        row.passed = passages.passed(step) - in_wait;
        row.failed = passages.at(EnrollmentStatus::Failed, step);
        if !is_wait(index) {
            let message = |(outcome, count)| StepMessages {
                outcome,
                count,
                meaning: Outcome::meaning(outcome),
            };
            row.messages = passages.messages_at(step).map(message).collect();
            let with_message: i64 = row.messages.iter().map(|message| message.count).sum();
            row.without_message = (row.passed - with_message).max(0);
        }
    }
}

impl Page for AutomationShowPage {
    const TEMPLATE: &'static str = "ui/automations/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiting_contact_is_counted_only_at_the_wait() {
        let sms = json!({"type": "send_sms"});
        let steps = json!([sms, {"type": "wait", "seconds": 60}, sms]);
        let definition = Definition::parse(&json!({"type": "contact_created"}), &steps).unwrap();
        let counts = [
            ((EnrollmentStatus::Active, 0), 2),
            ((EnrollmentStatus::Active, 2), 5),
            ((EnrollmentStatus::Failed, 2), 1),
            ((EnrollmentStatus::Completed, 3), 10),
        ];
        let messages =
            [((0, Outcome::Delivered), 13), ((0, Outcome::Suppressed), 3), ((2, Outcome::Sent), 9)];
        let passages = StepCounts {
            counts: counts.into_iter().collect(),
            messages: messages.into_iter().collect(),
            ..StepCounts::default()
        };
        let mut rows: Vec<StepRow> =
            StepRow::samples().into_iter().chain(StepRow::samples()).take(3).collect();
        fill_counts(&mut rows, &definition, &passages);
        let counted: Vec<_> =
            rows.iter().map(|row| (row.waiting, row.passed, row.failed)).collect();
        assert_eq!(counted, [(2, 16, 0), (5, 11, 0), (0, 10, 1)]);
        let outcomes = |row: &StepRow| {
            let messages: Vec<_> =
                row.messages.iter().map(|message| (message.outcome, message.count)).collect();
            (messages, row.without_message)
        };
        assert_eq!(
            outcomes(&rows[0]),
            (vec![(Outcome::Delivered, 13), (Outcome::Suppressed, 3)], 0)
        );
        assert_eq!(outcomes(&rows[1]), (Vec::new(), 0));
        assert_eq!(outcomes(&rows[2]), (vec![(Outcome::Sent, 9)], 1));
    }
}
