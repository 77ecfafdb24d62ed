//! Samples of the dry run of an automation: each outcome of a step, and no result.

use chrono::DateTime;

use super::{AutomationDryRun, DryRunForm, DryRunPage, DryRunView, StepView, unreported_choices};
use crate::error::FieldErrors;
use crate::types::id::AutomationId;
use crate::web::ui::made_up_contact::MADE_UP;
use crate::web::ui::{Choice, preview_event};
use crate::web::{Samples, Varies};

impl Samples for DryRunPage {
    const VARIES: Varies = Varies {
        texts: &[
            "name",
            "trigger",
            "trial.contacts.label",
            "trial.run.result",
            "trial.run.steps.name",
            "trial.run.steps.text",
            "trial.run.steps.body",
        ],
        lists: &["trial.contacts", "trial.events", "trial.run.steps"],
    };

    fn samples() -> Vec<Self> {
        let page = |trial| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            trigger: "When a contact is created".to_owned(),
            trial,
            errors: FieldErrors::default()
                .with("find", "No contact matches.")
                .with("event", "This is not JSON."),
        };
        AutomationDryRun::samples().into_iter().map(page).collect()
    }
}

impl AutomationDryRun {
    /// A dry run with every outcome once, and one without a result.
    pub(in crate::web::ui::automations) fn samples() -> Vec<Self> {
        let step = |number, kind, body: Option<&str>| StepView {
            number,
            at: DateTime::UNIX_EPOCH,
            kind,
            verb: if kind == "wait" { "Wait" } else { "Send" },
            name: if kind == "wait" { "3 days" } else { "Thank <you>" }.to_owned(),
            text: "To +1 415 555 0123 from <Shop>".to_owned(),
            body: body.map(str::to_owned),
            media_urls: body.map(|_| "https://example.com/a.jpg".to_owned()).into_iter().collect(),
            characters: 161,
            parts: 2,
        };
        let with_text =
            ["send", "suppressed", "held"].map(|kind| (kind, Some("Thank <you>, Ada!")));
        let without_text = ["not_sent", "wait", "fail"].map(|kind| (kind, None));
        let steps = with_text
            .into_iter()
            .chain(without_text)
            .enumerate()
            .map(|(index, (kind, body))| step(index + 1, kind, body))
            .collect();
        let run = DryRunView {
            event: Some(serde_json::json!({ "order_id": "A-1 <b>" })),
            starts: false,
            result: "Ada <Lovelace> would not enter".to_owned(),
            start: "The trigger waits for the event “order”. These steps follow if it arrives."
                .to_owned(),
            steps,
            ends_at: DateTime::UNIX_EPOCH,
            parts: 2,
        };
        let full = Self {
            form: DryRunForm {
                find: "ada".to_owned(),
                event_id: preview_event::WRITTEN.to_owned(),
                event: "{\"order_id\": \"A-1 <b>\"}".to_owned(),
                ..DryRunForm::default()
            },
            contacts: vec![Choice::new("1", "Ada <Lovelace>")],
            events: [Choice::new("1", "order_completed, 1 Jan 1970, 00:00")]
                .into_iter()
                .chain(unreported_choices())
                .collect(),
            needs_event: true,
            run: Some(run),
        };
        let without_run = Self {
            form: DryRunForm::default(),
            contacts: vec![Choice::new(MADE_UP, "A made-up contact")],
            events: Vec::new(),
            needs_event: false,
            run: None,
        };
        vec![full, without_run]
    }
}
