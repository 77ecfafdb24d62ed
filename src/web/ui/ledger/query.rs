//! The query of the ledger's pages: its form, its filter and its links.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;
use crate::ledger::days_input::{DaysInput, Today};
use crate::ledger::outcome::Outcome;
use crate::ledger::{Days, Grouping, LedgerFilter, LedgerKey, MessageOrigin};
use crate::web::http::bulk_conditions;

/// The number of days shown by default.
const DEFAULT_DAYS: i64 = 30;

/// The filter of the ledger, which is part of every link.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web::ui) struct LedgerPageQuery {
    /// The id of an automation, or `none` for messages of no automation.
    pub(super) automation_id: String,
    pub(super) sender_id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) group_by: String,
    /// Whether the messages are recounted; any value means yes.
    #[serde(skip_serializing)]
    pub(super) check: String,
}

/// The filter as submitted by a form that writes. Every field that it contains must have a value; a
/// missing field does not filter.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct LedgerQueryForm(Vec<(String, String)>);

impl LedgerQueryForm {
    /// Parses the filter, and returns the errors of blank and unknown fields beside it.
    pub(super) fn parse(&self) -> (LedgerPageQuery, FieldErrors) {
        let field = |name| bulk_conditions::field(&self.0, name).unwrap_or_default().to_owned();
        let query = LedgerPageQuery {
            automation_id: field("automation_id"),
            sender_id: field("sender_id"),
            from: field("from"),
            to: field("to"),
            group_by: field("group_by"),
            check: String::new(),
        };
        (
            query,
            bulk_conditions::check(
                &self.0,
                &["automation_id", "sender_id", "from", "to", "group_by"],
                &["expected"],
            ),
        )
    }

    /// The number of messages that the page showed.
    pub(super) fn expected(&self) -> Option<&str> {
        bulk_conditions::field(&self.0, "expected")
    }
}

impl LedgerPageQuery {
    /// Parses the filter and the grouping, or returns the errors of the fields.
    pub(super) fn filter(&self, today: Today) -> Result<(LedgerFilter, Grouping), FieldErrors> {
        let mut errors = FieldErrors::default();
        let origin = match filled(&self.automation_id) {
            None => None,
            Some("none") => Some(MessageOrigin::OneOff),
            Some(text) => {
                parse_id("automation_id", text, &mut errors).map(MessageOrigin::Automation)
            }
        };
        let sender_id =
            filled(&self.sender_id).and_then(|text| parse_id("sender_id", text, &mut errors));
        let grouping = filled(&self.group_by)
            .map_or(Some(Grouping::Day), |word| errors.check("group_by", word.parse()));
        let days = DaysInput { from: ("from", &self.from), to: ("to", &self.to) }.read(
            today,
            DEFAULT_DAYS,
            &mut errors,
        );
        match (days, grouping) {
            (Some(days), Some(grouping)) if errors.is_empty() => {
                Ok((LedgerFilter { days, origin, sender_id }, grouping))
            }
            _ => Err(errors),
        }
    }

    /// Replaces relative days by dates, so that a link means the same tomorrow.
    pub(in crate::web::ui) fn fixed(self, days: Days) -> Self {
        Self { from: days.from().to_string(), to: days.to().to_string(), ..self }
    }

    /// Narrows the filter to a row's key, grouped by day; none if the row is a day.
    pub(super) fn within(&self, key: LedgerKey) -> Option<Self> {
        let day = "day".to_owned();
        match key {
            LedgerKey::Day(_) => None,
            LedgerKey::Automation(id) => {
                let automation_id = id.map_or_else(|| "none".to_owned(), |id| id.to_string());
                Some(Self { automation_id, group_by: day, ..self.clone() })
            }
            LedgerKey::Sender(id) => {
                Some(Self { sender_id: id?.to_string(), group_by: day, ..self.clone() })
            }
        }
    }

    /// Whether anything besides the days is filtered.
    pub(super) fn is_narrow(&self) -> bool {
        [&self.automation_id, &self.sender_id].into_iter().any(|text| filled(text).is_some())
    }

    /// A link to a page of the ledger with the same filter; `path` has no path prefix of the public
    /// URL.
    pub(in crate::web::ui) fn link(&self, path: &str) -> String {
        let chosen = [
            ("automation_id", &self.automation_id),
            ("sender_id", &self.sender_id),
            ("from", &self.from),
            ("to", &self.to),
            ("group_by", &self.group_by),
        ];
        path_with_query(path, chosen.into_iter().map(|(name, text)| (name, text.as_str())))
    }

    /// A link to the list of messages behind a count.
    pub(in crate::web::ui) fn messages(
        &self,
        key: Option<LedgerKey>,
        outcome: Option<Outcome>,
        cause: &[(&str, &str)],
    ) -> String {
        let mut narrowed = self.clone();
        match key {
            None => {}
            Some(LedgerKey::Day(day)) => {
                (narrowed.from, narrowed.to) = (day.to_string(), day.to_string());
            }
            Some(key) => narrowed = self.within(key).unwrap_or(narrowed),
        }
        let chosen = [
            ("direction", if outcome.is_none() { "outbound" } else { "" }),
            ("outcome", outcome.map_or("", Outcome::as_str)),
            ("automation_id", &narrowed.automation_id),
            ("sender_id", &narrowed.sender_id),
            ("from_day", &narrowed.from),
            ("to_day", &narrowed.to),
        ];
        path_with_query("/messages", chosen.into_iter().chain(cause.iter().copied()))
    }
}

/// A path with the parameters that are not blank.
fn path_with_query<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.filter(|(_, text)| filled(text).is_some()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn parse_id<T: FromStr>(field: &str, text: &str, errors: &mut FieldErrors) -> Option<T> {
    errors.check(field, text.parse().map_err(|_| "Not found. Choose another one."))
}

fn filled(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use chrono_tz::Tz;

    use super::*;
    use crate::types::id::SenderId;

    #[test]
    fn a_count_links_to_its_messages() {
        let query = LedgerPageQuery {
            automation_id: "none".to_owned(),
            from: "2026-11-01".to_owned(),
            to: "2026-11-30".to_owned(),
            ..LedgerPageQuery::default()
        };
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        assert_eq!(
            query.messages(
                Some(LedgerKey::Day(day)),
                Some(Outcome::Failed),
                &[("error_code", "30003")]
            ),
            "/messages?outcome=failed&automation_id=none&from_day=2026-11-21&to_day=2026-11-21&error_code=30003"
        );
        let sender = SenderId::new();
        assert_eq!(
            query.messages(Some(LedgerKey::Sender(Some(sender))), None, &[]),
            format!(
                "/messages?direction=outbound&automation_id=none&sender_id={sender}&from_day=2026-11-01&to_day=2026-11-30"
            )
        );
        assert_eq!(LedgerPageQuery::default().link("/ledger"), "/ledger");
    }

    #[test]
    fn each_invalid_field_has_an_error() {
        let query = LedgerPageQuery {
            sender_id: "7".to_owned(),
            from: "soon".to_owned(),
            group_by: "moon".to_owned(),
            ..LedgerPageQuery::default()
        };
        let errors = query.filter(Today { now: DateTime::UNIX_EPOCH, zone: Tz::UTC }).unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["from", "group_by", "sender_id"]
        );
    }
}
