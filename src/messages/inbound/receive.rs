//! Receiving: stores an inbound message, from a webhook or from a lookup, and applies its command
//! to the contact.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures::try_join;

use super::inbound_command::{command, lifts_suppression};
use super::late_commands::{self, LookupTimes};
use crate::consent::opt_out::{self, Command, OptOutForm};
use crate::consent::{ConsentSource, Evidence, Reason, suppression};
use crate::contacts::deletion::{self, ContactsHeld};
use crate::contacts::{self, ContactChange};
use crate::db::schema::{messages, senders};
use crate::db::{Begun, Conn, Tx};
use crate::error::Result;
use crate::messages::message::stored_encoding;
use crate::messages::status::MessageStatus;
use crate::twilio::callbacks::InboundMessage;
use crate::twilio::parts;
use crate::types::id::{ConnectionId, ContactId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;
/// How an inbound message reached us.
#[derive(Debug, Clone, Copy)]
enum Arrival<'a> {
    /// Through Twilio's webhook.
    Webhook,
    /// Through a lookup, because the webhook did not arrive.
    Lookup(LookupTimes<'a>),
}

/// The result of receiving an inbound message.
#[derive(Debug)]
#[must_use]
pub enum Received {
    /// It was stored before: nothing was done.
    Repeat,
    /// It was stored.
    New {
        /// The stored message.
        message_id: MessageId,
        /// Changes of contacts, to which automations react.
        changes: Vec<ContactChange>,
        /// A number that is suppressed from now on: its pending messages must be suppressed in the
        /// same transaction.
        suppressed: Option<(PhoneNumber, Reason)>,
    },
}

/// The SIDs among `sids` whose inbound messages are stored.
pub async fn known(conn: &mut Conn, sids: &[&str]) -> Result<HashSet<String>> {
    let inbound = messages::table.filter(messages::direction.eq("inbound"));
    let known: Vec<Option<String>> = inbound
        .filter(messages::request_key.eq_any(sids))
        .select(messages::request_key)
        .load(conn)
        .await?;
    Ok(known.into_iter().flatten().collect())
}

/// Stores an inbound message and applies its consequences for the contact. The caller finishes the
/// transaction with `automations::consequences::react_to_changes`.
pub async fn receive<'t>(
    tx: Begun<'t>,
    connection_id: ConnectionId,
    inbound: &InboundMessage,
    now: DateTime<Utc>,
) -> Result<(Received, Tx<'t>)> {
    let mut tx = deletion::hold_off(tx).await?;
    let received = receive_from(&mut tx, connection_id, inbound, Arrival::Webhook, now).await?;
    Ok((received, tx.into()))
}

/// Like [`receive`], for an inbound message that a lookup found. A command that the person has
/// reversed since has no effect.
pub async fn receive_found<'t>(
    tx: Begun<'t>,
    connection_id: ConnectionId,
    inbound: &InboundMessage,
    found: LookupTimes<'_>,
    now: DateTime<Utc>,
) -> Result<(Received, Tx<'t>)> {
    let mut tx = deletion::hold_off(tx).await?;
    let arrival = Arrival::Lookup(found);
    let received = receive_from(&mut tx, connection_id, inbound, arrival, now).await?;
    Ok((received, tx.into()))
}

