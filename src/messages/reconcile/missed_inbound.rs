//! Inbound messages whose webhook did not arrive: which senders to list, since when, and which
//! listed messages count.

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

/// How much consecutive lists overlap in time: clocks differ, and Twilio may list a message a
/// little late.
const OVERLAP: TimeDelta = TimeDelta::minutes(20);

/// How long to wait for the webhook of a message before a list may store it.
const WEBHOOK_GRACE_PERIOD: TimeDelta = TimeDelta::minutes(1);

/// A sender whose inbound messages are to be listed.
#[derive(Debug, Clone)]
pub struct InboundScan {
    /// The sender.
    pub sender_id: SenderId,
    /// Its number, or the service whose numbers it has.
    pub address: SenderAddress,
    /// The time from which to list; never before the sender was added.
    pub since: DateTime<Utc>,
}

/// An inbound message as Twilio lists it.
#[derive(Debug, Clone)]
pub struct ListedMessage {
    /// The parameters that its webhook would have had.
    pub message: InboundMessage,
    /// When it was sent, by Twilio's clock.
    pub sent_at: DateTime<Utc>,
}

/// Loads what to list for each connection, including senders that are switched off, because people
/// text them nevertheless.
pub async fn scans(conn: &mut Conn) -> Result<BTreeMap<ConnectionId, Vec<InboundScan>>> {
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
    let mut by_connection: BTreeMap<ConnectionId, Vec<InboundScan>> = BTreeMap::new();
    for (connection_id, sender_id, address, created_at, seen_until) in rows {
        let since =
            seen_until.map_or(created_at, |seen_until| (seen_until - OVERLAP).max(created_at));
        by_connection.entry(connection_id).or_default().push(InboundScan {
            sender_id,
            address,
            since,
        });
    }
    Ok(by_connection)
}

/// Records that everything that the senders had received until `until` is stored.
pub async fn save_progress(
    conn: &mut Conn,
    scans: &[InboundScan],
    until: DateTime<Utc>,
) -> Result<()> {
    use diesel::upsert::excluded;
    if scans.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = scans
        .iter()
        .map(|scan| {
            (inbound_looks::sender_id.eq(scan.sender_id), inbound_looks::seen_until.eq(until))
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

/// Converts a listed message into an inbound one; none when it is outbound, or may still arrive by
/// its webhook. An error when it lacks a sender, a recipient or a date.
pub fn from_listed(
    listed: &TwilioMessage,
    account: &AccountSid,
    service: Option<&ServiceSid>,
    now: DateTime<Utc>,
) -> Result<Option<ListedMessage>> {
    if listed.direction.as_deref() != Some("inbound") || listed.status != TwilioStatus::Received {
        return Ok(None);
    }
    let lacks = |what: &str| {
        Error::Internal(format!("Twilio lists this message without {what} that can be read."))
    };
    let sent_at = listed.date_sent.or(listed.date_created).ok_or_else(|| lacks("a date"))?;
    if sent_at > now - WEBHOOK_GRACE_PERIOD {
        return Ok(None);
    }
    let message = InboundMessage {
        message_sid: listed.sid.clone(),
        account_sid: account.clone(),
        messaging_service_sid: listed.messaging_service_sid.clone().or_else(|| service.cloned()),
        from: listed.from.clone().ok_or_else(|| lacks("a sender"))?,
        to: listed.to.clone().ok_or_else(|| lacks("a recipient"))?,
        body: listed.body.clone().unwrap_or_default(),
        num_media: 0,
        media: Vec::new(),
        num_segments: listed.num_segments.unwrap_or(1),
        opt_out_type: None,
        profile_name: None,
        button_text: None,
        button_payload: None,
        original_replied_message_sid: None,
    };
    Ok(Some(ListedMessage { message, sent_at }))
}
