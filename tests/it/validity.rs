//! How long Twilio may keep a message: what its sender says for a fresh one, what is left of it for
//! one that waited, and what came too late is never posted.

use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{Fault, Rule, SERVICE_SID};

use crate::harness::world::{Twilio, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, seconds};

async fn change(app: &TestApp, twilio: &Twilio, limits: serde_json::Value) {
    app.api().patch(&format!("/senders/{}", twilio.sender_id), limits).await.ok();
}

/// A Carillon whose sender lets messages wait for ten minutes.
async fn patient() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    change(&app, &twilio, json!({ "validity_minutes": 10 })).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

/// The periods of the messages that a handset was sent, as Twilio was told them.
fn periods(app: &TestApp, handset: &str) -> Vec<u32> {
    app.simulator
        .messages_to(handset)
        .iter()
        .map(|message| message.validity_period.unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fresh_message_may_wait_at_twilio_as_long_as_its_sender_says() {
    let (app, twilio) = patient().await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(periods(&app, HANDSET), [600]);
    // A step that comes later begins its time when its message is made, not when the event came.
    let template = app.template("Hello again.").await;
    let steps = json!([wait(480), send_sms(&template, &twilio)]);
    app.automation(json!({ "type": "event", "name": "later" }), steps).await;
    app.event("later", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(480)).await;
    assert_eq!(periods(&app, OTHER_HANDSET), [600]);
    // More than Twilio takes becomes the most that it takes.
    change(&app, &twilio, json!({ "validity_minutes": 10_080 })).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(periods(&app, HANDSET), [600, 36_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_may_wait_at_twilio_for_what_is_left() {
    let (app, twilio) = patient().await;
    change(&app, &twilio, json!({ "disabled": true })).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(420)).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.run_until_idle().await;
    assert_eq!(periods(&app, HANDSET), [180]);
    // The last seconds are no less than what Twilio takes.
    change(&app, &twilio, json!({ "disabled": true })).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(598)).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.run_until_idle().await;
    let last = periods(&app, OTHER_HANDSET);
    assert!(last.len() == 1 && (1..=10).contains(&last[0]), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_the_queue_of_its_sender_may_wait_at_twilio_for_what_is_left() {
    let (app, twilio) = patient().await;
    change(&app, &twilio, json!({ "parts_per_second": 0.1 })).await;
    for person in 0..4 {
        app.event("hello", &format!("+1206555020{person}"), json!({})).await;
    }
    app.run_until_idle().await;
    for _ in 0..40 {
        app.advance(seconds(1)).await;
    }
    let mut sent = app.simulator.messages();
    sent.sort_by_key(|message| message.created);
    assert_eq!(sent.len(), 4);
    let made = sent[0].created;
    for message in &sent {
        let left = 600 - (message.created - made).num_seconds();
        assert_eq!(message.validity_period.map(i64::from), Some(left), "{message:?}");
    }
    assert!(sent[3].validity_period < Some(580), "the last has waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_tried_again_may_wait_at_twilio_for_what_is_left() {
    let (app, _) = patient().await;
    app.simulator.inject(Rule::always(Fault::TooManyRequests));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.clear_faults();
    app.advance(seconds(300)).await;
    assert_eq!(periods(&app, HANDSET), [300]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_too_late_is_never_posted() {
    let (app, twilio) = patient().await;
    // One waits for its sender, one for its next try.
    app.simulator.inject(Rule::always(Fault::TooManyRequests));
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    change(&app, &twilio, json!({ "disabled": true })).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.clear_faults();
    let before = app.simulator.requests().len();
    app.advance(seconds(600)).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.settle().await;
    for handset in [HANDSET, OTHER_HANDSET] {
        let message = app.message_to(handset).await;
        assert_eq!(message.status, MessageStatus::Expired, "{message:?}");
    }
    assert_eq!((app.simulator.requests().len(), app.simulator.messages().len()), (before, 0));
}
