//! The error policy: the effects of each error code of Twilio on a message, its number, its sender
//! and its account.

use std::time::Duration;

use carillon::messages::status::MessageStatus;
use carillon::twilio::error_codes::{self, Class, ContactEffect, Retry};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use twilio_simulator::{ACCOUNT_SID, Fault, Rule};

use crate::harness::fixtures::Twilio;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, hours, real_time};

const DROPPED: Fault = Fault::Failed { code: 30_001 };

async fn start() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

async fn advance_minutes(app: &TestApp, minutes: i64) {
    app.advance(TimeDelta::minutes(minutes)).await;
}

/// Reports a status with a valid signature, and returns the status of the response.
async fn report(
    app: &TestApp,
    twilio: &Twilio,
    message: &str,
    sid: &str,
    status: &str,
    code: &str,
) -> u16 {
    let path = format!("/hooks/twilio/{}/status/{message}", twilio.connection_id);
    let params = [
        ("MessageSid", sid),
        ("MessageStatus", status),
        ("ErrorCode", code),
        ("AccountSid", ACCOUNT_SID),
    ];
    app.signed_call(&path, &params).send().await.unwrap().status().as_u16()
}

async fn status_of(app: &TestApp, path: &str) -> String {
    app.api().get(path).await.ok()["status"].as_str().unwrap().to_owned()
}

async fn enable(app: &TestApp, twilio: &Twilio) {
    for path in
        [format!("/senders/{}", twilio.sender_id), format!("/connections/{}", twilio.connection_id)]
    {
        app.api().patch(&path, json!({ "disabled": false })).await.ok();
    }
}

/// Which of the `sender` and the `connection` are stopped.
async fn stopped(app: &TestApp, twilio: &Twilio) -> Vec<&'static str> {
    let mut stopped = Vec::new();
    for (what, path) in [
        ("sender", format!("/senders/{}", twilio.sender_id)),
        ("connection", format!("/connections/{}", twilio.connection_id)),
    ] {
        if status_of(app, &path).await == "stopped" {
            stopped.push(what);
        }
    }
    stopped
}

/// The effects of an error code by its row: the reason of the suppression, and what is stopped.
fn expected(code: &error_codes::ErrorCode) -> (Option<&'static str>, Vec<&'static str>) {
    let reason = match (code.class, code.contact) {
        (Class::OptOut, _) => Some("carrier_21610"),
        (_, ContactEffect::Invalid) => Some("invalid_number"),
        (_, ContactEffect::Suppress) => Some("carrier_blocked"),
        _ => None,
    };
    let stops = match code.class {
        Class::Sender if code.retry == Retry::AfterFix => vec!["sender"],
        Class::Account => vec!["connection"],
        _ => Vec::new(),
    };
    (reason, stops)
}

