//! Text from outside, cleaned once at its entrance: PostgreSQL and pages cannot hold NUL
//! characters, and JSON can escape half a surrogate pair.
//!
//! Input of programs and users is refused with the field that contains such a character. Twilio's
//! input cannot be refused, because a STOP would be lost with it; there the character is dropped.
//! In URLs of pages it becomes U+FFFD, which users see.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::FieldErrors;

/// The message about a text that cannot be stored.
pub const UNSTORABLE: &str =
    "Remove the NUL character or half surrogate pair, which can’t be stored.";

/// Whether PostgreSQL and pages can hold the text.
#[must_use]
pub fn is_storable(text: &str) -> bool {
    !text.as_bytes().contains(&0)
}

/// Removes what cannot be stored.
#[must_use]
pub fn cleaned(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_storable(&text) { text } else { Cow::Owned(text.replace('\0', "")) }
}

/// Decodes the pairs of a query or a form; NUL characters and invalid UTF-8 become U+FFFD.
pub fn pairs(urlencoded: &[u8]) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    url::form_urlencoded::parse(urlencoded)
        .map(|(name, value)| (mark_unstorable(name), mark_unstorable(value)))
}

fn mark_unstorable(text: Cow<'_, str>) -> Cow<'_, str> {
    if is_storable(&text) { text } else { Cow::Owned(text.replace('\0', "\u{fffd}")) }
}

/// The first field of a query or a form that cannot be stored.
#[must_use]
pub fn unstorable_field(urlencoded: &[u8]) -> Option<String> {
    url::form_urlencoded::parse(urlencoded)
        .find(|(name, value)| !is_storable(name) || !is_storable(value))
        .map(|(name, _)| cleaned(name).into_owned())
}

/// Cleans Twilio's JSON so that any text in it can be parsed and stored: NUL characters are
/// dropped, lone surrogates and invalid UTF-8 become U+FFFD, other control characters blanks.
#[must_use]
pub fn cleaned_json(json: &[u8]) -> Cow<'_, [u8]> {
    let is_plain = |byte: &u8| *byte >= 0x20 || matches!(byte, b'\n' | b'\r' | b'\t');
    if std::str::from_utf8(json).is_ok() && json.iter().all(is_plain) {
        return replace_escapes(json, b"", b"\\ufffd");
    }
    let mut text = String::from_utf8_lossy(json).into_owned().into_bytes();
    text.retain(|byte| *byte != 0);
    for byte in text.iter_mut().filter(|byte| !is_plain(byte)) {
        *byte = b' ';
    }
    Cow::Owned(replace_escapes(&text, b"", b"\\ufffd").into_owned())
}

/// JSON with each lone surrogate replaced by a NUL character, so that it can be parsed and
/// [`unstorable_values`] finds both; `None` if everything can be stored.
#[must_use]
pub fn with_marked_surrogates(json: &[u8]) -> Option<Vec<u8>> {
    match replace_escapes(json, b"\\u0000", b"\\u0000") {
        Cow::Borrowed(_) => None,
        Cow::Owned(marked) => Some(marked),
    }
}

