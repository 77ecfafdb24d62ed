//! [`Unconfirmed`] messages: which of them Twilio has, by its list of messages, and what happens to
//! those that it does not have.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::connections::UnconfirmedPolicy;
use crate::db::Conn;
use crate::db::schema::{attempts, connections, delivery_events, messages, senders};
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource;
use crate::queue;
use crate::twilio::{Address, TwilioMessage};
use crate::types::id::{ConnectionId, MessageId};

/// When Twilio's list is checked, counted from when the message became unconfirmed; the first check
/// comes even earlier, after a few seconds. The policy decides only after a check at the last of
/// these times, or later: checks that failed do not count.
const CHECK_DELAYS: [TimeDelta; 4] = [
    TimeDelta::seconds(30),
    TimeDelta::seconds(150),
    TimeDelta::seconds(750),
    TimeDelta::seconds(1_650),
];

/// How much the clocks of two machines may differ, and how late Twilio may record a message that
/// was posted.
const TOLERANCE: TimeDelta = TimeDelta::minutes(2);

/// How long after its claim Twilio may have recorded a message; later ones are other messages.
const MAX_RECORDING_DELAY: TimeDelta = TimeDelta::hours(1);

/// How long to wait for the response of an equal message that is being submitted.
const SUBMITTING_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// A message that Twilio may or may not have, with what identifies it there.
#[derive(Debug, Clone)]
pub struct Unconfirmed {
    /// The message.
    pub id: MessageId,
    /// The connection that it was sent through.
    pub connection_id: ConnectionId,
    /// The recipient.
    pub to_address: String,
    /// The text.
    pub body: String,
    /// `unconfirmed`, or `submitting` while its response is not recorded yet.
    pub status: MessageStatus,
    /// When it got that status.
    pub status_at: DateTime<Utc>,
    /// The number or Messaging Service that it was sent from.
    pub sender_address: String,
    /// When the unanswered attempt was claimed.
    pub claimed_at: DateTime<Utc>,
    /// What to do if Twilio's list never shows it.
    pub policy: UnconfirmedPolicy,
}

/// Twilio's SIDs that belong to messages of ours.
#[derive(Debug, Default)]
pub struct OwnedSids(HashSet<String>);

impl Unconfirmed {
    /// The earliest time at which Twilio can have recorded it.
    #[must_use]
    pub fn since(&self) -> DateTime<Utc> {
        self.claimed_at - TOLERANCE
    }

    fn has_no_check_left(&self, now: DateTime<Utc>) -> bool {
        next_check(self, now).is_none()
    }

    /// Whether two messages cannot be told apart in Twilio's list.
    fn equals(&self, other: &Self) -> bool {
        self.sender_address == other.sender_address && self.body.trim_end() == other.body.trim_end()
    }

    /// Whether Twilio's message can be this one: same recipient, sender and text, created around
    /// the time of the claim.
    fn matches(&self, listed: &TwilioMessage) -> bool {
        let same_sender = if self.sender_address.starts_with("MG") {
            listed
                .messaging_service_sid
                .as_ref()
                .is_some_and(|sid| sid.as_str() == self.sender_address)
        } else {
            listed.from.as_ref().is_some_and(|from| from.to_wire() == self.sender_address)
        };
        same_sender
            && listed.to.as_ref().map(Address::to_wire).as_deref() == Some(&self.to_address)
            && listed.body.as_deref().unwrap_or_default().trim_end() == self.body.trim_end()
            && listed.date_created.is_some_and(|created| {
                created >= self.since() && created <= self.claimed_at + MAX_RECORDING_DELAY
            })
    }
}

