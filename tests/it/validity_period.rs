//! The validity period of messages at Twilio: that of the sender for a new message, the remainder
//! for one that waited. A message that is too late is never posted.

use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{Fault, Rule, SERVICE_SID};

use crate::harness::fixtures::{Twilio, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, seconds};

async fn change(app: &TestApp, twilio: &Twilio, limits: serde_json::Value) {
    app.api().patch(&format!("/senders/{}", twilio.sender_id), limits).await.ok();
}

/// A Carillon whose sender has a validity of ten minutes.
async fn with_ten_minutes_validity() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    change(&app, &twilio, json!({ "validity_minutes": 10 })).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

/// The validity periods of the messages to a handset, in seconds, as Twilio got them.
fn validity_periods(app: &TestApp, handset: &str) -> Vec<u32> {
    app.simulator
        .messages_to(handset)
        .iter()
        .map(|message| message.validity_period.unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_message_has_the_validity_of_its_sender() {
    let (app, twilio) = with_ten_minutes_validity().await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(validity_periods(&app, HANDSET), [600]);
    // The validity of a later step starts when its message is composed, not with the event.
    let template = app.template("Hello again.").await;
    let steps = json!([wait(480), send_sms(&template, &twilio)]);
    app.automation(json!({ "type": "event", "name": "later" }), steps).await;
    app.event("later", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(480)).await;
    assert_eq!(validity_periods(&app, OTHER_HANDSET), [600]);
    // A validity above the maximum of Twilio is reduced to it.
    change(&app, &twilio, json!({ "validity_minutes": 10_080 })).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(validity_periods(&app, HANDSET), [600, 36_000]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_has_the_remaining_validity() {
    let (app, twilio) = with_ten_minutes_validity().await;
    change(&app, &twilio, json!({ "disabled": true })).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(420)).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.run_until_idle().await;
    assert_eq!(validity_periods(&app, HANDSET), [180]);
    // A short remainder is raised to the minimum of Twilio.
    change(&app, &twilio, json!({ "disabled": true })).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(seconds(598)).await;
    change(&app, &twilio, json!({ "disabled": false })).await;
    app.run_until_idle().await;
    let last = validity_periods(&app, OTHER_HANDSET);
    assert!(last.len() == 1 && (1..=10).contains(&last[0]), "{last:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_message_has_the_remaining_validity() {
    let (app, twilio) = with_ten_minutes_validity().await;
    change(&app, &twilio, json!({ "parts_per_second": 0.1 })).await;
    for number in 0..4 {
        app.event("hello", &format!("+1206555020{number}"), json!({})).await;
    }
    app.run_until_idle().await;
    for _ in 0..40 {
        app.advance(seconds(1)).await;
    }
    let mut sent = app.simulator.messages();
    sent.sort_by_key(|message| message.created);
    assert_eq!(sent.len(), 4);
    let first_created = sent[0].created;
    for message in &sent {
        let left = 600 - (message.created - first_created).num_seconds();
        assert_eq!(message.validity_period.map(i64::from), Some(left), "{message:?}");
    }
    assert!(sent[3].validity_period < Some(580), "the last has waited");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retried_message_has_the_remaining_validity() {
    let (app, _) = with_ten_minutes_validity().await;
    app.simulator.inject(Rule::always(Fault::TooManyRequests));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.clear_faults();
    app.advance(seconds(300)).await;
    assert_eq!(validity_periods(&app, HANDSET), [300]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_message_is_never_posted() {
    let (app, twilio) = with_ten_minutes_validity().await;
    // One message waits for its sender, the other for its retry.
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
