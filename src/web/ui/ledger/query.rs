//! Which part of the ledger is to be shown: its form, its filter, its links.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::FieldErrors;
use crate::ledger::outcome::Outcome;
use crate::ledger::typed_days::{Today, TypedDays};
use crate::ledger::{Days, Grouping, LedgerFilter, LedgerKey, Maker};
use crate::web::http::narrowing;

/// As many days as are shown when none are named.
const SPAN: i64 = 30;

/// What was chosen: part of every link from the ledger.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub(in crate::web::ui) struct LedgerPageQuery {
    /// An id, or `none` for messages of no automation.
    pub(super) automation_id: String,
    pub(super) sender_id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) group_by: String,
    /// Whether the messages are to be counted anew; any word will do.
    #[serde(skip_serializing)]
    pub(super) check: String,
}

/// A choice as a form sends it that writes: what is in it says something, and what is not is not
/// chosen.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Sent(Vec<(String, String)>);

impl Sent {
    /// The choice, with the errors of what is blank or unknown.
    pub(super) fn read(&self) -> (LedgerPageQuery, FieldErrors) {
        let said = |name| narrowing::field(&self.0, name).unwrap_or_default().to_owned();
        let wanted = LedgerPageQuery {
            automation_id: said("automation_id"),
            sender_id: said("sender_id"),
            from: said("from"),
            to: said("to"),
            group_by: said("group_by"),
            check: String::new(),
        };
        (
            wanted,
            narrowing::check(
                &self.0,
                &["automation_id", "sender_id", "from", "to", "group_by"],
                &["expected"],
            ),
        )
    }

    /// How many messages the person was asked about.
    pub(super) fn expected(&self) -> Option<&str> {
        narrowing::field(&self.0, "expected")
    }
}

impl LedgerPageQuery {
    /// The filter and what a row stands for; what cannot be one is told beside its field.
    pub(super) fn filter(&self, today: Today) -> Result<(LedgerFilter, Grouping), FieldErrors> {
        let mut errors = FieldErrors::default();
        let maker = match filled(&self.automation_id) {
            None => None,
            Some("none") => Some(Maker::OneOff),
            Some(text) => id("automation_id", text, &mut errors).map(Maker::Automation),
        };
        let sender_id = filled(&self.sender_id).and_then(|text| id("sender_id", text, &mut errors));
        let grouping = filled(&self.group_by)
            .map_or(Some(Grouping::Day), |word| errors.check("group_by", word.parse()));
        let days = TypedDays { from: ("from", &self.from), to: ("to", &self.to) }.read(
            today,
            SPAN,
            &mut errors,
        );
        match (days, grouping) {
            (Some(days), Some(grouping)) if errors.is_empty() => {
                Ok((LedgerFilter { days, maker, sender_id }, grouping))
            }
            _ => Err(errors),
        }
    }

    /// The same with its days written out, so that a link means the same tomorrow.
    pub(in crate::web::ui) fn fixed(self, days: Days) -> Self {
        Self { from: days.from().to_string(), to: days.to().to_string(), ..self }
    }

    /// The same, narrowed to what a row stands for, if there are rows within it.
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

    /// Whether anything but the days narrows it.
    pub(super) fn is_narrow(&self) -> bool {
        [&self.automation_id, &self.sender_id].into_iter().any(|text| filled(text).is_some())
    }

    /// A page of the ledger with the same choice; `path` without the path prefix of the public URL.
    pub(in crate::web::ui) fn link(&self, path: &str) -> String {
        let chosen = [
            ("automation_id", &self.automation_id),
            ("sender_id", &self.sender_id),
            ("from", &self.from),
            ("to", &self.to),
            ("group_by", &self.group_by),
        ];
        query(path, chosen.into_iter().map(|(name, text)| (name, text.as_str())))
    }

    /// The list of the messages behind a number.
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
        query("/messages", chosen.into_iter().chain(cause.iter().copied()))
    }
}

/// A path with those parameters that are filled.
fn query<'a>(path: &str, parameters: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.filter(|(_, text)| filled(text).is_some()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn id<T: FromStr>(field: &str, text: &str, errors: &mut FieldErrors) -> Option<T> {
    errors.check(
        field,
        text.parse().map_err(|_| "There is no such thing to filter by; choose another."),
    )
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
    fn a_number_leads_to_its_messages() {
        let wanted = LedgerPageQuery {
            automation_id: "none".to_owned(),
            from: "2026-11-01".to_owned(),
            to: "2026-11-30".to_owned(),
            ..LedgerPageQuery::default()
        };
        let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
        assert_eq!(
            wanted.messages(
                Some(LedgerKey::Day(day)),
                Some(Outcome::Failed),
                &[("error_code", "30003")]
            ),
            "/messages?outcome=failed&automation_id=none&from_day=2026-11-21&to_day=2026-11-21&error_code=30003"
        );
        let sender = SenderId::new();
        assert_eq!(
            wanted.messages(Some(LedgerKey::Sender(Some(sender))), None, &[]),
            format!(
                "/messages?direction=outbound&automation_id=none&sender_id={sender}&from_day=2026-11-01&to_day=2026-11-30"
            )
        );
        assert_eq!(LedgerPageQuery::default().link("/ledger"), "/ledger");
    }

    #[test]
    fn what_cannot_be_shown_is_told_beside_its_field() {
        let wanted = LedgerPageQuery {
            sender_id: "7".to_owned(),
            from: "soon".to_owned(),
            group_by: "moon".to_owned(),
            ..LedgerPageQuery::default()
        };
        let errors = wanted.filter(Today { now: DateTime::UNIX_EPOCH, zone: Tz::UTC }).unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["from", "group_by", "sender_id"]
        );
    }
}