/// Loads the messages that are still unconfirmed, in the order of their claims.
pub async fn load(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Unconfirmed>> {
    load_open(conn, ids, &[MessageStatus::Unconfirmed]).await
}

/// Locks and loads the messages to an address that Twilio may have since `since`, or a little
/// earlier, in the caller's transaction. A concurrent call for the address waits, and then sees
/// which SIDs are assigned.
pub async fn lock_all_to(
    conn: &mut Conn,
    to_address: &str,
    since: DateTime<Utc>,
) -> Result<Vec<Unconfirmed>> {
    const OPEN: [MessageStatus; 2] = [MessageStatus::Unconfirmed, MessageStatus::Submitting];
    let ids: Vec<MessageId> = messages::table
        .filter(messages::to_address.eq(to_address))
        .filter(messages::direction.eq("outbound"))
        .filter(messages::status.eq_any(OPEN))
        .order(messages::id)
        .select(messages::id)
        .for_no_key_update()
        .load(conn)
        .await?;
    let mut open = load_open(conn, &ids, &OPEN).await?;
    // A message that was given up long ago cannot be confused with these.
    open.retain(|unconfirmed| unconfirmed.claimed_at >= since - MAX_RECORDING_DELAY);
    Ok(open)
}

async fn load_open(
    conn: &mut Conn,
    ids: &[MessageId],
    open: &[MessageStatus],
) -> Result<Vec<Unconfirmed>> {
    type Row = (
        (MessageId, ConnectionId, String, String),
        (MessageStatus, DateTime<Utc>, DateTime<Utc>),
        (String, UnconfirmedPolicy),
    );
    let found: Vec<Row> = messages::table
        .inner_join(senders::table)
        .inner_join(connections::table)
        .filter(messages::id.eq_any(ids))
        .filter(messages::status.eq_any(open))
        .select((
            (messages::id, messages::connection_id, messages::to_address, messages::body),
            (messages::status, messages::status_at, messages::created_at),
            (senders::address, connections::unconfirmed_policy),
        ))
        .load(conn)
        .await?;
    let claims: Vec<(MessageId, DateTime<Utc>)> = attempts::table
        .filter(attempts::message_id.eq_any(ids))
        .order((attempts::message_id, attempts::number))
        .select((attempts::message_id, attempts::claimed_at))
        .load(conn)
        .await?;
    // Later attempts overwrite earlier ones.
    let claims: HashMap<MessageId, DateTime<Utc>> = claims.into_iter().collect();
    let with_claim = |(message, state, sending): Row| {
        let (
            (id, connection_id, to_address, body),
            (status, status_at, created_at),
            (sender_address, policy),
        ) = (message, state, sending);
        let claimed_at = claims.get(&id).copied().unwrap_or(created_at);
        Unconfirmed {
            id,
            connection_id,
            to_address,
            body,
            status,
            status_at,
            sender_address,
            claimed_at,
            policy,
        }
    };
    let mut loaded: Vec<Unconfirmed> = found.into_iter().map(with_claim).collect();
    loaded.sort_by_key(|unconfirmed| (unconfirmed.claimed_at, unconfirmed.id));
    Ok(loaded)
}

/// Matches Twilio's messages to ours, all to one address; `owned` SIDs belong to a message already.
///
/// Only callbacks can tell equal messages apart, with the same sender and text. If Twilio has as
/// many as are missing here, they match in order. If it has fewer, callbacks get the time of all
/// checks first; after that, the choice makes no difference to the person. While one of them is
/// being submitted, none is matched.
#[must_use]
pub fn assign<'a>(
    open: &[Unconfirmed],
    listed: &'a [TwilioMessage],
    owned: &OwnedSids,
    now: DateTime<Utc>,
) -> Vec<(MessageId, ConnectionId, &'a TwilioMessage)> {
    let mut free: Vec<&TwilioMessage> =
        listed.iter().filter(|listed| !owned.contains(listed.sid.as_str())).collect();
    free.sort_by_key(|listed| (listed.date_created, listed.sid.as_str()));
    let mut assigned = Vec::new();
    let mut done: Vec<&Unconfirmed> = Vec::new();
    for first in open {
        if done.iter().any(|done| done.equals(first)) {
            continue;
        }
        done.push(first);
        let equal: Vec<&Unconfirmed> = open.iter().filter(|other| other.equals(first)).collect();
        let mut taken: HashSet<&str> = HashSet::new();
        let mut pairs = Vec::new();
        for unconfirmed in &equal {
            if let Some(found) = free
                .iter()
                .find(|found| !taken.contains(found.sid.as_str()) && unconfirmed.matches(found))
            {
                taken.insert(found.sid.as_str());
                pairs.push((unconfirmed.id, unconfirmed.connection_id, *found));
            }
        }
        let is_complete = pairs.len() == equal.len()
            || equal.iter().any(|unconfirmed| unconfirmed.has_no_check_left(now));
        if is_complete
            && equal.iter().all(|unconfirmed| unconfirmed.status == MessageStatus::Unconfirmed)
        {
            assigned.extend(pairs);
        }
    }
    assigned
}

