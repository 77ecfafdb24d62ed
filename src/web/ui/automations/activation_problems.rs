//! Sentences about the errors that keep an automation from being switched on.

use crate::error::FieldErrors;
use crate::types::mistake::Mistake;

/// Turns the errors of fields that are not on the page into messages that name their place.
pub(super) fn as_problems(errors: &FieldErrors) -> FieldErrors {
    let lead = "Not switched on. Edit this first:";
    let start = FieldErrors::default().with("form", lead);
    error_messages(errors)
        .into_iter()
        .fold(start, |problems, message| problems.with("form", message))
}

pub(super) fn error_messages(errors: &FieldErrors) -> Vec<String> {
    let place = |field: &str| match field.split('.').collect::<Vec<_>>().as_slice() {
        ["steps", index, ..] => index
            .parse::<usize>()
            .map_or_else(|_| "Steps: ".to_owned(), |index| format!("Step {}: ", index + 1)),
        ["trigger", ..] => "Trigger: ".to_owned(),
        _ => String::new(),
    };
    // The place names the step, so the generic “missing” is dropped in favour of what to do.
    let missing = format!("{} ", Mistake::Missing);
    let text = |field: &str, message: &str| {
        format!("{}{}", place(field), message.strip_prefix(&missing).unwrap_or(message))
    };
    errors
        .iter()
        .flat_map(|(field, all)| all.iter().map(move |message| (field, message)))
        .map(|(field, message)| text(field, message))
        .collect()
}
