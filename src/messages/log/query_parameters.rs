//! [`MessageQuery`]: a message filter as query parameters, parsed alike for pages and the API, with
//! an error for each invalid field.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::filter::{MessageFilter, Within, Words};
use crate::error::FieldErrors;
use crate::ledger::MessageOrigin;
use crate::ledger::days_input::{DaysInput, Today};
use crate::types::country::Country;
use crate::types::phone::PhoneNumber;
use crate::types::{mistake, storable_text};

/// How far back a list goes when only its last day is named, in days.
const TEN_YEARS: i64 = 3_650;

/// The values of the filter, which are part of every link to the list.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct MessageQuery {
    pub(crate) text: String,
    pub(crate) status: String,
    pub(crate) outcome: String,
    pub(crate) within: String,
    pub(crate) from_day: String,
    pub(crate) to_day: String,
    pub(crate) reason: String,
    pub(crate) direction: String,
    /// An id, or `none` for messages of no automation.
    pub(crate) automation_id: String,
    pub(crate) template_id: String,
    pub(crate) sender_id: String,
    pub(crate) error_code: String,
    pub(crate) to: String,
    pub(crate) contact_id: String,
    pub(crate) enrollment_id: String,
}

impl MessageQuery {
    /// Parses the query of a link to the list, ignoring unknown parameters.
    pub(crate) fn of_link(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in storable_text::pairs(query.as_bytes()) {
            if let Some(field) = read.field(&name) {
                *field = value.into_owned();
            }
        }
        read
    }

    /// Builds the filter, or reports each invalid field.
    pub(crate) fn filter(
        &self,
        default_country: Option<Country>,
        today: Today,
    ) -> Result<MessageFilter, FieldErrors> {
        let mut errors = FieldErrors::default();
        // In a query, a `+` that is not encoded as %2B arrives as a space.
        let to = self
            .to
            .strip_prefix(' ')
            .map_or_else(|| self.to.clone(), |digits| format!("+{digits}"));
        let to =
            filled(&to).and_then(|to| errors.check("to", PhoneNumber::parse(to, default_country)));
        let days = DaysInput { from: ("from_day", &self.from_day), to: ("to_day", &self.to_day) };
        let filter = MessageFilter {
            text: filled(&self.text).and_then(|text| errors.check("text", Words::parse(text))),
            outcome: filled(&self.outcome).and_then(|word| errors.check("outcome", word.parse())),
            days: if days.are_named() { days.read(today, TEN_YEARS, &mut errors) } else { None },
            since: filled(&self.within)
                .and_then(|word| errors.check("within", word.parse::<Within>()))
                .map(|within| today.now - within.span()),
            reason: filled(&self.reason)
                .and_then(|reason| errors.check("reason", searchable(reason))),
            contact_id: id("contact_id", &self.contact_id, "contact", &mut errors),
            status: filled(&self.status).and_then(|word| errors.check("status", word.parse())),
            origin: origin("automation_id", &self.automation_id, &mut errors),
            enrollment_id: id("enrollment_id", &self.enrollment_id, "enrollment", &mut errors),
            template_id: id("template_id", &self.template_id, "template", &mut errors),
            sender_id: id("sender_id", &self.sender_id, "sender", &mut errors),
            direction: filled(&self.direction)
                .and_then(|word| errors.check("direction", word.parse())),
            error_code: filled(&self.error_code).and_then(|code| {
                errors
                    .check("error_code", code.parse().map_err(|_| "Enter a number, such as 30003."))
            }),
            to_address: to.map(|phone| phone.as_str().to_owned()),
        };
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }

    /// Whether anything narrows the list.
    pub(crate) fn is_narrow(&self) -> bool {
        self.chosen().next().is_some()
    }

    /// The values that are set, always in the same order, so that equal filters have equal links.
    pub(crate) fn chosen(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("text", &self.text),
            ("status", &self.status),
            ("outcome", &self.outcome),
            ("within", &self.within),
            ("from_day", &self.from_day),
            ("to_day", &self.to_day),
            ("reason", &self.reason),
            ("direction", &self.direction),
            ("automation_id", &self.automation_id),
            ("template_id", &self.template_id),
            ("sender_id", &self.sender_id),
            ("error_code", &self.error_code),
            ("to", &self.to),
            ("contact_id", &self.contact_id),
            ("enrollment_id", &self.enrollment_id),
        ]
        .into_iter()
        .filter_map(|(name, value)| filled(value).map(|value| (name, value)))
    }

    /// The query of a link; empty if nothing is set.
    pub(crate) fn to_link(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(self.chosen()).finish()
    }

    /// A copy without one of its fields.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut rest = self.clone();
        if let Some(field) = rest.field(name) {
            field.clear();
        }
        rest
    }

    fn field(&mut self, name: &str) -> Option<&mut String> {
        Some(match name {
            "text" => &mut self.text,
            "status" => &mut self.status,
            "outcome" => &mut self.outcome,
            "within" => &mut self.within,
            "from_day" => &mut self.from_day,
            "to_day" => &mut self.to_day,
            "reason" => &mut self.reason,
            "direction" => &mut self.direction,
            "automation_id" => &mut self.automation_id,
            "template_id" => &mut self.template_id,
            "sender_id" => &mut self.sender_id,
            "error_code" => &mut self.error_code,
            "to" => &mut self.to,
            "contact_id" => &mut self.contact_id,
            "enrollment_id" => &mut self.enrollment_id,
            _ => return None,
        })
    }
}

