//! Attempts: each POST of a message to Twilio, and what came of it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::attempts;
use crate::error::Result;
use crate::types::id::{MessageId, WorkerId};
use crate::types::text_enum::text_enum;

/// One POST to Twilio.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    /// From 1.
    pub number: i16,
    /// The process that made it.
    pub worker_id: WorkerId,
    /// When it was claimed.
    pub claimed_at: DateTime<Utc>,
    /// When its outcome was known.
    pub finished_at: Option<DateTime<Utc>>,
    /// What came of it.
    pub outcome: Option<AttemptOutcome>,
    /// The status of Twilio's HTTP answer.
    pub http_status: Option<i16>,
    /// The error code in it.
    pub error_code: Option<i32>,
    /// Twilio's id of the request.
    pub twilio_request_id: Option<String>,
    /// How long Twilio took.
    pub duration_ms: Option<i32>,
}

/// The attempts to submit a message, in order.
pub async fn of_message(conn: &mut Conn, id: MessageId) -> Result<Vec<Attempt>> {
    let query = attempts::table
        .filter(attempts::message_id.eq(id))
        .order(attempts::number)
        .select(Attempt::as_select());
    Ok(query.load(conn).await?)
}

text_enum! {
    /// The outcome of an attempt, as the database writes it.
    pub enum AttemptOutcome {
        /// Twilio has the message.
        Accepted = "accepted",
        /// Twilio refused it with an error code: it does not have the message.
        Refused = "refused",
        /// Twilio was too busy to look at it: it does not have the message.
        Busy = "busy",
        /// The request never left: Twilio does not have the message.
        NotSent = "not_sent",
        /// It was not sent, since too much time had passed since the claim.
        HeldBack = "held_back",
        /// Nobody can know from the answer.
        Unknown = "unknown",
    }
}
