//! JSON that is only written: text built without an intermediate [`Value`].

use std::io::Write as _;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::pg::Pg;
use diesel::serialize::{self, IsNull, Output, ToSql};
use diesel::sql_types::Json;
use serde_json::Value;

/// The text of a JSON value for a `json` column.
#[derive(Debug, Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Json)]
pub struct JsonText(String);

impl JsonText {
    /// Converts parameters to a JSON object, in the order of their first occurrence; repeated ones
    /// become a list.
    #[must_use]
    pub fn of_params(params: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        let params: Vec<(&str, &str)> =
            params.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
        let (is_first, next) = occurrences(&params);
        let mut text = String::with_capacity(
            64 + params.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>(),
        );
        text.push('{');
        for (at, (name, value)) in params.iter().enumerate().filter(|(at, _)| is_first[*at]) {
            if at > 0 {
                text.push(',');
            }
            push_string(&mut text, name);
            text.push(':');
            if next[at].is_none() {
                push_string(&mut text, value);
                continue;
            }
            text.push('[');
            push_string(&mut text, value);
            let mut repeat = next[at];
            while let Some(at) = repeat {
                text.push(',');
                push_string(&mut text, params[at].1);
                repeat = next[at];
            }
            text.push(']');
        }
        text.push('}');
        Self(text)
    }

    /// The JSON text.
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

/// Which parameters are the first of their name, and the next index of each name. Found by sorting,
/// so that the cost per parameter stays constant for many parameters.
fn occurrences(params: &[(&str, &str)]) -> (Vec<bool>, Vec<Option<usize>>) {
    let mut by_name: Vec<usize> = (0..params.len()).collect();
    by_name.sort_by_key(|at| params[*at].0);
    let (mut is_first, mut next) = (vec![true; params.len()], vec![None; params.len()]);
    for pair in by_name.windows(2) {
        if params[pair[0]].0 == params[pair[1]].0 {
            next[pair[0]] = Some(pair[1]);
            is_first[pair[1]] = false;
        }
    }
    (is_first, next)
}

/// Appends a JSON string.
fn push_string(text: &mut String, string: &str) {
    let needs_no_escape = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if string.bytes().all(needs_no_escape) {
        text.push('"');
        text.push_str(string);
        text.push('"');
    } else {
        text.push_str(&Value::String(string.to_owned()).to_string());
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
        assert_eq!(
            params(&[("A", "1"), ("B", "2"), ("A", "3"), ("A", "4")]),
            json!({ "A": ["1", "3", "4"], "B": "2" })
        );
    }

    #[test]
    fn any_parameter_results_in_valid_json() {
        let odd = "a\"b\\c\n\t\u{1}\u{7f}\u{2028}\u{1f600}";
        assert_eq!(params(&[(odd, odd)]), json!({ odd: odd }));
    }
}
