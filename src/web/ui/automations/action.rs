//! The buttons of the editor: each posts the whole form, and says with the field `do` what is meant.

use super::form::{AutomationForm, ConditionForm, StepForm};

/// What a button asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
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
            ("try", _) => Self::Try,
            ("add_sms", index) => Self::Edit(Edit::AddSms(index.unwrap_or(usize::MAX))),
            ("add_wait", index) => Self::Edit(Edit::AddWait(index.unwrap_or(usize::MAX))),
            ("copy", Ok(index)) => Self::Edit(Edit::Copy(index)),
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
            Self::AddSms(index) => {
                // Most automations send from one number: the last one chosen is offered again.
                let sender_id = steps.iter().rev().map(|step| step.sender_id.clone()).find(|id| !id.is_empty());
                steps.insert(index.min(steps.len()), StepForm { sender_id: sender_id.unwrap_or_default(), ..StepForm::sms() });
            }
            Self::AddWait(index) => steps.insert(index.min(steps.len()), StepForm::wait()),
            Self::Copy(index) if index < steps.len() => steps.insert(index + 1, steps[index].clone()),
            Self::Remove(index) if index < steps.len() => drop(steps.remove(index)),
            Self::Up(index) if index > 0 && index < steps.len() => steps.swap(index, index - 1),
            Self::Down(index) if index + 1 < steps.len() => steps.swap(index, index + 1),
            Self::AddCondition => {
                form.trigger.conditions.push(ConditionForm { op: "eq".to_owned(), ..ConditionForm::default() });
            }
            Self::RemoveCondition(index) if index < form.trigger.conditions.len() => {
                drop(form.trigger.conditions.remove(index));
            }
            Self::Copy(_) | Self::Remove(_) | Self::Up(_) | Self::Down(_) | Self::RemoveCondition(_) | Self::Refresh => {}
        }
    }
}
