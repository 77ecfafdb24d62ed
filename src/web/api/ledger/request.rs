//! Requests to the ledger: which messages to count, and which to resend.

use std::str::FromStr;

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::contacts::Patch;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::days_input::{DaysInput, Today};
use crate::ledger::{Grouping, LedgerFilter, MessageOrigin};
use crate::messages::resend::Selection;
use crate::types::id::MessageId;
use crate::types::mistake;
use crate::web::http::bulk_conditions::{blank, is_blank};

/// How many days are counted if the request names none.
const DEFAULT_DAYS: i64 = 30;

/// Which messages are counted; all conditions hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LedgerQuery {
    /// Created by this automation; `none` for messages without an automation.
    automation_id: Option<String>,
    /// Sent from this sender.
    sender_id: Option<String>,
    /// Composed on this day or later: `2026-11-21`. A day of the organization's time zone, which
    /// the response names; the last 30 days by default.
    from: Option<String>,
    /// Composed on this day or earlier; today by default.
    to: Option<String>,
    /// One row for each `day`, `automation` or `sender`; `day` by default.
    group_by: Option<String>,
}

/// The messages to resend: one message, or a selection. A field that is blank or null is an error.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Retry)]
pub(super) struct ResendRequest {
    /// Only this message.
    #[serde(default)]
    #[schema(value_type = String, required = false, format = "uuid")]
    message_id: Patch<String>,
    /// Created by this automation; `none` for messages without an automation.
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    automation_id: Patch<String>,
    /// Sent from this sender.
    #[serde(default)]
    #[schema(value_type = String, required = false, format = "uuid")]
    sender_id: Patch<String>,
    /// Composed on this day or later: `2026-11-21`. A day of the organization's time zone; at most
    /// 31 days at once.
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    from: Patch<String>,
    /// Composed on this day or earlier; today by default.
    #[serde(default)]
    #[schema(value_type = String, required = false)]
    to: Patch<String>,
    /// Only return what would be sent.
    #[serde(default)]
    dry_run: bool,
    /// How many messages to resend: `eligible` of the dry run. Required, except for a single
    /// `message_id` and for a dry run. If the number has changed since, the response is 409 and
    /// nothing is sent.
    #[schema(required = false, nullable = false)]
    expected: Option<i64>,
}

/// The messages to resend.
#[derive(Debug, Clone, Copy)]
pub(super) enum ResendTarget {
    /// One message.
    One(MessageId),
    /// The messages of a selection that may be sent again.
    Selection(Selection),
}

/// Whether to send, or only to preview.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Only return what would be sent.
    Preview,
    /// Send the number of messages that the caller expects, if the caller states one.
    Send { expected: Option<i64> },
}

