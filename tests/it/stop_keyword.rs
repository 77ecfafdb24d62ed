//! STOP: after its commit nothing is sent, even if messages are pending, the tag is removed, or two
//! workers race.

use std::time::Duration;

use carillon::messages::status::MessageStatus;
use serde_json::{Value, json};
use twilio_simulator::{Fault, LONG_CODE, Rule, SERVICE_NUMBER_1, SERVICE_SID, TOLL_FREE};

use crate::harness::fixtures::{id, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, real_time, seconds};

const STOP_TAG: &str = "Twilio-Message-stop";

fn tags(contact: &Value) -> Vec<&str> {
    contact["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_reply_silences_every_later_step() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let steps = json!([
        send_sms(&template, &twilio),
        wait(86_400),
        send_sms(&template, &twilio),
        wait(86_400),
        send_sms(&template, &twilio)
    ]);
    app.automation(json!({ "type": "event", "name": "signed_up" }), steps).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.event("signed_up", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;

    app.text(HANDSET, LONG_CODE, " stop. ").await;
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(tags(&contact), [STOP_TAG]);
    assert_eq!(contact["suppression"]["reason"], "stop");

    app.advance(days(1)).await;
    app.advance(days(1)).await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered", "suppressed", "suppressed"]);
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 3));
    let suppressed = &app.messages_to(HANDSET).await[1];
    assert_eq!(suppressed.reason.as_deref(), Some("stop"));
    assert!(app.attempts(suppressed.id).await.is_empty(), "no request was made to Twilio");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_suppresses_pending_messages() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": true }))
        .await
        .ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);

    app.text(HANDSET, LONG_CODE, "STOP").await;
    assert_eq!(app.statuses_to(HANDSET).await, ["suppressed"], "in the same transaction");
    app.api()
        .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": false }))
        .await
        .ok();
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_default_word_stops_and_others_do_not() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    for (index, word) in
        ["Stop", "STOPALL!", "unsubscribe", "Cancel", "End", "quit", "revoke", "OptOut"]
            .into_iter()
            .enumerate()
    {
        let handset = format!("+1206555014{index}");
        app.text(&handset, LONG_CODE, word).await;
        assert_eq!(app.contact_of(&handset).await["suppression"]["reason"], "stop", "{word}");
    }
    for (index, text) in
        ["I'll stop by at 5", "nonstop", "HELP", "YES", "START", ""].into_iter().enumerate()
    {
        let handset = format!("+1206555015{index}");
        app.text(&handset, LONG_CODE, text).await;
        assert_eq!(app.contact_of(&handset).await["suppression"], Value::Null, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn start_lifts_a_stop_and_removes_the_tag() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    for word in ["START", "unstop", "Yes"] {
        app.text(HANDSET, LONG_CODE, "STOP").await;
        app.text(HANDSET, LONG_CODE, word).await;
        let contact = app.contact_of(HANDSET).await;
        assert_eq!((tags(&contact), &contact["suppression"]), (vec![], &Value::Null), "{word}");
    }
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    let records = app
        .texts("SELECT change || ' by ' || source AS text FROM consent_records ORDER BY id")
        .await;
    assert_eq!(records, ["suppressed by keyword", "lifted by keyword"].repeat(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_toll_free_number_yes_does_not_lift_a_stop_but_unstop_does() {
    let app = TestApp::start().await;
    app.connect_sender(TOLL_FREE).await;
    app.text(HANDSET, TOLL_FREE, "STOP").await;
    app.text(HANDSET, TOLL_FREE, "YES").await;
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(
        (tags(&contact), contact["suppression"]["reason"].as_str()),
        (vec![STOP_TAG], Some("stop"))
    );
    app.text(HANDSET, TOLL_FREE, "UNSTOP").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_with_advanced_opt_out_decides_what_is_a_stop() {
    let app = TestApp::start().await;
    app.connect_sender(SERVICE_SID).await;
    app.simulator.change_service(SERVICE_SID, |service| service.advanced_opt_out = true);
    app.text(HANDSET, SERVICE_NUMBER_1, "STOP").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn removing_the_tag_by_hand_does_not_lift_a_stop() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    let contact = id(&app.contact_of(HANDSET).await);
    app.api().delete(&format!("/contacts/{contact}/tags/{STOP_TAG}")).await.ok();
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());

    // Deleting the contact does not lift it either, since the number is suppressed.
    app.api().delete(&format!("/contacts/{contact}")).await.ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());
    let again = app.contact_of(HANDSET).await;
    assert_eq!(
        (tags(&again), again["suppression"]["reason"].as_str()),
        (vec![STOP_TAG], Some("stop"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn error_21610_on_sending_is_a_missed_stop() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.opt_out(LONG_CODE, HANDSET);
    for _ in 0..2 {
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
    }
    let messages = app.messages_to(HANDSET).await;
    assert_eq!((messages[0].status, messages[0].error_code), (MessageStatus::Failed, Some(21610)));
    assert_eq!(
        (messages[1].status, messages[1].reason.as_deref()),
        (MessageStatus::Suppressed, Some("carrier_21610"))
    );
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(
        (tags(&contact), contact["suppression"]["reason"].as_str()),
        (vec![STOP_TAG], Some("carrier_21610"))
    );
    app.text(HANDSET, LONG_CODE, "START").await;
    assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn error_21610_in_a_callback_is_a_missed_stop() {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.opt_out(SERVICE_SID, HANDSET);
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await;
    assert_eq!((message.status, message.error_code), (MessageStatus::Failed, Some(21610)));
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(
        (tags(&contact), contact["suppression"]["reason"].as_str()),
        (vec![STOP_TAG], Some("carrier_21610"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_report_of_21610_does_not_undo_a_start_that_came_after_the_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.opt_out(SERVICE_SID, HANDSET);
    app.simulator.inject(Rule::next(1, Fault::Slow));
    app.event("hello", HANDSET, json!({})).await;
    app.worker.heartbeat().await.unwrap();
    app.worker.perform_due().await.unwrap();
    app.clock.advance(seconds(300));
    let start = app.simulator.reply(HANDSET, SERVICE_NUMBER_1, "START").await.unwrap();
    assert_eq!(start.webhook_status, Some(200));
    app.simulator.flush().await;
    let message = app.message_to(HANDSET).await;
    assert_eq!((message.status, message.error_code), (MessageStatus::Failed, Some(21610)));
    assert_eq!(app.contact_of(HANDSET).await["suppression"], Value::Null);
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["failed", "delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_inbound_message_twice_counts_once() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let stop = app.text(HANDSET, LONG_CODE, "STOP").await;
    app.text(HANDSET, LONG_CODE, "START").await;
    let again = app.simulator.redeliver(&stop.sid).await.unwrap();
    assert_eq!(again.webhook_status, Some(200));
    assert_eq!(
        app.contact_of(HANDSET).await["suppression"],
        Value::Null,
        "a late repeat of an old STOP does not count again"
    );
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 2);
    assert_eq!(app.count("consent_records").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stop_tag_can_start_an_automation_but_not_its_texts() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Sorry to see you go.").await;
    app.automation(
        json!({ "type": "tag_added", "tag": STOP_TAG }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["suppressed"]);
    assert!(app.received(HANDSET).is_empty());
}

/// Two workers claim and an API client reports events when the STOP arrives: what was claimed when
/// it was answered is all that is ever claimed.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_after_a_concurrent_stop_has_committed() {
    const ROUNDS: u64 = 25;
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let (one, other) = (app.worker.clone(), app.second_worker());
    for worker in [&one, &other] {
        worker.heartbeat().await.unwrap();
    }
    let mut claimed_before = 0;
    for round in 0..ROUNDS {
        let handset = format!("+120655502{round:02}");
        let claims = format!(
            "attempts a JOIN messages m ON m.id = a.message_id WHERE m.to_address = '{handset}'"
        );
        let report = async {
            for _ in 0..6 {
                app.event("hello", &handset, json!({})).await;
            }
        };
        let stop = async {
            real_time(Duration::from_millis(round * 7 % 60), "another moment each round").await;
            app.text(&handset, LONG_CODE, "STOP").await;
            app.count(&claims).await
        };
        let done = std::sync::atomic::AtomicBool::new(false);
        let work = async |worker: &carillon::worker::Worker| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                worker.perform_due().await.unwrap();
            }
        };
        let ((), (), claimed) = tokio::join!(work(&one), work(&other), async {
            let ((), claimed) = tokio::join!(report, stop);
            done.store(true, std::sync::atomic::Ordering::SeqCst);
            claimed
        });
        app.run_until_idle().await;
        assert_eq!(
            app.count(&claims).await,
            claimed,
            "round {round}: claimed after the STOP had committed"
        );
        assert_eq!(
            app.count(&format!(
                "messages WHERE to_address = '{handset}' AND status IN ('pending', 'submitting')"
            ))
            .await,
            0
        );
        assert!(i64::try_from(app.received(&handset).len()).unwrap() <= claimed);
        claimed_before += claimed;
    }
    assert!(claimed_before > 0, "some messages were claimed before the STOP");
    assert!(
        app.count("messages WHERE status = 'suppressed'").await > 0,
        "some messages were suppressed by the STOP"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_twilio_already_has_is_not_marked_suppressed() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::Slow));
    app.event("hello", HANDSET, json!({})).await;
    app.worker.perform_due().await.unwrap();
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"]);
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}
