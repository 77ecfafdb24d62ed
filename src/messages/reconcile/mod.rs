//! Settling what nobody confirmed: by Twilio's list of messages, then by the connection's policy,
//! never by guessing.

pub mod missed;
pub mod stale;

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::report::ReportSource;
use crate::connections::UnconfirmedPolicy;
use crate::db::Conn;
use crate::db::schema::{attempts, connections, delivery_events, messages, senders};
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::queue;
use crate::twilio::{Address, TwilioMessage};
use crate::types::id::{ConnectionId, MessageId};

/// When Twilio's list is looked at, counted from when the message became unconfirmed; the first
/// look is a few seconds after that. Only a look at the last of these times, or later, lets the
/// policy decide: looks that failed do not count.
const LOOKS: [TimeDelta; 4] = [
    TimeDelta::seconds(30),
    TimeDelta::seconds(150),
    TimeDelta::seconds(750),
    TimeDelta::seconds(1_650),
];

/// Clocks of two machines may differ by this much, and Twilio may note a message a little later
/// than it was posted.
const TOLERANCE: TimeDelta = TimeDelta::minutes(2);

/// Twilio notes a message when it is posted; much later ones are others.
const LATEST: TimeDelta = TimeDelta::hours(1);

/// Until an equal message that is being submitted has its answer.
const NEIGHBOUR_PAUSE: TimeDelta = TimeDelta::seconds(30);

/// A message that may or may not be at Twilio, with what is needed to recognise it there.
#[derive(Debug, Clone)]
pub struct Unconfirmed {
    /// The message.
    pub id: MessageId,
    /// Through whose account it was sent.
    pub connection_id: ConnectionId,
    /// Whom it is for.
    pub to_address: String,
    /// The text.
    pub body: String,
    /// `unconfirmed`, or `submitting` while its answer is not recorded yet.
    pub status: MessageStatus,
    /// Since when.
    pub status_at: DateTime<Utc>,
    /// The number or Messaging Service that it was sent from.
    pub sender_address: String,
    /// When the attempt that nobody answered began.
    pub claimed_at: DateTime<Utc>,
    /// What to do when Twilio never shows it.
    pub policy: UnconfirmedPolicy,
}

/// Twilio's ids that belong to messages of ours.
#[derive(Debug, Default)]
pub struct Owned(HashSet<String>);

impl Unconfirmed {
    /// The earliest that Twilio can have noted it.
    #[must_use]
    pub fn since(&self) -> DateTime<Utc> {
        self.claimed_at - TOLERANCE
    }

    fn has_looked_enough(&self, now: DateTime<Utc>) -> bool {
        next_look(self, now).is_none()
    }

    /// Whether two messages cannot be told apart in Twilio's list.
    fn equals(&self, other: &Self) -> bool {
        self.sender_address == other.sender_address && self.body.trim_end() == other.body.trim_end()
    }

    /// Whether Twilio's message could be this one: same recipient, sender and text, made when we
    /// made it.
    fn fits(&self, listed: &TwilioMessage) -> bool {
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
                created >= self.since() && created <= self.claimed_at + LATEST
            })
    }
}

/// Loads those of some messages that are still unconfirmed, in the order in which they were
/// submitted.
pub async fn load(conn: &mut Conn, ids: &[MessageId]) -> Result<Vec<Unconfirmed>> {
    load_open(conn, ids, &[MessageStatus::Unconfirmed]).await
}

/// Locks and loads the messages to an address that may be at Twilio since `since` or a little
/// before, in the caller's transaction: whoever settles another of them waits, and then sees which
/// of Twilio's messages are taken.
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
    // What was given up long ago is no neighbour of these.
    open.retain(|unconfirmed| unconfirmed.claimed_at >= since - LATEST);
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
    // The last of each message stays.
    let claims: HashMap<MessageId, DateTime<Utc>> = claims.into_iter().collect();
    let with_claim = |(whose, since, how): Row| {
        let (
            (id, connection_id, to_address, body),
            (status, status_at, created_at),
            (sender_address, policy),
        ) = (whose, since, how);
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

/// Which of Twilio's messages belongs to which of ours, all to one address; `owned` are those that
/// already belong to one.
///
/// Equal messages, with the same sender and text, can be told apart by their callbacks only. When
/// there are as many at Twilio as are missing here, they belong together in order. When there are
/// fewer, the callbacks get the time of all looks first; which of the equal messages then counts as
/// sent makes no difference to the person. While one of them is being submitted, nobody knows whose
/// the others are.
#[must_use]
pub fn assign<'a>(
    open: &[Unconfirmed],
    listed: &'a [TwilioMessage],
    owned: &Owned,
    now: DateTime<Utc>,
) -> Vec<(MessageId, ConnectionId, &'a TwilioMessage)> {
    let mut free: Vec<&TwilioMessage> =
        listed.iter().filter(|listed| !owned.has(listed.sid.as_str())).collect();
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
                .find(|found| !taken.contains(found.sid.as_str()) && unconfirmed.fits(found))
            {
                taken.insert(found.sid.as_str());
                pairs.push((unconfirmed.id, unconfirmed.connection_id, *found));
            }
        }
        let is_complete = pairs.len() == equal.len()
            || equal.iter().any(|unconfirmed| unconfirmed.has_looked_enough(now));
        if is_complete
            && equal.iter().all(|unconfirmed| unconfirmed.status == MessageStatus::Unconfirmed)
        {
            assigned.extend(pairs);
        }
    }
    assigned
}

