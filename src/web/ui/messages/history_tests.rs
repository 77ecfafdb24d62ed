//! Tests of the history of a message: the lines of every course that a delivery can take.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::{HistoryLine, MessageHistory, elapsed};
use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::status_history::StatusEntry;
use crate::messages::message::Message;
use crate::messages::status::MessageStatus;
use crate::messages::status_reports::ReportSource::{self, Callback, Carillon, Lookup, Response};
use crate::types::id::WorkerId;
use crate::web::ui::messages::samples;

fn at(milliseconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::milliseconds(milliseconds)
}

fn entry(time: i64, status: &str, source: ReportSource, applied: bool) -> StatusEntry {
    let params =
        (source == Callback).then(|| json!({ "MessageSid": "SM1", "MessageStatus": status }));
    StatusEntry {
        status: status.to_owned(),
        at: at(time),
        source,
        error_code: None,
        applied,
        params,
    }
}

fn attempt(number: i16, claimed: i64, finished: i64, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        number,
        worker_id: WorkerId::new(),
        claimed_at: at(claimed),
        finished_at: Some(at(finished)),
        outcome: Some(outcome),
        http_status: None,
        error_code: None,
        twilio_request_id: Some("RQ1".to_owned()),
        duration_ms: Some(212),
    }
}

fn history(
    status: MessageStatus,
    attempts: &[Attempt],
    entries: &[StatusEntry],
) -> Vec<HistoryLine> {
    let message = Message { status, twilio_sid: Some("SM1".to_owned()), ..samples::message() };
    let composed = entry(0, "pending", Carillon, true);
    let mut all = vec![composed];
    all.extend(
        attempts.iter().map(|attempt| {
            entry(attempt.claimed_at.timestamp_millis(), "submitting", Carillon, true)
        }),
    );
    all.extend_from_slice(entries);
    all.sort_by_key(|entry| entry.at);
    MessageHistory {
        message: &message,
        attempts,
        entries: &all,
        origin: "A single message.".to_owned(),
        end_reason: None,
    }
    .lines()
}

fn titles(lines: &[HistoryLine]) -> Vec<&str> {
    lines.iter().map(|line| line.title.as_str()).collect()
}

fn note(line: &HistoryLine) -> &str {
    line.note.as_deref().unwrap_or_default()
}

#[test]
fn an_ordinary_delivery_has_a_line_for_each_step() {
    let attempts = [attempt(1, 10, 222, AttemptOutcome::Accepted)];
    let entries = [
        entry(222, "queued", Response, true),
        entry(900, "sent", Callback, true),
        entry(1_500, "delivered", Callback, true),
    ];
    let lines = history(MessageStatus::Delivered, &attempts, &entries);
    assert_eq!(
        titles(&lines),
        [
            "Text written",
            "Handed to Twilio",
            "Accepted by Twilio",
            "Sent to the carrier",
            "Delivered"
        ]
    );
    assert_eq!((note(&lines[0]), note(&lines[1])), ("A single message.", ""));
}

#[test]
fn a_lost_answer_is_settled_by_the_callback() {
    let attempts =
        [Attempt { duration_ms: Some(30_004), ..attempt(1, 10, 10_000, AttemptOutcome::Unknown) }];
    let entries =
        [entry(10_000, "unconfirmed", Carillon, true), entry(13_000, "sent", Callback, true)];
    let lines = history(MessageStatus::Sent, &attempts, &entries);
    assert_eq!(lines[2].title, "Twilio didn’t answer within 30 s");
    assert_eq!(note(&lines[2]), "A report 3 s later: Twilio had accepted the message.");
    assert_eq!(lines.len(), 4);
}

#[test]
fn a_callback_may_be_faster_than_the_time_limit() {
    let attempts = [attempt(1, 10, 10_000, AttemptOutcome::Unknown)];
    let entries =
        [entry(4_000, "delivered", Callback, true), entry(10_000, "unconfirmed", Carillon, false)];
    let lines = history(MessageStatus::Delivered, &attempts, &entries);
    assert!(note(&lines[3]).contains("had come before"));
}

#[test]
fn a_lost_answer_is_settled_by_twilios_list() {
    let attempts = [attempt(1, 10, 10_000, AttemptOutcome::Unknown)];
    let entries =
        [entry(10_000, "unconfirmed", Carillon, true), entry(40_000, "sent", Lookup, true)];
    let lines = history(MessageStatus::Sent, &attempts, &entries);
    assert!(
        note(&lines[2]).starts_with("Twilio’s list showed it 30 s later"),
        "{}",
        note(&lines[2])
    );
    assert_eq!(
        (lines[3].title.as_str(), note(&lines[3])),
        ("Sent to the carrier", "Carillon asked Twilio.")
    );
}

#[test]
fn a_worker_that_died_is_distinguished_from_a_silent_twilio() {
    let interrupted = Attempt {
        duration_ms: None,
        twilio_request_id: None,
        ..attempt(1, 10, 60_000, AttemptOutcome::Unknown)
    };
    let lines = history(
        MessageStatus::Unconfirmed,
        &[interrupted],
        &[entry(60_000, "unconfirmed", Carillon, true)],
    );
    assert_eq!(lines[2].title, "The worker stopped during the request");
    assert!(note(&lines[2]).starts_with("It is uncertain"));
}

