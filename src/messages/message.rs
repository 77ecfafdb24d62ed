//! Reading messages: one, a page of them, and the story of one.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::delivery::ReportSource;
use super::log::filter::MessageFilter;
use super::status::MessageStatus;
use super::submit::AttemptOutcome;
use crate::db::Conn;
use crate::db::schema::{attempts, delivery_events, messages};
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId, WorkerId,
};
use crate::types::phone::PhoneNumber;
use crate::types::text_enum::text_enum;

text_enum! {
    /// Which way a message goes.
    pub enum Direction {
        /// From us to a contact.
        Outbound = "outbound",
        /// From a contact to us.
        Inbound = "inbound",
    }
}

/// A message as it stands.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = messages)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Out or in.
    pub direction: Direction,
    /// The Twilio account.
    pub connection_id: ConnectionId,
    /// What it is sent from, or came to.
    pub sender_id: Option<SenderId>,
    /// Whom it is for or from, while that contact exists.
    pub contact_id: Option<ContactId>,
    /// Where it goes; empty when the draft named no usable recipient.
    pub to_address: String,
    /// Where it comes from; none until a Messaging Service has chosen.
    pub from_address: Option<String>,
    /// The text as it is sent.
    pub body: String,
    /// Pictures and the like.
    pub media_urls: Vec<String>,
    /// How many SMS parts the text takes.
    pub parts: i16,
    /// `gsm7` or `ucs2`; none without a text.
    pub encoding: Option<String>,
    /// Where it is on its way.
    pub status: MessageStatus,
    /// Why it ended without a report.
    pub reason: Option<String>,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// Twilio's id.
    pub twilio_sid: Option<String>,
    /// Twilio's ids of what it had accepted and then dropped unsent, before the message was handed
    /// over once more.
    pub former_sids: Option<Vec<String>>,
    /// The template that it was made from.
    pub template_id: Option<TemplateId>,
    /// And the version of it.
    pub template_version: Option<i32>,
    /// The automation that made it.
    pub automation_id: Option<AutomationId>,
    /// The contact's passage through that automation.
    pub enrollment_id: Option<EnrollmentId>,
    /// The step's index, from 0.
    pub step: Option<i16>,
    /// The message that never reached anybody, and that this one repeats.
    pub retry_of: Option<MessageId>,
    /// When another message repeated this one.
    pub retried_at: Option<DateTime<Utc>>,
    /// When it was composed or received.
    pub created_at: DateTime<Utc>,
    /// When the status last changed.
    pub status_at: DateTime<Utc>,
}

impl Message {
    /// The address of the person at the other end; none where the draft named no usable recipient.
    #[must_use]
    pub fn their_address(&self) -> Option<&str> {
        let address = match self.direction {
            Direction::Inbound => self.from_address.as_deref(),
            Direction::Outbound => Some(self.to_address.as_str()),
        };
        address.filter(|address| !address.is_empty())
    }

    /// The same, if it is another number than the contact has now: it was changed since, or the
    /// message went elsewhere.
    #[must_use]
    pub fn other_address(&self, contact: &PhoneNumber) -> Option<&str> {
        self.their_address().filter(|address| !contact.is_at(address))
    }
}

/// One message.
pub async fn find(conn: &mut Conn, id: MessageId) -> Result<Message> {
    let found =
        messages::table.find(id).select(Message::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("message"))
}

/// The message that a one-off request made, found by its key; see
/// [`super::compose::Origin::OneOff`].
pub async fn find_by_request_key(conn: &mut Conn, key: &str) -> Result<Option<Message>> {
    let query = messages::table
        .filter(messages::request_key.eq(key))
        .filter(messages::direction.eq("outbound"));
    Ok(query.select(Message::as_select()).first(conn).await.optional()?)
}

/// All messages that fit the filter, the newest first, up to a limit; for filters that an index
/// serves, others take a [`super::log::search`].
pub async fn list(
    conn: &mut Conn,
    filter: &MessageFilter,
    before: Option<MessageId>,
    limit: i64,
) -> Result<Vec<Message>> {
    let mut query = filter
        .narrow(messages::table.select(Message::as_select()).into_boxed())
        .order(messages::id.desc())
        .limit(limit);
    if let Some(before) = before {
        query = query.filter(messages::id.lt(before));
    }
    Ok(query.load(conn).await?)
}

/// Some messages as they stand now, in no order.
pub async fn find_many(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Message>> {
    Ok(messages::table
        .filter(messages::id.eq_any(ids))
        .select(Message::as_select())
        .load(conn)
        .await?)
}

/// What is planned for a message that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// A worker takes it in hand then, to send it or to ask Twilio about it.
    At(DateTime<Utc>),
    /// Its job failed, and stays so until somebody tries it again.
    GivenUp,
    /// Nothing, or too much before it.
    Unknown,
}

