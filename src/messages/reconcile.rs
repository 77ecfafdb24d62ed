//! Settling what nobody confirmed: by Twilio's list of messages, then by the connection's policy, never by guessing.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::{
    connections::UnconfirmedPolicy,
    db::{
        Conn,
        schema::{attempts, connections, delivery_events, messages, senders},
    },
    error::Result,
    messages::{delivery::ReportSource, list::Message, status::MessageStatus},
    queue::{self, Job, NewJob},
    twilio::{Address, TwilioMessage},
    types::id::MessageId,
};

/// How long to wait between the looks at Twilio's list; after the last the policy decides. Together about half an hour.
const LOOKS: [TimeDelta; 4] = [TimeDelta::seconds(25), TimeDelta::minutes(2), TimeDelta::minutes(10), TimeDelta::minutes(15)];

/// Clocks of two machines may differ by this much, and Twilio may note a message a little later than it was posted.
const TOLERANCE: TimeDelta = TimeDelta::minutes(2);

/// A message that may or may not be at Twilio, with what is needed to recognise it there.
#[derive(Debug, Clone)]
pub struct Unconfirmed {
    /// The message.
    pub message: Message,
    /// The number or Messaging Service that it was sent from.
    pub sender_address: String,
    /// When the attempt that nobody answered began.
    pub claimed_at: DateTime<Utc>,
    /// What to do when Twilio never shows it.
    pub policy: UnconfirmedPolicy,
}

/// Loads a message if it is still unconfirmed.
pub async fn load(conn: &mut Conn, id: MessageId) -> Result<Option<Unconfirmed>> {
    let found: Option<(Message, String, UnconfirmedPolicy)> = messages::table
        .inner_join(senders::table)
        .inner_join(connections::table)
        .filter(messages::id.eq(id))
        .filter(messages::status.eq(MessageStatus::Unconfirmed))
        .select((Message::as_select(), senders::address, connections::unconfirmed_policy))
        .first(conn)
        .await
        .optional()?;
    let Some((message, sender_address, policy)) = found else { return Ok(None) };
    let claimed_at = attempts::table
        .filter(attempts::message_id.eq(id))
        .order(attempts::number.desc())
        .select(attempts::claimed_at)
        .first(conn)
        .await
        .optional()?;
    let claimed_at = claimed_at.unwrap_or(message.created_at);
    Ok(Some(Unconfirmed { message, sender_address, claimed_at, policy }))
}

/// Those of Twilio's messages that could be this one, oldest first: same recipient, sender and text, made when we made it.
#[must_use]
pub fn candidates<'a>(unconfirmed: &Unconfirmed, listed: &'a [TwilioMessage]) -> Vec<&'a TwilioMessage> {
    let from_time = unconfirmed.claimed_at - TOLERANCE;
    let is_service = unconfirmed.sender_address.starts_with("MG");
    let mut fitting: Vec<&TwilioMessage> = listed
        .iter()
        .filter(|listed| {
            let same_sender = if is_service {
                listed.messaging_service_sid.as_ref().is_some_and(|sid| sid.as_str() == unconfirmed.sender_address)
            } else {
                listed.from.as_ref().is_some_and(|from| from.to_wire() == unconfirmed.sender_address)
            };
            same_sender
                && !unconfirmed.message.former_sids.iter().flatten().any(|former| former == listed.sid.as_str())
                && listed.to.as_ref().map(Address::to_wire).as_deref() == Some(&unconfirmed.message.to_address)
                && listed.body.as_deref().unwrap_or_default().trim_end() == unconfirmed.message.body.trim_end()
                && listed
                    .date_created
                    .is_some_and(|created| created >= from_time && created <= unconfirmed.claimed_at + TimeDelta::hours(1))
        })
        .collect();
    fitting.sort_by_key(|listed| listed.date_created);
    fitting
}

/// The first of some Twilio ids that no message of ours has, or had before it was handed over once more.
pub async fn first_unowned(conn: &mut Conn, sids: &[&str]) -> Result<Option<String>> {
    let owned: Vec<Option<String>> =
        messages::table.filter(messages::twilio_sid.eq_any(sids)).select(messages::twilio_sid).load(conn).await?;
    Ok(sids.iter().find(|sid| !owned.iter().flatten().any(|owned| owned == *sid)).map(|sid| (*sid).to_owned()))
}

/// What to do after a look that found nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStep {
    /// Look again at this time.
    LookAgain(DateTime<Utc>),
    /// The policy has decided; the message is not unconfirmed any more.
    Decided,
}

/// Waits for the next look, or lets the policy decide after the last; `look` counts from 1. In the caller's transaction.
pub async fn nothing_found(conn: &mut Conn, unconfirmed: &Unconfirmed, look: i16, now: DateTime<Utc>) -> Result<NextStep> {
    if let Some(wait) = usize::try_from(look - 1).ok().and_then(|index| LOOKS.get(index)) {
        return Ok(NextStep::LookAgain(now + *wait));
    }
    match unconfirmed.policy {
        UnconfirmedPolicy::GiveUp => give_up(conn, unconfirmed.message.id).await?,
        UnconfirmedPolicy::Resend => resend(conn, unconfirmed.message.id, now).await?,
    }
    Ok(NextStep::Decided)
}

/// Leaves the message `unconfirmed` with the reason, so that a callback that comes after all still settles it.
async fn give_up(conn: &mut Conn, id: MessageId) -> Result<()> {
    let reason = "Twilio never confirmed this message, and its list does not show it. \
                  It is not sent again, so that nobody gets it twice.";
    diesel::update(messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)))
        .set(messages::reason.eq(reason))
        .execute(conn)
        .await?;
    Ok(())
}

/// Sends the message again, because the connection's owner prefers twice to never.
async fn resend(conn: &mut Conn, id: MessageId, now: DateTime<Utc>) -> Result<()> {
    let moved = diesel::update(messages::table.find(id).filter(messages::status.eq(MessageStatus::Unconfirmed)))
        .set((messages::status.eq(MessageStatus::Pending), messages::status_at.eq(now)))
        .execute(conn)
        .await?;
    if moved == 1 {
        diesel::insert_into(delivery_events::table)
            .values((
                delivery_events::message_id.eq(id),
                delivery_events::status.eq(MessageStatus::Pending.as_str()),
                delivery_events::source.eq(ReportSource::Carillon),
                delivery_events::applied.eq(true),
                delivery_events::received_at.eq(now),
            ))
            .execute(conn)
            .await?;
        queue::enqueue(conn, &[NewJob { job: Job::Send(id), run_at: now }], now).await?;
    }
    Ok(())
}
