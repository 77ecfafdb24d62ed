//! Samples of the editor: new, filled, running, and with errors.

use std::collections::HashMap;

use super::AutomationEditPage;
use crate::automations::AutomationStatus;
use crate::error::FieldErrors;
use crate::types::id::AutomationId;
use crate::types::storable_text;
use crate::web::ui::Choice;
use crate::web::ui::automations::dry_run::{AutomationDryRun, DryRunForm};
use crate::web::ui::automations::editor_choices::EditorChoices;
use crate::web::ui::automations::flow::FlowCard;
use crate::web::ui::automations::focus::Focus;
use crate::web::ui::automations::form::AutomationForm;
use crate::web::ui::automations::panel::Panel;
use crate::web::ui::automations::removed_step::RemovedStep;
use crate::web::{Samples, Varies};

impl Samples for AutomationEditPage {
    const VARIES: Varies = Varies {
        texts: &[
            "form.name",
            "form.trigger.name",
            "form.trigger.tag",
            "trigger.name",
            "cards.name",
            "cards.detail",
            "choices.templates.label",
            "choices.senders.label",
            "choices.tags",
            "choices.sources.label",
            "trial.contacts.label",
            "trial.run.result",
            "trial.run.steps.name",
            "trial.run.steps.text",
            "trial.run.steps.body",
        ],
        lists: &[
            "choices.templates",
            "choices.senders",
            "choices.tags",
            "choices.sources",
            "trial.contacts",
            "trial.events",
        ],
    };

    fn samples() -> Vec<Self> {
        let choice =
            |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned() };
        let choices = || EditorChoices {
            templates: vec![choice("t", "Thank <you>")],
            bodies: HashMap::from([(
                "t".to_owned(),
                "Hi {{ contact.first_name }} <b>!".to_owned(),
            )]),
            senders: vec![choice("s", "Shop (+1 500 555 0006)")],
            tags: vec!["VIP \"1\"".to_owned()],
            sources: vec![choice("o", "Shop <1>")],
            ..EditorChoices::fixed()
        };
        let query = "name=Thank+you&trigger.type=event&trigger.name=order_completed&trigger.where.0.property=total\
            &trigger.where.0.op=gte&trigger.where.0.value=100&steps.0.type=send_sms&steps.0.template_id=t&steps.0.sender_id=s\
            &steps.0.to=event&steps.0.property=phone&steps.1.type=wait&steps.1.seconds=x&steps.1.unit=days";
        let pairs: Vec<(String, String)> = storable_text::pairs(query.as_bytes())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        let wrong = FieldErrors::default()
            .with("form", "Not saved yet. Correct the marked fields.")
            .with("steps.1.seconds", "Enter a whole number, such as 2.")
            .with("steps.0.template_id", "There is no such template.")
            .with("try.event", "This is not JSON.")
            .with("trigger.where.0.value", "This is wrong.");
        let id = Some(AutomationId::new());
        let page = |id, status, form: AutomationForm, errors| {
            let removed = RemovedStep::of(&form, 1);
            let page = Self {
                id,
                status,
                is_unsaved: false,
                form,
                errors,
                choices: choices(),
                trial: AutomationDryRun::samples().into_iter().next(),
                tried: DryRunForm::default(),
                trigger: FlowCard::of_trigger(None),
                cards: Vec::new(),
                panel: Panel::Step(0),
                removed,
                focus: Focus::step(0),
            };
            page.with_cards()
        };
        let no_errors = FieldErrors::default;
        vec![
            page(None, AutomationStatus::Draft, AutomationForm::blank(), no_errors()),
            page(id, AutomationStatus::Draft, AutomationForm::from_pairs(&pairs), wrong),
            page(id, AutomationStatus::Active, AutomationForm::from_pairs(&pairs), no_errors()),
            Self {
                panel: Panel::DryRun,
                ..page(id, AutomationStatus::Draft, AutomationForm::from_pairs(&pairs), no_errors())
            },
            Self {
                trial: None,
                panel: Panel::Trigger,
                choices: EditorChoices::fixed(),
                ..page(id, AutomationStatus::Paused, AutomationForm::default(), no_errors())
            },
        ]
    }
}
