//! Inbound messages that we never saw: whom to ask about them, since when, and which are new.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::connections::SenderAddress;
use crate::db::Conn;
use crate::db::schema::{inbound_looks, senders};
use crate::error::{Error, Result};
use crate::twilio::callbacks::InboundMessage;
use crate::twilio::sid::{AccountSid, ServiceSid};
use crate::twilio::{TwilioMessage, TwilioStatus};
use crate::types::id::{ConnectionId, SenderId};

/// Looks overlap by this much: clocks differ, and Twilio may list a message a little late.
const OVERLAP: TimeDelta = TimeDelta::minutes(20);

/// A message that is younger than this may still come by its webhook.
const WEBHOOK_PATIENCE: TimeDelta = TimeDelta::minutes(1);

/// A sender whose inbound messages are listed.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The sender.
    pub sender_id: SenderId,
    /// Its number, or the service whose numbers it has.
    pub address: SenderAddress,
    /// From when on; never before the sender was added.
    pub since: DateTime<Utc>,
}

/// An inbound message as Twilio lists it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// What its webhook would have said.
    pub message: InboundMessage,
    /// When it was sent, by Twilio's clock.
    pub sent_at: DateTime<Utc>,
}

/// The senders of each connection, also those that are switched off: people text them nevertheless.
pub async fn senders(conn: &mut Conn) -> Result<BTreeMap<ConnectionId, Vec<Asked>>> {
    type Row = (ConnectionId, SenderId, SenderAddress, DateTime<Utc>, Option<DateTime<Utc>>);
    let rows: Vec<Row> = senders::table
        .left_join(inbound_looks::table)
        .select((
            senders::connection_id,
            senders::id,
            senders::address,
            senders::created_at,
            inbound_looks::seen_until.nullable(),
        ))
        .order(senders::id)
        .load(conn)
        .await?;
    let mut by_connection: BTreeMap<ConnectionId, Vec<Asked>> = BTreeMap::new();
    for (connection_id, sender_id, address, created_at, seen_until) in rows {
        let since =
            seen_until.map_or(created_at, |seen_until| (seen_until - OVERLAP).max(created_at));
        by_connection.entry(connection_id).or_default().push(Asked { sender_id, address, since });
    }
    Ok(by_connection)
}

/// Notes that all that senders had received until `until` is here.
pub async fn note_seen(conn: &mut Conn, senders: &[Asked], until: DateTime<Utc>) -> Result<()> {
    use diesel::upsert::excluded;
    if senders.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = senders
        .iter()
        .map(|asked| {
            (inbound_looks::sender_id.eq(asked.sender_id), inbound_looks::seen_until.eq(until))
        })
        .collect();
    diesel::insert_into(inbound_looks::table)
        .values(rows)
        .on_conflict(inbound_looks::sender_id)
        .do_update()
        .set(inbound_looks::seen_until.eq(excluded(inbound_looks::seen_until)))
        .execute(conn)
        .await?;
    Ok(())
}

/// Reads a listed message as an inbound one; none when it went out, or may still come by its
/// webhook. An error where it does not say from whom, to whom or when.
pub fn inbound(
    shown: &TwilioMessage,
    account: &AccountSid,
    service: Option<&ServiceSid>,
    now: DateTime<Utc>,
) -> Result<Option<Listed>> {
    if shown.direction.as_deref() != Some("inbound") || shown.status != TwilioStatus::Received {
        return Ok(None);
    }
    let lacks = |what: &str| {
        Error::Internal(format!("Twilio lists this message without {what} that can be read."))
    };
    let sent_at = shown.date_sent.or(shown.date_created).ok_or_else(|| lacks("a date"))?;
    if sent_at > now - WEBHOOK_PATIENCE {
        return Ok(None);
    }
    let message = InboundMessage {
        message_sid: shown.sid.clone(),
        account_sid: account.clone(),
        messaging_service_sid: shown.messaging_service_sid.clone().or_else(|| service.cloned()),
        from: shown.from.clone().ok_or_else(|| lacks("a sender"))?,
        to: shown.to.clone().ok_or_else(|| lacks("a recipient"))?,
        body: shown.body.clone().unwrap_or_default(),
        num_media: 0,
        media: Vec::new(),
        num_segments: shown.num_segments.unwrap_or(1),
        opt_out_type: None,
        profile_name: None,
        button_text: None,
        button_payload: None,
        original_replied_message_sid: None,
    };
    Ok(Some(Listed { message, sent_at }))
}