/// The next step after a check that did not settle a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Check again at this time.
    CheckAgain(DateTime<Utc>),
    /// The policy has decided.
    Decided,
}

/// Records that Twilio's list does not show the message, and returns the time of the next check, or
/// applies the policy after the last one. `open` are all messages that [`lock_all_to`] returned, in
/// the same transaction.
pub async fn nothing_found(
    conn: &mut Conn,
    unconfirmed: &Unconfirmed,
    open: &[Unconfirmed],
    now: DateTime<Utc>,
) -> Result<NextStep> {
    record_event(conn, unconfirmed.id, MessageStatus::Unconfirmed, ReportSource::Lookup, now)
        .await?;
    if let Some(at) = next_check(unconfirmed, now) {
        return Ok(NextStep::CheckAgain(at));
    }
    if open
        .iter()
        .any(|other| other.equals(unconfirmed) && other.status == MessageStatus::Submitting)
    {
        return Ok(NextStep::CheckAgain(now + SUBMITTING_PAUSE));
    }
    match unconfirmed.policy {
        UnconfirmedPolicy::GiveUp => give_up(conn, unconfirmed.id).await?,
        UnconfirmedPolicy::Resend => return_to_pending(conn, unconfirmed.id, now).await?,
    }
    Ok(NextStep::Decided)
}

fn next_check(unconfirmed: &Unconfirmed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    CHECK_DELAYS.iter().map(|after| unconfirmed.status_at + *after).find(|at| *at > now)
}

/// The SIDs that belong to a message of ours to this address, now or before a retry.
///
/// No unique index guards this: a transaction that assigns a SID holds the locks of
/// [`lock_all_to`].
pub async fn owned_sids(conn: &mut Conn, sids: &[&str], to_address: &str) -> Result<OwnedSids> {
    let to_them = messages::table.filter(messages::to_address.eq(to_address));
    let own = to_them.filter(messages::twilio_sid.eq_any(sids)).select(messages::twilio_sid);
    let own: Vec<Option<String>> = own.load(conn).await?;
    let former_sids =
        to_them.filter(messages::former_sids.is_not_null()).select(messages::former_sids);
    let former_sids: Vec<Option<Vec<String>>> = former_sids.load(conn).await?;
    Ok(OwnedSids(
        own.into_iter().flatten().chain(former_sids.into_iter().flatten().flatten()).collect(),
    ))
}

impl OwnedSids {
    /// Whether a message of ours has this SID.
    #[must_use]
    pub fn contains(&self, sid: &str) -> bool {
        self.0.contains(sid)
    }
}

/// Leaves the message `unconfirmed` with a reason, so that a late callback still settles it.
async fn give_up(conn: &mut Conn, id: MessageId) -> Result<()> {
    let reason = "Twilio never confirmed this message, and its list does not show it. Carillon \
                  does not send it again, so that it can’t arrive twice.";
    diesel::update(
        messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)),
    )
    .set(messages::reason.eq(reason))
    .execute(conn)
    .await?;
    Ok(())
}

/// Stores a check or a decision as a delivery event. Our decisions apply; a check without a result
/// moves nothing.
async fn record_event(
    conn: &mut Conn,
    id: MessageId,
    status: MessageStatus,
    source: ReportSource,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(delivery_events::table)
        .values((
            delivery_events::message_id.eq(id),
            delivery_events::status.eq(status.as_str()),
            delivery_events::source.eq(source),
            delivery_events::applied.eq(source == ReportSource::Carillon),
            delivery_events::received_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Returns the message to `pending`, because its connection's policy prefers a duplicate to a loss.
async fn return_to_pending(conn: &mut Conn, id: MessageId, now: DateTime<Utc>) -> Result<()> {
    let moved = diesel::update(
        messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)),
    )
    .set((messages::status.eq(MessageStatus::Pending), messages::status_at.eq(now)))
    .execute(conn)
    .await?;
    if moved == 1 {
        record_event(conn, id, MessageStatus::Pending, ReportSource::Carillon, now).await?;
        queue::enqueue_sends(conn, &[id], now).await?;
    }
    Ok(())
}

#[cfg(test)]
#[path = "unconfirmed_tests.rs"]
mod tests;
