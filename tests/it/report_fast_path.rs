//! The fast path of status reports without an error code, which is one SQL statement. It has the
//! same effects as the slow path, or leaves the report to it.

use std::collections::{BTreeMap, BTreeSet};

use carillon::messages::status::MessageStatus;
use carillon::messages::status_reports::{self, Recorded, Report, ReportSource, fast_path};
use carillon::types::id::{ConnectionId, MessageId};
use carillon::types::json_text::JsonText;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde_json::json;
use uuid::Uuid;

use crate::harness::TestApp;

const THIS: &str = "SM00000000000000000000000000000001";
const OTHER: &str = "SM00000000000000000000000000000002";
const CONNECTION: u128 = 7;
const OTHER_CONNECTION: u128 = 8;

/// A report, and the state of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    status: &'static str,
    sid: Option<&'static str>,
    former: bool,
    report: &'static str,
    from: Option<&'static str>,
    connection: u128,
}

/// All statuses of a message and of a report, with each relation between their SIDs.
fn cases() -> Vec<Case> {
    let outbound = MessageStatus::ALL.iter().filter(|status| **status != MessageStatus::Received);
    let reports = MessageStatus::ALL.iter().map(|status| status.as_str()).chain([
        "receiving",
        "partially_delivered",
        "sung",
    ]);
    let mut cases = Vec::new();
    for (status, report) in
        outbound.flat_map(|status| reports.clone().map(|report| (status.as_str(), report)))
    {
        for (sid, former) in [
            (None, false),
            (None, true),
            (Some(THIS), false),
            (Some(OTHER), false),
            (Some(OTHER), true),
        ] {
            for from in [None, Some("+15005550009")] {
                cases.push(Case { status, sid, former, report, from, connection: CONNECTION });
            }
        }
        cases.push(Case {
            status,
            sid: None,
            former: false,
            report,
            from: None,
            connection: OTHER_CONNECTION,
        });
    }
    cases
}

/// The message of a case; each case has a copy for the fast path and one for the slow path.
fn message(copy: u128, at: usize) -> MessageId {
    MessageId(Uuid::from_u128((copy << 64) + u128::try_from(at).unwrap()))
}

fn report(copy: u128, at: usize, case: &Case) -> Report {
    Report {
        message_id: message(copy, at),
        connection_id: ConnectionId(Uuid::from_u128(case.connection)),
        twilio_sid: THIS.to_owned(),
        status: case.report.to_owned().into(),
        error_code: None,
        from_address: case.from.map(str::to_owned),
        source: ReportSource::Callback,
        params: JsonText::from(&json!({ "MessageStatus": case.report })),
    }
}

/// Inserts the messages of all cases, long before the reports.
async fn compose(app: &TestApp, copy: u128, cases: &[Case]) {
    let quoted = |text: Option<&str>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
    let rows: Vec<String> = cases
        .iter()
        .enumerate()
        .map(|(at, case)| {
            let former =
                if case.former { format!("ARRAY['{THIS}']") } else { "NULL::text[]".to_owned() };
            let reason =
                matches!(case.status, "suppressed" | "skipped" | "expired" | "unconfirmed")
                    .then_some("A reason.");
            let (id, status, sid) = (message(copy, at).0, case.status, quoted(case.sid));
            format!("('{id}'::uuid, '{status}', {sid}, {former}, {})", quoted(reason))
        })
        .collect();
    app.run_sql(&format!(
        "INSERT INTO messages (id, direction, connection_id, to_address, body, parts, encoding,
            error_code, status, twilio_sid, former_sids, reason,
             created_at, status_at)
         SELECT id, 'outbound', '{}', '+12065550100', 'Hello', 1, 'gsm7', 30005, status, sid,
             former_sids, reason, '2026-01-01Z', '2026-01-01Z'
         FROM (VALUES {}) AS m (id, status, sid, former_sids, reason)",
        Uuid::from_u128(CONNECTION),
        rows.join(", ")
    ))
    .await;
}