impl LedgerQuery {
    /// Returns the filter, and what a row stands for.
    pub(super) fn parse(self, today: Today) -> Result<(LedgerFilter, Grouping)> {
        let mut errors = FieldErrors::default();
        let grouping = filled(self.group_by.as_deref())
            .map_or(Some(Grouping::Day), |word| errors.check("group_by", word.parse()));
        let days = DaysInput {
            from: ("from", self.from.as_deref().unwrap_or_default()),
            to: ("to", self.to.as_deref().unwrap_or_default()),
        };
        let filter = filter(
            self.automation_id.as_deref(),
            self.sender_id.as_deref(),
            days,
            today,
            &mut errors,
        );
        match (filter, grouping) {
            (Some(filter), Some(grouping)) if errors.is_empty() => Ok((filter, grouping)),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// Returns the filter, limited to as many days as can be counted again.
    pub(super) fn parse_for_check(self, today: Today) -> Result<LedgerFilter> {
        let (filter, _) = self.parse(today)?;
        Ok(*selection(filter)?.filter())
    }
}

impl ResendRequest {
    /// Returns the messages to resend, and whether to send.
    pub(super) fn parse(self, today: Today) -> Result<(ResendTarget, Intent)> {
        let intent =
            if self.dry_run { Intent::Preview } else { Intent::Send { expected: self.expected } };
        let mut errors = FieldErrors::default();
        let message_id = narrowing_field("message_id", self.message_id, &mut errors);
        let automation_id = narrowing_field("automation_id", self.automation_id, &mut errors);
        let sender_id = narrowing_field("sender_id", self.sender_id, &mut errors);
        let (from, to) = (
            narrowing_field("from", self.from, &mut errors),
            narrowing_field("to", self.to, &mut errors),
        );
        if let Some(text) = message_id {
            let id = id("message_id", text.trim(), "message", &mut errors);
            let narrower =
                [&automation_id, &sender_id, &from, &to].into_iter().any(Option::is_some);
            if narrower {
                errors.add("message_id", "Give one message or a selection, not both.");
            }
            return match id {
                Some(id) if errors.is_empty() => Ok((ResendTarget::One(id), intent)),
                _ => Err(Error::Invalid(errors)),
            };
        }
        let days = DaysInput {
            from: ("from", from.as_deref().unwrap_or_default()),
            to: ("to", to.as_deref().unwrap_or_default()),
        };
        let filter =
            filter(automation_id.as_deref(), sender_id.as_deref(), days, today, &mut errors);
        match filter {
            Some(filter) if errors.is_empty() => {
                Ok((ResendTarget::Selection(selection(filter)?), intent))
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

/// Parses a field that narrows the selection. Blank or null is an error, since without the field
/// more would be sent.
fn narrowing_field(field: &str, given: Patch<String>, errors: &mut FieldErrors) -> Option<String> {
    match given {
        Patch::Keep => None,
        Patch::Set(text) if !is_blank(&text) => Some(text),
        Patch::Set(_) | Patch::Clear => {
            errors.add(field, blank());
            None
        }
    }
}

fn selection(filter: LedgerFilter) -> Result<Selection> {
    Selection::new(filter).map_err(|error| Error::field("from", error.to_string()))
}

fn filter(
    automation_id: Option<&str>,
    sender_id: Option<&str>,
    days: DaysInput<'_>,
    today: Today,
    errors: &mut FieldErrors,
) -> Option<LedgerFilter> {
    let origin = match filled(automation_id) {
        None => None,
        Some("none") => Some(MessageOrigin::OneOff),
        Some(text) => {
            id("automation_id", text, "automation", errors).map(MessageOrigin::Automation)
        }
    };
    let sender_id = filled(sender_id).and_then(|text| id("sender_id", text, "sender", errors));
    let days = days.read(today, DEFAULT_DAYS, errors)?;
    Some(LedgerFilter { days, origin, sender_id })
}

fn id<T: FromStr>(
    field: &str,
    text: &str,
    noun: &'static str,
    errors: &mut FieldErrors,
) -> Option<T> {
    errors.check(field, mistake::id(text, noun))
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    fn today() -> Today {
        Today { now: "2026-11-21T23:30:00Z".parse().unwrap(), zone: Tz::Asia__Tokyo }
    }

    fn fields<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
        let Err(Error::Invalid(fields)) = result else { panic!("it was accepted") };
        fields.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn the_last_thirty_days_by_day_are_the_usual_answer() {
        let (filter, grouping) = LedgerQuery::default().parse(today()).unwrap();
        assert_eq!(
            (filter.days.count(), filter.days.to().to_string(), filter.origin, grouping),
            (30, "2026-11-22".to_owned(), None, Grouping::Day)
        );
        let query = LedgerQuery {
            automation_id: Some("none".to_owned()),
            group_by: Some("sender".to_owned()),
            ..LedgerQuery::default()
        };
        let (filter, grouping) = query.parse(today()).unwrap();
        assert_eq!((filter.origin, grouping), (Some(MessageOrigin::OneOff), Grouping::Sender));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let word = |text: &str| Some(text.to_owned());
        let query = LedgerQuery {
            automation_id: word("7"),
            sender_id: word("8"),
            from: word("soon"),
            to: None,
            group_by: word("moon"),
        };
        assert_eq!(
            fields(query.parse(today())),
            ["automation_id", "from", "group_by", "sender_id"]
        );
    }

    #[test]
    fn a_resend_is_of_one_message_or_of_few_days() {
        let id = MessageId::new();
        let set = |text: &str| Patch::Set(text.to_owned());
        let one = ResendRequest {
            message_id: set(&id.to_string()),
            dry_run: true,
            ..ResendRequest::default()
        };
        let parsed = one.parse(today());
        assert!(matches!(parsed, Ok((ResendTarget::One(found), Intent::Preview)) if found == id));
        let both = ResendRequest {
            message_id: set(&id.to_string()),
            from: set("2026-11-01"),
            ..ResendRequest::default()
        };
        assert_eq!(fields(both.parse(today())), ["message_id"]);
        let long = ResendRequest { from: set("2026-10-01"), ..ResendRequest::default() };
        assert_eq!(fields(long.parse(today())), ["from"]);
        assert!(matches!(
            ResendRequest::default().parse(today()),
            Ok((ResendTarget::Selection(_), Intent::Send { expected: None }))
        ));
    }

    #[test]
    fn a_blank_condition_of_a_resend_is_an_error_on_its_field() {
        let blank = ["\"\"", "\" \"", "\"\\t\"", "\"\\u200b\"", "\"\\u00a0\"", "null"];
        for field in ["message_id", "automation_id", "sender_id", "from", "to"] {
            for value in blank {
                let request: ResendRequest =
                    serde_json::from_str(&format!("{{\"{field}\": {value}}}")).unwrap();
                assert_eq!(fields(request.parse(today())), [field], "{value}");
            }
        }
        let all: ResendRequest =
            serde_json::from_str(r#"{"message_id": "", "sender_id": null, "to": " "}"#).unwrap();
        assert_eq!(fields(all.parse(today())), ["message_id", "sender_id", "to"]);
    }
}