#[test]
fn a_proof_of_the_second_attempt_says_nothing_about_the_first() {
    let attempts = [
        attempt(1, 10, 10_000, AttemptOutcome::Unknown),
        attempt(2, 20_000, 20_200, AttemptOutcome::Accepted),
    ];
    let entries = [
        entry(10_000, "unconfirmed", Carillon, true),
        entry(19_000, "pending", Carillon, true),
        entry(20_200, "queued", Response, true),
        entry(21_000, "delivered", Callback, true),
    ];
    let lines = history(MessageStatus::Delivered, &attempts, &entries);
    assert_eq!(note(&lines[2]), "Twilio never confirmed that it has the message.");
    assert_eq!(lines[3].title, "Carillon sends it again");
}

#[test]
fn an_attempt_that_returns_to_pending_has_a_line_too() {
    let attempts = [
        attempt(1, 10, 200, AttemptOutcome::Busy),
        attempt(2, 2_000, 2_100, AttemptOutcome::NotSent),
        attempt(3, 4_000, 4_100, AttemptOutcome::Accepted),
    ];
    let lines =
        history(MessageStatus::Queued, &attempts, &[entry(4_100, "queued", Response, true)]);
    assert_eq!(
        titles(&lines)[2..],
        [
            "Twilio was too busy",
            "On its way to Twilio",
            "Couldn’t reach Twilio",
            "Handed to Twilio",
            "Accepted by Twilio"
        ]
    );
}

#[test]
fn an_unclear_answer_is_distinguished_from_none() {
    let of = |http_status, duration_ms| {
        let attempts =
            [Attempt { http_status, duration_ms, ..attempt(1, 10, 300, AttemptOutcome::Unknown) }];
        history(MessageStatus::Unconfirmed, &attempts, &[entry(300, "unconfirmed", Carillon, true)])
            [2]
        .title
        .clone()
    };
    assert_eq!(of(Some(500), Some(40)), "Twilio gave no clear answer (HTTP 500)");
    assert_eq!(of(None, Some(30_000)), "Twilio didn’t answer within 30 s");
    assert_eq!(of(None, Some(40)), "The connection to Twilio broke before its answer came");
    assert_eq!(of(None, None), "The worker stopped during the request");
}

#[test]
fn lookups_that_find_nothing_are_counted_and_prove_nothing() {
    let attempts = [attempt(1, 10, 300, AttemptOutcome::Unknown)];
    let entries = [
        entry(300, "unconfirmed", Carillon, true),
        entry(5_000, "unconfirmed", Lookup, false),
        entry(30_000, "unconfirmed", Lookup, false),
    ];
    let lines = history(MessageStatus::Unconfirmed, &attempts, &entries);
    assert!(note(&lines[2]).starts_with("It is uncertain"), "{}", note(&lines[2]));
    assert_eq!(
        (lines[3].title.as_str(), note(&lines[3])),
        ("Not in Twilio’s list", "Carillon asked Twilio.")
    );
    assert_eq!(
        (lines[4].title.as_str(), note(&lines[4])),
        ("Not in Twilio’s list", "Carillon asked Twilio for the 2nd time.")
    );
}

#[test]
fn a_message_that_twilio_dropped_is_sent_once_more() {
    let attempts = [
        attempt(1, 10, 200, AttemptOutcome::Accepted),
        attempt(2, 900_000, 900_200, AttemptOutcome::Accepted),
    ];
    let of = |sid: &str, entry: StatusEntry| StatusEntry {
        params: Some(json!({ "MessageSid": sid })),
        ..entry
    };
    let entries = [
        entry(200, "queued", Response, true),
        of(
            "SM0",
            StatusEntry { error_code: Some(30_001), ..entry(5_000, "failed", Callback, true) },
        ),
        entry(5_000, "pending", Carillon, true),
        of("SM0", entry(6_000, "sent", Callback, false)),
        entry(900_200, "queued", Response, true),
    ];
    let message = Message {
        status: MessageStatus::Queued,
        twilio_sid: Some("SM1".to_owned()),
        former_sids: Some(vec!["SM0".to_owned()]),
        ..samples::message()
    };
    let mut all = vec![
        entry(0, "pending", Carillon, true),
        entry(10, "submitting", Carillon, true),
        entry(900_000, "submitting", Carillon, true),
    ];
    all.extend(entries);
    all.sort_by_key(|entry| entry.at);
    let lines = MessageHistory {
        message: &message,
        attempts: &attempts,
        entries: &all,
        origin: String::new(),
        end_reason: None,
    }
    .lines();
    let again = lines.iter().find(|line| line.title == "Carillon sends it once more").unwrap();
    assert!(note(again).starts_with("Twilio dropped it"));
    let late = lines.iter().find(|line| line.title == "Sent to the carrier").unwrap();
    assert!(note(late).starts_with("About an earlier attempt"), "{}", note(late));
}

#[test]
fn reports_that_change_nothing_say_why() {
    let entries = [
        entry(100, "delivered", Callback, true),
        entry(200, "sent", Callback, false),
        entry(300, "delivered", Callback, false),
        entry(400, "undelivered", Callback, false),
        entry(500, "teleported", Callback, false),
        StatusEntry {
            params: Some(json!({ "MessageSid": "SM2" })),
            ..entry(600, "sent", Callback, false)
        },
    ];
    let lines = history(MessageStatus::Delivered, &[], &entries);
    for (line, start) in lines[2..].iter().zip([
        "Came late",
        "A repeat",
        "Contradicts “delivered”",
        "An unknown status",
        "About another",
    ]) {
        assert!(note(line).starts_with(start), "{}", note(line));
    }
}

#[test]
fn durations_are_written_in_one_or_two_units() {
    let of = |milliseconds| elapsed(TimeDelta::milliseconds(milliseconds));
    assert_eq!(
        [of(20), of(420), of(3_400), of(150_000), of(3_900_000)],
        ["0.1 s", "0.4 s", "3 s", "2 min", "1 h 5 min"]
    );
}
