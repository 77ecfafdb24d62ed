//! Composing: from a draft to a row of `messages` and its job, many in one statement.

mod draft;
mod rows;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::claim::{Capacity, Claimed};
use super::status::MessageStatus;
use super::stop;
use crate::db::Conn;
use crate::db::schema::messages;
use crate::error::{Error, Result};
use crate::queue::lease::{JobId, Leased};
use crate::types::deadline::Deadline;
use crate::types::id::{ConnectionId, MessageId, WorkerId};
use crate::{contacts, queue};

use rows::{Insert, InsertRow, RoomRow};

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
