//! The range of SMS parts of a template, from its texts for sample people; exact without variables.

use chrono::DateTime;
use serde_json::{Value, json};

use super::sample_values::{sample_properties, sample_value};
use super::template_body::TemplateBody;
use super::variables::{Root, Variables};
use crate::contacts::Contact;
use crate::twilio::parts::{self, Parts};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// The numbers of SMS parts that a template's text takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartRange {
    /// Whether the text depends on the contact or the event; the counts are then estimates from
    /// sample people.
    pub varies: bool,
    /// Parts of the usual text; exact if it does not vary.
    pub usual: Parts,
    /// Minimum number of parts over all samples.
    pub fewest: u16,
    /// Maximum number of parts over all samples, due to long names or letters outside GSM-7.
    pub most: u16,
}

/// A sample contact.
struct SamplePerson {
    first_name: Option<&'static str>,
    last_name: Option<&'static str>,
    email: Option<&'static str>,
    /// Text value of attributes and properties; `None` uses the name of each.
    value: Option<&'static str>,
}

/// Sample contacts: the usual one, short values, long values, letters outside GSM-7, and only a
/// number.
const SAMPLE_PEOPLE: [SamplePerson; 5] = [
    SamplePerson {
        first_name: Some("Alex"),
        last_name: Some("Miller"),
        email: Some("alex.miller@example.com"),
        value: None,
    },
    SamplePerson {
        first_name: Some("Bo"),
        last_name: Some("Li"),
        email: Some("b@example.com"),
        value: Some("7"),
    },
    SamplePerson {
        first_name: Some("Maximiliane-Alexandra"),
        last_name: Some("Featherstonehaugh-Schmidt"),
        email: Some("maximiliane-alexandra.featherstonehaugh-schmidt@example.com"),
        value: Some("a value of forty characters, as some are"),
    },
    SamplePerson {
        first_name: Some("Łukasz"),
        last_name: Some("Wiśniewski"),
        email: Some("lukasz@example.com"),
        value: Some("Gdańsk"),
    },
    SamplePerson { first_name: None, last_name: None, email: None, value: None },
];

/// A fictitious number (NANP reserves 555-01xx).
const SAMPLE_NUMBER: &str = "+14155550100";

impl TemplateBody {
    /// Counts the parts of the text for each sample person; `None` if the text can be rendered for
    /// none of them, because it calculates with values of other kinds.
    #[must_use]
    pub fn part_range(&self, organization: &str) -> Option<PartRange> {
        let varies =
            self.parsed_variables().iter().any(|variable| variable.root != Root::Organization);
        let contacts = if varies { SAMPLE_PEOPLE.as_slice() } else { &SAMPLE_PEOPLE[..1] };
        let texts = contacts.iter().filter_map(|person| self.render_sample(person, organization));
        let counted: Vec<Parts> = texts.map(|text| parts::count(&text)).collect();
        let counts = || counted.iter().map(|parts| parts.count);
        let (fewest, most) = (counts().min()?, counts().max()?);
        Some(PartRange { varies, usual: counted.into_iter().next()?, fewest, most })
    }

    /// Renders the text for a sample person. Properties and attributes have the kinds that their
    /// use reveals; if rendering fails, all of them become a number, and then `true`.
    fn render_sample(&self, person: &SamplePerson, organization: &str) -> Option<String> {
        let phone = PhoneNumber::from_e164(SAMPLE_NUMBER).ok()?;
        let expected = self.expected_kinds();
        let wanted = |at: usize, name: &str| {
            sample_value(expected.get(at).copied().flatten(), person.value.unwrap_or(name))
        };
        [None, Some(json!(42)), Some(Value::Bool(true))].into_iter().find_map(|same_value| {
            let value =
                &|at: usize, name: &str| same_value.clone().unwrap_or_else(|| wanted(at, name));
            let is_known = person.first_name.is_some();
            let of = |root| {
                if is_known {
                    sample_properties(self.parsed_variables(), root, value)
                } else {
                    json!({})
                }
            };
            let contact = Contact {
                id: ContactId::new(),
                phone: phone.clone(),
                first_name: person.first_name.map(str::to_owned),
                last_name: person.last_name.map(str::to_owned),
                email: person.email.map(str::to_owned),
                external_id: is_known.then(|| "C-1042".to_owned()),
                attributes: of(Root::Attributes),
                created_at: DateTime::UNIX_EPOCH,
                updated_at: DateTime::UNIX_EPOCH,
            };
            // An event has its properties even if the contact is unknown.
            let event = sample_properties(self.parsed_variables(), Root::Event, value);
            self.render(&Variables::new(&contact, Some(&event)).with_organization(organization))
                .ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::parts::Encoding;

    fn range(text: &str) -> PartRange {
        TemplateBody::parse(text).unwrap().part_range("Bells & Sons").unwrap()
    }

    #[test]
    fn a_text_without_variables_is_counted_as_it_is() {
        for text in [
            "Hello.",
            "Hello 😀",
            &"a".repeat(161),
            &"ж".repeat(71),
            "{ € }",
            "{{ organization.name }} thanks you.",
        ] {
            let (found, rendered) =
                (range(text), text.replace("{{ organization.name }}", "Bells & Sons"));
            let parts = parts::count(&rendered);
            assert_eq!(
                (found.varies, found.fewest, found.most),
                (false, parts.count, parts.count),
                "{text}"
            );
            assert_eq!(found.usual, parts, "{text}");
        }
    }

    #[test]
    fn a_text_with_variables_has_a_range() {
        let rest = "x".repeat(140);
        let found =
            range(&format!("Hi {{{{ contact.first_name | default(value='you') }}}}, {rest}"));
        assert_eq!(
            (found.varies, found.usual.count, found.usual.encoding, found.fewest, found.most),
            (true, 1, Encoding::Gsm7, 1, 3)
        );
        let event = range("Your order {{ event.order.id }} is on its way.");
        assert_eq!((event.varies, event.usual.units), (true, "Your order id is on its way.".len()));
    }

    #[test]
    fn values_are_of_the_kind_that_the_text_wants() {
        for text in [
            "Total: {{ event.total | round }}",
            "{% if event.total > 100 %}Big{% else %}Small{% endif %} order",
        ] {
            assert!(range(text).usual.count == 1, "{text}");
        }
    }
}
