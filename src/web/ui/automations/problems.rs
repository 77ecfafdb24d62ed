//! What keeps an automation from being switched on, in sentences.

use crate::error::FieldErrors;
use crate::types::mistake::Mistake;

/// The errors of fields that the page does not show, as sentences that say where they belong.
pub(super) fn as_problems(errors: &FieldErrors) -> FieldErrors {
    let lead = "It cannot be switched on yet. Edit it:";
    let start = FieldErrors::default().with("form", lead);
    sentences(errors).into_iter().fold(start, |problems, sentence| problems.with("form", sentence))
}

pub(super) fn sentences(errors: &FieldErrors) -> Vec<String> {
    let place = |field: &str| match field.split('.').collect::<Vec<_>>().as_slice() {
        ["steps", index, ..] => index
            .parse::<usize>()
            .map_or_else(|_| "Steps: ".to_owned(), |index| format!("Step {}: ", index + 1)),
        ["trigger", ..] => "Trigger: ".to_owned(),
        _ => String::new(),
    };
    // Beside a step, what to do says enough; that a field is missing is for those who see fields.
    let missing = format!("{} ", Mistake::Missing);
    let told = |field: &str, sentence: &str| {
        format!("{}{}", place(field), sentence.strip_prefix(&missing).unwrap_or(sentence))
    };
    errors
        .iter()
        .flat_map(|(field, all)| all.iter().map(move |sentence| (field, sentence)))
        .map(|(field, sentence)| told(field, sentence))
        .collect()
}
