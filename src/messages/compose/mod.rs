//! Composing: from a draft to a row of `messages` and its job, many in one statement.

mod draft;
mod rows;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::claim::{Capacity, Claimed};
use super::status::MessageStatus;
use super::stop;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::queue::lease::{JobId, Leased};
use crate::types::deadline::Deadline;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId, WorkerId,
};
use crate::{contacts, queue};
use columns::Columns;

pub use draft::{Draft, Origin};

/// Who sends what is composed.
#[derive(Debug, Clone, Copy)]
pub enum Sends<'r> {
    /// Whoever asks the queue first.
    Anyone,
    /// This worker, from the commit on: it has the jobs, and what nothing stands against is claimed
    /// already.
    Worker {
        /// The worker.
        id: WorkerId,
        /// Its jobs that end with this transaction: it takes as many messages, in their rows.
        ended: &'r [JobId],
        /// How many of each connection may be claimed.
        room: &'r Capacity,
        /// When it began to be judged what goes: before anything was read.
        judged_at: Deadline,
    },
}

/// What was composed.
#[derive(Debug, Default)]
pub struct Composed {
    /// The new messages.
    pub messages: Vec<MessageId>,
    /// The worker's jobs of those that are still to be claimed.
    pub jobs: Vec<Leased>,
    /// Those that are `submitting` already, with the worker's jobs: call Twilio once the
    /// transaction has committed.
    pub claimed: Vec<(Leased, Claimed)>,
}

impl Composed {
    /// The worker's jobs, those of what is claimed already included.
    pub fn leased(&self) -> impl Iterator<Item = &Leased> {
        self.jobs.iter().chain(self.claimed.iter().map(|(job, _)| job))
    }
}

statement! {
    /// Inserts drafts as messages: `failed` with their failure, `suppressed` where the number may
    /// not be texted, `skipped` where the contact is not there any more, else `pending`; or, where
    /// a worker takes what has room and no rate to keep to, `submitting` with its first attempt, as
    /// a claim would write it (see [`claim`](super::claim)).
    struct Insert<'a> {
        draft: batch of InsertRow<'a> {
            id: MessageId => SqlUuid,
            contact_id: Option<ContactId> => Nullable<SqlUuid>,
            sender_id: SenderId => SqlUuid,
            to_address: &'a str => Text,
            body: &'a str => Text,
            media: String => Text,
            parts: i16 => Int2,
            encoding: Option<&'static str> => Nullable<Text>,
            failure: Option<&'a str> => Nullable<Text>,
            template_id: Option<TemplateId> => Nullable<SqlUuid>,
            template_version: Option<i32> => Nullable<Int4>,
            automation_id: Option<AutomationId> => Nullable<SqlUuid>,
            enrollment_id: Option<EnrollmentId> => Nullable<SqlUuid>,
            step: Option<i16> => Nullable<Int2>,
            request_key: Option<&'a str> => Nullable<Text>,
            retry_of: Option<MessageId> => Nullable<SqlUuid>,
        },
        now: DateTime<Utc> => Timestamptz,
        worker: Option<WorkerId> => Nullable<SqlUuid>,
        room: batch of RoomRow { connection_id: ConnectionId => SqlUuid, places: i64 => BigInt },
        room_otherwise: i64 => BigInt,
    }
    returns (SqlUuid, Text, SqlUuid);
    "WITH judged AS (
         SELECT draft.*, c.id AS alive_id, s.connection_id,
             CASE WHEN s.kind = 'phone_number' THEN s.address END AS from_address,
             x.reason AS suppression,
             {worker} IS NOT NULL
                 AND s.parts_per_second IS NULL
                 AND s.disabled_at IS NULL AND s.stopped_at IS NULL
                 AND k.disabled_at IS NULL AND k.stopped_at IS NULL
                 AND row_number() OVER (PARTITION BY s.connection_id ORDER BY draft.id)
                     <= coalesce(room.places, {room_otherwise}) AS goes
         FROM {draft}
         JOIN senders s ON s.id = draft.sender_id
         JOIN connections k ON k.id = s.connection_id
         LEFT JOIN {room} ON room.connection_id = s.connection_id
         LEFT JOIN contacts c ON c.id = draft.contact_id
         LEFT JOIN LATERAL (
             SELECT reason FROM suppressions
             WHERE phone = draft.to_address AND lifted_at IS NULL
             ORDER BY since LIMIT 1
         ) AS x ON true
     ), inserted AS (
         INSERT INTO messages
             (id, direction, connection_id, sender_id, contact_id, to_address, from_address, body,
              media_urls, parts, encoding, status, reason, template_id, template_version,
              automation_id, enrollment_id, step, request_key, retry_of, created_at, status_at)
         SELECT id, 'outbound', connection_id, sender_id, alive_id, to_address, from_address, body,
             string_to_array(media, E'\\n'), parts, encoding,
             CASE
                 WHEN contact_id IS DISTINCT FROM alive_id THEN 'skipped'
                 WHEN failure IS NOT NULL THEN 'failed'
                 WHEN suppression IS NOT NULL THEN 'suppressed'
                 WHEN goes THEN 'submitting'
                 ELSE 'pending'
             END,
             CASE
                 WHEN contact_id IS DISTINCT FROM alive_id THEN 'The contact was deleted.'
                 ELSE coalesce(failure, suppression)
             END,
             template_id, template_version, automation_id, enrollment_id, step, request_key,
             retry_of, {now}, {now}
         FROM judged
         ON CONFLICT DO NOTHING
         RETURNING id, status, connection_id
     ), attempted AS (
         INSERT INTO attempts (message_id, number, worker_id, claimed_at)
         SELECT id, 1, {worker}, {now} FROM inserted WHERE status = 'submitting'
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, status, 'carillon', true, {now}
         FROM inserted
         WHERE status NOT IN ('pending', 'submitting')
     )
     SELECT id, status, connection_id FROM inserted"
}