/// Whether every text and name in a value can be stored.
#[must_use]
pub fn is_storable_value(value: &Value) -> bool {
    match value {
        Value::String(text) => is_storable(text),
        Value::Array(elements) => elements.iter().all(is_storable_value),
        Value::Object(object) => {
            object.iter().all(|(name, value)| is_storable(name) && is_storable_value(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Errors for the fields of a value that cannot be stored, by their dotted paths.
#[must_use]
pub fn unstorable_values(value: &Value) -> FieldErrors {
    let mut errors = FieldErrors::default();
    collect_unstorable("", value, &mut errors);
    errors
}

fn collect_unstorable(path: &str, value: &Value, errors: &mut FieldErrors) {
    let below =
        |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::String(text) if !is_storable(text) => {
            errors.add(if path.is_empty() { "body" } else { path }, UNSTORABLE);
        }
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect_unstorable(&below(&index.to_string()), element, errors);
            }
        }
        Value::Object(object) => {
            for (name, value) in object {
                if is_storable(name) {
                    collect_unstorable(&below(name), value, errors);
                } else {
                    errors.add(&below(&name.replace('\0', "\u{fffd}")), UNSTORABLE);
                }
            }
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Replaces the escapes of NUL characters and of lone surrogates; borrows the JSON if it has none.
fn replace_escapes<'a>(json: &'a [u8], nul: &[u8], half: &[u8]) -> Cow<'a, [u8]> {
    if !json.contains(&b'\\') {
        return Cow::Borrowed(json);
    }
    let mut replaced = Vec::new();
    let (mut at, mut copied) = (0, 0);
    while let Some(found) =
        json.get(at..).and_then(|rest| rest.iter().position(|byte| *byte == b'\\'))
    {
        let start = at + found;
        let (length, instead) = match escaped_unit(json, start) {
            // Another escape: skip the character after the backslash.
            None => (2, None),
            Some(0) => (6, Some(nul)),
            Some(0xd800..=0xdbff)
                if matches!(escaped_unit(json, start + 6), Some(0xdc00..=0xdfff)) =>
            {
                (12, None)
            }
            Some(0xd800..=0xdfff) => (6, Some(half)),
            Some(_) => (6, None),
        };
        at = start + length;
        if let Some(instead) = instead {
            replaced.extend_from_slice(&json[copied..start]);
            replaced.extend_from_slice(instead);
            copied = at;
        }
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    replaced.extend_from_slice(&json[copied..]);
    Cow::Owned(replaced)
}

/// Parses an escaped UTF-16 unit such as `\u00e9`.
fn escaped_unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |unit: u16, digit| {
        Some((unit << 4) | u16::try_from(char::from(*digit).to_digit(16)?).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn twilio(json: &str) -> Value {
        serde_json::from_slice(&cleaned_json(json.as_bytes())).unwrap()
    }

    #[test]
    fn a_nul_character_is_dropped_from_twilios_forms_and_json() {
        assert_eq!(cleaned("STOP\0ALL\0".into()), "STOPALL");
        assert!(matches!(cleaned("STOP".into()), Cow::Borrowed("STOP")));
        assert_eq!(
            twilio(r#"{"body": "STOP\u0000ALL", "na\u0000me": 1}"#),
            json!({ "body": "STOPALL", "name": 1 })
        );
        assert_eq!(twilio("{\"body\": \"STOP\0 \u{1}\"}"), json!({ "body": "STOP  " }));
    }

    #[test]
    fn a_lone_surrogate_does_not_make_json_unreadable_and_a_pair_stays() {
        for (escaped, read) in [
            (r"\ud83d\ude00", "😀"),
            (r"\ud83d", "\u{fffd}"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d x", "\u{fffd} x"),
            (r"\ude00\ud83d", "\u{fffd}\u{fffd}"),
            (r"\\ud83d \\u0000", r"\ud83d \u0000"),
            (r"\\\u0000", r"\"),
            (r"\u00e9\n\u000a", "é\n\n"),
        ] {
            assert_eq!(twilio(&format!(r#"["{escaped}"]"#)), json!([read]), "{escaped}");
        }
        assert_eq!(
            serde_json::from_slice::<Value>(&cleaned_json(b"[\"a\xff\xfeb\"]")).unwrap(),
            json!(["a\u{fffd}\u{fffd}b"])
        );
    }

    #[test]
    fn unstorable_fields_are_reported_by_path() {
        let fields = |json: &str| {
            let marked = with_marked_surrogates(json.as_bytes()).unwrap();
            let errors = unstorable_values(&serde_json::from_slice(&marked).unwrap());
            errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(
            fields(r#"{"a": "\u0000", "b": [1, {"c": "x\ud800"}], "d": "ok"}"#),
            ["a", "b.1.c"]
        );
        assert_eq!(fields(r#"{"a\u0000": 1}"#), ["a\u{fffd}"]);
        assert_eq!(fields(r#""\udfff""#), ["body"]);
        assert_eq!(fields(r#"["\\", "\u0000"]"#), ["1"]);
        for storable in
            [r#"{"a": "\\u0000"}"#, r#"{"a": "\ud83d\ude00 \u0001"}"#, "{}", r#"["\"#, r#"["\u00"#]
        {
            assert_eq!(with_marked_surrogates(storable.as_bytes()), None, "{storable}");
        }
    }

    #[test]
    fn a_nul_character_in_a_url_becomes_visible() {
        let read: Vec<_> = pairs(b"text=a%00b&na%00me=x&other=%FF")
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(read, ["text: a\u{fffd}b", "na\u{fffd}me: x", "other: \u{fffd}"]);
    }

    #[test]
    fn the_unstorable_field_of_a_form_is_named() {
        assert_eq!(unstorable_field(b"name=a&body=x%00y").as_deref(), Some("body"));
        assert_eq!(unstorable_field(b"na%00me=a").as_deref(), Some("name"));
        assert_eq!(unstorable_field(b"name=100%&body=%2500"), None);
    }

    proptest! {
        #[test]
        fn storable_json_is_unchanged(text in "\\PC{0,20}", at in 0_usize..20) {
            let json = serde_json::to_vec(&json!({ &text: [&text, at] })).unwrap();
            prop_assert_eq!(cleaned_json(&json), Cow::Borrowed(json.as_slice()));
            prop_assert_eq!(with_marked_surrogates(&json), None);
        }

        #[test]
        fn any_bytes_become_storable_text(
            bytes in proptest::collection::vec(any::<u8>(), 0..40),
            escapes in "(\\\\u(0000|d83d|de00|0041)|\\\\\\\\|x){0,6}"
        ) {
            let json = [b"[\"".as_slice(), escapes.as_bytes(), b"\"]"].concat();
            prop_assert!(is_storable_value(&serde_json::from_slice(&cleaned_json(&json)).unwrap()));
            prop_assert!(
                pairs(&bytes).all(|(name, value)| is_storable(&name) && is_storable(&value))
            );
        }
    }
}
