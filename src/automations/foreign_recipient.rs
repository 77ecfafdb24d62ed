//! The recipient of a step as Segment writes it, such as `$.properties.phone`.

use serde_json::Value;

use super::condition::{check_property, lookup};

const PROPERTIES: &str = "$.properties.";
/// The contact's number, as Segment writes it.
const TRAITS: [&str; 2] = ["$.traits.phone", "$.context.traits.phone"];
/// Where an event may have the number of its person.
const CONTEXT_PHONE: &str = "context.traits.phone";

/// A recipient that is kept as written: `$.properties.phone` or `$.traits.phone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignRecipient(String);

impl ForeignRecipient {
    /// Parses a text that begins with `$`; the error says what may follow.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if let Some(property) = text.strip_prefix(PROPERTIES) {
            check_property(property)?;
            if property.contains(['[', ']']) {
                return Err("Write dots instead of brackets, such as \
                            $.properties.customer.phone."
                    .to_owned());
            }
        } else if !TRAITS.contains(&text) {
            return Err("After “$”, write .traits.phone for the contact’s number, or .properties \
                        and a property of the event, such as $.properties.phone."
                .to_owned());
        }
        Ok(Self(text.to_owned()))
    }

    /// As written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The property of the event that has the number; none for the contact's own.
    pub fn property(&self) -> Option<&str> {
        self.0.strip_prefix(PROPERTIES)
    }

    /// The property of this event that has the number: of a contact's own number, the one in the
    /// event's `context.traits`, if it is there.
    pub(super) fn property_in(&self, event: Option<&Value>) -> Option<&str> {
        self.property().or_else(|| {
            let number = lookup(event?, CONTEXT_PHONE).filter(|number| !number.is_null());
            number.map(|_| CONTEXT_PHONE)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_property_of_the_event_or_the_contacts_number_is_named() {
        for (text, property) in [
            ("$.properties.phone", Some("phone")),
            ("$.properties.customer.phone", Some("customer.phone")),
            ("$.traits.phone", None),
            ("$.context.traits.phone", None),
        ] {
            let recipient = ForeignRecipient::parse(text).unwrap();
            assert_eq!((recipient.as_str(), recipient.property()), (text, property));
        }
    }

    #[test]
    fn the_number_in_the_context_of_the_event_comes_first() {
        let recipient = ForeignRecipient::parse("$.traits.phone").unwrap();
        let with = json!({ "context": { "traits": { "phone": "+14155550123" } } });
        assert_eq!(recipient.property_in(Some(&with)), Some("context.traits.phone"));
        for event in [json!({}), json!({ "context": { "traits": { "phone": null } } })] {
            assert_eq!(recipient.property_in(Some(&event)), None, "{event}");
        }
        assert_eq!(recipient.property_in(None), None);
    }

    #[test]
    fn what_names_no_number_is_refused() {
        for (text, words) in [
            ("$", "After “$”, write .traits.phone"),
            ("$.traits.email", "After “$”, write .traits.phone"),
            ("$.userId", "After “$”"),
            ("$.properties.", "Name the property of the event."),
            ("$.properties.customers[0].phone", "Write dots instead of brackets"),
        ] {
            let error = ForeignRecipient::parse(text).unwrap_err();
            assert!(error.starts_with(words), "{text}: {error}");
        }
    }
}