async fn suppression_of(app: &TestApp, handset: &str) -> Option<String> {
    let contact = app.contact_of(handset).await;
    contact["suppression"]["reason"].as_str().map(str::to_owned)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_a_refused_request_has_the_effects_of_its_row() {
    let (app, twilio) = start().await;
    for (at, code) in error_codes::all().iter().enumerate() {
        let handset = format!("+1206555{at:04}");
        app.simulator.inject(
            Rule::next(1, Fault::Refuse { code: code.code.unsigned_abs() }).for_handset(&handset),
        );
        app.event("hello", &handset, json!({})).await;
        app.run_until_idle().await;
        let message = app.message_to(&handset).await;
        let (reason, stops) = expected(code);
        let status = match code.retry {
            _ if reason.is_some() => MessageStatus::Failed,
            Retry::Ambiguous => MessageStatus::Unconfirmed,
            Retry::Backoff | Retry::QueueFull | Retry::Later | Retry::NextDay => {
                MessageStatus::Pending
            }
            _ if !stops.is_empty() => MessageStatus::Pending,
            _ => MessageStatus::Failed,
        };
        assert_eq!(
            (message.status, stopped(&app, &twilio).await),
            (status, stops.clone()),
            "{}",
            code.code
        );
        assert_eq!(suppression_of(&app, &handset).await.as_deref(), reason, "{}", code.code);
        let jobs = app.count(&format!("jobs WHERE subject = '{}'", message.id)).await;
        let waits = stops.is_empty()
            && matches!(status, MessageStatus::Pending | MessageStatus::Unconfirmed);
        assert_eq!(jobs, i64::from(waits), "{}", code.code);
        if !stops.is_empty() {
            enable(&app, &twilio).await;
            app.run_until_idle().await;
            assert_eq!(
                app.statuses_to(&handset).await,
                ["delivered"],
                "{}: nothing is lost",
                code.code
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_a_failed_message_has_the_effects_of_its_row() {
    let (app, twilio) = start().await;
    let codes = error_codes::all().iter().copied().chain([error_codes::lookup(99_999)]);
    for (at, code) in codes.enumerate() {
        for (status, handset) in
            [("failed", format!("+1206555{at:04}")), ("undelivered", format!("+1206556{at:04}"))]
        {
            let number = code.code.unsigned_abs();
            let fault = if status == "failed" {
                Fault::Failed { code: number }
            } else {
                Fault::Undelivered { code: number }
            };
            app.simulator.inject(Rule::next(1, fault).for_handset(&handset));
            app.event("hello", &handset, json!({})).await;
            app.run_until_idle().await;
            let message = app.message_to(&handset).await;
            let (reason, stops) = expected(&code);
            let again = status == "failed"
                && code.class == Class::Rate
                && matches!(code.retry, Retry::Backoff | Retry::QueueFull | Retry::NextDay);
            let expected = if again { "pending" } else { status };
            assert_eq!(
                (message.status.as_str(), message.error_code),
                (expected, Some(code.code)),
                "{} {status}",
                code.code
            );
            assert_eq!(stopped(&app, &twilio).await, stops, "{} {status}", code.code);
            assert_eq!(
                suppression_of(&app, &handset).await.as_deref(),
                reason,
                "{} {status}",
                code.code
            );
            let jobs = app.count(&format!("jobs WHERE subject = '{}'", message.id)).await;
            assert_eq!(jobs, i64::from(again), "{} {status}", code.code);
            if !stops.is_empty() {
                enable(&app, &twilio).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_dropped_by_twilio_gets_a_new_attempt_and_reports_of_the_old_one_are_ignored() {
    let (app, twilio) = start().await;
    app.simulator.inject(Rule::next(1, DROPPED));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let waiting = app.message_to(HANDSET).await;
    let first = app.simulator.messages()[0].sid.clone();
    assert_eq!(
        (waiting.status, waiting.error_code, waiting.twilio_sid),
        (MessageStatus::Pending, Some(30_001), None)
    );
    assert_eq!(waiting.former_sids, Some(vec![first.clone()]));
    // Late reports about the dropped attempt.
    let id = waiting.id.to_string();
    assert_eq!(report(&app, &twilio, &id, &first, "sent", "").await, 204);
    assert_eq!(report(&app, &twilio, &id, &first, "failed", "30001").await, 204);
    let still = app.message_to(HANDSET).await;
    assert_eq!(
        (still.status, still.twilio_sid, app.count("jobs").await),
        (MessageStatus::Pending, None, 1)
    );

    advance_minutes(&app, 14).await;
    assert_eq!(
        app.attempts(waiting.id).await.len(),
        1,
        "no retry before the queue can have capacity"
    );
    advance_minutes(&app, 10).await;
    let done = app.message_to(HANDSET).await;
    let second = app.simulator.messages()[1].sid.clone();
    assert_eq!(
        (done.status, done.twilio_sid, done.error_code),
        (MessageStatus::Delivered, Some(second), None)
    );
    assert_eq!(report(&app, &twilio, &id, &first, "undelivered", "30003").await, 204);
    assert_eq!(app.message_to(HANDSET).await.status, MessageStatus::Delivered);
    let statuses = app.status_history(waiting.id).await;
    assert_eq!(
        statuses,
        [
            "pending",
            "submitting",
            "queued",
            "sending",
            "failed",
            "pending",
            "submitting",
            "queued",
            "sending",
            "sent",
            "delivered"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_dropped_repeatedly_fails() {
    let (app, _) = start().await;
    app.simulator.inject(Rule::always(Fault::Failed { code: 30_022 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..40 {
        advance_minutes(&app, 15).await;
    }
    let message = app.message_to(HANDSET).await;
    assert_eq!((message.status, message.error_code), (MessageStatus::Failed, Some(30_022)));
    assert_eq!((app.attempts(message.id).await.len(), app.count("jobs").await), (4, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_dropped_by_a_full_queue_waits_for_capacity() {
    let (app, _) = start().await;
    let full = app.simulator.inject(Rule::always(DROPPED));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..24 {
        advance_minutes(&app, 60).await;
    }
    let message = app.message_to(HANDSET).await;
    let attempts = app.attempts(message.id).await.len();
    assert_eq!((message.status, message.error_code), (MessageStatus::Pending, Some(30_001)));
    assert!((8..20).contains(&attempts), "{attempts} in a day");
    assert!(app.simulator.withdraw(full));
    for _ in 0..3 {
        advance_minutes(&app, 60).await;
    }
    assert_eq!(app.message_to(HANDSET).await.status, MessageStatus::Delivered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daily_cap_waits_for_the_next_day_in_pacific_time() {
    let (app, _) = start().await;
    for (handset, fault) in
        [(HANDSET, Fault::Failed { code: 30_023 }), (OTHER_HANDSET, Fault::Refuse { code: 63_038 })]
    {
        app.simulator.inject(Rule::next(1, fault).for_handset(handset));
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let due = app.texts("SELECT run_at::text AS text FROM jobs").await;
    assert_eq!(due.len(), 2);
    for text in due {
        let at: DateTime<Utc> =
            DateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f%#z").unwrap().to_utc();
        let pacific = at.with_timezone(&chrono_tz::America::Los_Angeles).format("%H").to_string();
        assert!(pacific == "00" && at - app.clock.now() <= hours(25), "{at}");
    }
    app.advance(hours(25)).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["delivered".into()], vec!["delivered".into()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_and_a_busy_twilio_use_up_no_attempts() {
    let (app, _) = start().await;
    for (handset, fault) in
        [(HANDSET, Fault::Refuse { code: 21_611 }), (OTHER_HANDSET, Fault::TooManyRequests)]
    {
        app.simulator.inject(Rule::next(30, fault).for_handset(handset));
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    for _ in 0..32 {
        advance_minutes(&app, 23).await;
    }
    for handset in [HANDSET, OTHER_HANDSET] {
        let message = app.message_to(handset).await;
        assert_eq!(
            (message.status, app.attempts(message.id).await.len()),
            (MessageStatus::Delivered, 31),
            "{handset}"
        );
        assert_eq!(message.error_code, None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn counted_refusals_are_counted_separately_from_uncounted_ones() {
    let (app, _) = start().await;
    for _ in 0..3 {
        app.simulator.inject(Rule::next(1, Fault::Refuse { code: 63_018 }));
        app.simulator.inject(Rule::next(4, Fault::TooManyRequests));
    }
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..60 {
        advance_minutes(&app, 1).await;
    }
    let message = app.message_to(HANDSET).await;
    assert_eq!(
        (message.status, app.attempts(message.id).await.len()),
        (MessageStatus::Delivered, 16)
    );

    app.simulator.inject(Rule::always(Fault::Refuse { code: 63_018 }).for_handset(OTHER_HANDSET));
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..60 {
        advance_minutes(&app, 5).await;
    }
    let message = app.message_to(OTHER_HANDSET).await;
    assert_eq!((message.status, message.error_code), (MessageStatus::Failed, Some(63_018)));
    assert_eq!(app.attempts(message.id).await.len(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_suppresses_a_dropped_message_that_waits_for_its_retry() {
    let (app, twilio) = start().await;
    app.simulator.inject(Rule::next(1, DROPPED));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.text(HANDSET, &twilio.sender, "STOP").await;
    advance_minutes(&app, 60).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.simulator.messages_to(HANDSET).len()),
        (vec!["suppressed".to_owned()], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_dropped_before_its_answer_arrived_is_sent_exactly_once_more() {
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_secs(2),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::TimeoutRecorded));
    app.simulator.inject(Rule::next(1, DROPPED));
    app.event("hello", HANDSET, json!({})).await;
    let worker = app.worker.clone();
    let sending = tokio::spawn(async move { worker.perform_due().await });
    app.eventually("the failure is reported before the answer times out", async || {
        (app.statuses_to(HANDSET).await == ["pending"]
            && app.count("delivery_events WHERE status = 'failed'").await == 1)
            .then_some(())
    })
    .await;
    sending.await.unwrap().unwrap();
    let waiting = app.message_to(HANDSET).await;
    assert_eq!((waiting.status, waiting.twilio_sid.as_ref()), (MessageStatus::Pending, None));
    for _ in 0..8 {
        advance_minutes(&app, 16).await;
    }
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.simulator.messages_to(HANDSET).len()),
        (vec!["delivered".to_owned()], 2)
    );
    assert_eq!((app.attempts(waiting.id).await.len(), app.count("jobs").await), (2, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_messages_are_claimed_than_the_concurrency_limit() {
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_millis(300),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "max_concurrency": 3 }))
        .await
        .ok();
    app.simulator.inject(Rule::always(Fault::Timeout));
    for at in 0..10 {
        app.event("hello", &format!("+1206555{at:04}"), json!({})).await;
    }
    // The concurrency limit is read with each heartbeat.
    app.worker.heartbeat().await.unwrap();
    let worker = app.worker.clone();
    let sending = tokio::spawn(async move { worker.perform_due().await.unwrap() });
    let mut max_submitting = 0;
    while !sending.is_finished() {
        max_submitting =
            max_submitting.max(app.count("messages WHERE status = 'submitting'").await);
        real_time(Duration::from_millis(5), "the interval of the samples").await;
    }
    sending.await.unwrap();
    assert!(
        (3..=6).contains(&max_submitting),
        "at most three in flight and three whose outcomes are being written, not {max_submitting}"
    );
    assert_eq!(
        (app.count("messages WHERE status = 'unconfirmed'").await, app.count("attempts").await),
        (10, 10)
    );
    assert_eq!(app.count("jobs WHERE kind = 'send'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_pauses_its_sender() {
    let (app, twilio) = start().await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": 10.0 }))
        .await
        .ok();
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21_611 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    advance_minutes(&app, 14).await;
    assert_eq!(
        (app.statuses_to(OTHER_HANDSET).await, app.simulator.messages().len()),
        (vec!["pending".to_owned()], 0)
    );
    advance_minutes(&app, 2).await;
    assert_eq!(app.statuses_to(OTHER_HANDSET).await, ["delivered"]);
    advance_minutes(&app, 10).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_dropped_near_the_end_of_its_validity_fails() {
    let (app, twilio) = start().await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "validity_minutes": 10 }))
        .await
        .ok();
    app.simulator.inject(Rule::next(1, DROPPED));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await;
    assert_eq!(
        (message.status, message.error_code, app.count("jobs").await),
        (MessageStatus::Failed, Some(30_001), 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_was_enabled_again_is_not_stopped_by_a_repeated_report() {
    let (app, twilio) = start().await;
    app.simulator.inject(Rule::next(1, Fault::Failed { code: 30_034 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(stopped(&app, &twilio).await, ["sender"]);
    let sender = app.api().get(&format!("/senders/{}", twilio.sender_id)).await.ok();
    assert!(sender["stopped_reason"].as_str().unwrap().contains("(30034)"), "{sender}");
    let message = app.message_to(HANDSET).await;
    assert_eq!(message.status, MessageStatus::Failed, "only a user may send it again");
    enable(&app, &twilio).await;
    let sid = message.twilio_sid.unwrap();
    assert_eq!(report(&app, &twilio, &message.id.to_string(), &sid, "failed", "30034").await, 204);
    assert!(stopped(&app, &twilio).await.is_empty());
}
