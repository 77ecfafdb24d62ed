//! Identifiers: one type per noun, so that a contact id cannot be passed where a message id belongs.

use diesel::{deserialize::FromSqlRow, expression::AsExpression};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Declares identifier types: UUIDs of version 7 (time-ordered, 74 random bits), shown and parsed in the usual form.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = diesel::sql_types::Uuid)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Makes a new identifier, later in order than those made before it.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
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
            fn to_sql<'b>(&'b self, out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>) -> diesel::serialize::Result {
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
    /// A running process that performs jobs.
    WorkerId,
}
