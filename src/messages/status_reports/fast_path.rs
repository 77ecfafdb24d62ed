//! The fast path for plain reports, which change only the status of their message, as nearly all
//! do: one statement decides about a batch and writes it, without locks, reads or a transaction
//! before it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::record::Recorded;
use super::report::{Report, ReportSource};
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::status::MessageStatus;
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;

statement! {
    /// Writes reports, at most one for each message, and the changes of status that
    /// `apply` of the slow path would decide. Returns the messages whose reports were written, and
    /// whether each was applied; missing are unknown messages, and those without a SID that the
    /// report does not move.
    ///
    /// PostgreSQL waits for a concurrent change of a message, and decides by its result.
    struct Write<'a> {
        plain: batch of WriteRow<'a> {
            message_id: MessageId => SqlUuid,
            connection_id: ConnectionId => SqlUuid,
            sid: &'a str => Text,
            status: &'a str => Text,
            from_address: Option<&'a str> => Nullable<Text>,
            source: ReportSource => Text,
            params: &'a JsonText => Json,
            moves_from: &'static str => Text,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns (Nullable<Array<SqlUuid>>, Nullable<Array<Bool>>);
    "WITH report AS (
         SELECT * FROM {plain}
     ), moved AS (
         UPDATE messages m
         SET status = r.status, status_at = {now}, twilio_sid = r.sid,
             error_code = CASE
                 WHEN r.status IN ('delivered', 'read') OR m.status = 'submitting' THEN NULL
                 ELSE m.error_code
             END,
             from_address = coalesce(m.from_address, r.from_address),
             reason = CASE WHEN m.status = 'unconfirmed' THEN NULL ELSE m.reason END
         FROM report r
         WHERE m.id = r.message_id
           AND m.connection_id = r.connection_id
           AND strpos(r.moves_from, ' ' || m.status || ' ') > 0
           AND coalesce(m.twilio_sid = r.sid, true)
           AND (r.sid = ANY (m.former_sids)) IS NOT TRUE
         RETURNING m.id
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, params, received_at)
         SELECT r.message_id, r.status, r.source, moved.id IS NOT NULL, r.params, {now}
         FROM report r
         LEFT JOIN moved ON moved.id = r.message_id
         WHERE moved.id IS NOT NULL
            OR EXISTS (
                SELECT FROM messages m
                WHERE m.id = r.message_id
                  AND m.connection_id = r.connection_id
                  AND m.twilio_sid IS NOT NULL
            )
         RETURNING message_id, applied
     )
     SELECT array_agg(message_id), array_agg(applied) FROM noted"
}

/// The messages whose reports were written, and whether each was applied; none if nothing was
/// written.
type Written = (Option<Vec<MessageId>>, Option<Vec<bool>>);

/// The statuses that a report moves, each between spaces. PostgreSQL searches a text fastest:
/// joining all pairs took longer than the rest of the decision.
fn moves_from(report: &Report) -> &'static str {
    static BY_STATUS: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
        let moved_by = |report: MessageStatus| {
            let moves_from =
                MessageStatus::ALL.iter().filter(|status| status.after(report).is_some());
            format!(" {} ", moves_from.map(|status| status.as_str()).collect::<Vec<_>>().join(" "))
        };
        MessageStatus::ALL.iter().map(|report| (report.as_str(), moved_by(*report))).collect()
    });
    BY_STATUS.get(report.status.as_str()).map_or("", String::as_str)
}

/// Records plain reports, all committed on return. None stands for a report that needs the slow
/// path: its message or SID is unknown, or another report of the batch has the same message.
pub async fn record(
    mut conn: &Conn,
    reports: &[&Report],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Recorded>>> {
    debug_assert!(
        reports.iter().all(|report| report.is_plain()),
        "more follows from a report with an error code"
    );
    let mut seen = HashSet::with_capacity(reports.len());
    let is_first: Vec<bool> = reports.iter().map(|report| seen.insert(report.message_id)).collect();
    let mut firsts: Vec<&Report> = reports
        .iter()
        .zip(&is_first)
        .filter(|(_, first)| **first)
        .map(|(report, _)| *report)
        .collect();
    // In id order, so that two batches cannot deadlock.
    firsts.sort_unstable_by_key(|report| report.message_id);
    let rows = firsts.iter().map(|report| WriteRow {
        message_id: report.message_id,
        connection_id: report.connection_id,
        sid: report.twilio_sid.as_str(),
        status: report.status.as_str(),
        from_address: report.from_address.as_deref(),
        source: report.source,
        params: &report.params,
        moves_from: moves_from(report),
    });
    let write = Write { plain: rows.collect(), now };
    // Not `get_result`: it returns with the row, which PostgreSQL sends before it commits an
    // implicit transaction. Only the end of the result confirms the commit.
    let rows: Vec<Written> = write.load(&mut conn).await?;
    let (ids, applied) = rows.into_iter().next().unwrap_or_default();
    let written = ids.unwrap_or_default().into_iter().zip(applied.unwrap_or_default());
    let written: HashMap<MessageId, Recorded> = written
        .map(|(id, applied)| (id, if applied { Recorded::Applied } else { Recorded::Noted }))
        .collect();
    Ok(reports
        .iter()
        .zip(is_first)
        .map(|(report, first)| written.get(&report.message_id).copied().filter(|_| first))
        .collect())
}
