//! The slow path for all reports: it locks their messages, decides about each report, and returns
//! what follows from those with an error code.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Int4, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::report::{Report, ReportSource};
use crate::consent::suppression;
use crate::db::Conn;
use crate::db::schema::{messages, senders};
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::automatic_retry::{self, PlannedRetry};
use crate::messages::error_policy::{self, Consequence, Effect};
use crate::messages::row_locks::{Lock, LockedMessage};
use crate::messages::status::MessageStatus;
use crate::senders::Validity;
use crate::twilio::error_codes;
use crate::types::id::{ConnectionId, MessageId, SenderId};
use crate::types::json_text::JsonText;
use crate::types::phone::PhoneNumber;

/// The result of recording a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// Stored, and it moved the status.
    Applied,
    /// Stored; it was late, repeated, contradictory or unknown.
    Noted,
    /// The connection has no such message: nothing was stored.
    UnknownMessage,
}

/// The results of recording a batch of reports.
#[must_use = "what follows has to happen in the same transaction: \
              automations::consequences::record_reports does both"]
#[derive(Debug)]
pub struct RecordedReports {
    /// One for each report, in order.
    pub reports: Vec<Recorded>,
    /// What else must happen.
    pub consequences: Vec<Consequence>,
}

statement! {
    /// Writes reports and the resulting state of their messages. Settling clears the reason of
    /// `unconfirmed`, delivery clears the error, and a later attempt replaces the error code of an
    /// earlier one; the reports keep theirs.
    struct Write<'a> {
        report: batch of ReportRow<'a> {
            message_id: MessageId => SqlUuid,
            status: &'a str => Text,
            error_code: Option<i32> => Nullable<Int4>,
            source: ReportSource => Text,
            applied: bool => Bool,
            params: &'a JsonText => Json,
        },
        state: batch of StateRow<'a> {
            id: MessageId => SqlUuid,
            status: MessageStatus => Text,
            error_code: Option<i32> => Nullable<Int4>,
            sid: Option<&'a str> => Nullable<Text>,
            from_address: Option<&'a str> => Nullable<Text>,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns ();
    "WITH moved AS (
         UPDATE messages m
         SET status = state.status,
             status_at = CASE WHEN m.status = state.status THEN m.status_at ELSE {now} END,
             error_code = CASE
                 WHEN state.status IN ('delivered', 'read') THEN NULL
                 WHEN m.status = 'submitting' THEN state.error_code
                 ELSE coalesce(state.error_code, m.error_code)
             END,
             twilio_sid = coalesce(m.twilio_sid, state.sid),
             from_address = coalesce(m.from_address, state.from_address),
             reason = CASE
                 WHEN m.status = 'unconfirmed' AND state.status <> 'unconfirmed' THEN NULL
                 ELSE m.reason
             END
         FROM {state}
         WHERE m.id = state.id
     )
     INSERT INTO delivery_events
         (message_id, status, error_code, source, applied, params, received_at)
     SELECT message_id, status, error_code, source, applied, params, {now}
     FROM {report}"
}

/// The state of a message while the reports of a batch are applied to it, one by one.
struct State {
    status: MessageStatus,
    sid: Option<String>,
    /// The SIDs of earlier attempts that Twilio accepted and then dropped unsent.
    former_sids: Vec<String>,
    connection_id: ConnectionId,
    error_code: Option<i32>,
    from_address: Option<String>,
    changed: bool,
    retry: Option<PlannedRetry>,
}

/// The message, connection, sender and recipient that a report with an error code concerns.
type ReportSubject = (MessageId, ConnectionId, Option<SenderId>, String);

/// Records a batch of reports in the caller's transaction.
pub async fn record(
    conn: &mut Conn,
    reports: &[Report],
    now: DateTime<Utc>,
) -> Result<RecordedReports> {
    let mut consequences = consequences(conn, reports).await?;
    let suppressed: Vec<PhoneNumber> = consequences
        .iter()
        .filter_map(|(_, consequence)| consequence.number_to_suppress())
        .map(|(phone, _)| phone)
        .collect();
    suppression::lock_numbers(conn, &suppressed.iter().collect::<Vec<_>>()).await?;

    let ids: Vec<MessageId> = reports.iter().map(|report| report.message_id).collect();
    let rows: Vec<LockedMessage> = Lock { ids: &ids }.load(conn).await?;
    let mut states: HashMap<MessageId, State> =
        rows.into_iter().map(|row| (row.0, State::of(row))).collect();
    let valid_until = valid_until(conn, reports, now).await?;
    let recorded: Vec<Recorded> =
        reports.iter().map(|report| apply(&mut states, report, &valid_until, now)).collect();
    write(conn, reports, &recorded, &states, now).await?;
    let retries: Vec<PlannedRetry> =
        states.values().filter_map(|state| state.retry.clone()).collect();
    automatic_retry::return_to_pending(conn, &retries, now).await?;

    consequences.retain(|(index, consequence)| match (recorded[*index], consequence.effect) {
        (Recorded::UnknownMessage, _) => false,
        // Even a late or repeated report suppresses the number. A switch-off counts once: the
        // sender or connection may have been repaired and switched on since.
        (_, Effect::Suppress(_)) | (Recorded::Applied, _) => true,
        (Recorded::Noted, _) => false,
    });
    Ok(RecordedReports {
        reports: recorded,
        consequences: consequences.into_iter().map(|(_, consequence)| consequence).collect(),
    })
}

