//! A step that was just deleted, which the next page offers to put back.

use serde::Serialize;

use super::form::AutomationForm;
use super::step_form::StepForm;

/// The beginning of the names of its fields.
const PREFIX: &str = "removed.";

/// A deleted step and the index that it had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RemovedStep {
    index: usize,
    /// Its fields that are not blank.
    fields: Vec<(&'static str, String)>,
}

impl RemovedStep {
    /// The step with this index, before it is deleted.
    pub(super) fn of(form: &AutomationForm, index: usize) -> Option<Self> {
        let step = form.steps.get(index)?;
        let fields = step.fields().into_iter().filter(|(_, value)| !value.is_empty());
        let fields = fields.map(|(field, value)| (field, value.clone())).collect();
        Some(Self { index, fields })
    }

    /// Puts the step that the request contains back into the form, and returns its index.
    pub(super) fn restore(pairs: &[(String, String)], form: &mut AutomationForm) -> Option<usize> {
        let fields =
            || pairs.iter().filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?, value)));
        let (_, index) = fields().find(|(field, _)| *field == "index")?;
        let index = index.parse::<usize>().ok()?.min(form.steps.len());
        let mut step = StepForm::default();
        for (field, value) in fields() {
            step.set(field, value.clone());
        }
        form.steps.insert(index, step);
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::ui::automations::step_and_condition_edits::FormEdit;

    #[test]
    fn a_deleted_step_comes_back_to_its_place() {
        let mut form = AutomationForm::blank();
        form.steps.push(StepForm { amount: "7".to_owned(), ..StepForm::wait() });
        form.steps.push(StepForm::sms());
        let before = form.clone();
        let removed = RemovedStep::of(&form, 1).unwrap();
        FormEdit::Remove(1).apply(&mut form);
        assert_eq!(form.steps.len(), 2);
        let fields = removed.fields.into_iter().map(|(field, value)| (field.to_owned(), value));
        let pairs: Vec<(String, String)> = fields
            .chain([("index".to_owned(), removed.index.to_string())])
            .map(|(field, value)| (format!("{PREFIX}{field}"), value))
            .collect();
        assert_eq!(RemovedStep::restore(&pairs, &mut form), Some(1));
        assert_eq!(form, before);
        assert_eq!(RemovedStep::restore(&[], &mut form), None);
    }
}
