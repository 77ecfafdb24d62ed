//! Conditions that narrow an action on many rows. A blank condition is an error and never means
//! everything, and the action needs the number of rows that the user was shown.

use crate::error::FieldErrors;
use crate::types::invisible_characters::is_invisible;
use crate::types::mistake::Mistake;
use crate::web::PageError;
use crate::web::quantities::counted;

/// The error of a blank condition.
pub(in crate::web) fn blank() -> String {
    Mistake::Blank.with_hint("Leave it out, or give a value.")
}

/// Whether a text consists only of white space and invisible characters.
pub(in crate::web) fn is_blank(text: &str) -> bool {
    is_invisible(text)
}

/// The errors of narrowing fields that are blank.
pub(in crate::web) fn blank_fields<'a>(
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    narrowing: &[&str],
) -> FieldErrors {
    let blanks =
        fields.into_iter().filter(|(name, value)| narrowing.contains(name) && is_blank(value));
    blanks.fold(FieldErrors::default(), |errors, (name, _)| errors.with(name, blank()))
}

/// The errors of a form with these narrowing fields and these others: narrowing fields that are
/// blank, and unknown fields, since they may have been meant to narrow.
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

/// Refuses a form with such errors; none of our pages sends one.
pub(in crate::web) fn accept(errors: FieldErrors) -> Result<(), PageError> {
    if errors.is_empty() { Ok(()) } else { Err(PageError::Invalid(errors)) }
}

/// The first field of a form with this name.
pub(in crate::web) fn field<'a>(fields: &'a [(String, String)], name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// A message for the user if the number has changed since it was shown; `None` otherwise.
/// `expected` is the submitted text, `noun` the singular of what is counted.
pub(in crate::web) fn changed(expected: Option<&str>, now: usize, noun: &str) -> Option<String> {
    match expected.map(|text| text.trim().parse::<usize>()) {
        Some(Ok(expected)) if expected == now => None,
        Some(Ok(expected)) => Some(format!(
            "Nothing was done. You were asked about {}; now it is {}.",
            counted(expected, noun),
            counted(now, noun)
        )),
        _ => Some(format!(
            "Nothing was done. Now it is {}, which you were not asked about.",
            counted(now, noun)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invisible_text_is_blank() {
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
    fn both_numbers_are_shown_when_they_differ() {
        assert_eq!(changed(Some("3"), 3, "contact"), None);
        let differs = changed(Some("3"), 1_202, "contact").unwrap();
        assert!(differs.contains("3 contacts") && differs.contains("1,202 contacts"), "{differs}");
        for missing in [None, Some(""), Some("all"), Some("-1")] {
            assert!(changed(missing, 1, "contact").unwrap().contains("Now it is 1 contact,"));
        }
    }
}
