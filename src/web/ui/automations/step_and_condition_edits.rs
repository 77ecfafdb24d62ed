//! The edits of the form of an automation: adding, moving and removing its steps and conditions.

use super::focus::Focus;
use super::form::{AutomationForm, ConditionForm};
use super::step_form::StepForm;

/// A change of the form. Each `usize` is the index of a step or a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FormEdit {
    /// Insert an SMS at this index.
    AddSms(usize),
    /// Insert a wait at this index.
    AddWait(usize),
    /// Insert a copy of a step after it.
    Duplicate(usize),
    /// Remove a step.
    Remove(usize),
    /// Move a step one place up.
    Up(usize),
    /// Move a step one place down.
    Down(usize),
    /// Move a step before the one with the index `to`, or to the end.
    Move {
        /// Its index.
        from: usize,
        /// The index of the step that follows it then.
        to: usize,
    },
    /// Append a condition.
    AddCondition,
    /// Remove a condition.
    RemoveCondition(usize),
}

impl FormEdit {
    /// Applies the change and returns the new focus. An index that does not exist changes nothing.
    pub(super) fn apply(self, form: &mut AutomationForm) -> Focus {
        let (steps, conditions) = (&mut form.steps, &mut form.trigger.conditions);
        match self {
            Self::AddSms(index) => {
                let index = index.min(steps.len());
                // Most automations send from one number: the last chosen one is preset.
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
            Self::Duplicate(index) if index < steps.len() => {
                steps.insert(index + 1, steps[index].clone());
                Focus::step(index + 1)
            }
            Self::Remove(index) if index < steps.len() => {
                steps.remove(index);
                // The step that takes its index, else the last one.
                steps
                    .len()
                    .checked_sub(1)
                    .map_or_else(|| Focus::button("add_sms"), |last| Focus::step(index.min(last)))
            }
            // The same button at the step's new place, so that it can be pressed again. The first
            // and the last step have only the other button.
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
            Self::Move { from, to } if from < steps.len() && to <= steps.len() => {
                let step = steps.remove(from);
                let index = if to > from { to - 1 } else { to };
                steps.insert(index, step);
                Focus::step(index)
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
            Self::Duplicate(_)
            | Self::Remove(_)
            | Self::Up(_)
            | Self::Down(_)
            | Self::Move { .. }
            | Self::RemoveCondition(_) => Focus::default(),
        }
    }
}

#[cfg(test)]
#[path = "step_and_condition_edits_tests.rs"]
mod tests;