/// What to do after a look that did not settle a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Look again at this time.
    LookAgain(DateTime<Utc>),
    /// The policy has decided.
    Decided,
}

/// Notes that Twilio did not show the message, and waits for the next look, or lets the policy
/// decide after the last; `open` are all messages that [`lock_all_to`] found. In the caller's
/// transaction.
pub async fn nothing_found(
    conn: &mut Conn,
    unconfirmed: &Unconfirmed,
    open: &[Unconfirmed],
    now: DateTime<Utc>,
) -> Result<NextStep> {
    note(conn, unconfirmed.id, MessageStatus::Unconfirmed, ReportSource::Lookup, now).await?;
    if let Some(at) = next_look(unconfirmed, now) {
        return Ok(NextStep::LookAgain(at));
    }
    if open
        .iter()
        .any(|other| other.equals(unconfirmed) && other.status == MessageStatus::Submitting)
    {
        return Ok(NextStep::LookAgain(now + NEIGHBOUR_PAUSE));
    }
    match unconfirmed.policy {
        UnconfirmedPolicy::GiveUp => give_up(conn, unconfirmed.id).await?,
        UnconfirmedPolicy::Resend => resend(conn, unconfirmed.id, now).await?,
    }
    Ok(NextStep::Decided)
}

fn next_look(unconfirmed: &Unconfirmed, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    LOOKS.iter().map(|after| unconfirmed.status_at + *after).find(|at| *at > now)
}

/// Which of some Twilio ids belong to a message of ours to this address, now or before it was
/// handed over once more.
///
/// No index tells: whoever gives one of them to a message holds the locks of [`lock_all_to`].
pub async fn owned(conn: &mut Conn, sids: &[&str], to_address: &str) -> Result<Owned> {
    let to_them = messages::table.filter(messages::to_address.eq(to_address));
    let own = to_them.filter(messages::twilio_sid.eq_any(sids)).select(messages::twilio_sid);
    let own: Vec<Option<String>> = own.load(conn).await?;
    let former = to_them.filter(messages::former_sids.is_not_null()).select(messages::former_sids);
    let former: Vec<Option<Vec<String>>> = former.load(conn).await?;
    Ok(Owned(own.into_iter().flatten().chain(former.into_iter().flatten().flatten()).collect()))
}

impl Owned {
    /// Whether a message of ours has this id.
    #[must_use]
    pub fn has(&self, sid: &str) -> bool {
        self.0.contains(sid)
    }
}

/// Leaves the message `unconfirmed` with the reason, so that a callback that comes after all still
/// settles it.
async fn give_up(conn: &mut Conn, id: MessageId) -> Result<()> {
    let reason = "Twilio never confirmed this message, and its list does not show it. \
                  It is not sent again, so that nobody gets it twice.";
    diesel::update(
        messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)),
    )
    .set(messages::reason.eq(reason))
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps what was found out or decided; what we decide applies, and a look in vain moves nothing.
async fn note(
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

/// Sends the message again, because the connection's owner prefers twice to never.
async fn resend(conn: &mut Conn, id: MessageId, now: DateTime<Utc>) -> Result<()> {
    let moved = diesel::update(
        messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)),
    )
    .set((messages::status.eq(MessageStatus::Pending), messages::status_at.eq(now)))
    .execute(conn)
    .await?;
    if moved == 1 {
        note(conn, id, MessageStatus::Pending, ReportSource::Carillon, now).await?;
        queue::enqueue_sends(conn, &[id], now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
