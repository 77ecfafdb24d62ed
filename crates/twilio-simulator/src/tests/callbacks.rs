//! Status callbacks: their parameters, order, retries and signatures.

use super::story::{HANDSET, Story};
use crate::{
    ACCOUNT_SID, AUTH_TOKEN, Fault, LONG_CODE, Rule, SERVICE_NUMBER_1, SERVICE_NUMBER_2,
    SERVICE_SID, Status, sign,
};

#[tokio::test]
async fn a_direct_message_is_delivered_and_reported_step_by_step() {
    let story = Story::begin().await;
    let (status, json) = story.send("Hello").await;
    assert_eq!(
        (status, json["status"].as_str(), json["num_segments"].as_str()),
        (201, Some("queued"), Some("1"))
    );
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses(), ["sending", "sent", "delivered"]);
    let last = story.receiver.calls().pop().unwrap();
    assert_eq!(last.get("MessageSid"), json["sid"]);
    assert_eq!(last.get("SmsSid"), json["sid"]);
    assert_eq!((last.get("To"), last.get("From")), (HANDSET, LONG_CODE));
    assert_eq!((last.get("AccountSid"), last.get("ApiVersion")), (ACCOUNT_SID, "2010-04-01"));
    assert_eq!(last.get("RawDlrDoneDate").len(), 10);
    assert_eq!(last.path, "/status/42?a=1&b=%20", "the fragment is not sent");
    story.end().await;
}

#[tokio::test]
async fn callbacks_are_signed_over_the_configured_url() {
    let story = Story::begin().await;
    story.send("Hello").await;
    story.simulator.wait_idle().await;
    let url = format!("{}/status/42?a=1&b=%20", story.receiver.url);
    for call in story.receiver.calls() {
        assert_eq!(call.signature, sign(AUTH_TOKEN, &url, &call.params));
    }
    story.end().await;
}

#[tokio::test]
async fn a_service_chooses_the_sender_after_accepting_the_message() {
    let story = Story::begin().await;
    let callback = story.callback();
    let params = [
        ("To", HANDSET),
        ("MessagingServiceSid", SERVICE_SID),
        ("Body", "Hi"),
        ("StatusCallback", callback.as_str()),
    ];
    let (_, json) = story.post("Messages.json", &params).await;
    assert_eq!(
        (json["status"].as_str(), json["num_segments"].as_str()),
        (Some("accepted"), Some("0"))
    );
    assert!(json["from"].is_null());
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses(), ["queued", "sending", "sent", "delivered"]);
    let last = story.receiver.calls().pop().unwrap();
    assert!([SERVICE_NUMBER_1, SERVICE_NUMBER_2].contains(&last.get("From")));
    assert_eq!(last.get("MessagingServiceSid"), SERVICE_SID);
    story.end().await;
}

#[tokio::test]
async fn the_network_can_fail_a_message() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Undelivered { code: 30003 }));
    story.send("first").await;
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses(), ["sending", "sent", "undelivered"]);
    assert_eq!(story.receiver.calls()[2].get("ErrorCode"), "30003");
    story.simulator.inject(Rule::always(Fault::Failed { code: 30007 }).for_handset(HANDSET));
    story.send("second").await;
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses()[3..], ["sending", "failed"]);
    assert_eq!(story.simulator.messages()[1].status, Status::Failed);
    story.end().await;
}

#[tokio::test]
async fn shuffled_callbacks_never_arrive_in_order() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::always(Fault::Shuffle));
    story.send("x").await;
    story.simulator.wait_idle().await;
    let statuses = story.receiver.statuses();
    assert_eq!((statuses.len(), statuses[0].as_str()), (3, "delivered"));
    story.end().await;
}

#[tokio::test]
async fn repeated_callbacks_carry_the_same_idempotency_token() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::always(Fault::Repeat));
    story.send("x").await;
    story.simulator.wait_idle().await;
    assert_eq!(
        story.receiver.statuses(),
        ["sending", "sending", "sent", "sent", "delivered", "delivered"]
    );
    let calls = story.receiver.calls();
    assert_eq!(calls[0].token, calls[1].token);
    assert_ne!(calls[1].token, calls[2].token);
    story.end().await;
}

#[tokio::test]
async fn lost_callbacks_do_not_stop_the_message() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::always(Fault::DropCallbacks));
    story.send("x").await;
    story.simulator.wait_idle().await;
    assert!(story.receiver.calls().is_empty());
    assert_eq!(story.simulator.messages()[0].status, Status::Delivered);
    story.end().await;
}

#[tokio::test]
async fn a_5xx_response_is_retried_only_if_the_fragment_asks_for_it() {
    let story = Story::begin().await;
    story.receiver.respond_next(&[503, 500]);
    story.send("x").await;
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses(), ["sending", "sending", "sending", "sent", "delivered"]);
    let calls = story.receiver.calls();
    assert_eq!(calls[0].token, calls[2].token);
    assert_eq!(calls[0].signature, calls[2].signature);

    story.receiver.respond_next(&[503]);
    let plain = format!("{}/plain", story.receiver.url);
    let params =
        [("To", HANDSET), ("From", LONG_CODE), ("Body", "y"), ("StatusCallback", plain.as_str())];
    story.post("Messages.json", &params).await;
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses()[5..], ["sending", "sent", "delivered"]);
    story.end().await;
}

#[tokio::test]
async fn a_flush_skips_the_delays_of_a_slow_network() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::always(Fault::Slow));
    story.send("x").await;
    assert_eq!(story.simulator.messages()[0].status, Status::Queued);
    story.simulator.flush().await;
    assert_eq!(story.receiver.statuses(), ["sending", "sent", "delivered"]);
    story.end().await;
}
