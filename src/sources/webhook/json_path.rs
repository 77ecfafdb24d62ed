//! JSONPath (RFC 9535) with bounds, so that no path makes a request slow.

use serde_json::Value;

/// Maximum length of a path in characters.
const MAX_CHARS: usize = 200;
/// How many filters a path may have: each may test every value of the body.
const MAX_FILTERS: usize = 2;
/// How many pairs of parentheses a path may have.
const MAX_PARENTHESES: usize = 4;
/// How many commas a path may have: `['a','b']` finds twice as many values as `['a']`, and so on.
const MAX_COMMAS: usize = 3;

const EXAMPLE: &str = "Write it like $.customer.phone or $.items[0].name.";

/// A path to values in a JSON document, such as `$.customer.phone`.
///
/// Besides the syntax of RFC 9535, it has at most one `..`, and filters look only below the tested
/// value. The functions `match` and `search` are not offered.
#[derive(Debug, Clone, PartialEq)]
pub struct JsonPath(serde_json_path::JsonPath);

impl JsonPath {
    /// Parses a path; the error says what to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.chars().count() > MAX_CHARS {
            return Err(format!("A path has at most {MAX_CHARS} characters."));
        }
        check_cost(text)?;
        let parsed = serde_json_path::JsonPath::parse(text);
        parsed.map(Self).map_err(|error| {
            let place = error.position();
            format!("This is not a JSONPath: check it from character {place} on. {EXAMPLE}")
        })
    }

    /// The first value that is there and not blank, in the order of the document.
    #[must_use]
    pub fn first<'d>(&self, document: &'d Value) -> Option<&'d Value> {
        self.0.query(document).all().into_iter().find(|value| !is_blank(value))
    }
}

/// Whether a value says nothing: null, or a text of white space.
fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Refuses paths whose cost could grow faster than the document, or that nest deeply.
fn check_cost(path: &str) -> Result<(), String> {
    let bare = without_texts(path);
    let count = |part: &str| bare.matches(part).count();
    let too_many = |what: &str| Err(format!("This path has too many {what}. {EXAMPLE}"));
    if count("..") > 1 {
        return too_many("“..”");
    }
    if count("?") > MAX_FILTERS {
        return too_many("filters");
    }
    if count("(") > MAX_PARENTHESES || count("!") > MAX_PARENTHESES {
        return too_many("parentheses");
    }
    if count(",") > MAX_COMMAS {
        return too_many("commas");
    }
    if count("$") > 1 {
        return Err("Use “$” only at the beginning; in a filter, write “@”.".to_owned());
    }
    Ok(())
}

/// The path without what stands in quotation marks.
fn without_texts(path: &str) -> String {
    let (mut bare, mut quote, mut is_escaped) = (String::with_capacity(path.len()), None, false);
    for character in path.chars() {
        match quote {
            Some(_) if is_escaped => is_escaped = false,
            Some(_) if character == '\\' => is_escaped = true,
            Some(mark) if character == mark => quote = None,
            Some(_) => {}
            None if character == '\'' || character == '"' => quote = Some(character),
            None => bare.push(character),
        }
    }
    bare
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn found(path: &str, document: &Value) -> Option<Value> {
        JsonPath::parse(path).unwrap().first(document).cloned()
    }

    #[test]
    fn a_path_finds_the_first_value_that_is_not_blank() {
        let order = json!({
            "customer": {"phone": "+14155550123", "first name": "Ada", "note": " "},
            "items": [{"sku": null}, {"sku": "A-1", "price": 5}, {"sku": "B-2", "price": 9}],
        });
        for (path, value) in [
            ("$.customer.phone", json!("+14155550123")),
            ("$['customer']['first name']", json!("Ada")),
            ("$.items[*].sku", json!("A-1")),
            ("$.items[-1].sku", json!("B-2")),
            ("$..price", json!(5)),
            ("$.items[?@.price > 6].sku", json!("B-2")),
            ("$.items[?length(@.sku) == 3 && @.price < 6].price", json!(5)),
        ] {
            assert_eq!(found(path, &order), Some(value), "{path}");
        }
        assert_eq!(found("$.customer.note", &order), None);
        assert_eq!(found("$.nothing.there", &order), None);
        assert_eq!(found("$", &order), Some(order));
    }

    #[test]
    fn what_is_no_path_is_refused_with_an_example() {
        for wrong in ["", "$.", "customer.phone", "$.a[", "$.first name", "$[?match(@.a, 'b')]"] {
            let error = JsonPath::parse(wrong).unwrap_err();
            assert!(error.contains("$.customer.phone"), "{wrong}: {error}");
        }
    }

    #[test]
    fn a_costly_path_is_refused() {
        for costly in [
            "$..a..b",
            "$[?@.a == $..b]",
            "$[?@[?@[?@.a]]]",
            "$[?((((((@.a))))))]",
            "$['a','a']['a','a']['a','a']['a','a']",
            &format!("$.{}", "a".repeat(300)),
        ] {
            assert!(JsonPath::parse(costly).is_err(), "{costly}");
        }
        assert!(JsonPath::parse("$['..','$,?(']").is_ok());
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            "[a-c ]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 40, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::btree_map("[a-c]", inner, 0..4)
                    .prop_map(|object| Value::Object(object.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_text_is_a_path_or_refused(text in ".{0,60}", document in any_value()) {
            if let Ok(path) = JsonPath::parse(&text) {
                let _ = path.first(&document);
            }
        }

        #[test]
        fn texts_like_paths_never_panic(
            text in "\\$([.]{1,2}[a-c*]|\\[(-?[0-9]{1,20}|'[a-c]'|[*]|-?[0-9]{0,20}:[0-9]{0,19}(:-?[0-9]{0,19})?|\
                     \\?[(!]{0,3}(length|count|value|)[(]?@[.]?[.a-c*]{0,3}[)]{0,3}( ?(==|<|>=|!=) ?(1e9|-0|'a'|null|@.b))?)\\]){0,5}",
            document in any_value()
        ) {
            if let Ok(path) = JsonPath::parse(&text) {
                let _ = path.first(&document);
            }
        }
    }
}
