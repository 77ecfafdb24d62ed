//! One automation: what it does, step by step, and what came of it.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::super::ledger::LedgerTotals;
use super::enrollments::{self, EnrollmentRow};
use super::words;
use crate::automations::counts::{self, MAX_BY_STEP, Passages};
use crate::automations::{
    self, AutomationStatus, Definition, EnrollmentFilter, EnrollmentStatus, Step,
};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::ledger::outcome::Outcome;
use crate::types::id::AutomationId;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{senders, templates};

/// Enrollments shown on the page.
const RECENT: i64 = 10;

/// An automation with its steps in words, its counts and its newest enrollments.
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

/// A step in words, with who stands where.
#[derive(Debug, Serialize)]
pub(super) struct StepRow {
    /// `send_sms` or `wait`.
    kind: &'static str,
    text: String,
    template: Option<String>,
    waiting: i64,
    passed: i64,
    failed: i64,
    /// What became of the messages of those who have passed a step that sends.
    messages: Vec<StepMessages>,
    /// How many have passed it without a message, where that is known.
    without_message: i64,
}

/// How many messages of a step have an outcome.
#[derive(Debug, Serialize)]
struct StepMessages {
    outcome: Outcome,
    count: i64,
    meaning: &'static str,
}

/// Who passes through a version that is not the present one any more.
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
        count_in(&mut steps, &automation.definition, &passages);
        let newest =
            automations::enrollments(conn, id, &EnrollmentFilter::default(), None, RECENT).await?;
        Ok(Self {
            id,
            status: automation.status,
            version: automation.version,
            updated_at: automation.updated_at,
            trigger: words::trigger(&automation.definition.trigger),
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
            only_newest: passages.looked_at >= MAX_BY_STEP,
            most_counted: MAX_BY_STEP,
            standing: LedgerTotals::of_automation(id, messages),
            recent: enrollments::rows(conn, newest).await?,
            name: automation.name,
            errors,
        })
    }
}

/// The steps of a definition in words.
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
            text: words::step(step, &templates, &senders),
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

/// Writes at each step who stands there: whoever waits stands before the next step already.
fn count_in(rows: &mut [StepRow], definition: &Definition, passages: &Passages) {
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
            let made: i64 = row.messages.iter().map(|message| message.count).sum();
            row.without_message = (row.passed - made).max(0);
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
    fn whoever_waits_is_counted_at_the_wait_and_nowhere_else() {
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
        let passages = Passages {
            counts: counts.into_iter().collect(),
            messages: messages.into_iter().collect(),
            ..Passages::default()
        };
        let mut rows: Vec<StepRow> =
            StepRow::samples().into_iter().chain(StepRow::samples()).take(3).collect();
        count_in(&mut rows, &definition, &passages);
        let counted: Vec<_> =
            rows.iter().map(|row| (row.waiting, row.passed, row.failed)).collect();
        assert_eq!(counted, [(2, 16, 0), (5, 11, 0), (0, 10, 1)]);
        let became = |row: &StepRow| {
            let messages: Vec<_> =
                row.messages.iter().map(|message| (message.outcome, message.count)).collect();
            (messages, row.without_message)
        };
        assert_eq!(became(&rows[0]), (vec![(Outcome::Delivered, 13), (Outcome::Suppressed, 3)], 0));
        assert_eq!(became(&rows[1]), (Vec::new(), 0));
        assert_eq!(became(&rows[2]), (vec![(Outcome::Sent, 9)], 1));
    }
}