/// The rows of each message and its delivery events, without their ids.
async fn rows_of(app: &TestApp, copy: u128, count: usize) -> Vec<String> {
    let query = format!(
        "SELECT (to_jsonb(m) - 'id')::text || coalesce((
             SELECT string_agg((to_jsonb(e) - 'id' - 'message_id')::text, ' ' ORDER BY e.id)
                 FROM delivery_events e WHERE e.message_id = m.id
         ), '') AS text FROM messages m WHERE id BETWEEN '{}' AND '{}' ORDER BY id",
        message(copy, 0).0,
        message(copy, count).0
    );
    app.texts(&query).await
}

async fn record_slow_path(app: &TestApp, reports: &[Report], now: DateTime<Utc>) -> Vec<Recorded> {
    let mut conn = app.conn().await;
    conn.transaction(async |conn| {
        let recorded = status_reports::record(conn, reports, now).await?;
        assert!(recorded.consequences.is_empty());
        Ok::<_, carillon::error::Error>(recorded.reports)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fast_path_records_every_report_as_the_slow_path_does() {
    let app = TestApp::start().await;
    let cases = cases();
    for copy in [1, 2] {
        compose(&app, copy, &cases).await;
    }
    let reports = |copy: u128| -> Vec<Report> {
        cases.iter().enumerate().map(|(at, case)| report(copy, at, case)).collect()
    };
    let now = app.clock.now();
    let all = reports(1);
    let fast =
        fast_path::record(&*app.conn().await, &all.iter().collect::<Vec<_>>(), now).await.unwrap();
    let (left_to_slow_path, positions): (Vec<Report>, Vec<usize>) =
        all.into_iter().zip(0..).filter(|(_, at)| fast[*at].is_none()).unzip();
    let left_to_slow_path: BTreeMap<usize, Recorded> =
        positions.into_iter().zip(record_slow_path(&app, &left_to_slow_path, now).await).collect();
    let slow = record_slow_path(&app, &reports(2), now).await;

    let (fast_rows, slow_rows) =
        (rows_of(&app, 1, cases.len()).await, rows_of(&app, 2, cases.len()).await);
    assert_eq!(fast_rows.len(), cases.len());
    for (at, case) in cases.iter().enumerate() {
        assert_eq!(fast[at].unwrap_or_else(|| left_to_slow_path[&at]), slow[at], "{case:?}");
        // The fast path leaves only unknown messages, and messages without a SID that the report
        // does not move.
        let is_left_to_slow_path = slow[at] == Recorded::UnknownMessage
            || case.sid.is_none() && slow[at] == Recorded::Noted;
        assert_eq!(fast[at].is_none(), is_left_to_slow_path, "{case:?}");
        assert_eq!(fast_rows[at], slow_rows[at], "{case:?}");
    }
    let kinds: BTreeSet<String> = slow.iter().map(|recorded| format!("{recorded:?}")).collect();
    assert_eq!(kinds.len(), 3, "every kind of result occurs: {kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_two_reports_about_one_message_takes_the_slow_path() {
    let app = TestApp::start().await;
    let case = |report| Case {
        status: "queued",
        sid: Some(THIS),
        former: false,
        report,
        from: None,
        connection: CONNECTION,
    };
    compose(&app, 1, &[case("queued")]).await;
    let (sent, delivered) = (report(1, 0, &case("sent")), report(1, 0, &case("delivered")));
    let now = app.clock.now();
    let recorded = fast_path::record(&*app.conn().await, &[&sent, &delivered], now).await.unwrap();
    assert_eq!(recorded, [Some(Recorded::Applied), None]);
    assert_eq!(record_slow_path(&app, &[delivered], now).await, [Recorded::Applied]);
    assert_eq!(
        app.texts("SELECT status AS text FROM delivery_events ORDER BY id").await,
        ["sent", "delivered"]
    );
}
