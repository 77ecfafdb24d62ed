//! Identifiers: one type per kind of record, so that a contact id cannot be passed as a message id.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::{Deserialize, Serialize};
use uuid::timestamp::ClockSequence;
use uuid::{NoContext, Timestamp, Uuid};

use super::stored_as::stored_as;

/// Declares identifier types: UUIDv7 (time-ordered, with 74 random bits) in the usual notation.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[
            derive(
                Clone,
                Copy,
                PartialEq,
                Eq,
                PartialOrd,
                Ord,
                Hash,
                Serialize,
                Deserialize,
                AsExpression,
                FromSqlRow
            )
        ]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Creates an identifier that sorts after earlier ones from this process.
            #[must_use]
            #[
                expect(
                    clippy::new_without_default,
                    reason = "a default that differs each time would surprise"
                )
            ]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }

        stored_as!(Uuid, $name);
    )+};
}

ids! {
    /// A [`crate::users`] account.
    UserId,
    /// A session of a signed-in user.
    SessionId,
    /// A user's invitation link.
    InvitationId,
    /// An entry of the audit log.
    AuditId,
    /// A key for the JSON API.
    ApiKeyId,
    /// A connected Twilio account.
    ConnectionId,
    /// A phone number or Messaging Service to send from.
    SenderId,
    /// A template.
    TemplateId,
    /// A person with one phone number.
    ContactId,
    /// A label on contacts.
    TagId,
    /// A reason why a number may not be texted.
    SuppressionId,
    /// An event of a contact, reported from outside.
    EventId,
    /// An automation.
    AutomationId,
    /// One contact's run through one automation.
    EnrollmentId,
    /// An outbound or inbound SMS, MMS or WhatsApp message.
    MessageId,
    /// A named filter of the message log.
    SavedViewId,
    /// An organization's own opt-out keyword.
    OptOutWordId,
    /// A source of events and contacts.
    SourceId,
    /// A key of a source.
    SourceKeyId,
    /// A person that a source knows.
    ProfileId,
    /// A running process that performs jobs.
    WorkerId,
}

/// The ids of messages that this process has created. It begins at a random number of one bit less,
/// so that it does not overflow.
static COUNTER: LazyLock<IdCounter> =
    LazyLock::new(|| IdCounter(AtomicU64::new(rand::random::<u64>() >> (65 - IdCounter::BITS))));

/// Counts ids, so that of two with the same time the later one sorts after the earlier one.
///
/// `uuid::ContextV7` would do so, too, but it ignores a clock that is set back: ids would keep the
/// later time, and a search by day would miss their messages.
struct IdCounter(AtomicU64);

impl IdCounter {
    /// The bits of an id that the counter takes; the others below the time are random.
    const BITS: usize = 42;
}

impl ClockSequence for IdCounter {
    type Output = u64;

    fn generate_sequence(&self, _seconds: u64, _nanoseconds: u32) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) & ((1_u64 << Self::BITS) - 1)
    }

    fn usable_bits(&self) -> usize {
        Self::BITS
    }
}

/// The last timestamp that fits in the 48 bits of a UUIDv7, in milliseconds.
const LAST_MILLISECOND: u64 = (1 << 48) - 1;

/// The id of a message begins with the time of its `created_at`, so that a range of times is a
/// range of the primary key.
impl MessageId {
    /// Creates the id of a message that is composed or received now; it sorts after those of the
    /// same millisecond that this process created before.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Uuid::new_v7(timestamp(&*COUNTER, now)))
    }

    /// Creates the id of an earlier message, which sorts among those of that time.
    #[must_use]
    pub fn backdated(time: DateTime<Utc>) -> Self {
        Self(Uuid::new_v7(timestamp(NoContext, time)))
    }

    /// Lower bound of the ids from this time on.
    #[must_use]
    pub fn first_at(time: DateTime<Utc>) -> Self {
        Self(first_at(time))
    }

    /// The id just below, for use as a bound; in practice no message has it.
    #[must_use]
    pub fn just_before(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_sub(1)))
    }

    /// The id just above, for use as a bound; in practice no message has it.
    #[must_use]
    pub fn just_after(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// The time encoded in the id, to the millisecond.
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        let milliseconds = i64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
    }
}

/// The id of an enrollment begins with the time of its cause, right before the contact is enrolled.
impl EnrollmentId {
    /// Lower bound of the ids from this time on.
    #[must_use]
    pub fn first_at(time: DateTime<Utc>) -> Self {
        Self(first_at(time))
    }
}

fn first_at(time: DateTime<Utc>) -> Uuid {
    let milliseconds = u64::try_from(time.timestamp_millis()).unwrap_or_default();
    Uuid::from_u128(u128::from(milliseconds.min(LAST_MILLISECOND)) << 80)
}

fn timestamp(
    context: impl ClockSequence<Output = impl Into<u128>>,
    time: DateTime<Utc>,
) -> Timestamp {
    Timestamp::from_unix(
        context,
        u64::try_from(time.timestamp()).unwrap_or_default(),
        time.timestamp_subsec_nanos(),
    )
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn messages_are_in_the_order_of_their_times() {
        let now = DateTime::from_timestamp_millis(1_794_650_400_123).unwrap();
        let ids: Vec<MessageId> = (0..1_000).map(|_| MessageId::at(now)).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| id.time() == now));
        let before = MessageId::backdated(now - TimeDelta::milliseconds(1));
        let bounds =
            [before, MessageId::first_at(now), ids[0], MessageId::at(now + TimeDelta::days(1))];
        assert!(bounds.is_sorted(), "{bounds:?}");
        let bounds = [
            before,
            before.just_after(),
            ids[0].just_before(),
            ids[0],
            ids[0].just_after(),
            MessageId::first_at(DateTime::<Utc>::MAX_UTC),
        ];
        assert!(bounds.is_sorted_by(|earlier, later| earlier < later), "{bounds:?}");
    }

    #[test]
    fn an_id_has_its_own_time_even_after_one_of_a_later_time() {
        let now = DateTime::from_timestamp_millis(1_794_650_400_123).unwrap();
        let before = MessageId::at(now);
        let later = MessageId::at(now + TimeDelta::days(3));
        let after = MessageId::at(now);
        assert_eq!(after.time(), now);
        assert!(before < after && after < later, "{before} {after} {later}");
    }
}
