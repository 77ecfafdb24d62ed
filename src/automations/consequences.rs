//! The consequences of changed contacts and of Twilio's reports, whatever their source: automations
//! react, pending messages are cancelled, senders and connections stop.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::enroll;
use crate::consent::{ConsentSource, Evidence, Reason};
use crate::contacts::{self, ContactChange, deletion};
use crate::db::schema::{enrollments, events};
use crate::db::{Begun, Closing, Conn, Tx};
use crate::error::Result;
use crate::messages::error_policy::{Consequence, Effect, QUEUE_FULL_PAUSE};
use crate::messages::status_reports::{self, Recorded, Report};
use crate::messages::{contact_deletion, inbound, stop_lock, throttle};
use crate::types::id::{ContactId, SenderId};
use crate::types::phone::PhoneNumber;
use crate::users::audit::{self, Actor, AuditKind};
use crate::{connections, senders};

/// Lets automations react to changes of contacts in the same transaction; then cancels pending
/// messages to numbers that were suppressed.
pub async fn react_to_changes<'t>(
    mut tx: Tx<'t>,
    changes: &[ContactChange],
    suppressed: &[(PhoneNumber, Reason)],
    now: DateTime<Utc>,
) -> Result<Closing<'t>> {
    enroll::react(&mut tx, now, changes).await?;
    stop_lock::suppress_pending(tx, suppressed, now).await
}

/// Deletes a contact with its events and enrollments, and cancels its pending messages.
pub async fn delete_contact(
    tx: Begun<'_>,
    actor: &Actor,
    id: ContactId,
    now: DateTime<Utc>,
) -> Result<()> {
    let mut deletion = deletion::begin(tx, id).await?;
    let conn: &mut Conn = &mut deletion;
    diesel::delete(enrollments::table.filter(enrollments::contact_id.eq(id))).execute(conn).await?;
    diesel::delete(events::table.filter(events::contact_id.eq(id))).execute(conn).await?;
    contact_deletion::forget_contact(&mut deletion, now).await?;
    let mut tx = deletion.finish().await?;
    // Without name and number, which must not survive the deletion.
    audit::record(&mut tx, actor, AuditKind::Contact, None, "deleted a contact", now).await
}

/// Records Twilio's reports and applies their consequences; returns one result per report, in
/// order.
pub async fn record_reports<'t>(
    mut tx: Tx<'t>,
    reports: &[Report],
    now: DateTime<Utc>,
) -> Result<(Vec<Recorded>, Closing<'t>)> {
    let recorded = status_reports::record(&mut tx, reports, now).await?;
    let closing = apply(tx, &recorded.consequences, now).await?;
    Ok((recorded.reports, closing))
}

/// Applies the consequences of recorded responses or reports.
pub async fn apply<'t>(
    mut tx: Tx<'t>,
    consequences: &[Consequence],
    now: DateTime<Utc>,
) -> Result<Closing<'t>> {
    if consequences.is_empty() {
        return Ok(tx.close());
    }
    stop_senders_and_connections(&mut tx, consequences, now).await?;
    let mut numbers: Vec<(PhoneNumber, Reason)> = Vec::new();
    for consequence in consequences {
        let Some((phone, reason)) = consequence.number_to_suppress() else { continue };
        if reason == Reason::Carrier21610
            && inbound::has_opted_in_since_the_attempt(&mut tx, &phone, consequence.message_id)
                .await?
        {
            continue;
        }
        let evidence = Evidence {
            phone: phone.clone(),
            reason,
            source: ConsentSource::Twilio,
            message_id: Some(consequence.message_id),
            user_id: None,
            note: consequence.error_code.map(|code| code.to_string()),
        };
        let suppressed = contacts::suppress(&mut tx, evidence, now).await?;
        enroll::react(&mut tx, now, &suppressed.changes).await?;
        if !numbers.contains(&(phone.clone(), reason)) {
            numbers.push((phone, reason));
        }
    }
    let mut closing = stop_lock::suppress_pending(tx, &numbers, now).await?;
    let full = consequences.iter().filter(|consequence| consequence.effect == Effect::SlowSender);
    let full: BTreeSet<SenderId> = full.filter_map(|consequence| consequence.sender_id).collect();
    let full: Vec<SenderId> = full.into_iter().collect();
    throttle::pause(&mut closing, &full, now + QUEUE_FULL_PAUSE).await?;
    Ok(closing)
}

/// Stops senders and connections in the order of their ids, so that two transactions cannot
/// deadlock.
async fn stop_senders_and_connections(
    conn: &mut Conn,
    consequences: &[Consequence],
    now: DateTime<Utc>,
) -> Result<()> {
    let with_effect =
        |effect| consequences.iter().filter(move |consequence| consequence.effect == effect);
    let senders: BTreeMap<_, _> = with_effect(Effect::StopSender)
        .filter_map(|found| Some((found.sender_id?, found)))
        .collect();
    for (id, found) in senders {
        if senders::stop(conn, id, &found.why, now).await? {
            tracing::error!(
                sender.id = %id,
                code = found.error_code,
                "Twilio refuses the sender: it is stopped until an admin enables it"
            );
        }
    }
    let connections: BTreeMap<_, _> =
        with_effect(Effect::StopConnection).map(|found| (found.connection_id, found)).collect();
    for (id, found) in connections {
        if connections::stop(conn, id, &found.why, now).await? {
            tracing::error!(
                connection.id = %id,
                code = found.error_code,
                "Twilio refuses the account: the connection is stopped until an admin enables it"
            );
        }
    }
    Ok(())
}
