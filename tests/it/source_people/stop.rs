//! A STOP stays with the person, whatever a source says about their number.

use carillon::consent::suppression;
use carillon::types::phone::PhoneNumber;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use super::{Sending, describe, is_accepted, report};
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, OTHER_HANDSET};

impl Sending {
    /// Whether a number has opted out.
    async fn is_stopped(&self, phone: &str) -> bool {
        let phone = PhoneNumber::from_e164(phone).unwrap();
        let active = suppression::active(&mut *self.app.conn().await, &phone).await.unwrap();
        active.is_some_and(|suppression| suppression.reason.is_opt_out())
    }

    async fn expect_silence_at(&self, handset: &str) {
        self.app.run_until_idle().await;
        assert_eq!(self.app.received(handset), [""; 0]);
        let tags = &self.app.contact_of(handset).await["tags"];
        assert_eq!(tags, &json!(["Twilio-Message-stop"]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_moves_to_the_number_that_a_source_sends_later() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    sending.app.sms_on("bought", &twilio, "Thank you.").await;
    sending.send_one(describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({}))).await;
    sending.app.text(HANDSET, LONG_CODE, "STOP").await;
    let moved = describe(&json!({ "user_id": "8", "phone": OTHER_HANDSET }), json!({}));
    // The event is in the same batch as the change.
    let bought = report(&json!({ "user_id": "8" }), "bought", "1");
    assert!(sending.send(vec![moved, bought]).await.iter().all(is_accepted));
    assert!(sending.is_stopped(OTHER_HANDSET).await);
    sending.expect_silence_at(OTHER_HANDSET).await;
    assert_eq!(sending.app.statuses_to(OTHER_HANDSET).await, ["suppressed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_also_holds_for_the_contact_who_has_the_new_number() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    sending.app.sms_on("bought", &twilio, "Thank you.").await;
    sending.send_one(describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({}))).await;
    sending.app.contact(OTHER_HANDSET).await;
    sending.app.text(HANDSET, LONG_CODE, "STOP").await;
    // A text that waits for the other number is taken back.
    let connection = format!("/connections/{}", twilio.connection_id);
    sending.app.api().patch(&connection, json!({ "disabled": true })).await.ok();
    sending.app.event("bought", OTHER_HANDSET, json!({})).await;
    sending.app.run_until_idle().await;
    assert_eq!(sending.app.statuses_to(OTHER_HANDSET).await, ["pending"]);

    let moved = describe(&json!({ "user_id": "8", "phone": OTHER_HANDSET }), json!({}));
    assert!(is_accepted(&sending.send_one(moved).await));
    assert_eq!(sending.app.statuses_to(OTHER_HANDSET).await, ["suppressed"]);
    sending.app.api().patch(&connection, json!({ "disabled": false })).await.ok();
    sending.expect_silence_at(OTHER_HANDSET).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_created_for_a_number_that_has_opted_out_is_tagged() {
    let sending = Sending::start().await;
    let twilio = sending.app.connect_twilio().await;
    sending.app.sms_on("bought", &twilio, "Thank you.").await;
    sending.app.text(HANDSET, LONG_CODE, "STOP").await;
    let contact = id(&sending.app.contact_of(HANDSET).await);
    assert_eq!(sending.app.api().delete(&format!("/contacts/{contact}")).await.status, 204);
    let bought = report(&json!({ "user_id": "8", "phone": HANDSET }), "bought", "1");
    assert!(is_accepted(&sending.send_one(bought).await));
    sending.expect_silence_at(HANDSET).await;
}