/// The consequences of reports with an error code, each with the index of its report.
async fn consequences(conn: &mut Conn, reports: &[Report]) -> Result<Vec<(usize, Consequence)>> {
    let effect = |report: &Report| {
        error_policy::effect_of_report(report.error_code?, report.status.as_str().parse().ok())
    };
    let ids: Vec<MessageId> = reports
        .iter()
        .filter(|report| effect(report).is_some())
        .map(|report| report.message_id)
        .collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let columns =
        (messages::id, messages::connection_id, messages::sender_id, messages::to_address);
    let rows: Vec<ReportSubject> =
        messages::table.filter(messages::id.eq_any(ids)).select(columns).load(conn).await?;
    let concerned: HashMap<MessageId, ReportSubject> =
        rows.into_iter().map(|row| (row.0, row)).collect();
    let follows = reports.iter().enumerate().filter_map(|(index, report)| {
        let (message_id, connection_id, sender_id, to_address) =
            concerned.get(&report.message_id)?.clone();
        let why = error_codes::lookup(report.error_code?).explained();
        let effect = effect(report)?;
        Some((
            index,
            Consequence {
                effect,
                message_id,
                connection_id,
                sender_id,
                to_address,
                error_code: report.error_code,
                why,
            },
        ))
    });
    Ok(follows.collect())
}

/// Until when the messages may be sent whose reports may lead to a retry.
async fn valid_until(
    conn: &mut Conn,
    reports: &[Report],
    now: DateTime<Utc>,
) -> Result<HashMap<MessageId, DateTime<Utc>>> {
    let may_be_retried = |report: &&Report| {
        report.status.as_str() == MessageStatus::Failed.as_str()
            && report.error_code.is_some_and(|code| {
                error_policy::retry_dropped_at(code, report.message_id, 0, now).is_some()
            })
    };
    let ids: Vec<MessageId> =
        reports.iter().filter(may_be_retried).map(|report| report.message_id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let with_sender = messages::table.inner_join(senders::table).filter(messages::id.eq_any(ids));
    let rows: Vec<(MessageId, DateTime<Utc>, Validity)> = with_sender
        .select((messages::id, messages::created_at, senders::validity_minutes))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, created_at, validity)| (id, validity.end_of(created_at)))
        .collect())
}

impl State {
    /// Whether to write this state; a retried message is written by its retry.
    const fn is_written(&self) -> bool {
        self.changed && self.retry.is_none()
    }

    fn of((_, status, sid, connection_id, former_sids): LockedMessage) -> Self {
        Self {
            status,
            sid,
            former_sids: former_sids.unwrap_or_default(),
            connection_id,
            error_code: None,
            from_address: None,
            changed: false,
            retry: None,
        }
    }
}

/// Applies one report to the state of its message.
fn apply(
    states: &mut HashMap<MessageId, State>,
    report: &Report,
    valid_until: &HashMap<MessageId, DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Recorded {
    let Some(state) = states
        .get_mut(&report.message_id)
        .filter(|state| state.connection_id == report.connection_id)
    else {
        return Recorded::UnknownMessage;
    };
    // A report about another SID, or about a dropped one, is stored as evidence but does not
    // concern the current attempt.
    let other = state.sid.as_ref().is_some_and(|sid| *sid != report.twilio_sid);
    if other || state.former_sids.contains(&report.twilio_sid) {
        return Recorded::Noted;
    }
    if state.sid.is_none() {
        state.sid = Some(report.twilio_sid.clone());
        state.changed = true;
    }
    state.from_address = report.from_address.clone().or(state.from_address.take());
    let Some(next) =
        report.status.as_str().parse().ok().and_then(|status| state.status.after(status))
    else {
        return Recorded::Noted;
    };
    state.error_code = report.error_code.or(state.error_code);
    state.changed = true;
    state.status = next;
    if next == MessageStatus::Failed
        && let Some(error_code) = report.error_code
        && let Some(at) = error_policy::retry_dropped_at(
            error_code,
            report.message_id,
            state.former_sids.len(),
            now,
        )
        && valid_until.get(&report.message_id).is_some_and(|until| at < *until)
    {
        state.status = MessageStatus::Pending;
        state.former_sids.push(report.twilio_sid.clone());
        state.sid = None;
        state.retry = Some(PlannedRetry {
            message_id: report.message_id,
            dropped_sid: report.twilio_sid.clone(),
            error_code,
            at,
        });
    }
    Recorded::Applied
}

/// Writes the reports and states of locked messages.
async fn write(
    conn: &mut Conn,
    reports: &[Report],
    recorded: &[Recorded],
    states: &HashMap<MessageId, State>,
    now: DateTime<Utc>,
) -> Result<()> {
    let stored: Vec<ReportRow<'_>> = reports
        .iter()
        .zip(recorded)
        .filter(|(_, recorded)| **recorded != Recorded::UnknownMessage)
        .map(|(report, recorded)| ReportRow {
            message_id: report.message_id,
            status: report.status.as_str(),
            error_code: report.error_code,
            source: report.source,
            applied: *recorded == Recorded::Applied,
            params: &report.params,
        })
        .collect();
    if stored.is_empty() {
        return Ok(());
    }
    let moved = states.iter().filter(|(_, state)| state.is_written()).map(|(id, state)| StateRow {
        id: *id,
        status: state.status,
        error_code: state.error_code,
        sid: state.sid.as_deref(),
        from_address: state.from_address.as_deref(),
    });
    Write { report: stored.into_iter().collect(), state: moved.collect(), now }
        .execute(conn)
        .await?;
    Ok(())
}
