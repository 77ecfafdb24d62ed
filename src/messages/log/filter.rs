//! [`MessageFilter`]: which messages to find. Pages, the API, the export and the live rows of the
//! log share it.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::define_sql_function;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};

use crate::db::schema::messages;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Days, MessageOrigin};
use crate::messages::message::Direction;
use crate::messages::status::MessageStatus;
use crate::types::id::{ContactId, EnrollmentId, MessageId, SenderId, TemplateId};
use crate::types::like_pattern::containing;
use crate::types::text_enum::text_enum;

define_sql_function! {
    /// The first characters of a text.
    fn left(text: Nullable<Text>, count: Integer) -> Nullable<Text>;
}

/// The largest difference between the time in a message's id and its `created_at`: the id may be
/// later by as long as its transaction waited.
pub(in crate::messages) const MARGIN: TimeDelta = TimeDelta::hours(1);

/// The largest number of words in a search.
const MAX_WORDS: usize = 8;

/// A boxed query of messages.
pub(in crate::messages) type BoxedMessages<'a, T> = messages::BoxedQuery<'a, Pg, T>;

/// Which messages to list; every field that is set narrows the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFilter {
    /// To or from this contact.
    pub contact_id: Option<ContactId>,
    /// In this status.
    pub status: Option<MessageStatus>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Composed or received on these days.
    pub days: Option<Days>,
    /// Composed or received at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Created by this automation, or by none.
    pub origin: Option<MessageOrigin>,
    /// Created by this enrollment.
    pub enrollment_id: Option<EnrollmentId>,
    /// Rendered from this template.
    pub template_id: Option<TemplateId>,
    /// Sent from or received by this sender.
    pub sender_id: Option<SenderId>,
    /// Outbound or inbound.
    pub direction: Option<Direction>,
    /// With this error code.
    pub error_code: Option<i32>,
    /// With this reason; the first 200 characters are compared.
    pub reason: Option<String>,
    /// To exactly this address.
    pub to_address: Option<String>,
    /// With all of these words in the text.
    pub text: Option<Words>,
}

text_enum! {
    /// How far back to search, from now.
    pub enum Within {
        /// An hour.
        Hour = "hour",
        /// 24 hours.
        Day = "day",
        /// Seven days.
        Week = "week",
        /// Thirty days.
        Month = "month",
    }
}

impl Within {
    /// The length of the period.
    #[must_use]
    pub const fn span(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
        }
    }

    /// The label of the period for users.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
        }
    }
}

/// The words that a text must contain, each anywhere and in any case; created by [`Words::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Parses words as a user types them.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            _ if text.contains(['\0', '\u{fffd}']) => {
                Err("Remove the character that can’t be searched for.")
            }
            [] => Err("Enter a word of the text."),
            words if words.len() > MAX_WORDS || text.chars().count() > 200 => {
                Err("Enter at most 8 words.")
            }
            words => Ok(Self(words.iter().map(|word| containing(word)).collect())),
        }
    }
}

