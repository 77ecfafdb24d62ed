//! What follows from a change of contacts or from Twilio's words, whichever way they came in:
//! automations react, pending messages are taken back, senders and connections stop.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::automations::enroll;
use crate::consent::{Evidence, Reason, Source};
use crate::contacts::{self, Change, deletion};
use crate::db::Conn;
use crate::db::schema::{enrollments, events};
use crate::error::Result;
use crate::messages::delivery::{self, Recorded};
use crate::messages::policy::{Consequence, Effect, QUEUE_FULL_PAUSE};
use crate::messages::report::Report;
use crate::messages::{inbound, stop, throttle};
use crate::types::id::{ContactId, SenderId};
use crate::types::phone::PhoneNumber;
use crate::users::audit::{self, Actor, AuditKind};
use crate::{connections, senders};

/// Lets automations react, in the transaction of the changes; then takes back what is pending to a
/// number that was silenced.
///
/// It is the last thing in its transaction, see [`stop::take_back_pending`].
pub async fn follow(
    conn: &mut Conn,
    changes: &[Change],
    silenced: Option<(&PhoneNumber, Reason)>,
    now: DateTime<Utc>,
) -> Result<()> {
    enroll::react(conn, now, changes).await?;
    if let Some((phone, reason)) = silenced {
        stop::take_back_pending(conn, phone, reason, now).await?;
    }
    Ok(())
}

/// Deletes a contact with its events and enrollments, and takes back what is pending to it; the
/// first thing in its transaction.
pub async fn delete_contact(
    conn: &mut Conn,
    actor: &Actor,
    id: ContactId,
    now: DateTime<Utc>,
) -> Result<()> {
    deletion::begin(conn, id).await?;
    diesel::delete(enrollments::table.filter(enrollments::contact_id.eq(id))).execute(conn).await?;
    diesel::delete(events::table.filter(events::contact_id.eq(id))).execute(conn).await?;
    stop::forget_contact(conn, id, now).await?;
    deletion::finish(conn, id).await?;
    // Neither name nor number: what is deleted is gone.
    audit::record(conn, actor, AuditKind::Contact, None, "deleted a contact", now).await
}

/// Records Twilio's reports, and does what follows from them; one answer for each, in order. The
/// last thing in its transaction.
pub async fn take_in(
    conn: &mut Conn,
    reports: &[Report],
    now: DateTime<Utc>,
) -> Result<Vec<Recorded>> {
    let recorded = delivery::record(conn, reports, now).await?;
    carry_out(conn, &recorded.consequences, now).await?;
    Ok(recorded.reports)
}

/// Does what the recording of answers or reports found to be necessary. The last thing in their
/// transaction.
pub async fn carry_out(
    conn: &mut Conn,
    consequences: &[Consequence],
    now: DateTime<Utc>,
) -> Result<()> {
    if consequences.is_empty() {
        return Ok(());
    }
    stop_what_is_broken(conn, consequences, now).await?;
    let mut silenced: Vec<(PhoneNumber, Reason)> = Vec::new();
    for consequence in consequences {
        let Some((phone, reason)) = consequence.silences() else { continue };
        if reason == Reason::Carrier21610
            && inbound::has_opted_in_since_the_attempt(conn, &phone, consequence.message_id).await?
        {
            continue;
        }
        let evidence = Evidence {
            phone: phone.clone(),
            reason,
            source: Source::Twilio,
            message_id: Some(consequence.message_id),
            user_id: None,
            note: consequence.error_code.map(|code| code.to_string()),
        };
        let suppressed = contacts::suppress(conn, evidence, now).await?;
        enroll::react(conn, now, &suppressed.changes).await?;
        if !silenced.contains(&(phone.clone(), reason)) {
            silenced.push((phone, reason));
        }
    }
    for (phone, reason) in &silenced {
        stop::take_back_pending(conn, phone, *reason, now).await?;
    }
    // Last of all: whoever holds a throttle waits for nothing, the gate of the claims included.
    let full = consequences.iter().filter(|consequence| consequence.effect == Effect::SlowSender);
    let full: BTreeSet<SenderId> = full.filter_map(|consequence| consequence.sender_id).collect();
    throttle::pause(conn, &full.into_iter().collect::<Vec<_>>(), now + QUEUE_FULL_PAUSE).await
}

/// Stops senders and connections; in the order of their ids, so that two transactions cannot wait
/// for each other.
async fn stop_what_is_broken(
    conn: &mut Conn,
    consequences: &[Consequence],
    now: DateTime<Utc>,
) -> Result<()> {
    let broken =
        |effect| consequences.iter().filter(move |consequence| consequence.effect == effect);
    let senders: BTreeMap<_, _> =
        broken(Effect::StopSender).filter_map(|found| Some((found.sender_id?, found))).collect();
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
        broken(Effect::StopConnection).map(|found| (found.connection_id, found)).collect();
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
