//! What a user can insert into a text: variables with their values for the chosen contact and
//! event, and examples.

use serde::Serialize;

use crate::templates::Available;

/// Variables of one kind.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct InsertableGroup {
    title: &'static str,
    items: Vec<Insertable>,
}

/// A variable that can be inserted.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Insertable {
    label: String,
    /// The text that is inserted.
    write: String,
    value: Option<String>,
}

/// An example of the template language, and what it does.
#[derive(Debug, Serialize)]
pub(super) struct Example {
    write: &'static str,
    meaning: &'static str,
}

pub(super) const EXAMPLES: &[Example] = &[
    Example {
        write: "{{ contact.first_name | default(value=\"there\") }}",
        meaning: "The first name, or “there” for a contact without one.",
    },
    Example {
        write: "{{ event.total | fixed(places=2) }}",
        meaning: "A price with two decimal places.",
    },
    Example {
        write: "{{ event.placed_at | date(format=\"%d %B\", timezone=\"Europe/Berlin\") }}",
        meaning: "A date as you want it.",
    },
    Example {
        write: "{{ event.items[0].name | truncate(length=20) }}",
        meaning: "The first of a list, cut after 20 characters.",
    },
    Example {
        write: "https://example.com/?id={{ contact.external_id | urlencode }}",
        meaning: "A value made safe for a link.",
    },
    Example {
        write: "{% if contact.attributes.vip %}…{% else %}…{% endif %}",
        meaning: "One text for some, another for the rest.",
    },
];

/// Groups the variables, those of the contact first.
pub(super) fn groups(available: &[Available]) -> Vec<InsertableGroup> {
    let titles = [("Contact", "contact."), ("Event", "event"), ("Organization", "organization.")];
    let of = |prefix: &str| {
        available
            .iter()
            .filter(|available| available.variable.starts_with(prefix))
            .map(Insertable::of)
            .collect::<Vec<_>>()
    };
    titles
        .into_iter()
        .map(|(title, prefix)| InsertableGroup { title, items: of(prefix) })
        .filter(|group| !group.items.is_empty())
        .collect()
}

impl Insertable {
    fn of(available: &Available) -> Self {
        let variable = &available.variable;
        let write = match variable.as_str() {
            // First names are missing most often, and a message with a missing value is not sent.
            "contact.first_name" => format!("{{{{ {variable} | default(value=\"there\") }}}}"),
            _ => format!("{{{{ {variable} }}}}"),
        };
        Self { label: label(variable), write, value: available.value.clone() }
    }
}

fn label(variable: &str) -> String {
    let known = match variable {
        "contact.first_name" => "First name",
        "contact.last_name" => "Last name",
        "contact.phone" => "Phone number",
        "contact.email" => "Email",
        "contact.external_id" => "External id",
        "organization.name" => "Name",
        other => {
            let rest = ["contact.attributes", "event"]
                .iter()
                .find_map(|prefix| other.strip_prefix(prefix))
                .unwrap_or(other);
            return rest.trim_start_matches('.').to_owned();
        }
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::TemplateBody;

    #[test]
    fn variables_have_readable_labels_and_are_inserted_as_code() {
        let variables = [
            "contact.first_name",
            "contact.attributes[\"home town\"]",
            "event.items[0].sku",
            "organization.name",
        ];
        let available: Vec<_> = variables
            .iter()
            .map(|variable| Available { variable: (*variable).to_owned(), value: None })
            .collect();
        let found = groups(&available);
        let labels: Vec<_> = found
            .iter()
            .flat_map(|group| group.items.iter().map(|item| (group.title, item.label.as_str())))
            .collect();
        assert_eq!(
            labels,
            [
                ("Contact", "First name"),
                ("Contact", "[\"home town\"]"),
                ("Event", "items[0].sku"),
                ("Organization", "Name")
            ]
        );
        for item in found.iter().flat_map(|group| &group.items) {
            assert!(TemplateBody::parse(&item.write).is_ok(), "{}", item.write);
        }
    }

    #[test]
    fn every_example_can_be_saved() {
        for example in EXAMPLES {
            assert!(TemplateBody::parse(example.write).is_ok(), "{}", example.write);
        }
    }
}
