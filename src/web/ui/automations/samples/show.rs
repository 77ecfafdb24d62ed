//! Samples of the page of an automation: active, paused, archived, and a draft that cannot be
//! switched on.

use chrono::DateTime;

use super::{AutomationShowPage, Count, Former, StepRow};
use crate::automations::counts::STEP_SCAN_LIMIT;
use crate::automations::{AutomationStatus, EnrollmentStatus};
use crate::error::FieldErrors;
use crate::ledger::Counts;
use crate::types::id::AutomationId;
use crate::web::ui::automations::activation_problems::as_problems;
use crate::web::ui::automations::flow::FlowCard;
use crate::web::ui::automations::how_to_start::HowToStart;
use crate::web::ui::automations::step_numbers::StepNumber;
use crate::web::ui::ledger::LedgerTotals;
use crate::web::{Samples, Varies};

impl Samples for AutomationShowPage {
    const VARIES: Varies = Varies {
        texts: &["name", "trigger.name", "trigger.detail", "steps.card.name", "steps.card.detail"],
        lists: &["steps", "inside_former"],
    };

    fn samples() -> Vec<Self> {
        let page = |status, errors| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            status,
            version: 3,
            updated_at: DateTime::UNIX_EPOCH,
            archived_at: None,
            deletable: false,
            trigger: FlowCard::sample_trigger(),
            entered: StepNumber::samples(),
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
            how_to_start: None,
            errors,
        };
        let wrong = FieldErrors::default()
            .with("steps.0.sender_id", "The sender is disabled.")
            .with("name", "Odd.");
        let empty = Self {
            steps: Vec::new(),
            inside_former: Vec::new(),
            deletable: true,
            only_newest: false,
            standing: LedgerTotals::of_automation(1, Counts::default()),
            ..page(AutomationStatus::Draft, as_problems(&wrong))
        };
        let active = HowToStart::samples().map(|how_to_start| Self {
            how_to_start: Some(how_to_start),
            ..page(AutomationStatus::Active, FieldErrors::default())
        });
        let [event, tag, contact, source] = active;
        let paused = || page(AutomationStatus::Paused, FieldErrors::default());
        let archived = Self { archived_at: Some(DateTime::UNIX_EPOCH), ..paused() };
        vec![event, tag, contact, source, paused(), archived, empty]
    }
}

impl StepRow {
    /// Two steps: an SMS and a wait.
    pub(in crate::web::ui::automations) fn samples() -> Vec<Self> {
        let [sent, wait] = FlowCard::samples();
        let step = |text: &str, card, template: Option<&str>, numbers| Self {
            text: text.to_owned(),
            card,
            numbers,
            template: template.map(str::to_owned),
        };
        let text = "Send “Thank <you>” to the contact, from Shop";
        vec![
            step(text, sent, Some("/templates/1"), StepNumber::samples()),
            step("Wait 1 day", wait, None, Vec::new()),
        ]
    }
}
