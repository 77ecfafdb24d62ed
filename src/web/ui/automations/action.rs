//! The buttons of the editor: each posts the whole form, and says with the field `do` what is meant.

use super::form::{AutomationForm, ConditionForm, StepForm};

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// Save, and show it.
    Save,
    /// Save and switch on.
    Activate,
    /// Keep what is typed and write a new template for this step.
    NewTemplate(usize),
    /// Change the form and show it again.
    Edit(Edit),
}

/// A change of the form itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edit {
    /// A further SMS at the end.
    AddSms,
    /// A wait at the end.
    AddWait,
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
    /// Show the fields of the trigger that was chosen.
    Refresh,
}

impl Action {
    /// Reads the field `do`; without it (Enter in a field), saving is meant.
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let asked = pairs.iter().find(|(name, _)| name == "do").map_or("save", |(_, value)| value.as_str());
        let (verb, index) = asked.split_once('.').unwrap_or((asked, ""));
        let index = index.parse::<usize>();
        match (verb, index) {
            ("activate", _) => Self::Activate,
            ("new_template", Ok(index)) => Self::NewTemplate(index),
            ("add_sms", _) => Self::Edit(Edit::AddSms),
            ("add_wait", _) => Self::Edit(Edit::AddWait),
            ("remove", Ok(index)) => Self::Edit(Edit::Remove(index)),
            ("up", Ok(index)) => Self::Edit(Edit::Up(index)),
            ("down", Ok(index)) => Self::Edit(Edit::Down(index)),
            ("add_condition", _) => Self::Edit(Edit::AddCondition),
            ("remove_condition", Ok(index)) => Self::Edit(Edit::RemoveCondition(index)),
            ("refresh", _) => Self::Edit(Edit::Refresh),
            _ => Self::Save,
        }
    }
}

impl Edit {
    /// Changes the form; an index that does not exist changes nothing.
    pub(super) fn apply(self, form: &mut AutomationForm) {
        let steps = &mut form.steps;
        match self {
            Self::AddSms => {
                // Most automations send from one number: the last one chosen is offered again.
                let sender_id = steps.iter().rev().map(|step| step.sender_id.clone()).find(|id| !id.is_empty());
                steps.push(StepForm { sender_id: sender_id.unwrap_or_default(), ..StepForm::sms() });
            }
            Self::AddWait => steps.push(StepForm::wait()),
            Self::Remove(index) if index < steps.len() => drop(steps.remove(index)),
            Self::Up(index) if index > 0 && index < steps.len() => steps.swap(index, index - 1),
            Self::Down(index) if index + 1 < steps.len() => steps.swap(index, index + 1),
            Self::AddCondition => {
                form.trigger.conditions.push(ConditionForm { op: "eq".to_owned(), ..ConditionForm::default() });
            }
            Self::RemoveCondition(index) if index < form.trigger.conditions.len() => {
                drop(form.trigger.conditions.remove(index));
            }
            Self::Remove(_) | Self::Up(_) | Self::Down(_) | Self::RemoveCondition(_) | Self::Refresh => {}
        }
    }
}
