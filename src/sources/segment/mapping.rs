//! The settings of a source that speaks Segment's protocol.

use serde_json::{Map, Value, json};

use crate::error::FieldErrors;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake;

/// The trait that is the phone number unless the settings name another.
const DEFAULT_PHONE_TRAIT: &str = "phone";
/// The longest name of a trait, in characters.
const MAX_NAME: usize = 100;
const EXAMPLE: &str = "{\"phone_trait\": \"phone\"}";

/// Where messages have what Carillon needs: which trait is the phone number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentMapping {
    phone_trait: String,
}

impl SegmentMapping {
    /// Parses what a user or program sets; `{}` means the defaults.
    pub fn parse(value: &Value) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut phone_trait = None;
        if let Some(mut reader) = ObjectReader::open("mapping", value, EXAMPLE, &mut errors) {
            reader.only(&["phone_trait"]);
            phone_trait = reader.text("phone_trait", trait_name);
        }
        if errors.is_empty() {
            let phone_trait = phone_trait.unwrap_or_else(|| DEFAULT_PHONE_TRAIT.to_owned());
            Ok(Self { phone_trait })
        } else {
            Err(errors)
        }
    }

    /// The name of the trait that is the phone number, such as `phone`; dots lead inside, as in
    /// `address.mobile`.
    #[must_use]
    pub fn phone_trait(&self) -> &str {
        &self.phone_trait
    }

    /// The stored form.
    #[must_use]
    pub fn to_value(&self) -> Value {
        json!({ "phone_trait": self.phone_trait })
    }

    /// The value of the phone's trait among some traits. A name with a dot counts first.
    pub(super) fn phone<'v>(&self, traits: &'v Map<String, Value>) -> Option<&'v Value> {
        let leads_inside = || {
            let mut names = self.phone_trait.split('.');
            let first = traits.get(names.next()?)?;
            names.try_fold(first, |value, name| value.get(name))
        };
        traits.get(&self.phone_trait).or_else(leads_inside).filter(|value| !value.is_null())
    }
}

impl Default for SegmentMapping {
    fn default() -> Self {
        Self { phone_trait: DEFAULT_PHONE_TRAIT.to_owned() }
    }
}

fn trait_name(text: &str) -> Result<String, String> {
    let name = mistake::name(text, MAX_NAME)?;
    if name.split('.').any(|part| part.trim().is_empty()) {
        return Err("Write a trait’s name, or names with dots between them, such as \
                    address.mobile."
            .to_owned());
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(phone_trait: &str) -> SegmentMapping {
        SegmentMapping::parse(&json!({ "phone_trait": phone_trait })).unwrap()
    }

    #[test]
    fn a_mapping_comes_back_from_its_stored_form() {
        for (value, phone_trait) in [
            (json!({}), "phone"),
            (json!({ "phone_trait": null }), "phone"),
            (json!({ "phone_trait": "  " }), "phone"),
            (json!({ "phone_trait": " address.mobile " }), "address.mobile"),
        ] {
            let mapping = SegmentMapping::parse(&value).unwrap();
            assert_eq!(mapping.phone_trait(), phone_trait);
            assert_eq!(SegmentMapping::parse(&mapping.to_value()), Ok(mapping));
        }
        assert_eq!(SegmentMapping::default().phone_trait(), "phone");
    }

    #[test]
    fn a_wrong_mapping_is_refused_with_its_field() {
        for (value, field) in [
            (json!([]), "mapping"),
            (json!({ "phone": "x" }), "mapping.phone"),
            (json!({ "phone_trait": 7 }), "mapping.phone_trait"),
            (json!({ "phone_trait": "a..b" }), "mapping.phone_trait"),
            (json!({ "phone_trait": "a\nb" }), "mapping.phone_trait"),
            (json!({ "phone_trait": "a\u{0}" }), "mapping.phone_trait"),
            (json!({ "phone_trait": "x".repeat(101) }), "mapping.phone_trait"),
        ] {
            let errors = SegmentMapping::parse(&value).unwrap_err();
            assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), [field]);
        }
    }

    #[test]
    fn the_phone_is_found_by_its_name_or_inside() {
        let traits = json!({
            "phone": "1",
            "address": { "mobile": "2", "none": null },
            "a.b": "3",
            "a": { "b": "4", "c": ["5"] }
        });
        let traits = traits.as_object().unwrap();
        let found = |name: &str| named(name).phone(traits).and_then(Value::as_str);
        assert_eq!(found("phone"), Some("1"));
        assert_eq!(found("address.mobile"), Some("2"));
        assert_eq!(found("a.b"), Some("3"), "a name with a dot counts first");
        for absent in ["mobile", "address.none", "phone.x", "a.c.0", "address.mobile.x"] {
            assert_eq!(found(absent), None, "{absent}");
        }
    }
}
