//! The buttons of the editor: each posts the whole form, and says with the field `do` what is
//! meant.

use serde::Serialize;

use super::form::{AutomationForm, ConditionForm};
use super::step_form::StepForm;

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AutomationAction {
    /// Save, and show it.
    Save,
    /// Save, and go where it is told what switching it on will do.
    Activate,
    /// Keep what is typed and write a new template for this step.
    NewTemplate(usize),
    /// Show what it would do for somebody, without sending anything.
    Try,
    /// Change the form and show it again.
    Edit(Edit),
}

/// A change of the form itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// A further SMS, as this step.
    AddSms(usize),
    /// A wait, as this step.
    AddWait(usize),
    /// The same step once more, behind it.
    Copy(usize),
    /// One step less.
    Remove(usize),
    /// Before the step before it.
    Up(usize),
    /// Behind the step behind it.
    Down(usize),
    /// A further condition.
    AddCondition,
    /// One condition less.
    RemoveCondition(usize),
}

impl AutomationAction {
    /// Reads the field `do`; without it (Enter in a field), saving is meant.
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let asked =
            pairs.iter().find(|(name, _)| name == "do").map_or("save", |(_, value)| value.as_str());
        let (verb, index) = asked.split_once('.').unwrap_or((asked, ""));
        let index = index.parse::<usize>();
        match (verb, index) {
            ("activate", _) => Self::Activate,
            ("new_template", Ok(index)) => Self::NewTemplate(index),
            ("try", _) => Self::Try,
            ("add_sms", index) => Self::Edit(Edit::AddSms(index.unwrap_or(usize::MAX))),
            ("add_wait", index) => Self::Edit(Edit::AddWait(index.unwrap_or(usize::MAX))),
            ("copy", Ok(index)) => Self::Edit(Edit::Copy(index)),
            ("remove", Ok(index)) => Self::Edit(Edit::Remove(index)),
            ("up", Ok(index)) => Self::Edit(Edit::Up(index)),
            ("down", Ok(index)) => Self::Edit(Edit::Down(index)),
            ("add_condition", _) => Self::Edit(Edit::AddCondition),
            ("remove_condition", Ok(index)) => Self::Edit(Edit::RemoveCondition(index)),
            _ => Self::Save,
        }
    }
}

/// What has the focus on the page that answers, so that whoever uses the keyboard goes on where
/// they pressed: a step or field by its name, or a button by what it asks for; nothing is the
/// page's beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Focus(String);

impl Focus {
    /// A step.
    pub(super) fn step(index: usize) -> Self {
        Self(format!("steps.{index}"))
    }

    /// What came of trying it.
    pub(super) fn trial() -> Self {
        Self("would-be".to_owned())
    }

    fn condition(index: usize) -> Self {
        Self(format!("trigger.where.{index}.property"))
    }

    fn button(action: impl Into<String>) -> Self {
        Self(action.into())
    }
}

impl Edit {
    /// Changes the form, and says where one goes on; an index that does not exist changes nothing.
    pub(super) fn apply(self, form: &mut AutomationForm) -> Focus {
        let (steps, conditions) = (&mut form.steps, &mut form.trigger.conditions);
        match self {
            Self::AddSms(index) => {
                let index = index.min(steps.len());
                // Most automations send from one number: the last one chosen is offered again.
                let sender_id =
                    steps.iter().rev().map(|step| step.sender_id.clone()).find(|id| !id.is_empty());
                steps.insert(
                    index,
                    StepForm { sender_id: sender_id.unwrap_or_default(), ..StepForm::sms() },
                );
                Focus::step(index)
            }
            Self::AddWait(index) => {
                let index = index.min(steps.len());
                steps.insert(index, StepForm::wait());
                Focus::step(index)
            }
            Self::Copy(index) if index < steps.len() => {
                steps.insert(index + 1, steps[index].clone());
                Focus::step(index + 1)
            }
            Self::Remove(index) if index < steps.len() => {
                steps.remove(index);
                // What has come to its place, else what is the last now.
                steps
                    .len()
                    .checked_sub(1)
                    .map_or_else(|| Focus::button("add_sms"), |last| Focus::step(index.min(last)))
            }
            // The same button of the step, wherever it is now, so that it can be pressed again; at
            // either end there is only the other one.
            Self::Up(index) if index > 0 && index < steps.len() => {
                steps.swap(index, index - 1);
                Focus::button(if index > 1 {
                    format!("up.{}", index - 1)
                } else {
                    "down.0".to_owned()
                })
            }
            Self::Down(index) if index + 1 < steps.len() => {
                steps.swap(index, index + 1);
                let button = if index + 2 < steps.len() { "down" } else { "up" };
                Focus::button(format!("{button}.{}", index + 1))
            }
            Self::AddCondition => {
                conditions.push(ConditionForm { op: "eq".to_owned(), ..ConditionForm::default() });
                Focus::condition(conditions.len() - 1)
            }
            Self::RemoveCondition(index) if index < conditions.len() => {
                conditions.remove(index);
                if index < conditions.len() {
                    Focus::condition(index)
                } else {
                    Focus::button("add_condition")
                }
            }
            Self::Copy(_)
            | Self::Remove(_)
            | Self::Up(_)
            | Self::Down(_)
            | Self::RemoveCondition(_) => Focus::default(),
        }
    }
}