impl MessageFilter {
    /// Restricts a query to the messages that match the filter.
    pub(in crate::messages) fn apply<'a, T>(
        &'a self,
        query: BoxedMessages<'a, T>,
    ) -> BoxedMessages<'a, T> {
        self.apply_conditions(self.restrict_to_index_range(query))
    }

    /// Restricts a query to the index range that a search scans: the narrowest index that is
    /// ordered by time, within the filter's time.
    pub(in crate::messages) fn restrict_to_index_range<'a, T>(
        &'a self,
        mut query: BoxedMessages<'a, T>,
    ) -> BoxedMessages<'a, T> {
        // The id finds the position in the index, within `MARGIN`; the exact comparison of
        // `created_at` follows.
        if let Some(begin) = self.begin() {
            query = query.filter(messages::id.ge(MessageId::first_at(begin - MARGIN)));
        }
        if let Some(days) = self.days {
            query = query.filter(messages::id.lt(MessageId::first_at(days.end() + MARGIN)));
        }
        if let Some(id) = self.contact_id {
            query.filter(messages::contact_id.eq(id))
        } else if let Some(address) = &self.to_address {
            query.filter(messages::to_address.eq(address))
        } else if let Some(id) = self.enrollment_id {
            query.filter(messages::enrollment_id.eq(id))
        } else if let Some(MessageOrigin::Automation(id)) = self.origin {
            query.filter(messages::automation_id.eq(id))
        } else {
            query
        }
    }

    /// Applies the conditions of the filter exactly.
    fn apply_conditions<'a, T>(&'a self, mut query: BoxedMessages<'a, T>) -> BoxedMessages<'a, T> {
        if let Some(days) = self.days {
            query = query
                .filter(messages::created_at.ge(days.begin()))
                .filter(messages::created_at.lt(days.end()));
        }
        if let Some(since) = self.since {
            query = query.filter(messages::created_at.ge(since));
        }
        if let Some(status) = self.status {
            query = query.filter(messages::status.eq(status));
        }
        if let Some(outcome) = self.outcome {
            query = query.filter(messages::direction.eq(Direction::Outbound));
            query = match outcome {
                Outcome::Retried => query.filter(messages::retried_at.is_not_null()),
                outcome => query
                    .filter(messages::retried_at.is_null())
                    .filter(messages::status.eq_any(MessageStatus::with_outcome(outcome))),
            };
        }
        match self.origin {
            None => {}
            Some(MessageOrigin::Automation(id)) => {
                query = query.filter(messages::automation_id.eq(id));
            }
            Some(MessageOrigin::OneOff) => query = query.filter(messages::automation_id.is_null()),
        }
        if let Some(reason) = &self.reason {
            query = query.filter(left(messages::reason, 200).eq(reason));
        }
        if let Some(id) = self.enrollment_id {
            query = query.filter(messages::enrollment_id.eq(id));
        }
        if let Some(id) = self.template_id {
            query = query.filter(messages::template_id.eq(id));
        }
        if let Some(id) = self.sender_id {
            query = query.filter(messages::sender_id.eq(id));
        }
        if let Some(direction) = self.direction {
            query = query.filter(messages::direction.eq(direction));
        }
        if let Some(code) = self.error_code {
            query = query.filter(messages::error_code.eq(code));
        }
        if let Some(address) = &self.to_address {
            query = query.filter(messages::to_address.eq(address));
        }
        if let Some(Words(patterns)) = &self.text {
            for pattern in patterns {
                query = query.filter(messages::body.ilike(pattern));
            }
        }
        query
    }

    /// The earliest time of a match, if the filter has one.
    pub(in crate::messages) fn begin(&self) -> Option<DateTime<Utc>> {
        self.since.max(self.days.map(Days::begin))
    }

    /// Whether an index alone answers the filter, so that a search reads only messages that match.
    pub(in crate::messages) fn is_answered_by_index(&self) -> bool {
        let only_time = Self { days: self.days, since: self.since, ..Self::default() };
        let indexed = [
            Self { contact_id: self.contact_id, ..only_time.clone() },
            Self { to_address: self.to_address.clone(), ..only_time.clone() },
            Self {
                origin: self.origin.filter(|origin| *origin != MessageOrigin::OneOff),
                ..only_time
            },
        ];
        // An enrollment has few messages, so the other conditions do not matter.
        self.enrollment_id.is_some() || indexed.contains(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::id::AutomationId;

    #[test]
    fn words_match_literally() {
        assert_eq!(
            Words::parse(" 50% off_now\\ "),
            Ok(Words(vec!["%50\\%%".to_owned(), "%off\\_now\\\\%".to_owned()]))
        );
        assert!(
            Words::parse("  ").is_err()
                && Words::parse("a b c d e f g h i").is_err()
                && Words::parse("a\0").is_err()
        );
    }

    #[test]
    fn an_index_answers_a_filter_by_contact_or_automation_alone() {
        let contact =
            MessageFilter { contact_id: Some(ContactId::new()), ..MessageFilter::default() };
        let automation = MessageFilter {
            origin: Some(MessageOrigin::Automation(AutomationId::new())),
            ..MessageFilter::default()
        };
        let since = MessageFilter { since: Some(DateTime::UNIX_EPOCH), ..automation.clone() };
        for answered in [&MessageFilter::default(), &contact, &automation, &since] {
            assert!(answered.is_answered_by_index(), "{answered:?}");
        }
        let both = MessageFilter { origin: automation.origin, ..contact.clone() };
        let status = MessageFilter { status: Some(MessageStatus::Failed), ..contact };
        let one_off =
            MessageFilter { origin: Some(MessageOrigin::OneOff), ..MessageFilter::default() };
        for other in [&both, &status, &one_off] {
            assert!(!other.is_answered_by_index(), "{other:?}");
        }
    }
}
