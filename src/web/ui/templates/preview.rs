//! What a text becomes for one contact and event: the SMS as it would arrive, and what it costs.

use serde::Serialize;
use serde_json::Value;

use crate::contacts::Contact;
use crate::templates::{TemplateBody, Unset, Variables};
use crate::twilio::parts::{self, Parts};
use crate::types::phone::PhoneNumber;

/// A text as it would be sent.
#[derive(Debug, Serialize)]
pub(super) struct Preview {
    /// Who it is for.
    contact: String,
    /// The text, or none with its `problem`.
    text: Option<String>,
    problem: Option<String>,
    cost: Option<Cost>,
    /// Variables without a value for this contact and event.
    unset: Vec<Unset>,
    media_urls: Vec<String>,
}

/// What a text costs.
#[derive(Debug, Serialize)]
struct Cost {
    encoding: &'static str,
    parts: u16,
    units: usize,
    per_part: usize,
    remaining: usize,
    characters: usize,
    /// The characters that force UCS-2.
    forced_by: Vec<Forced>,
}

/// A character that is not in GSM-7.
#[derive(Debug, Serialize)]
struct Forced {
    character: char,
    /// `U+201C`
    code: String,
    /// What GSM-7 has instead, where there is something.
    instead: Option<&'static str>,
}

/// Whom a preview is for.
#[derive(Debug, Clone)]
pub(super) enum Recipient {
    /// A contact.
    Contact(Box<Contact>),
    /// A number that is nobody's.
    Number(PhoneNumber),
}

impl Recipient {
    /// The name, or the number where there is no name.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Contact(contact) => label(contact),
            Self::Number(number) => format!("{} (no contact)", number.international()),
        }
    }

    /// What the text can name.
    pub(super) fn variables<'a>(&'a self, event: Option<&'a Value>, organization: &'a str) -> Variables<'a> {
        match self {
            Self::Contact(contact) => Variables::new(contact, event),
            Self::Number(number) => Variables::for_phone(number, event),
        }
        .with_organization(organization)
    }
}

impl Preview {
    /// Renders the text for a recipient.
    pub(super) fn new(body: &TemplateBody, recipient: &Recipient, variables: &Variables<'_>, media_urls: Vec<String>) -> Self {
        let rendered = body.render(variables);
        let (text, problem) = match rendered {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let cost = text.as_deref().map(|text| Cost::of(&parts::count(text)));
        Self { contact: recipient.label(), text, problem, cost, unset: body.unset(variables), media_urls }
    }
}

impl Cost {
    fn of(parts: &Parts) -> Self {
        Self {
            encoding: parts.encoding.name(),
            parts: parts.count,
            units: parts.units,
            per_part: parts.per_part,
            remaining: parts.remaining_in_last,
            characters: parts.utf16,
            forced_by: parts.forced_by.iter().map(|(character, _)| Forced::of(*character)).collect(),
        }
    }
}

impl Forced {
    fn of(character: char) -> Self {
        let instead = match character {
            '“' | '”' | '„' | '«' | '»' => Some("\""),
            '‘' | '’' | '‚' | '`' | '´' => Some("'"),
            '–' | '—' | '‑' | '−' => Some("-"),
            '…' => Some("..."),
            '•' | '·' => Some("*"),
            '\t' | '\u{a0}' | '\u{2009}' | '\u{202f}' => Some("a plain space"),
            'ç' => Some("Ç"),
            _ => None,
        };
        Self { character, code: format!("U+{:04X}", u32::from(character)), instead }
    }
}

/// `Ada Lovelace, +1 415 555 0123`.
pub(super) fn label(contact: &Contact) -> String {
    let number = contact.phone.international();
    contact.full_name().map_or_else(|| number.clone(), |name| format!("{name}, {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preview_says_what_the_text_costs_and_what_is_not_set() {
        let number = Recipient::Number(PhoneNumber::from_e164("+14155550123").unwrap());
        let body = TemplateBody::parse("Hi {{ contact.first_name | default(value='“you”') }} – bye").unwrap();
        let preview = Preview::new(&body, &number, &number.variables(None, "Bells"), Vec::new());
        assert_eq!(preview.text.as_deref(), Some("Hi “you” – bye"));
        let cost = preview.cost.unwrap();
        assert_eq!((cost.encoding, cost.parts, cost.per_part), ("UCS-2", 1, 70));
        assert_eq!(cost.forced_by.iter().filter_map(|forced| forced.instead).collect::<Vec<_>>(), ["\"", "\"", "-"]);
        assert_eq!(preview.unset.len(), 1);
    }

    #[test]
    fn what_cannot_be_rendered_is_explained() {
        let number = Recipient::Number(PhoneNumber::from_e164("+14155550123").unwrap());
        let body = TemplateBody::parse("{{ event.order_id }}").unwrap();
        let preview = Preview::new(&body, &number, &number.variables(None, "Bells"), Vec::new());
        assert!(preview.problem.unwrap().contains("event.order_id is not set"));
        assert!(preview.text.is_none() && preview.cost.is_none());
    }
}
