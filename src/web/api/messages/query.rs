//! Which messages `GET /messages` lists.

use std::str::FromStr;

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{FieldErrors, Result};
use crate::messages::ledger::Maker;
use crate::messages::list::MessageFilter;
use crate::types::country::Country;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;
use crate::web::Cursor;
use crate::web::api::Paging;
use crate::web::days::TypedDays;

/// How far back a list goes that names a last day only.
const TEN_YEARS: i64 = 3_650;

/// Which messages to list; all conditions hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// For or from this contact.
    contact_id: Option<String>,
    /// In this status.
    status: Option<String>,
    /// With this outcome: `delivered`, `sent`, `failed`, `suppressed`, `skipped`, `unconfirmed`, `pending` or `retried`.
    outcome: Option<String>,
    /// Composed or received on this day or later, in UTC: `2026-11-21`. Ten years ago unless told otherwise.
    from_day: Option<String>,
    /// Composed or received on this day or earlier, in UTC.
    to_day: Option<String>,
    /// With a reason that begins with exactly this, up to its 200th character.
    reason: Option<String>,
    /// Made by this automation; `none` for those of no automation.
    automation_id: Option<String>,
    /// Made by this enrollment.
    enrollment_id: Option<String>,
    /// Made from this template.
    template_id: Option<String>,
    /// Sent from, or received by, this sender.
    sender_id: Option<String>,
    /// `outbound` or `inbound`.
    direction: Option<String>,
    /// With this error code of Twilio's.
    error_code: Option<String>,
    /// To this number.
    to: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor<MessageId>>,
    /// How many, 1 to 500; 50 unless told otherwise.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Paging,
}

impl MessagesQuery {
    /// The filter, the message before which the page begins, and the number of rows.
    pub(super) fn parse(self, default_country: Option<Country>, today: NaiveDate) -> Result<(MessageFilter, Option<MessageId>, usize)> {
        let mut errors = FieldErrors::default();
        // In a query a `+` that is not written as %2B arrives as a space.
        let to = filled(self.to).map(|raw| raw.strip_prefix(' ').map_or_else(|| raw.clone(), |digits| format!("+{digits}")));
        let to = to.and_then(|raw| errors.check("to", PhoneNumber::parse(&raw, default_country)));
        let days = TypedDays {
            from: ("from_day", self.from_day.as_deref().unwrap_or_default()),
            to: ("to_day", self.to_day.as_deref().unwrap_or_default()),
        };
        let filter = MessageFilter {
            outcome: filled(self.outcome).and_then(|word| errors.check("outcome", word.parse())),
            days: if days.are_named() { days.read(today, TEN_YEARS, &mut errors) } else { None },
            reason: filled(self.reason),
            contact_id: id("contact_id", self.contact_id, &mut errors),
            status: filled(self.status).and_then(|word| errors.check("status", word.parse())),
            maker: maker("automation_id", self.automation_id, &mut errors),
            enrollment_id: id("enrollment_id", self.enrollment_id, &mut errors),
            template_id: id("template_id", self.template_id, &mut errors),
            sender_id: id("sender_id", self.sender_id, &mut errors),
            direction: filled(self.direction).and_then(|word| errors.check("direction", word.parse())),
            error_code: filled(self.error_code).and_then(|code| {
                errors.check("error_code", code.parse().map_err(|_| "This must be one of Twilio's error codes, a number such as 30003."))
            }),
            to_address: to.map(|phone| phone.as_str().to_owned()),
        };
        errors.into_result()?;
        Ok((filter, self.cursor.map(|Cursor(id)| id), self.limit.limit()))
    }
}

/// What makes messages, by the word `none` or an automation's id.
pub(super) fn maker(field: &str, text: Option<String>, errors: &mut FieldErrors) -> Option<Maker> {
    match filled(text) {
        Some(word) if word == "none" => Some(Maker::OneOff),
        text => id(field, text, errors).map(Maker::Automation),
    }
}

fn id<T: FromStr>(field: &str, text: Option<String>, errors: &mut FieldErrors) -> Option<T> {
    filled(text).and_then(|text| errors.check(field, text.parse().map_err(|_| "This is not an identifier of ours.")))
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::messages::status::MessageStatus;

    fn parse(query: &str) -> Result<(MessageFilter, Option<MessageId>, usize)> {
        actix_web::web::Query::<MessagesQuery>::from_query(query).unwrap().into_inner().parse(None, NaiveDate::default())
    }

    #[test]
    fn a_plus_in_a_query_may_be_written_plainly() {
        for query in ["to=+14155550123", "to=%2B14155550123"] {
            assert_eq!(parse(query).unwrap().0.to_address.as_deref(), Some("+14155550123"));
        }
    }

    #[test]
    fn every_wrong_condition_is_named_at_once() {
        let Err(Error::Invalid(fields)) = parse("contact_id=7&status=gone&direction=up&error_code=x&to=12&sender_id=") else {
            panic!("it was accepted")
        };
        let named: Vec<_> = fields.iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["contact_id", "direction", "error_code", "status", "to"]);
    }

    #[test]
    fn empty_conditions_are_none() {
        let (filter, before, limit) = parse("status=delivered&direction=&to=&limit=2").unwrap();
        assert_eq!((filter.status, filter.direction, before, limit), (Some(MessageStatus::Delivered), None, None, 2));
    }
}
