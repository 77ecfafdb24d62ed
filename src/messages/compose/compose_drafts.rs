//! Composing drafts: inserts many messages in one statement, enqueues those that may go, and claims
//! at once those that this worker sends.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::draft::{Draft, DraftOrigin};
use super::insert_and_claim::{CapacityRow, Insert, InsertRow};
use crate::contacts::deletion::{self, ContactsHeld};
use crate::db::schema::messages;
use crate::db::{Begun, Closing, Conn, Tx};
use crate::error::{Error, Result};
use crate::messages::claim::{Capacity, ClaimedMessage, validity_seconds};
use crate::messages::status::MessageStatus;
use crate::messages::stop_lock;
use crate::queue::lease::{JobId, Leased};
use crate::types::deadline::Deadline;
use crate::types::id::{ConnectionId, MessageId, SenderId, WorkerId};
use crate::{queue, senders};

/// Which worker sends the composed messages.
#[derive(Debug, Clone, Copy)]
pub enum SendBy<'r> {
    /// Any worker, through the queue.
    AnyWorker,
    /// This worker, from the commit on: it holds the jobs, and messages that may go at once are
    /// claimed already.
    ThisWorker {
        /// The worker.
        id: WorkerId,
        /// Its jobs that end with this transaction; as many new messages take over their rows.
        ended: &'r [JobId],
        /// How many messages of each connection may be claimed.
        capacity: &'r Capacity,
        /// When the checks began: before anything was read.
        checked_at: Deadline,
    },
}

/// The composed messages.
#[derive(Debug, Default)]
pub struct Composed {
    /// The new messages.
    pub messages: Vec<MessageId>,
    /// The worker's jobs for messages that are still to be claimed.
    pub jobs: Vec<Leased>,
    /// Messages that are `submitting` already, with the worker's jobs: call Twilio once the
    /// transaction has committed.
    pub claimed: Vec<(Leased, ClaimedMessage)>,
}

impl Composed {
    /// All jobs of the worker, including those of claimed messages.
    pub fn leased(&self) -> impl Iterator<Item = &Leased> {
        self.jobs.iter().chain(self.claimed.iter().map(|(job, _)| job))
    }
}

/// Composes messages in one statement and enqueues those that may go. Drafts of existing messages
/// (same enrollment and step, same request key, resend of the same message) are left out of the
/// result.
///
/// Deletions of contacts are held off, so that a contact being deleted gets no message. With
/// [`SendBy::ThisWorker`], the caller has checked that the automations are active, and this takes
/// the lock of [`stop_lock`].
pub async fn compose_many<'t>(
    tx: ContactsHeld<'t>,
    now: DateTime<Utc>,
    drafts: Vec<Draft>,
    send_by: SendBy<'_>,
) -> Result<(Composed, Closing<'t>)> {
    let tx = Tx::from(tx);
    if drafts.is_empty() {
        return Ok((Composed::default(), tx.close()));
    }
    let (worker, capacity, checked_at) = match send_by {
        SendBy::AnyWorker => (None, &Capacity::unlimited(), Deadline::now()),
        SendBy::ThisWorker { id, ended, capacity, checked_at } => {
            ((drafts.len() <= ended.len()).then_some(id), capacity, checked_at)
        }
    };
    // Without the lock, the insert may wait for another one with the same request key.
    let mut closing =
        if worker.is_some() { stop_lock::lock_for_compose(tx).await? } else { tx.close() };
    let conn = closing.without_waiting();
    let new: Vec<InsertRow<'_>> = drafts.iter().map(|draft| InsertRow::of(draft, now)).collect();
    let parts: Vec<(MessageId, i16)> = new.iter().map(|row| (row.id, row.parts)).collect();
    let by_connection =
        capacity.by_connection().map(|(connection_id, free)| CapacityRow { connection_id, free });
    let insert = Insert {
        draft: new.into_iter().collect(),
        now,
        worker,
        capacity: by_connection.collect(),
        other_capacity: capacity.other(),
    };
    let rows: Vec<(MessageId, MessageStatus, ConnectionId)> = insert.load(conn).await?;
    let goes = |status| matches!(status, MessageStatus::Pending | MessageStatus::Submitting);
    let going: Vec<MessageId> =
        rows.iter().filter(|(_, status, _)| goes(*status)).map(|(id, ..)| *id).collect();
    let jobs = match send_by {
        SendBy::AnyWorker => {
            queue::enqueue_sends(conn, &going, now).await?;
            Vec::new()
        }
        SendBy::ThisWorker { id, ended, .. } => {
            queue::convert_to_sends(conn, id, ended, &going, now).await?
        }
    };
    let submitting = rows
        .iter()
        .filter(|(_, status, _)| *status == MessageStatus::Submitting)
        .map(|(id, _, connection)| (*id, *connection));
    let mut claimed = claimed(conn, &parts, &drafts, submitting.collect(), checked_at, now).await?;
    let (mut started, mut waiting) = (Vec::with_capacity(claimed.len()), Vec::new());
    for job in jobs {
        match claimed.remove(&MessageId(job.job.subject())) {
            Some(message) => started.push((job, message)),
            None => waiting.push(job),
        }
    }
    let composed = Composed {
        messages: rows.into_iter().map(|(id, ..)| id).collect(),
        jobs: waiting,
        claimed: started,
    };
    Ok((composed, closing))
}

