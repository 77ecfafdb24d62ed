//! JSON that is only written down: its text, made without building values in memory first.

use std::io::Write as _;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Json;
use serde_json::Value;

/// The text of a JSON value, on its way into a `json` column.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Json)]
pub struct JsonText(String);

impl JsonText {
    /// Parameters as a JSON object, names in the order of their first occurrence; what occurs several times becomes a list.
    ///
    /// PostgreSQL's JSON cannot hold the NUL character: U+FFFD takes its place.
    #[must_use]
    pub fn of_params(params: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        let params: Vec<(&str, &str)> = params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let mut text = String::with_capacity(64 + params.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>());
        text.push('{');
        for (at, (name, value)) in params.iter().enumerate() {
            let same = |(other, _): &&(&str, &str)| other == name;
            if params[..at].iter().any(|other| same(&other)) {
                continue;
            }
            if at > 0 {
                text.push(',');
            }
            push_string(&mut text, name);
            text.push(':');
            let mut further = params[at + 1..].iter().filter(same).peekable();
            if further.peek().is_none() {
                push_string(&mut text, value);
                continue;
            }
            text.push('[');
            push_string(&mut text, value);
            for (_, value) in further {
                text.push(',');
                push_string(&mut text, value);
            }
            text.push(']');
        }
        text.push('}');
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&Value> for JsonText {
    fn from(value: &Value) -> Self {
        Self(value.to_string())
    }
}

/// Appends a JSON string.
fn push_string(text: &mut String, string: &str) {
    let plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if string.bytes().all(plain) {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        text.push_str(&Value::String(string.replace('\0', "\u{fffd}")).to_string());
    }
}

impl ToSql<Json, Pg> for JsonText {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        out.write_all(self.0.as_bytes())?;
        Ok(IsNull::No)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Value {
        serde_json::from_str(&JsonText::of_params(pairs).0).unwrap()
    }

    #[test]
    fn parameters_become_an_object_and_repeated_ones_a_list() {
        assert_eq!(params(&[]), json!({}));
        assert_eq!(params(&[("To", "+1"), ("Body", "")]), json!({ "To": "+1", "Body": "" }));
        assert_eq!(params(&[("A", "1"), ("B", "2"), ("A", "3"), ("A", "4")]), json!({ "A": ["1", "3", "4"], "B": "2" }));
    }

    #[test]
    fn whatever_a_parameter_holds_the_text_stays_json() {
        let odd = "a\"b\\c\n\t\u{1}\u{7f}\u{2028}\u{1f600}";
        assert_eq!(params(&[(odd, odd)]), json!({ odd: odd }));
        assert_eq!(params(&[("Body", "a\0b")]), json!({ "Body": "a\u{fffd}b" }));
    }
}