/// Jobs are found by when they are due or failed, not by what they are about: as many are looked
/// through for one message.
const JOBS: i64 = 10_000;

statement! {
    /// The job of a message among those under way, among those that fall due after its status
    /// changed, and among those that failed. No index names a job's subject, which changes when a
    /// job becomes the next one.
    struct FindJob {
        message: MessageId => SqlUuid,
        since: DateTime<Utc> => Timestamptz,
        most: i64 => BigInt,
    }
    returns (Nullable<Timestamptz>, Nullable<Bool>);
    "SELECT min(near.run_at) FILTER (WHERE near.failed_at IS NULL),
         bool_or(near.failed_at IS NOT NULL)
     FROM (
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE worker_id IS NULL AND failed_at IS NULL AND run_at >= {since}
          ORDER BY run_at, id
          LIMIT {most})
         UNION ALL
         SELECT subject, kind, run_at, failed_at
         FROM jobs
         WHERE worker_id IS NOT NULL AND failed_at IS NULL
         UNION ALL
         (SELECT subject, kind, run_at, failed_at
          FROM jobs
          WHERE failed_at >= {since}
          ORDER BY failed_at, id
          LIMIT {most})
     ) AS near
     WHERE near.subject = {message} AND near.kind IN ('send', 'settle')"
}

/// What is planned for a message that waits to be sent, or for Twilio's word about it.
pub async fn plan(conn: &mut Conn, message: &Message) -> Result<Plan> {
    if !matches!(message.status, MessageStatus::Pending | MessageStatus::Unconfirmed) {
        return Ok(Plan::Unknown);
    }
    // Its job was enqueued as its status changed, by the same clock, and for then or later.
    let since = message.status_at - TimeDelta::seconds(1);
    let (due, failed): (Option<DateTime<Utc>>, Option<bool>) =
        FindJob { message: message.id, since, most: JOBS }.get_result(conn).await?;
    Ok(match due {
        Some(due) => Plan::At(due),
        None if failed == Some(true) => Plan::GivenUp,
        None => Plan::Unknown,
    })
}

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
pub async fn attempts(conn: &mut Conn, id: MessageId) -> Result<Vec<Attempt>> {
    let query = attempts::table
        .filter(attempts::message_id.eq(id))
        .order(attempts::number)
        .select(Attempt::as_select());
    Ok(query.load(conn).await?)
}

/// One entry of a message's story.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusEvent {
    /// Twilio's word or ours, as it was reported.
    pub status: String,
    /// When we learnt it.
    pub at: DateTime<Utc>,
    /// How we learnt it.
    pub source: ReportSource,
    /// The error code that came with it.
    pub error_code: Option<i32>,
    /// Whether it moved the status.
    pub applied: bool,
    /// The report as it came.
    pub params: Option<Value>,
}

/// The story of a message: composed, each attempt, each report, in the order in which they
/// happened.
pub async fn events(conn: &mut Conn, message: &Message) -> Result<Vec<StatusEvent>> {
    type Row = (String, DateTime<Utc>, ReportSource, Option<i32>, bool, Option<Value>);
    let reports: Vec<Row> = delivery_events::table
        .filter(delivery_events::message_id.eq(message.id))
        .order(delivery_events::id)
        .select((
            delivery_events::status,
            delivery_events::received_at,
            delivery_events::source,
            delivery_events::error_code,
            delivery_events::applied,
            delivery_events::params,
        ))
        .load(conn)
        .await?;
    let own = |status: MessageStatus, at| StatusEvent {
        status: status.to_string(),
        at,
        source: ReportSource::Carillon,
        error_code: None,
        applied: true,
        params: None,
    };
    let mut story = Vec::new();
    match message.direction {
        Direction::Inbound => story.push(own(MessageStatus::Received, message.created_at)),
        Direction::Outbound => story.push(own(MessageStatus::Pending, message.created_at)),
    }
    story.extend(
        attempts(conn, message.id)
            .await?
            .iter()
            .map(|attempt| own(MessageStatus::Submitting, attempt.claimed_at)),
    );
    story.extend(reports.into_iter().map(|(status, at, source, error_code, applied, params)| {
        StatusEvent { status, at, source, error_code, applied, params }
    }));
    // Stable: what happened in the same microsecond keeps the order above, which is the order of
    // cause and effect.
    story.sort_by_key(|event| event.at);
    Ok(story)
}
