//! Which messages the list is to show: its form, its filter, its links.

use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;
use crate::messages::ledger::Maker;
use crate::messages::list::MessageFilter;
use crate::types::country::Country;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;
use crate::web::days::TypedDays;

/// How far back a list goes that names a last day only.
const TEN_YEARS: i64 = 3_650;

/// What was chosen: part of every link to the list.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct Wanted {
    pub(super) status: String,
    pub(super) outcome: String,
    pub(super) from_day: String,
    pub(super) to_day: String,
    pub(super) reason: String,
    pub(super) direction: String,
    pub(super) automation_id: String,
    pub(super) template_id: String,
    pub(super) sender_id: String,
    pub(super) error_code: String,
    pub(super) to: String,
    pub(super) contact_id: String,
    pub(super) enrollment_id: String,
    #[serde(skip_serializing)]
    pub(super) older: Option<MessageId>,
    #[serde(skip_serializing)]
    pub(super) newer: Option<MessageId>,
}

impl Wanted {
    /// The filter; what cannot be one is told beside its field.
    pub(super) fn filter(&self, default_country: Option<Country>, today: NaiveDate) -> Result<MessageFilter, FieldErrors> {
        let mut errors = FieldErrors::default();
        let to = filled(&self.to).and_then(|to| errors.check("to", PhoneNumber::parse(to, default_country)));
        let days = TypedDays { from: ("from_day", &self.from_day), to: ("to_day", &self.to_day) };
        let filter = MessageFilter {
            outcome: filled(&self.outcome).and_then(|word| errors.check("outcome", word.parse())),
            days: if days.are_named() { days.read(today, TEN_YEARS, &mut errors) } else { None },
            reason: filled(&self.reason).map(str::to_owned),
            contact_id: id("contact_id", &self.contact_id, &mut errors),
            status: filled(&self.status).and_then(|word| errors.check("status", word.parse())),
            maker: match filled(&self.automation_id) {
                Some("none") => Some(Maker::OneOff),
                _ => id("automation_id", &self.automation_id, &mut errors).map(Maker::Automation),
            },
            enrollment_id: id("enrollment_id", &self.enrollment_id, &mut errors),
            template_id: id("template_id", &self.template_id, &mut errors),
            sender_id: id("sender_id", &self.sender_id, &mut errors),
            direction: filled(&self.direction).and_then(|word| errors.check("direction", word.parse())),
            error_code: filled(&self.error_code)
                .and_then(|code| errors.check("error_code", code.parse().map_err(|_| "Enter a number, such as 30003."))),
            to_address: to.map(|phone| phone.as_str().to_owned()),
        };
        if errors.is_empty() { Ok(filter) } else { Err(errors) }
    }

    /// Whether anything narrows the list.
    pub(super) fn is_narrow(&self) -> bool {
        self.chosen().any(|(_, value)| filled(value).is_some())
    }

    /// Whether something is chosen that stands behind “More filters”.
    pub(super) fn is_particular(&self) -> bool {
        [&self.template_id, &self.sender_id, &self.direction, &self.error_code, &self.outcome, &self.from_day, &self.to_day]
            .into_iter()
            .any(|value| filled(value).is_some())
    }

    /// The list with the same filter from another place on.
    pub(super) fn link(&self, direction: &str, id: MessageId) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self.chosen() {
            if filled(value).is_some() {
                query.append_pair(name, value);
            }
        }
        format!("/messages?{}", query.append_pair(direction, &id.to_string()).finish())
    }

    fn chosen(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("status", &self.status),
            ("outcome", &self.outcome),
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
        .map(|(name, value)| (name, value.as_str()))
    }
}

fn id<T: FromStr>(field: &str, text: &str, errors: &mut FieldErrors) -> Option<T> {
    filled(text).and_then(|text| errors.check(field, text.parse().map_err(|_| "There is no such thing to filter by; choose another.")))
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::list::Direction;
    use crate::messages::status::MessageStatus;

    #[test]
    fn a_link_to_another_page_keeps_the_filter() {
        let wanted = Wanted { status: "failed".to_owned(), to: "+1 415 555 0123".to_owned(), ..Wanted::default() };
        let id = MessageId::new();
        assert_eq!(wanted.link("older", id), format!("/messages?status=failed&to=%2B1+415+555+0123&older={id}"));
        assert!(wanted.is_narrow() && !wanted.is_particular() && !Wanted::default().is_narrow());
    }

    #[test]
    fn what_was_chosen_becomes_a_filter() {
        let wanted = Wanted {
            status: "delivered".to_owned(),
            direction: "outbound".to_owned(),
            error_code: " 30003 ".to_owned(),
            ..Wanted::default()
        };
        let filter = wanted.filter(None, NaiveDate::default()).unwrap();
        assert_eq!(
            (filter.status, filter.direction, filter.error_code),
            (Some(MessageStatus::Delivered), Some(Direction::Outbound), Some(30003))
        );
    }

    #[test]
    fn what_cannot_be_a_filter_is_told_beside_its_field() {
        let wanted = Wanted { status: "gone".to_owned(), to: "0171".to_owned(), contact_id: "7".to_owned(), ..Wanted::default() };
        let errors = wanted.filter(None, NaiveDate::default()).unwrap_err();
        assert_eq!(errors.iter().map(|(field, _)| field).collect::<Vec<_>>(), ["contact_id", "status", "to"]);
    }
}