async fn receive_from(
    tx: &mut ContactsHeld<'_>,
    connection_id: ConnectionId,
    inbound: &InboundMessage,
    arrival: Arrival<'_>,
    now: DateTime<Utc>,
) -> Result<Received> {
    let conn: &mut Conn = tx;
    // Short codes and alphanumeric senders may text us too; they are not contacts.
    let phone = inbound.from.line();
    if let Some(phone) = &phone {
        suppression::lock_numbers(conn, &[phone]).await?;
    }
    // In one round trip.
    let (is_stored, sender_id, own) = try_join!(
        is_stored(conn, inbound),
        receiving_sender(conn, connection_id, inbound),
        opt_out::own_words::load(conn)
    )?;
    if is_stored {
        return Ok(Received::Repeat);
    }
    let (contact_id, mut changes) = match &phone {
        Some(phone) => {
            let (contact, changes) = contacts::find_or_create_by_phone(conn, phone, now).await?;
            (Some(contact.id), changes)
        }
        None => (None, Vec::new()),
    };
    let (id, sent_at) = match arrival {
        Arrival::Webhook => (MessageId::at(now), now),
        Arrival::Lookup(found) => {
            let sent_at = found.sent_at.min(now);
            (MessageId::backdated(sent_at), sent_at)
        }
    };
    let from_to = (contact_id, sender_id);
    let Some(message_id) = store(conn, id, connection_id, from_to, inbound, sent_at).await? else {
        return Ok(Received::Repeat);
    };
    let mut suppressed = None;
    if let Some(phone) = phone {
        let evidence = |phone: &PhoneNumber, said: OptOutForm| Evidence {
            phone: phone.clone(),
            reason: Reason::Stop,
            source: arrival.source(said),
            message_id: Some(message_id),
            user_id: None,
            note: Some(inbound.body.trim().chars().take(100).collect()),
        };
        let mut command = command(inbound, &own);
        if let (Some(said), Arrival::Lookup(found)) = (command, arrival)
            && late_commands::is_overruled(
                conn,
                &phone,
                said,
                inbound.message_sid.as_str(),
                found,
                &own,
            )
            .await?
        {
            command = None;
        }
        match command {
            Some(Command::Stop(said)) => {
                changes
                    .extend(contacts::suppress(conn, evidence(&phone, said), now).await?.changes);
                suppressed = Some((phone, Reason::Stop));
            }
            Some(command @ Command::Start(_)) if lifts_suppression(command, &inbound.to) => {
                contacts::lift(
                    conn,
                    &[Reason::Stop, Reason::Carrier21610],
                    evidence(&phone, OptOutForm::Word),
                    now,
                )
                .await?;
            }
            _ => {}
        }
    }
    Ok(Received::New { message_id, changes, suppressed })
}

/// Whether the message was stored before.
async fn is_stored(mut conn: &Conn, inbound: &InboundMessage) -> Result<bool> {
    let same = messages::table
        .filter(messages::request_key.eq(inbound.message_sid.as_str()))
        .filter(messages::direction.eq("inbound"));
    Ok(diesel::select(exists(same)).get_result(&mut conn).await?)
}

/// The sender that the message was texted to, if Carillon has it.
async fn receiving_sender(
    mut conn: &Conn,
    connection_id: ConnectionId,
    inbound: &InboundMessage,
) -> Result<Option<SenderId>> {
    let mut addresses = vec![inbound.to.to_wire()];
    addresses.extend(inbound.messaging_service_sid.as_ref().map(ToString::to_string));
    Ok(senders::table
        .filter(senders::connection_id.eq(connection_id))
        .filter(senders::address.eq_any(addresses))
        .order(senders::kind.desc())
        .select(senders::id)
        .first(&mut conn)
        .await
        .optional()?)
}

/// Inserts the message, unless a concurrent request has inserted it.
async fn store(
    conn: &mut Conn,
    id: MessageId,
    connection_id: ConnectionId,
    (contact_id, sender_id): (Option<ContactId>, Option<SenderId>),
    inbound: &InboundMessage,
    sent_at: DateTime<Utc>,
) -> Result<Option<MessageId>> {
    let counted = parts::count(&inbound.body);
    let media: Vec<&str> = inbound.media.iter().map(|media| media.url.as_str()).collect();
    let id = diesel::insert_into(messages::table)
        .values((
            (
                messages::id.eq(id),
                messages::direction.eq("inbound"),
                messages::connection_id.eq(connection_id),
                messages::sender_id.eq(sender_id),
                messages::contact_id.eq(contact_id),
                messages::to_address.eq(inbound.to.to_wire()),
                messages::from_address.eq(inbound.from.to_wire()),
            ),
            (
                messages::body.eq(&inbound.body),
                messages::media_urls.eq(media),
                messages::parts.eq(i16::try_from(counted.count).unwrap_or(i16::MAX)),
                messages::encoding.eq(stored_encoding(&counted)),
                messages::status.eq(MessageStatus::Received),
                messages::twilio_sid.eq(inbound.message_sid.as_str()),
                messages::request_key.eq(inbound.message_sid.as_str()),
                messages::created_at.eq(sent_at),
                messages::status_at.eq(sent_at),
            ),
        ))
        .on_conflict_do_nothing()
        .returning(messages::id)
        .get_result(conn)
        .await
        .optional()?;
    Ok(id)
}

impl Arrival<'_> {
    /// The source to record with the person's consent.
    fn source(self, said: OptOutForm) -> ConsentSource {
        match (self, said) {
            (Self::Webhook, OptOutForm::Word) => ConsentSource::Keyword,
            (Self::Webhook, OptOutForm::Wording) => ConsentSource::Wording,
            (Self::Lookup(_), OptOutForm::Word) => ConsentSource::Lookup,
            (Self::Lookup(_), OptOutForm::Wording) => ConsentSource::WordingLookup,
        }
    }
}
