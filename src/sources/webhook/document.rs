//! The body of a webhook as a JSON document, with the headers that describe it.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::kept_headers::KeptHeaders;
use crate::types::storable_text;

const FORM: &str = "application/x-www-form-urlencoded";

/// What a webhook sent: its body as JSON, whether it came as JSON or as a form, and its headers.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    value: Value,
    headers: KeptHeaders,
    body_hash: String,
}

/// Why a body has no document in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnreadableBody {
    /// No bytes, or only white space.
    #[error("The body is empty. Send JSON or a form.")]
    Empty,
    /// A form with files.
    #[error("The body is multipart/form-data. Send JSON or application/x-www-form-urlencoded.")]
    Multipart,
    /// Not JSON, with the place of the first mistake.
    #[error("The body is not valid JSON: check line {0}, column {1}.")]
    NotJson(usize, usize),
    /// JSON that is nested more deeply than any program reads.
    #[error("The body is nested too deeply. At most 127 levels are read.")]
    TooDeep,
}

impl Document {
    /// Parses a body.
    ///
    /// A form becomes an object, with a list for a repeated field; a form whose only field is
    /// `payload` with JSON in it, as GitHub sends, becomes that JSON. A body that begins like JSON
    /// is read as JSON, whatever its content type is. Characters that cannot be stored are dropped.
    pub fn read(
        content_type: Option<&str>,
        headers: KeptHeaders,
        body: &[u8],
    ) -> Result<Self, UnreadableBody> {
        let kind = content_type.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
        let value = match text.first() {
            None => return Err(UnreadableBody::Empty),
            Some(b'{' | b'[') => json(text)?,
            Some(_) if kind.eq_ignore_ascii_case(FORM) => form(text),
            Some(_) if kind.to_ascii_lowercase().starts_with("multipart/") => {
                return Err(UnreadableBody::Multipart);
            }
            Some(_) => json(text)?,
        };
        Ok(Self { value, headers, body_hash: hex(&Sha256::digest(body)) })
    }

    /// The body as JSON.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.value
    }

    /// The value of a kept header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// The SHA-256 of the body as it was sent, in hex.
    #[must_use]
    pub fn body_hash(&self) -> &str {
        &self.body_hash
    }
}

/// Bytes in hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]])
        .collect()
}

fn json(body: &[u8]) -> Result<Value, UnreadableBody> {
    serde_json::from_slice(&storable_text::cleaned_json(body)).map_err(|error| {
        if error.to_string().starts_with("recursion limit") {
            UnreadableBody::TooDeep
        } else {
            UnreadableBody::NotJson(error.line(), error.column())
        }
    })
}

fn form(body: &[u8]) -> Value {
    let mut fields: Map<String, Value> = Map::new();
    for (name, text) in storable_text::pairs(body) {
        let text = Value::from(text.into_owned());
        match fields.get_mut(name.as_ref()) {
            None => {
                fields.insert(name.into_owned(), text);
            }
            Some(Value::Array(list)) => list.push(text),
            Some(first) => *first = Value::from(vec![first.take(), text]),
        }
    }
    let payload = fields.get("payload").filter(|_| fields.len() == 1).and_then(Value::as_str);
    let inner = payload.and_then(|payload| json(payload.as_bytes()).ok());
    inner.filter(Value::is_object).unwrap_or(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(kind: &str, body: &str) -> Result<Value, UnreadableBody> {
        let kind = Some(kind).filter(|kind| !kind.is_empty());
        Document::read(kind, KeptHeaders::default(), body.as_bytes()).map(|read| read.value)
    }

    #[test]
    fn json_is_read_whatever_its_content_type_is() {
        for kind in ["application/json", "application/json; charset=utf-8", "text/plain", "", FORM]
        {
            assert_eq!(read(kind, " {\"a\": 1}\n"), Ok(json!({"a": 1})), "{kind}");
        }
        assert_eq!(read("", "\u{feff}[1]"), Ok(json!([1])));
        assert_eq!(read("", r#"{"a": "x\u0000\ud800"}"#), Ok(json!({"a": "x\u{fffd}"})));
    }

    #[test]
    fn a_form_becomes_an_object() {
        let order = "phone=%2B14155550123&item=a&item=b&item=c&note=a+b%00&customer%5Bname%5D=Ada";
        assert_eq!(
            read("application/x-www-form-urlencoded; charset=UTF-8", order),
            Ok(json!({
                "phone": "+14155550123", "item": ["a", "b", "c"], "note": "a b\u{fffd}", "customer[name]": "Ada",
            }))
        );
        assert_eq!(read(FORM, "payload=%7B%22a%22%3A1%7D"), Ok(json!({"a": 1})));
        assert_eq!(read(FORM, "payload=x"), Ok(json!({"payload": "x"})));
    }

    #[test]
    fn what_is_neither_says_what_to_send() {
        assert_eq!(read("", " \n"), Err(UnreadableBody::Empty));
        assert_eq!(read("multipart/form-data; boundary=x", "--x"), Err(UnreadableBody::Multipart));
        assert_eq!(read("", "{\"a\": 1"), Err(UnreadableBody::NotJson(1, 7)));
        assert_eq!(read("", "phone=1"), Err(UnreadableBody::NotJson(1, 1)));
        assert_eq!(read("", &"[".repeat(1_000)), Err(UnreadableBody::TooDeep));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_storable_document_or_refused(
            bytes in proptest::collection::vec(any::<u8>(), 0..80),
            like in r#"[{}\[\]",:\\u0d8a=&%+]{0,40}"#,
            is_form in any::<bool>()
        ) {
            let kind = is_form.then_some(FORM);
            for body in [bytes, like.into_bytes()] {
                if let Ok(document) = Document::read(kind, KeptHeaders::default(), &body) {
                    prop_assert!(storable_text::is_storable_value(document.value()));
                }
            }
        }
    }
}
