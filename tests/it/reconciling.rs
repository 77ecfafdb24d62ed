//! Reconciliation: lost callbacks and missed inbound texts, STOP above all, are found by polling
//! Twilio.

use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{
    ACCOUNT_SID, AUTH_TOKEN, Fault, LONG_CODE, Reach, Rule, SERVICE_NUMBER_2, SERVICE_SID,
};

use crate::harness::fixtures::Twilio;
use crate::harness::{
    HANDSET, OTHER_HANDSET, TestApp, UNTIL_COLLECTED, UNTIL_LOOKED_UP, hours, seconds,
};

/// A Carillon that texts “Hello.” on the event `hello`.
async fn with_hello_automation() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

/// Sends a message whose callbacks are all lost.
async fn send_without_callbacks(app: &TestApp) {
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"]);
}

impl TestApp {
    /// Removes the webhook of the long code, and returns its URL.
    fn remove_webhook(&self) -> Option<String> {
        let mut url = None;
        self.simulator.change_number(LONG_CODE, |number| url = number.sms_url.take());
        url
    }

    fn restore_webhook(&self, url: Option<String>) {
        self.simulator.change_number(LONG_CODE, |number| number.sms_url = url);
    }

    /// Sends a text that causes no webhook call.
    async fn text_without_webhook(&self, to: &str, body: &str) -> String {
        let reply = self.simulator.reply(HANDSET, to, body).await.unwrap();
        assert_eq!(reply.webhook_status, None);
        reply.sid
    }

    async fn suppression(&self) -> Option<String> {
        let contact = self.contact_of(HANDSET).await;
        contact["suppression"]["reason"].as_str().map(str::to_owned)
    }

