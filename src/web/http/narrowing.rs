//! What narrows a call that writes: a blank condition is an error and never means everything, and
//! many need the number that was shown.

use super::filters::counted;
use crate::error::FieldErrors;
use crate::types::mistake::Mistake;
use crate::types::text::is_ignorable;
use crate::web::PageError;

/// What is said of a condition that is blank.
pub(in crate::web) fn blank() -> String {
    Mistake::Blank.with_hint("Leave it out, or say what is meant.")
}

/// Whether a text says nothing: white space and characters that cannot be seen are all that is in
/// it.
pub(in crate::web) fn is_blank(text: &str) -> bool {
    // The braille blank is a pattern without dots.
    let is_unseen = |character: char| character == '\u{2800}' || is_ignorable(character);
    text.chars().all(|character| {
        character.is_whitespace() || character.is_control() || is_unseen(character)
    })
}

/// The errors of those fields that narrow a call and are blank.
pub(in crate::web) fn blank_fields<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    narrowing: &[&str],
) -> FieldErrors {
    let unsaid =
        fields.into_iter().filter(|(name, value)| narrowing.contains(name) && is_blank(value));
    unsaid.fold(FieldErrors::default(), |errors, (name, _)| errors.with(name, blank()))
}

/// What is wrong with a form that is narrowed by some fields, and has these others: what is blank,
/// and what narrows nothing here, since it was meant to.
pub(in crate::web) fn check(
    form: &[(String, String)],
    narrowing: &[&str],
    others: &[&str],
) -> FieldErrors {
    let errors =
        blank_fields(form.iter().map(|(name, value)| (name.as_str(), value.as_str())), narrowing);
    let is_known =
        |name: &str| name == "csrf" || narrowing.contains(&name) || others.contains(&name);
    let unknown = form.iter().filter(|(name, _)| !is_known(name));
    unknown.fold(errors, |errors, (name, _)| errors.with(name, "There is no such field."))
}

/// Refuses a form that has such errors: none of our pages sends it.
pub(in crate::web) fn accept(errors: FieldErrors) -> Result<(), PageError> {
    if errors.is_empty() { Ok(()) } else { Err(PageError::Invalid(errors)) }
}

/// The first field of a form with this name.
pub(in crate::web) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// How a number that a caller was shown has changed; none when it has not. `expected` is as it was
/// sent, `noun` names one of them.
pub(in crate::web) fn changed(expected: Option<&str>, now: usize, noun: &str) -> Option<String> {
    match expected.map(|text| text.trim().parse::<usize>()) {
        Some(Ok(expected)) if expected == now => None,
        Some(Ok(expected)) => Some(format!(
            "You were asked about {}; it is {} now. Nothing was done.",
            counted(expected, noun),
            counted(now, noun)
        )),
        _ => Some(format!(
            "It is {} now, and you were not asked about them. Nothing was done.",
            counted(now, noun)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_blank() {
        for blank in [
            "",
            " ",
            "\t\n",
            "\u{a0}\u{3000}",
            "\u{200b}",
            "\u{feff} \u{2060}",
            "\0",
            "\u{2066}\u{2069}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for text in ["none", " x ", "0", "-", "\u{200b}a"] {
            assert!(!is_blank(text), "{text:?}");
        }
        let errors = blank_fields([("q", " "), ("tag", "vip"), ("name", "")], &["q", "tag"]);
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["q"]);
        let form = [("csrf", ""), ("q", "ann"), ("status", "unsubscribed"), ("expected", "")]
            .map(|(name, value)| (name.into(), value.into()));
        assert_eq!(
            check(&form, &["q"], &["expected"]).iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["status"]
        );
    }

    #[test]
    fn both_numbers_are_said_when_they_differ() {
        assert_eq!(changed(Some("3"), 3, "contact"), None);
        let differs = changed(Some("3"), 1_202, "contact").unwrap();
        assert!(differs.contains("3 contacts") && differs.contains("1,202 contacts"), "{differs}");
        for missing in [None, Some(""), Some("all"), Some("-1")] {
            assert!(changed(missing, 1, "contact").unwrap().starts_with("It is 1 contact now"));
        }
    }
}