/// Parses the creator of messages: the word `none`, or an automation's id.
fn origin(field: &str, text: &str, errors: &mut FieldErrors) -> Option<MessageOrigin> {
    match filled(text) {
        Some("none") => Some(MessageOrigin::OneOff),
        _ => id(field, text, "automation", errors).map(MessageOrigin::Automation),
    }
}

fn id<T: FromStr>(
    field: &str,
    text: &str,
    noun: &'static str,
    errors: &mut FieldErrors,
) -> Option<T> {
    filled(text).and_then(|text| errors.check(field, mistake::id(text, noun)))
}

/// Rejects U+FFFD, which stands for invalid UTF-8 in a URL and occurs in no reason.
fn searchable(text: &str) -> Result<String, &'static str> {
    if text.contains('\u{fffd}') {
        Err("Remove the character that can’t be searched for.")
    } else {
        Ok(text.to_owned())
    }
}

pub(crate) fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use chrono_tz::Tz;

    use super::*;
    use crate::messages::message::Direction;
    use crate::messages::status::MessageStatus;

    fn filter(query: &MessageQuery) -> Result<MessageFilter, FieldErrors> {
        query.filter(None, Today { now: DateTime::UNIX_EPOCH, zone: Tz::UTC })
    }

    #[test]
    fn a_link_is_stable_when_it_is_parsed_and_written_again() {
        let query = MessageQuery {
            status: " failed ".to_owned(),
            to: "+1 415 555 0123".to_owned(),
            text: "50% & more".to_owned(),
            ..MessageQuery::default()
        };
        assert_eq!(query.to_link(), "text=50%25+%26+more&status=failed&to=%2B1+415+555+0123");
        assert_eq!(MessageQuery::of_link(&query.to_link()).to_link(), query.to_link());
        assert_eq!(MessageQuery::of_link("older=1&csrf=2&status=sent").to_link(), "status=sent");
        assert_eq!(query.without("text").without("to").to_link(), "status=failed");
        assert!(query.is_narrow() && !MessageQuery::default().is_narrow());
    }

    #[test]
    fn every_field_of_a_link_can_be_removed() {
        let all = serde_json::to_value(MessageQuery::default()).unwrap();
        let mut query = MessageQuery::default();
        for name in all.as_object().unwrap().keys() {
            *query.field(name).unwrap() = "x".to_owned();
        }
        assert_eq!(query.chosen().count(), all.as_object().unwrap().len());
        let names: Vec<&str> = query.chosen().map(|(name, _)| name).collect();
        assert_eq!(
            names.iter().fold(query.clone(), |rest, name| rest.without(name)),
            MessageQuery::default()
        );
    }

    #[test]
    fn the_values_that_are_set_become_a_filter() {
        let query = MessageQuery {
            status: "delivered".to_owned(),
            direction: "outbound".to_owned(),
            error_code: " 30003 ".to_owned(),
            within: "day".to_owned(),
            to: " 14155550123".to_owned(),
            ..MessageQuery::default()
        };
        let found = filter(&query).unwrap();
        assert_eq!(
            (found.status, found.direction, found.error_code, found.to_address.as_deref()),
            (
                Some(MessageStatus::Delivered),
                Some(Direction::Outbound),
                Some(30003),
                Some("+14155550123")
            )
        );
        assert_eq!(found.since, Some(DateTime::UNIX_EPOCH - chrono::TimeDelta::days(1)));
        assert_eq!(filter(&MessageQuery::default()), Ok(MessageFilter::default()));
    }

    #[test]
    fn an_invalid_value_is_reported_for_its_field() {
        let query = MessageQuery {
            status: "gone".to_owned(),
            to: "0171".to_owned(),
            contact_id: "7".to_owned(),
            within: "year".to_owned(),
            text: "a b c d e f g h i".to_owned(),
            reason: "a\u{fffd}".to_owned(),
            ..MessageQuery::default()
        };
        let errors = filter(&query).unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["contact_id", "reason", "status", "text", "to", "within"]
        );
    }
}
