//! Quiet reports: nothing follows from them but the status of their message, as from nearly all.
//! They need no lock, no transaction of several statements, and nothing to be read first: one
//! statement decides about them and writes them.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Bool, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::Recorded;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::messages::report::{Report, ReportSource};
use crate::messages::status::MessageStatus;
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;

statement! {
    /// Writes reports, each of another message, and what they move, as [`apply`](super::apply)
    /// decides it: `formers` are the statuses that a report moves, see [`formers`]. Returns the
    /// messages whose reports are written, and beside it whether they were applied. The others do
    /// not exist, or have no SID yet and are not moved.
    ///
    /// Where somebody else is moving a message at this moment, PostgreSQL waits for it and decides
    /// by what it became.
    struct Write<'a> {
        quiet: batch of WriteRow<'a> {
            message_id: MessageId => SqlUuid,
            connection_id: ConnectionId => SqlUuid,
            sid: &'a str => Text,
            status: &'a str => Text,
            from_address: Option<&'a str> => Nullable<Text>,
            source: ReportSource => Text,
            params: &'a JsonText => Json,
            formers: &'static str => Text,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns (Nullable<Array<SqlUuid>>, Nullable<Array<Bool>>);
    "WITH report AS (
         SELECT * FROM {quiet}
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
           AND strpos(r.formers, ' ' || m.status || ' ') > 0
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

/// The messages whose reports are written, and whether they were applied; none where nothing is.
type Written = (Option<Vec<MessageId>>, Option<Vec<bool>>);

/// The statuses that a report moves, each between blanks. A text is what PostgreSQL searches
/// fastest: to join all pairs took longer than the rest of the decision.
fn formers(report: &Report) -> &'static str {
    static OF_EACH: LazyLock<HashMap<&str, String>> = LazyLock::new(|| {
        let moved_by = |report: MessageStatus| {
            let formers = MessageStatus::ALL.iter().filter(|former| former.after(report).is_some());
            format!(" {} ", formers.map(|former| former.as_str()).collect::<Vec<_>>().join(" "))
        };
        MessageStatus::ALL.iter().map(|report| (report.as_str(), moved_by(*report))).collect()
    });
    OF_EACH.get(report.status.as_str()).map_or("", String::as_str)
}

impl Report {
    /// Whether nothing can follow from it but its message's status.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.error_code.is_none()
    }
}

/// Records quiet reports at once; each is committed when this returns. None stands for one that has
/// to take the long way: there is no such message, its SID is not known yet, or another report of
/// the batch is about it as well.
pub async fn record(
    mut conn: &Conn,
    reports: &[&Report],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Recorded>>> {
    debug_assert!(
        reports.iter().all(|report| report.is_quiet()),
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
    // In one order for all, so that two batches cannot wait for each other.
    firsts.sort_unstable_by_key(|report| report.message_id);
    let rows = firsts.iter().map(|report| WriteRow {
        message_id: report.message_id,
        connection_id: report.connection_id,
        sid: report.twilio_sid.as_str(),
        status: report.status.as_str(),
        from_address: report.from_address.as_deref(),
        source: report.source,
        params: &report.params,
        formers: formers(report),
    });
    let write = Write { quiet: rows.collect(), now };
    // Not `get_result`: it returns with the row, which PostgreSQL sends before it commits a
    // statement that is its own transaction. Only the end of the answer says that it has.
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
