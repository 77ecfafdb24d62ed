//! Where a mapping finds a value: by a path in the body, in a header, or given with the mapping.

use std::borrow::Cow;

use serde_json::Value;

use super::document::Document;
use super::json_path::JsonPath;
use super::kept_headers;
use crate::events::EventName;

/// Maximum length of a place with its alternatives, in characters.
const MAX_CHARS: usize = 600;
/// How many alternatives a place may have.
const MAX_ALTERNATIVES: usize = 5;
const HEADER: &str = "header:";
const BODY: &str = "body";

/// Where a value is: `$.customer.phone`, `header:X-Shopify-Topic`, or several of them, of which the
/// first that has a value counts: `$.phone || $.customer.phone`.
#[derive(Debug, Clone, PartialEq)]
pub struct Locator {
    text: String,
    alternatives: Vec<Place>,
}

/// One place of a value.
#[derive(Debug, Clone, PartialEq)]
enum Place {
    /// In the body.
    Path(JsonPath),
    /// In a header, by its name in lower case.
    Header(String),
    /// The hash of the whole body.
    BodyHash,
    /// The name of an event.
    Literal(EventName),
}

/// What a place may be besides a path and a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Also {
    /// Nothing else.
    Nothing,
    /// The name of an event.
    Literal,
    /// The word `body`, for the hash of the body.
    BodyHash,
}

impl Locator {
    /// Parses a place, with the alternatives between `||`.
    pub(super) fn parse(text: &str, also: Also) -> Result<Self, String> {
        let text = text.trim();
        if text.chars().count() > MAX_CHARS {
            return Err(format!("Use at most {MAX_CHARS} characters."));
        }
        let parts = if is_reference(text) { split(text) } else { vec![text] };
        if parts.len() > MAX_ALTERNATIVES {
            return Err(format!("Give at most {MAX_ALTERNATIVES} alternatives."));
        }
        let alternatives: Result<_, _> =
            parts.iter().map(|part| place(part.trim(), also)).collect();
        Ok(Self { text: text.to_owned(), alternatives: alternatives? })
    }

    /// The place as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The headers among the alternatives, by their names in lower case.
    pub(super) fn headers(&self) -> impl Iterator<Item = &str> {
        self.alternatives.iter().filter_map(|place| match place {
            Place::Header(name) => Some(name.as_str()),
            Place::Path(_) | Place::BodyHash | Place::Literal(_) => None,
        })
    }

    /// The value that the document has there; `None` if all alternatives are missing or blank.
    #[must_use]
    pub fn find<'d>(&self, document: &'d Document) -> Option<Cow<'d, Value>> {
        self.alternatives.iter().find_map(|place| match place {
            Place::Path(path) => path.first(document.value()).map(Cow::Borrowed),
            Place::Header(name) => document
                .header(name)
                .filter(|value| !value.trim().is_empty())
                .map(|value| Cow::Owned(Value::from(value))),
            Place::BodyHash => Some(Cow::Owned(Value::from(document.body_hash()))),
            Place::Literal(text) => Some(Cow::Owned(Value::from(text.as_str()))),
        })
    }
}

/// Whether a text is a path or a header rather than a literal.
fn is_reference(text: &str) -> bool {
    text.starts_with('$') || header_name(text).is_some()
}

fn header_name(text: &str) -> Option<&str> {
    let start = text.get(..HEADER.len())?;
    start.eq_ignore_ascii_case(HEADER).then(|| text[HEADER.len()..].trim())
}

fn place(text: &str, also: Also) -> Result<Place, String> {
    if text.starts_with('$') {
        return JsonPath::parse(text).map(Place::Path);
    }
    if let Some(name) = header_name(text) {
        let name = name.to_ascii_lowercase();
        if !is_header_name(&name) {
            return Err("Name a header, such as header:X-Event-Type.".to_owned());
        }
        if kept_headers::sounds_secret(&name) {
            return Err("This header may carry a secret, so it isn’t kept. Use another.".to_owned());
        }
        return Ok(Place::Header(name));
    }
    match also {
        Also::BodyHash if text == BODY => Ok(Place::BodyHash),
        Also::Literal if text.is_empty() => Err("Name the event after “||”.".to_owned()),
        Also::Literal => EventName::parse(text).map(Place::Literal),
        Also::BodyHash => Err("Begin with “$” for a path in the body, or with “header:” for a \
                               header, or write “body” for the whole body."
            .to_owned()),
        Also::Nothing => {
            Err("Begin with “$” for a path in the body, such as $.customer.phone, or \
                              with “header:” for a header."
                .to_owned())
        }
    }
}