/// Composes a single message, and returns its id. A repeated request key returns the message that
/// it created the first time.
pub async fn compose_one(
    tx: Begun<'_>,
    now: DateTime<Utc>,
    draft: Draft,
) -> Result<(MessageId, Closing<'_>)> {
    let key = match &draft.origin {
        DraftOrigin::OneOff { request_key } => request_key.clone(),
        DraftOrigin::Automation { .. } | DraftOrigin::Resend { .. } => None,
    };
    let tx = deletion::hold_off(tx).await?;
    let (composed, mut closing) = compose_many(tx, now, vec![draft], SendBy::AnyWorker).await?;
    if let [message_id, ..] = composed.messages.as_slice() {
        return Ok((*message_id, closing));
    }
    let found = match key {
        Some(key) => {
            let same = messages::table
                .filter(messages::request_key.eq(key))
                .filter(messages::direction.eq("outbound"));
            same.select(messages::id).first(closing.without_waiting()).await.optional()?
        }
        None => None,
    };
    found.map(|id| (id, closing)).ok_or(Error::NotFound("sender"))
}

/// What a worker needs to submit the claimed messages, whose connections are in `submitting`.
/// `parts` has, for each draft, its message and number of parts.
async fn claimed(
    conn: &mut Conn,
    parts: &[(MessageId, i16)],
    drafts: &[Draft],
    submitting: HashMap<MessageId, ConnectionId>,
    checked_at: Deadline,
    now: DateTime<Utc>,
) -> Result<HashMap<MessageId, ClaimedMessage>> {
    if submitting.is_empty() {
        return Ok(HashMap::new());
    }
    let senders: HashSet<SenderId> = drafts.iter().map(|draft| draft.sender_id).collect();
    let senders = senders::find_many(conn, &senders.into_iter().collect::<Vec<_>>()).await?;
    let claimed = parts.iter().zip(drafts).filter_map(|((id, parts), draft)| {
        let (connection_id, sender) = (*submitting.get(id)?, senders.get(&draft.sender_id)?);
        let claimed = ClaimedMessage {
            message_id: *id,
            attempt: 1,
            connection_id,
            sender_id: draft.sender_id,
            to_address: draft.to_address().to_owned(),
            sender_address: sender.address.as_str().to_owned(),
            body: draft.body().to_owned(),
            media_urls: draft.media_urls.clone(),
            parts: *parts,
            validity_seconds: validity_seconds(sender.validity.end_of(now) - now),
            checked_at,
        };
        Some((*id, claimed))
    });
    Ok(claimed.collect())
}
