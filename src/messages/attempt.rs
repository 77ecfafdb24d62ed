//! Attempts: each POST of a message to Twilio, and its outcome.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::attempts;
use crate::error::Result;
use crate::types::id::{MessageId, WorkerId};
use crate::types::text_enum::text_enum;

/// One POST of a message to Twilio.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    /// The number of the attempt, from 1.
    pub number: i16,
    /// The worker that made it.
    pub worker_id: WorkerId,
    /// When the worker claimed the message.
    pub claimed_at: DateTime<Utc>,
    /// When the outcome was known; none while the attempt is open.
    pub finished_at: Option<DateTime<Utc>>,
    /// The outcome; none while the attempt is open.
    pub outcome: Option<AttemptOutcome>,
    /// The HTTP status of Twilio's response.
    pub http_status: Option<i16>,
    /// Twilio's error code in that response.
    pub error_code: Option<i32>,
    /// Twilio's id of the request.
    pub twilio_request_id: Option<String>,
    /// How long the call took, in milliseconds.
    pub duration_ms: Option<i32>,
}

/// Loads the attempts of a message, in order.
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
        /// Twilio was too busy to process it: it does not have the message.
        Busy = "busy",
        /// The request never left: Twilio does not have the message.
        NotSent = "not_sent",
        /// Carillon did not send it, because the claim was too old.
        HeldBack = "held_back",
        /// The response does not tell whether Twilio has the message.
        Unknown = "unknown",
    }
}
