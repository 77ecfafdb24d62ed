//! The throttle: a sender stays within its rate of SMS parts, whatever sends and however much
//! waits, and no queued message is forgotten.

use carillon::messages::status::MessageStatus;
use carillon::types::id::WorkerId;
use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use twilio_simulator::{LONG_CODE, SHORT_CODE, TOLL_FREE};

use crate::harness::fixtures::Twilio;
use crate::harness::{TestApp, days, seconds};

/// The time and the number of parts of each message that the simulator accepted, in order.
fn sent(app: &TestApp) -> Vec<(DateTime<Utc>, f64)> {
    let mut sent: Vec<_> = app
        .simulator
        .messages()
        .iter()
        .map(|message| (message.created, f64::from(message.parts)))
        .collect();
    sent.sort_by_key(|(at, _)| *at);
    sent
}

/// Asserts that no time window has more parts than the rate and the burst allow.
fn assert_within(sent: &[(DateTime<Utc>, f64)], rate: f64, burst: f64) {
    for (first, (from, _)) in sent.iter().enumerate() {
        let mut total = 0.0;
        for (until, parts) in &sent[first..] {
            total += parts;
            let window = (*until - *from).as_seconds_f64();
            assert!(
                total <= rate * window + burst + 1e-6,
                "{total} parts within {window} s at a rate of {rate}"
            );
        }
    }
}

fn handset(number: usize) -> String {
    format!("+1206555{number:04}")
}

/// Reports an event of each contact in a range.
async fn events(app: &TestApp, name: &str, contacts: std::ops::Range<usize>) {
    for number in contacts {
        app.event(name, &handset(number), json!({})).await;
    }
    app.run_until_idle().await;
    app.assert_no_message_is_stranded().await;
}

/// Advances the clock in steps of 500 ms.
async fn advance_in_steps(app: &TestApp, time: TimeDelta) {
    let step = TimeDelta::milliseconds(500);
    for _ in 0..time.num_milliseconds() / step.num_milliseconds() {
        app.advance(step).await;
    }
    app.assert_no_message_is_stranded().await;
}

async fn throttled() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_throttled(LONG_CODE).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

async fn sender(app: &TestApp, twilio: &Twilio) -> Value {
    app.api().get(&format!("/senders/{}", twilio.sender_id)).await.ok()
}

async fn change(app: &TestApp, twilio: &Twilio, change: Value) {
    app.api().patch(&format!("/senders/{}", twilio.sender_id), change).await.ok();
}