/// Whether a text can be the name of a header (RFC 9110, a token).
pub(super) fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.len() <= 100 && name.bytes().all(is_token)
}

/// Splits at each `||` that stands outside brackets and quotation marks.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    let (mut quote, mut is_escaped) = (None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(mark), _) if byte == mark => quote = None,
            (None, b'\'' | b'"') if depth > 0 => quote = Some(byte),
            (None, b'[' | b'(') => depth += 1,
            (None, b']' | b')') => depth = depth.saturating_sub(1),
            (None, b'|') if depth == 0 && at >= start && text[at..].starts_with("||") => {
                parts.push(&text[start..at]);
                start = at + 2;
            }
            (Some(_) | None, _) => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::kept_headers::KeptHeaders;
    use super::*;

    fn document(body: &str) -> Document {
        let headers = KeptHeaders::of([("X-Topic", "orders/create"), ("X-Blank", " ")], &[], &[]);
        Document::read(Some("application/json"), headers, body.as_bytes()).unwrap()
    }

    fn found(place: &str, body: &str) -> Option<String> {
        let value =
            Locator::parse(place, Also::Literal).unwrap().find(&document(body))?.into_owned();
        Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }

    #[test]
    fn the_first_alternative_that_has_a_value_counts() {
        let body = r#"{"phone": null, "customer": {"phone": "+1"}, "list": [{"a": "||"}]}"#;
        for (place, value) in [
            ("$.customer.phone", Some("+1")),
            ("$.phone || $.customer.phone", Some("+1")),
            ("$.phone||$.mobile", None),
            ("header:x-topic", Some("orders/create")),
            ("Header: X-Topic || $.phone", Some("orders/create")),
            ("header:X-Blank || $.type || order", Some("order")),
            ("$.list[?@.a == '||' || @.b].a || $.customer.phone", Some("||")),
            ("order || created", Some("order || created")),
        ] {
            assert_eq!(found(place, body).as_deref(), value, "{place}");
        }
    }

    #[test]
    fn a_literal_or_the_body_is_a_place_only_where_it_makes_sense() {
        assert!(Locator::parse("order", Also::Nothing).unwrap_err().contains("$.customer.phone"));
        assert!(Locator::parse("$.a || order", Also::BodyHash).is_err());
        assert!(Locator::parse("$.a || ", Also::Literal).is_err());
        assert!(Locator::parse("header:", Also::Literal).is_err());
        assert!(Locator::parse("header:a b", Also::Literal).is_err());
        assert!(
            Locator::parse("header:Authorization", Also::Literal).unwrap_err().contains("secret")
        );
        assert!(Locator::parse("$.a||$.b||$.c||$.d||$.e||$.f", Also::Nothing).is_err());
        let hash = |body| {
            let place = Locator::parse("$.id || body", Also::BodyHash).unwrap();
            place.find(&document(body)).unwrap().into_owned()
        };
        assert_eq!(hash(r#"{"a": 1}"#), hash(r#"{"a": 1}"#));
        assert_ne!(hash(r#"{"a": 1}"#), hash(r#"{"a": 2}"#));
        assert_eq!(hash(r#"{"id": 7}"#), 7);
    }

    proptest! {
        #[test]
        fn any_text_is_a_place_or_refused(text in ".{0,80}", like in "[$|.a'\"\\[\\]()\\\\? é]{0,40}") {
            for text in [text, format!("$.a{like}")] {
                if let Ok(place) = Locator::parse(&text, Also::Literal) {
                    let _ = place.find(&document("{}"));
                }
            }
        }
    }
}
