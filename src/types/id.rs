//! Identifiers: one type per noun, so that a contact id cannot be passed where a message id
//! belongs.

use std::sync::Mutex;

use chrono::{DateTime, Utc};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use serde::{Deserialize, Serialize};
use uuid::{ContextV7, NoContext, Timestamp, Uuid};

/// Declares identifier types: UUIDs of version 7 (time-ordered, 74 random bits), shown and parsed
/// in the usual form.
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
            /// Makes a new identifier, later in order than those made before it.
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

        impl diesel::serialize::ToSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b,
                '_,
                diesel::pg::Pg>
            ) -> diesel::serialize::Result {
                diesel::serialize::ToSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::Uuid, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                diesel::deserialize::FromSql::<diesel::sql_types::Uuid, diesel::pg::Pg>::from_sql(bytes).map(Self)
            }
        }
    )+};
}

ids! {
    /// A [`crate::users`] account.
    UserId,
    /// A browser that is signed in.
    SessionId,
    /// Somebody's link to join.
    InvitationId,
    /// A line of the audit log.
    AuditId,
    /// A key for the JSON API.
    ApiKeyId,
    /// A Twilio account that is connected.
    ConnectionId,
    /// A phone number or Messaging Service to send from.
    SenderId,
    /// A saved SMS text.
    TemplateId,
    /// A person with one phone number.
    ContactId,
    /// A label on contacts.
    TagId,
    /// A reason why a number may not be texted.
    SuppressionId,
    /// Something that a contact did, reported from outside.
    EventId,
    /// A trigger with steps.
    AutomationId,
    /// One contact's passage through one automation.
    EnrollmentId,
    /// One SMS, MMS or WhatsApp message, out or in.
    MessageId,
    /// A filter of messages that is kept under a name.
    ViewId,
    /// An opt-out word of the organization's own.
    OptOutWordId,
    /// A running process that performs jobs.
    WorkerId,
}

/// Counts within a millisecond, so that what is made later is later in order.
static COUNTER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// An id has 48 bits for its time.
const LAST_MILLISECOND: u64 = (1 << 48) - 1;

/// The id of a message begins with the time of its `created_at`: whoever wants those of some time
/// finds them in the order of the key.
impl MessageId {
    /// Makes the identifier of a message that is composed or received now, later in order than
    /// those that this process made before.
    #[must_use]
    pub fn at(now: DateTime<Utc>) -> Self {
        Self(Uuid::new_v7(timestamp(&COUNTER, now)))
    }

    /// Makes the identifier of a message of some time ago, which takes its place among those of
    /// that time.
    #[must_use]
    pub fn of_the_past(time: DateTime<Utc>) -> Self {
        Self(Uuid::new_v7(timestamp(NoContext, time)))
    }

    /// What comes before every identifier of this time and later.
    #[must_use]
    pub fn first_at(time: DateTime<Utc>) -> Self {
        Self(first_at(time))
    }

    /// What comes right before it in order, as a bound: there is no such message.
    #[must_use]
    pub fn just_before(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_sub(1)))
    }

    /// What comes right after it in order, as a bound: there is no such message.
    #[must_use]
    pub fn just_after(self) -> Self {
        Self(Uuid::from_u128(self.0.as_u128().saturating_add(1)))
    }

    /// The time that it begins with, to the millisecond.
    #[must_use]
    pub fn time(self) -> DateTime<Utc> {
        let milliseconds = i64::try_from(self.0.as_u128() >> 80).unwrap_or_default();
        DateTime::from_timestamp_millis(milliseconds).unwrap_or_default()
    }
}

/// The id of an enrollment begins with the time of its cause, which is right before the contact
/// enters.
impl EnrollmentId {
    /// What comes before every identifier of this time and later.
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
    context: impl uuid::timestamp::ClockSequence<Output = impl Into<u128>>,
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
        let before = MessageId::of_the_past(now - TimeDelta::milliseconds(1));
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
}
