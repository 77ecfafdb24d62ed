//! Reports without an error code take a short way, by one statement: it does what the long one
//! does, whatever it meets, or leaves it to it.

use std::collections::{BTreeMap, BTreeSet};

use carillon::messages::delivery::{self, Recorded, fast_path};
use carillon::messages::report::{Report, ReportSource};
use carillon::messages::status::MessageStatus;
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

/// A message as a report finds it, and the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Meeting {
    status: &'static str,
    sid: Option<&'static str>,
    former: bool,
    report: &'static str,
    from: Option<&'static str>,
    connection: u128,
}

/// Every status of a message and every report, with each relation that their ids at Twilio can
/// have.
fn meetings() -> Vec<Meeting> {
    let outbound = MessageStatus::ALL.iter().filter(|status| **status != MessageStatus::Received);
    let reports = MessageStatus::ALL.iter().map(|status| status.as_str()).chain([
        "receiving",
        "partially_delivered",
        "sung",
    ]);
    let mut meetings = Vec::new();
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
                meetings.push(Meeting {
                    status,
                    sid,
                    former,
                    report,
                    from,
                    connection: CONNECTION,
                });
            }
        }
        meetings.push(Meeting {
            status,
            sid: None,
            former: false,
            report,
            from: None,
            connection: OTHER_CONNECTION,
        });
    }
    meetings
}

/// The message of a meeting, once for each way.
fn message(way: u128, at: usize) -> MessageId {
    MessageId(Uuid::from_u128((way << 64) + u128::try_from(at).unwrap()))
}

fn report(way: u128, at: usize, meeting: &Meeting) -> Report {
    Report {
        message_id: message(way, at),
        connection_id: ConnectionId(Uuid::from_u128(meeting.connection)),
        twilio_sid: THIS.to_owned(),
        status: meeting.report.to_owned().into(),
        error_code: None,
        from_address: meeting.from.map(str::to_owned),
        source: ReportSource::Callback,
        params: JsonText::from(&json!({ "MessageStatus": meeting.report })),
    }
}

/// Composes the messages of all meetings, long before the reports.
async fn compose(app: &TestApp, way: u128, meetings: &[Meeting]) {
    let quoted = |text: Option<&str>| text.map_or("NULL".to_owned(), |text| format!("'{text}'"));
    let rows: Vec<String> = meetings
        .iter()
        .enumerate()
        .map(|(at, meeting)| {
            let former =
                if meeting.former { format!("ARRAY['{THIS}']") } else { "NULL::text[]".to_owned() };
            let reason =
                matches!(meeting.status, "suppressed" | "skipped" | "expired" | "unconfirmed")
                    .then_some("So it was.");
            let (id, status, sid) = (message(way, at).0, meeting.status, quoted(meeting.sid));
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

/// What is known of each message afterwards, without its id.
async fn found(app: &TestApp, way: u128, count: usize) -> Vec<String> {
    let query = format!(
        "SELECT (to_jsonb(m) - 'id')::text || coalesce((
             SELECT string_agg((to_jsonb(e) - 'id' - 'message_id')::text, ' ' ORDER BY e.id)
                 FROM delivery_events e WHERE e.message_id = m.id
         ), '') AS text FROM messages m WHERE id BETWEEN '{}' AND '{}' ORDER BY id",
        message(way, 0).0,
        message(way, count).0
    );
    app.texts(&query).await
}

async fn record_long(app: &TestApp, reports: &[Report], now: DateTime<Utc>) -> Vec<Recorded> {
    let mut conn = app.conn().await;
    conn.transaction(async |conn| {
        let recorded = delivery::record(conn, reports, now).await?;
        assert!(recorded.consequences.is_empty());
        Ok::<_, carillon::error::Error>(recorded.reports)
    })
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_quiet_report_meets_the_short_way_does_what_the_long_one_does() {
    let app = TestApp::start().await;
    let meetings = meetings();
    for way in [1, 2] {
        compose(&app, way, &meetings).await;
    }
    let reports = |way: u128| -> Vec<Report> {
        meetings.iter().enumerate().map(|(at, meeting)| report(way, at, meeting)).collect()
    };
    let now = app.clock.now();
    let all = reports(1);
    let short =
        fast_path::record(&*app.conn().await, &all.iter().collect::<Vec<_>>(), now).await.unwrap();
    let (left, places): (Vec<Report>, Vec<usize>) =
        all.into_iter().zip(0..).filter(|(_, at)| short[*at].is_none()).unzip();
    let left: BTreeMap<usize, Recorded> =
        places.into_iter().zip(record_long(&app, &left, now).await).collect();
    let long = record_long(&app, &reports(2), now).await;

    let (short_rows, long_rows) =
        (found(&app, 1, meetings.len()).await, found(&app, 2, meetings.len()).await);
    assert_eq!(short_rows.len(), meetings.len());
    for (at, meeting) in meetings.iter().enumerate() {
        assert_eq!(short[at].unwrap_or_else(|| left[&at]), long[at], "{meeting:?}");
        // All that the short way leaves is what it does not find, and what has no SID yet and is
        // not moved.
        let is_left = long[at] == Recorded::UnknownMessage
            || meeting.sid.is_none() && long[at] == Recorded::Noted;
        assert_eq!(short[at].is_none(), is_left, "{meeting:?}");
        assert_eq!(short_rows[at], long_rows[at], "{meeting:?}");
    }
    let kinds: BTreeSet<String> = long.iter().map(|recorded| format!("{recorded:?}")).collect();
    assert_eq!(kinds.len(), 3, "every answer occurs: {kinds:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_quiet_reports_about_one_message_the_second_takes_the_long_way() {
    let app = TestApp::start().await;
    let meeting = |report| Meeting {
        status: "queued",
        sid: Some(THIS),
        former: false,
        report,
        from: None,
        connection: CONNECTION,
    };
    compose(&app, 1, &[meeting("queued")]).await;
    let (sent, delivered) = (report(1, 0, &meeting("sent")), report(1, 0, &meeting("delivered")));
    let now = app.clock.now();
    let recorded = fast_path::record(&*app.conn().await, &[&sent, &delivered], now).await.unwrap();
    assert_eq!(recorded, [Some(Recorded::Applied), None]);
    assert_eq!(record_long(&app, &[delivered], now).await, [Recorded::Applied]);
    assert_eq!(
        app.texts("SELECT status AS text FROM delivery_events ORDER BY id").await,
        ["sent", "delivered"]
    );
}