fn assert_queue_is_empty(sender: &Value) {
    assert_eq!(
        (sender["queue"]["waiting_messages"].as_i64(), sender["queue"]["waiting_parts"].as_i64()),
        (Some(0), Some(0))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_messages_from_a_long_code_take_a_minute() {
    let (app, twilio) = throttled().await;
    let start = app.clock.now();
    events(&app, "hello", 0..60).await;
    assert_eq!(sent(&app).len(), 1, "the burst is one second of the rate");
    let waiting = sender(&app, &twilio).await;
    assert_eq!(
        (waiting["parts_per_second"].as_f64(), waiting["queue"]["waiting_messages"].as_i64()),
        (Some(1.0), Some(59))
    );
    let empty_at: DateTime<Utc> = waiting["queue"]["empty_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(empty_at - start, seconds(60));

    advance_in_steps(&app, seconds(57)).await;
    assert_eq!(sent(&app).len(), 58);
    advance_in_steps(&app, seconds(2)).await;
    assert_eq!(sent(&app).len(), 60);
    assert_within(&sent(&app), 1.0, 1.0);
    assert_queue_is_empty(&sender(&app, &twilio).await);
    assert_eq!((app.count("queued_sends").await, app.count("jobs").await), (0, 0));
    events(&app, "hello", 60..61).await;
    advance_in_steps(&app, seconds(1)).await;
    assert_eq!(sent(&app).len(), 61, "the next message is sent as before");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_of_sender_starts_with_its_default_rate() {
    let app = TestApp::start().await;
    let toll_free = app.connect_throttled(TOLL_FREE).await;
    assert_eq!(sender(&app, &toll_free).await["parts_per_second"], json!(3.0));
    let path = format!("/connections/{}/senders", toll_free.connection_id);
    let service =
        app.api().post(&path, json!({ "sender": twilio_simulator::SERVICE_SID })).await.ok();
    assert_eq!(service["parts_per_second"], json!(null));
    assert!(SHORT_CODE.len() < 8, "a short code is connected through its Messaging Service");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_share_one_limit() {
    let (app, twilio) = throttled().await;
    change(&app, &twilio, json!({ "parts_per_second": 10 })).await;
    let other = app.second_worker();
    for number in 0..80 {
        app.event("hello", &handset(number), json!({})).await;
    }
    for _ in 0..90 {
        let (one, two) = tokio::join!(app.worker.perform_due(), other.perform_due());
        one.unwrap();
        two.unwrap();
        app.clock.advance(TimeDelta::milliseconds(100));
    }
    app.run_until_idle().await;
    assert_within(&sent(&app), 10.0, 10.0);
    assert_eq!(sent(&app).len(), 80);
    assert_queue_is_empty(&sender(&app, &twilio).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_waits_for_a_new_throttle_holds_no_other_one() {
    let (app, old) = throttled().await;
    events(&app, "hello", 0..1).await;
    let new = app.connect_throttled(TOLL_FREE).await;
    app.advance(seconds(10)).await;
    for (number, twilio) in [(1, &old), (2, &new)] {
        let message =
            json!({ "to": handset(number), "body": "Hi.", "sender_id": twilio.sender_id });
        app.api().post("/messages", message).await.ok();
    }
    let mut other = app.database.connect().await;
    let create = format!(
        "BEGIN; INSERT INTO throttles (sender_id, free_at) VALUES ('{}', now())",
        new.sender_id
    );
    other.batch_execute(&create).await.unwrap();
    let lock = format!(
        "SELECT FROM throttles WHERE sender_id = '{}' FOR NO KEY UPDATE NOWAIT",
        old.sender_id
    );
    let lock_meanwhile = async {
        app.database.wait_until_blocked().await;
        let locked = other.batch_execute(&lock).await;
        other.batch_execute("ROLLBACK").await.unwrap();
        locked
    };
    let (performed, locked) = tokio::join!(app.worker.perform_due(), lock_meanwhile);
    performed.unwrap();
    assert!(
        locked.is_ok(),
        "the claim would deadlock with a transaction that locks it: {locked:?}"
    );
    app.run_until_idle().await;
    assert_eq!(sent(&app).len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn automations_take_turns_and_a_single_message_does_not_wait_for_them() {
    let (app, twilio) = throttled().await;
    app.sms_on("bye", &twilio, "Bye.").await;
    events(&app, "hello", 0..40).await;
    events(&app, "bye", 40..45).await;
    let single = json!({ "to": handset(50), "body": "A test.", "sender_id": twilio.sender_id });
    app.api().post("/messages", single).await.ok();
    app.run_until_idle().await;

    advance_in_steps(&app, seconds(3)).await;
    assert_eq!(app.received(&handset(50)).len(), 1, "it is one of the first three");
    advance_in_steps(&app, seconds(9)).await;
    let goodbyes = app.simulator.messages().iter().filter(|message| message.body == "Bye.").count();
    assert_eq!(goodbyes, 5, "the automations alternate until one has no more");
    assert_eq!(sent(&app).len(), 13);
    assert_within(&sent(&app), 1.0, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_uses_the_rate_for_all_its_parts() {
    let app = TestApp::start().await;
    let twilio = app.connect_throttled(LONG_CODE).await;
    app.sms_on("tale", &twilio, &"Once upon a time. ".repeat(20)).await;
    events(&app, "tale", 0..4).await;
    assert_eq!(sent(&app).iter().map(|(_, parts)| *parts).collect::<Vec<_>>(), [3.0]);
    advance_in_steps(&app, TimeDelta::milliseconds(2_500)).await;
    assert_eq!(sent(&app).len(), 1);
    advance_in_steps(&app, TimeDelta::milliseconds(6_500)).await;
    assert_eq!(sent(&app).len(), 4);
    assert_within(&sent(&app), 1.0, 3.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_removes_a_queued_message_and_frees_its_place() {
    let (app, twilio) = throttled().await;
    events(&app, "hello", 0..5).await;
    for number in [1, 3] {
        app.text(&handset(number), LONG_CODE, "STOP").await;
    }
    advance_in_steps(&app, seconds(2)).await;
    assert_eq!(sent(&app).len(), 3, "suppressed messages use no rate");
    assert_eq!((app.received(&handset(1)).len(), app.received(&handset(3)).len()), (0, 0));
    advance_in_steps(&app, seconds(1)).await;
    assert_queue_is_empty(&sender(&app, &twilio).await);
    assert_eq!(app.count("queued_sends").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_while_releasing_the_queue_is_replaced() {
    let (app, twilio) = throttled().await;
    events(&app, "hello", 0..3).await;
    let dead = WorkerId::new();
    let now = app.clock.now().to_rfc3339();
    app.run_sql(&format!(
        "INSERT INTO workers (id, host, pid, started_at, seen_at) VALUES ('{dead}', 'gone', 1,
                '{now}', '{now}')"
    ))
    .await;
    app.run_sql(&format!("UPDATE jobs SET worker_id = '{dead}' WHERE kind = 'release'")).await;
    app.clock.advance(seconds(10));
    app.worker.perform_due().await.unwrap();
    assert_eq!(sent(&app).len(), 1, "no other worker may take the job yet");
    app.advance(seconds(21)).await;
    advance_in_steps(&app, seconds(2)).await;
    assert_eq!(sent(&app).len(), 3);
    assert_queue_is_empty(&sender(&app, &twilio).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_stops_while_its_sender_or_connection_is_disabled() {
    let (app, twilio) = throttled().await;
    let connection = format!("/connections/{}", twilio.connection_id);
    events(&app, "hello", 0..6).await;
    change(&app, &twilio, json!({ "disabled": true })).await;
    advance_in_steps(&app, seconds(5)).await;
    assert_eq!((sent(&app).len(), app.count("jobs").await), (1, 0));
    app.api().patch(&connection, json!({ "disabled": true })).await.ok();
    change(&app, &twilio, json!({ "disabled": false })).await;
    advance_in_steps(&app, seconds(2)).await;
    assert_eq!(sent(&app).len(), 1);
    for _ in 0..2 {
        app.api().patch(&connection, json!({ "disabled": false })).await.ok();
    }
    advance_in_steps(&app, seconds(5)).await;
    assert_eq!(sent(&app).len(), 6);
    assert_within(&sent(&app), 1.0, 1.0);
    assert_eq!((app.count("queued_sends").await, app.count("jobs").await), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_automation_leaves_the_queue_and_returns_when_it_is_activated() {
    let (app, twilio) = throttled().await;
    let bye = app.sms_on("bye", &twilio, "Bye.").await;
    events(&app, "bye", 0..10).await;
    events(&app, "hello", 10..14).await;
    let path = format!("/automations/{bye}");
    app.api().patch(&path, json!({ "status": "paused" })).await.ok();
    advance_in_steps(&app, seconds(5)).await;
    assert_eq!(
        app.simulator.messages().iter().filter(|message| message.body == "Hello.").count(),
        4
    );
    assert_queue_is_empty(&sender(&app, &twilio).await);
    app.api().patch(&path, json!({ "status": "active" })).await.ok();
    app.run_until_idle().await;
    advance_in_steps(&app, seconds(10)).await;
    assert_eq!(sent(&app).len(), 14);
    assert_within(&sent(&app), 1.0, 1.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_drains_at_a_changed_rate() {
    let (app, twilio) = throttled().await;
    change(&app, &twilio, json!({ "parts_per_second": 0.1 })).await;
    events(&app, "hello", 0..30).await;
    change(&app, &twilio, json!({ "parts_per_second": 5 })).await;
    advance_in_steps(&app, seconds(2)).await;
    assert!((11..=16).contains(&sent(&app).len()), "{}", sent(&app).len());
    change(&app, &twilio, json!({ "parts_per_second": null })).await;
    app.run_until_idle().await;
    assert_eq!(sent(&app).len(), 30);
    assert_queue_is_empty(&sender(&app, &twilio).await);
    for wrong in [json!(0), json!(1_001), json!(-1)] {
        app.api()
            .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": wrong }))
            .await
            .field("parts_per_second");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_would_wait_too_long_are_predicted_and_expire_unsent() {
    let (app, twilio) = throttled().await;
    change(&app, &twilio, json!({ "parts_per_second": 0.1, "validity_minutes": 5 })).await;
    events(&app, "hello", 0..40).await;
    // One message is sent at once, then one every 10 seconds; the last in time after 290 seconds.
    assert_eq!(sender(&app, &twilio).await["queue"]["expiring_messages"], json!(10));
    advance_in_steps(&app, seconds(310)).await;
    assert_eq!(sent(&app).len(), 30);
    let late = app.message_to(&handset(39)).await;
    assert_eq!(late.status, MessageStatus::Expired);
    assert!(late.reason.is_some_and(|reason| reason.contains("waited longer")));
    assert_eq!(app.status_history(late.id).await.last().map(String::as_str), Some("expired"));
    assert_eq!(app.count("messages WHERE status = 'expired'").await, 10);
    assert_queue_is_empty(&sender(&app, &twilio).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_show_the_queue_and_an_admin_changes_the_limits() {
    let (app, twilio) = throttled().await;
    change(&app, &twilio, json!({ "parts_per_second": 0.1, "validity_minutes": 5 })).await;
    events(&app, "hello", 0..40).await;
    let site = app.sign_in().await;
    let connection =
        site.open(&format!("/connections/{}/senders", twilio.connection_id)).await.ok();
    assert!(
        connection.text().contains(
            "39 messages wait, 39 SMS parts in all. The last one goes in 6 minutes 40 seconds"
        ),
        "{}",
        connection.text()
    );
    assert!(
        connection.text().contains("About 10 of them would wait longer than 5 minutes"),
        "{}",
        connection.text()
    );
    let path = format!("/senders/{}/limits", twilio.sender_id);
    let form = site.open(&path).await.ok().form(&path);
    let wrong = site.send(&form.clone().with("parts_per_second", "fast")).await;
    assert!(wrong.text().contains("0.1 to 1,000 SMS parts per second"), "{}", wrong.text());
    site.send(&form.with("parts_per_second", "50").with("validity_minutes", "60")).await.ok();
    advance_in_steps(&app, seconds(1)).await;
    assert_eq!(sent(&app).len(), 40);
    assert!(site.open(&path).await.ok().text().contains("The queue is empty"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_held_too_long_expires_when_its_sender_is_enabled() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    change(&app, &twilio, json!({ "disabled": true })).await;
    events(&app, "hello", 0..2).await;
    app.advance(days(3)).await;
    events(&app, "hello", 2..3).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.run_until_idle().await;
    let statuses = [app.statuses_to(&handset(0)).await, app.statuses_to(&handset(2)).await];
    assert_eq!(statuses, [vec!["expired".to_owned()], vec!["delivered".to_owned()]]);
    assert_eq!(
        (sent(&app).len(), app.count("throttles").await),
        (1, 0),
        "a sender without a rate has no throttle"
    );
}