/// Composes messages in one statement and enqueues the sending of those that may go.
///
/// The caller holds deletions of contacts off ([`contacts::deletion`]), so that nobody who is
/// deleted at this moment gets a message; where a worker takes them, it has checked that their
/// automation is active, and waits for nothing before its commit: the gate of [`stop`] is passed
/// here. Drafts of messages that exist already (same enrollment and step, same request key, retry
/// of the same message) are left out of the answer.
pub async fn compose(
    conn: &mut Conn,
    now: DateTime<Utc>,
    drafts: Vec<Draft>,
    sends: Sends<'_>,
) -> Result<Composed> {
    if drafts.is_empty() {
        return Ok(Composed::default());
    }
    let (worker, room, judged_at) = match sends {
        Sends::Anyone => (None, &Capacity::unlimited(), Deadline::now()),
        Sends::Worker { id, ended, room, judged_at } => {
            ((drafts.len() <= ended.len()).then_some(id), room, judged_at)
        }
    };
    if worker.is_some() {
        stop::pass_with_claims(conn).await?;
    }
    let new: Vec<InsertRow<'_>> = drafts.iter().map(|draft| InsertRow::of(draft, now)).collect();
    let parts: Vec<(MessageId, i16)> = new.iter().map(|row| (row.id, row.parts)).collect();
    let named = room.named().map(|(connection_id, places)| RoomRow { connection_id, places });
    let insert = Insert {
        draft: new.into_iter().collect(),
        now,
        worker,
        room: named.collect(),
        room_otherwise: room.otherwise(),
    };
    let rows: Vec<(MessageId, MessageStatus, ConnectionId)> = insert.load(conn).await?;
    let goes = |status| matches!(status, MessageStatus::Pending | MessageStatus::Submitting);
    let going: Vec<MessageId> =
        rows.iter().filter(|(_, status, _)| goes(*status)).map(|(id, ..)| *id).collect();
    let jobs = match sends {
        Sends::Anyone => {
            queue::enqueue_sends(conn, &going, now).await?;
            Vec::new()
        }
        Sends::Worker { id, ended, .. } => queue::send_next(conn, id, ended, &going, now).await?,
    };
    let begun = rows
        .iter()
        .filter(|(_, status, _)| *status == MessageStatus::Submitting)
        .map(|(id, _, connection)| (*id, *connection));
    let mut claimed = rows::claimed(conn, &parts, &drafts, begun.collect(), judged_at, now).await?;
    let (mut begun, mut waiting) = (Vec::with_capacity(claimed.len()), Vec::new());
    for job in jobs {
        match claimed.remove(&MessageId(job.job.subject())) {
            Some(message) => begun.push((job, message)),
            None => waiting.push(job),
        }
    }
    Ok(Composed {
        messages: rows.into_iter().map(|(id, ..)| id).collect(),
        jobs: waiting,
        claimed: begun,
    })
}

/// Composes a single message, as the first thing in a transaction, and returns its id; a repeated
/// request key returns the message that it made the first time.
pub async fn compose_one(conn: &mut Conn, now: DateTime<Utc>, draft: Draft) -> Result<MessageId> {
    let key = match &draft.origin {
        Origin::OneOff { request_key } => request_key.clone(),
        Origin::Automation { .. } | Origin::Retry { .. } => None,
    };
    contacts::deletion::hold_off(conn).await?;
    let composed = compose(conn, now, vec![draft], Sends::Anyone).await?;
    if let [message_id, ..] = composed.messages.as_slice() {
        return Ok(*message_id);
    }
    let found = match key {
        Some(key) => {
            let same = messages::table
                .filter(messages::request_key.eq(key))
                .filter(messages::direction.eq("outbound"));
            same.select(messages::id).first(conn).await.optional()?
        }
        None => None,
    };
    found.ok_or(Error::NotFound("sender"))
}
