//! Which messages are looked for: one type for the pages, the API, the export and the rows that
//! change before one's eyes.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::define_sql_function;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};

use crate::db::schema::messages;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Days, Maker};
use crate::messages::message::Direction;
use crate::messages::status::MessageStatus;
use crate::types::id::{ContactId, EnrollmentId, MessageId, SenderId, TemplateId};
use crate::types::text_enum::text_enum;

define_sql_function! {
    /// The first characters of a text.
    fn left(text: Nullable<Text>, count: Integer) -> Nullable<Text>;
}

/// A message's id may be later than its `created_at` by as long as its transaction waited; never by
/// so much.
pub(in crate::messages) const MARGIN: TimeDelta = TimeDelta::hours(1);

/// More words are not looked for.
const MAX_WORDS: usize = 8;

/// A query for messages.
pub(in crate::messages) type BoxedMessages<'a, T> = messages::BoxedQuery<'a, Pg, T>;

/// Which messages to list; every field that is set narrows the list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct MessageFilter {
    /// For or from this contact.
    pub contact_id: Option<ContactId>,
    /// In this status.
    pub status: Option<MessageStatus>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// Composed or received on these days.
    pub days: Option<Days>,
    /// Composed or received at this time or later.
    pub since: Option<DateTime<Utc>>,
    /// Made by this automation, or by none.
    pub maker: Option<Maker>,
    /// Made by this enrollment.
    pub enrollment_id: Option<EnrollmentId>,
    /// Made from this template.
    pub template_id: Option<TemplateId>,
    /// Sent from or received by this sender.
    pub sender_id: Option<SenderId>,
    /// Out or in.
    pub direction: Option<Direction>,
    /// With this error code.
    pub error_code: Option<i32>,
    /// With a reason that begins with this, up to its 200th character.
    pub reason: Option<String>,
    /// To exactly this address.
    pub to_address: Option<String>,
    /// With all of these words in the text.
    pub text: Option<Words>,
}

text_enum! {
    /// How far back messages are looked for, from now on.
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
    /// How long that is.
    #[must_use]
    pub const fn span(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::hours(1),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::days(7),
            Self::Month => TimeDelta::days(30),
        }
    }

    /// The same in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Hour => "Last hour",
            Self::Day => "Last 24 hours",
            Self::Week => "Last 7 days",
            Self::Month => "Last 30 days",
        }
    }
}

/// Words that a text must contain, whatever their case, each somewhere; made by [`Words::parse`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words(Vec<String>);

impl Words {
    /// Reads words as they are typed.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let words: Vec<&str> = text.split_whitespace().collect();
        match words.as_slice() {
            _ if text.contains(['\0', '\u{fffd}']) => {
                Err("There is a character in it that no text has.")
            }
            [] => Err("Enter a word of the text."),
            words if words.len() > MAX_WORDS || text.chars().count() > 200 => {
                Err("Enter at most 8 words.")
            }
            words => Ok(Self(words.iter().map(|word| pattern(word)).collect())),
        }
    }
}

/// A `LIKE` pattern for texts that contain these characters.
fn pattern(word: &str) -> String {
    let mut pattern = String::with_capacity(word.len() + 2);
    pattern.push('%');
    for character in word.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

impl MessageFilter {
    /// The messages of a query that fit.
    pub(in crate::messages) fn narrow<'a, T>(
        &'a self,
        query: BoxedMessages<'a, T>,
    ) -> BoxedMessages<'a, T> {
        self.rest(self.way(query))
    }

    /// Those that lie on the way of the index that is walked along: the narrowest of those that
    /// have the order of time, within the time.
    pub(in crate::messages) fn way<'a, T>(
        &'a self,
        mut query: BoxedMessages<'a, T>,
    ) -> BoxedMessages<'a, T> {
        // The id's time is that of `created_at`, but for a little: it leads to the place in the
        // index, and what is compared there is exact.
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
        } else if let Some(Maker::Automation(id)) = self.maker {
            query.filter(messages::automation_id.eq(id))
        } else {
            query
        }
    }

    /// Everything else that is asked for.
    fn rest<'a, T>(&'a self, mut query: BoxedMessages<'a, T>) -> BoxedMessages<'a, T> {
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
        match self.maker {
            None => {}
            Some(Maker::Automation(id)) => query = query.filter(messages::automation_id.eq(id)),
            Some(Maker::OneOff) => query = query.filter(messages::automation_id.is_null()),
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

    /// The time before which there is nothing to look for.
    pub(in crate::messages) fn begin(&self) -> Option<DateTime<Utc>> {
        self.since.max(self.days.map(Days::begin))
    }

    /// Whether the way leads to nothing but what is asked for, so that nobody has to look far.
    pub(in crate::messages) fn is_served(&self) -> bool {
        let on_the_way = Self { days: self.days, since: self.since, ..Self::default() };
        let ways = [
            Self { contact_id: self.contact_id, ..on_the_way.clone() },
            Self { to_address: self.to_address.clone(), ..on_the_way.clone() },
            Self { maker: self.maker.filter(|maker| *maker != Maker::OneOff), ..on_the_way },
        ];
        // An enrollment has a few messages at most, whatever else is asked for.
        self.enrollment_id.is_some() || ways.contains(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::id::AutomationId;

    #[test]
    fn words_are_looked_for_as_they_are() {
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
    fn what_an_index_serves_needs_no_look() {
        let contact =
            MessageFilter { contact_id: Some(ContactId::new()), ..MessageFilter::default() };
        let automation = MessageFilter {
            maker: Some(Maker::Automation(AutomationId::new())),
            ..MessageFilter::default()
        };
        let since = MessageFilter { since: Some(DateTime::UNIX_EPOCH), ..automation.clone() };
        for served in [&MessageFilter::default(), &contact, &automation, &since] {
            assert!(served.is_served(), "{served:?}");
        }
        let both = MessageFilter { maker: automation.maker, ..contact.clone() };
        let status = MessageFilter { status: Some(MessageStatus::Failed), ..contact };
        let one_off = MessageFilter { maker: Some(Maker::OneOff), ..MessageFilter::default() };
        for other in [&both, &status, &one_off] {
            assert!(!other.is_served(), "{other:?}");
        }
    }
}
