//! Samples of the page of an automation: active, paused, and a draft that cannot be switched on.

use chrono::DateTime;

use super::{AutomationShowPage, Count, Former, StepMessages, StepRow};
use crate::automations::counts::STEP_SCAN_LIMIT;
use crate::automations::{AutomationStatus, EnrollmentStatus};
use crate::error::FieldErrors;
use crate::ledger::Counts;
use crate::ledger::outcome::Outcome;
use crate::types::id::AutomationId;
use crate::web::ui::automations::activation_problems::as_problems;
use crate::web::ui::automations::enrollment_list::EnrollmentRow;
use crate::web::ui::ledger::LedgerTotals;
use crate::web::{Samples, Varies};

impl Samples for AutomationShowPage {
    const VARIES: Varies = Varies {
        texts: &["name", "trigger", "steps.text", "recent.contact", "recent.reason"],
        lists: &["steps", "inside_former", "recent"],
    };

    fn samples() -> Vec<Self> {
        let page = |status, errors| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            status,
            version: 3,
            updated_at: DateTime::UNIX_EPOCH,
            trigger: "When the event “order_completed” is reported".to_owned(),
            steps: StepRow::samples(),
            inside_former: vec![
                Former { version: 2, inside: 1_234 },
                Former { version: 1, inside: 1 },
            ],
            enrollments: EnrollmentStatus::ALL
                .iter()
                .map(|status| Count { status: *status, count: 1_234 })
                .collect(),
            only_newest: true,
            most_counted: STEP_SCAN_LIMIT,
            standing: LedgerTotals::of_automation(
                1,
                Counts { recipients: 7, delivered: 7, ..Counts::default() },
            ),
            recent: EnrollmentRow::samples(),
            errors,
        };
        let wrong = FieldErrors::default()
            .with("steps.0.sender_id", "The sender is disabled.")
            .with("name", "Odd.");
        let empty = Self {
            steps: Vec::new(),
            inside_former: Vec::new(),
            recent: Vec::new(),
            only_newest: false,
            standing: LedgerTotals::of_automation(1, Counts::default()),
            ..page(AutomationStatus::Draft, as_problems(&wrong))
        };
        vec![
            page(AutomationStatus::Active, FieldErrors::default()),
            page(AutomationStatus::Paused, FieldErrors::default()),
            empty,
        ]
    }
}

impl StepRow {
    /// Two steps: an SMS and a wait.
    pub(in crate::web::ui::automations) fn samples() -> Vec<Self> {
        let message =
            |outcome: Outcome, count| StepMessages { outcome, count, meaning: outcome.meaning() };
        let step = |kind, text: &str, template: Option<&str>, waiting| Self {
            kind,
            text: text.to_owned(),
            template: template.map(str::to_owned),
            waiting,
            passed: 1_234,
            failed: 1,
            messages: if kind == "wait" {
                Vec::new()
            } else {
                vec![message(Outcome::Delivered, 1_200), message(Outcome::Suppressed, 32)]
            },
            without_message: if kind == "wait" { 0 } else { 2 },
        };
        vec![
            step(
                "send_sms",
                "Send “Thank <you>” to the contact, from Shop",
                Some("/templates/1"),
                0,
            ),
            step("wait", "Wait 1 day", None, 7),
        ]
    }
}