    async fn lookup_count(&self) -> i64 {
        self.count("delivery_events WHERE source = 'lookup'").await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_lost_callbacks_is_looked_up_after_15_minutes() {
    let (app, _) = with_hello_automation().await;
    send_without_callbacks(&app).await;
    app.advance(seconds(13 * 60)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"]);
    app.advance(seconds(3 * 60)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    let message = app.message_to(HANDSET).await;
    assert!(
        app.status_entries(message.id)
            .await
            .iter()
            .any(|entry| entry.source.as_str() == "lookup" && entry.applied)
    );
    app.advance(hours(5)).await;
    app.advance(hours(100)).await;
    assert_eq!(app.lookup_count().await, 1, "a final status is not looked up again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_in_a_queue_is_looked_up_later() {
    let (app, twilio) = with_hello_automation().await;
    let connection = format!("/connections/{}", twilio.connection_id);
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.api().patch(&connection, json!({ "disabled": true })).await.ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(hours(5)).await;
    app.advance(hours(5)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);
    app.api().patch(&connection, json!({ "disabled": false })).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"], "ten hours after it was composed");
    app.advance(hours(15)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_waited_for_six_days_is_looked_up() {
    let (app, twilio) = with_hello_automation().await;
    let connection = format!("/connections/{}", twilio.connection_id);
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "validity_minutes": 10_080 }))
        .await
        .ok();
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.api().patch(&connection, json!({ "disabled": true })).await.ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..6 {
        app.advance(hours(24)).await;
    }
    app.api().patch(&connection, json!({ "disabled": false })).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"], "six days after it was composed");
    app.advance(hours(24)).await;
    assert_eq!(
        app.statuses_to(HANDSET).await,
        ["queued"],
        "look-ups of messages up to four days old have passed it"
    );
    app.advance(hours(25)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_any_report_is_looked_up_only_a_few_times() {
    let (app, _) = with_hello_automation().await;
    app.simulator.inject(Rule::always(Fault::Slow));
    send_without_callbacks(&app).await;
    for _ in 0..130 {
        app.clock.advance(hours(1));
        app.worker.heartbeat().await.unwrap();
    }
    let lookups = app.lookup_count().await;
    assert!((1..=5).contains(&lookups), "looked up {lookups} times");
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_wait_while_twilio_is_unavailable_or_busy() {
    for fault in [Fault::ServerError, Fault::TooManyRequests, Fault::Reset] {
        let (app, _) = with_hello_automation().await;
        send_without_callbacks(&app).await;
        let fault_rule = app.simulator.inject(Rule::always(fault).reaching(Reach::Reads));
        for _ in 0..3 {
            app.advance(UNTIL_LOOKED_UP).await;
            assert_eq!(app.statuses_to(HANDSET).await, ["queued"], "{fault:?}");
        }
        let failed =
            app.texts("SELECT error AS text FROM routines WHERE name = 'look_up_stale'").await;
        assert!(failed[0].contains("Twilio"), "{failed:?}");
        assert!(app.simulator.withdraw(fault_rule));
        app.advance(seconds(61)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"], "{fault:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_keys_stop_the_lookups_until_there_are_new_ones() {
    let (app, _) = with_hello_automation().await;
    send_without_callbacks(&app).await;
    app.simulator
        .change_account(ACCOUNT_SID, |account| "another".clone_into(&mut account.auth_token));
    app.advance(UNTIL_LOOKED_UP).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"]);
    assert_eq!(
        app.count("routines WHERE name = 'look_up_stale' AND error IS NULL").await,
        1,
        "the routine does not retry every minute"
    );
    app.simulator
        .change_account(ACCOUNT_SID, |account| AUTH_TOKEN.clone_into(&mut account.auth_token));
    app.advance(hours(4)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_whose_webhook_never_came_is_found_and_suppresses() {
    let (app, twilio) = with_hello_automation().await;
    app.remove_webhook();
    let sid = app.text_without_webhook(LONG_CODE, "Stop.").await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);

    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["suppressed"], "pending messages are suppressed");
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
    assert_eq!(app.contact_of(HANDSET).await["tags"], json!(["Twilio-Message-stop"]));
    let records = app
        .texts("SELECT source || ' ' || change || ' ' || note AS text FROM consent_records")
        .await;
    assert_eq!(records, ["lookup suppressed Stop."]);

    app.simulator.redeliver(&sid).await.unwrap();
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(
        (
            app.count("messages WHERE direction = 'inbound'").await,
            app.count("consent_records").await
        ),
        (1, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_stop_from_another_form_of_the_number_suppresses_the_same_contact() {
    let (app, _) = with_hello_automation().await;
    app.event("hello", "+52 55 1234 5678", json!({})).await;
    app.run_until_idle().await;
    app.remove_webhook();
    let reply = app.simulator.reply("+5215512345678", LONG_CODE, "STOP").await.unwrap();
    assert_eq!(reply.webhook_status, None);
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.count("contacts").await, 1);
    assert_eq!(
        app.contact_of("+525512345678").await["suppression"]["reason"].as_str(),
        Some("stop")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_stop_does_not_undo_a_newer_start() {
    let (app, _) = with_hello_automation().await;
    app.text(HANDSET, LONG_CODE, "Hi.").await;
    let url = app.remove_webhook();
    app.text_without_webhook(LONG_CODE, "STOP").await;
    app.restore_webhook(url);
    app.clock.advance(seconds(20));
    app.text(HANDSET, LONG_CODE, "START").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 3, "the STOP is stored");
    assert_eq!(app.suppression().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_start_lifts_an_older_stop_but_no_newer_one() {
    let (app, _) = with_hello_automation().await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    let url = app.remove_webhook();
    app.clock.advance(seconds(20));
    app.text_without_webhook(LONG_CODE, "START").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.suppression().await, None);

    app.text_without_webhook(LONG_CODE, "START").await;
    app.restore_webhook(url);
    app.clock.advance(seconds(20));
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_text_that_cannot_be_stored_is_collected_and_so_are_those_after_it() {
    let (app, _) = with_hello_automation().await;
    app.remove_webhook();
    for text in ["Hi\0", "STOP\0", "Bye"] {
        app.text_without_webhook(LONG_CODE, text).await;
    }
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
    let mut bodies =
        app.texts("SELECT body AS text FROM messages WHERE direction = 'inbound'").await;
    bodies.sort();
    assert_eq!(bodies, ["Bye", "Hi", "STOP"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn missed_keywords_count_in_the_order_in_which_they_were_sent() {
    let (app, _) = with_hello_automation().await;
    app.remove_webhook();
    for words in [["STOP", "START"], ["START", "STOP"]] {
        for word in words {
            app.text_without_webhook(LONG_CODE, word).await;
            app.clock.advance(seconds(1));
        }
        app.advance(UNTIL_COLLECTED).await;
        assert_eq!(app.suppression().await.is_some(), words[1] == "STOP", "{words:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_stop_to_a_number_of_a_service_is_found() {
    let app = TestApp::start().await;
    app.connect_sender(SERVICE_SID).await;
    app.simulator.change_service(SERVICE_SID, |service| service.inbound_request_url = None);
    app.text_without_webhook(SERVICE_NUMBER_2, "STOP").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
    let inbound = app.count("messages WHERE direction = 'inbound' AND sender_id IS NOT NULL").await;
    assert_eq!(inbound, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_from_before_the_sender_was_added_are_not_imported() {
    let app = TestApp::start().await;
    app.text_without_webhook(LONG_CODE, "STOP").await;
    app.clock.advance(hours(1));
    app.connect_twilio().await;
    app.advance(UNTIL_COLLECTED).await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.count("messages").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn collecting_texts_resumes_where_it_stopped_when_twilio_was_unavailable() {
    let (app, _) = with_hello_automation().await;
    app.run_until_idle().await;
    app.remove_webhook();
    let fault_rule = app.simulator.inject(Rule::always(Fault::ServerError).reaching(Reach::Reads));
    app.text_without_webhook(LONG_CODE, "STOP").await;
    for _ in 0..10 {
        app.advance(hours(1)).await;
    }
    assert_eq!(app.count("messages").await, 0);
    assert!(app.simulator.withdraw(fault_rule));
    app.advance(seconds(61)).await;
    assert_eq!(app.suppression().await.as_deref(), Some("stop"));
}

#[tokio::test(flavor = "multi_thread")]
async fn if_twilio_has_one_of_two_identical_messages_one_is_delivered() {
    let (app, _) = with_hello_automation().await;
    app.simulator.inject(Rule::next(1, Fault::ServerError));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.inject(Rule::next(1, Fault::ServerErrorRecorded));
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..20 {
        app.advance(seconds(100)).await;
    }
    let mut statuses: Vec<MessageStatus> =
        app.messages_to(HANDSET).await.iter().map(|message| message.status).collect();
    statuses.sort_unstable();
    assert_eq!(
        statuses,
        [MessageStatus::Unconfirmed, MessageStatus::Delivered],
        "exactly one is delivered"
    );
    assert_eq!(app.received(HANDSET).len(), 1);
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET).len(), 1);
}
