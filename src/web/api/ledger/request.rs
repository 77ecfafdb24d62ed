//! Which part of the ledger is asked for, and what is to be sent again.

use std::str::FromStr;

use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use crate::error::{Error, FieldErrors, Result};
use crate::messages::ledger::{Grouping, LedgerFilter, Maker};
use crate::messages::retry::Selection;
use crate::types::id::MessageId;
use crate::web::days::TypedDays;

/// As many days as are answered when none are named.
const SPAN: i64 = 30;

/// Which messages are counted; all conditions hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LedgerQuery {
    /// Made by this automation; `none` for those of no automation.
    automation_id: Option<String>,
    /// Sent from this sender.
    sender_id: Option<String>,
    /// Composed on this day or later, in UTC: `2026-11-21`. The last 30 days unless told otherwise.
    from: Option<String>,
    /// Composed on this day or earlier, in UTC; today unless told otherwise.
    to: Option<String>,
    /// A row for each `day`, `automation` or `sender`; `day` unless told otherwise.
    group_by: Option<String>,
}

/// What is to be sent again: one message, or those of a selection that may be.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = Retry)]
pub(super) struct RetryRequest {
    /// Only this message.
    #[schema(format = "uuid")]
    message_id: Option<String>,
    /// Made by this automation; `none` for those of no automation.
    automation_id: Option<String>,
    /// Sent from this sender.
    #[schema(format = "uuid")]
    sender_id: Option<String>,
    /// Composed on this day or later, in UTC: `2026-11-21`. At most 31 days at once.
    from: Option<String>,
    /// Composed on this day or earlier, in UTC; today unless told otherwise.
    to: Option<String>,
    /// Only say what would be sent.
    dry_run: bool,
}

/// What is wished to be sent again.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wish {
    /// One message.
    One(MessageId),
    /// Whatever of these may be.
    Selection(Selection),
}

/// Whether something is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Only say what would be.
    Preview,
    /// Send.
    Send,
}

impl LedgerQuery {
    /// The filter and what a row stands for.
    pub(super) fn parse(self, today: NaiveDate) -> Result<(LedgerFilter, Grouping)> {
        let mut errors = FieldErrors::default();
        let grouping = filled(self.group_by.as_deref()).map_or(Some(Grouping::Day), |word| errors.check("group_by", word.parse()));
        let days =
            TypedDays { from: ("from", self.from.as_deref().unwrap_or_default()), to: ("to", self.to.as_deref().unwrap_or_default()) };
        let filter = filter(self.automation_id.as_deref(), self.sender_id.as_deref(), days, today, &mut errors);
        match (filter, grouping) {
            (Some(filter), Some(grouping)) if errors.is_empty() => Ok((filter, grouping)),
            _ => Err(Error::Invalid(errors)),
        }
    }

    /// The filter, of no more days than can be counted anew.
    pub(super) fn few_days(self, today: NaiveDate) -> Result<LedgerFilter> {
        let (filter, _) = self.parse(today)?;
        Ok(*selection(filter)?.filter())
    }
}

impl RetryRequest {
    /// What is wished, and whether it is meant.
    pub(super) fn parse(self, today: NaiveDate) -> Result<(Wish, Intent)> {
        let intent = if self.dry_run { Intent::Preview } else { Intent::Send };
        let mut errors = FieldErrors::default();
        if let Some(text) = filled(self.message_id.as_deref()) {
            let id = id("message_id", text, &mut errors);
            let narrower = [&self.automation_id, &self.sender_id, &self.from, &self.to].into_iter().any(Option::is_some);
            if narrower {
                errors.add("message_id", "Name one message or a selection, not both.");
            }
            return match id {
                Some(id) if errors.is_empty() => Ok((Wish::One(id), intent)),
                _ => Err(Error::Invalid(errors)),
            };
        }
        let days =
            TypedDays { from: ("from", self.from.as_deref().unwrap_or_default()), to: ("to", self.to.as_deref().unwrap_or_default()) };
        let filter = filter(self.automation_id.as_deref(), self.sender_id.as_deref(), days, today, &mut errors);
        match filter {
            Some(filter) if errors.is_empty() => Ok((Wish::Selection(selection(filter)?), intent)),
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn selection(filter: LedgerFilter) -> Result<Selection> {
    Selection::new(filter).map_err(|error| Error::field("from", error.to_string()))
}

fn filter(
    automation_id: Option<&str>,
    sender_id: Option<&str>,
    days: TypedDays<'_>,
    today: NaiveDate,
    errors: &mut FieldErrors,
) -> Option<LedgerFilter> {
    let maker = match filled(automation_id) {
        None => None,
        Some("none") => Some(Maker::OneOff),
        Some(text) => id("automation_id", text, errors).map(Maker::Automation),
    };
    let sender_id = filled(sender_id).and_then(|text| id("sender_id", text, errors));
    let days = days.read(today, SPAN, errors)?;
    Some(LedgerFilter { days, maker, sender_id })
}

fn id<T: FromStr>(field: &str, text: &str, errors: &mut FieldErrors) -> Option<T> {
    errors.check(field, text.parse().map_err(|_| "This is not an identifier of ours."))
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
    }

    fn fields<T: std::fmt::Debug>(result: Result<T>) -> Vec<String> {
        let Err(Error::Invalid(fields)) = result else { panic!("it was accepted") };
        fields.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn the_last_thirty_days_by_day_are_the_usual_answer() {
        let (filter, grouping) = LedgerQuery::default().parse(today()).unwrap();
        assert_eq!((filter.days.count(), filter.days.to(), filter.maker, grouping), (30, today(), None, Grouping::Day));
        let query = LedgerQuery { automation_id: Some("none".to_owned()), group_by: Some("sender".to_owned()), ..LedgerQuery::default() };
        let (filter, grouping) = query.parse(today()).unwrap();
        assert_eq!((filter.maker, grouping), (Some(Maker::OneOff), Grouping::Sender));
    }

    #[test]
    fn every_wrong_field_is_named_at_once() {
        let word = |text: &str| Some(text.to_owned());
        let query = LedgerQuery { automation_id: word("7"), sender_id: word("8"), from: word("soon"), to: None, group_by: word("moon") };
        assert_eq!(fields(query.parse(today())), ["automation_id", "from", "group_by", "sender_id"]);
    }

    #[test]
    fn a_retry_is_of_one_message_or_of_few_days() {
        let id = MessageId::new();
        let one = RetryRequest { message_id: Some(id.to_string()), dry_run: true, ..RetryRequest::default() };
        assert!(matches!(one.parse(today()), Ok((Wish::One(found), Intent::Preview)) if found == id));
        let both = RetryRequest { message_id: Some(id.to_string()), from: Some("2026-11-01".to_owned()), ..RetryRequest::default() };
        assert_eq!(fields(both.parse(today())), ["message_id"]);
        let long = RetryRequest { from: Some("2026-10-01".to_owned()), ..RetryRequest::default() };
        assert_eq!(fields(long.parse(today())), ["from"]);
        assert!(matches!(RetryRequest::default().parse(today()), Ok((Wish::Selection(_), Intent::Send))));
    }
}
