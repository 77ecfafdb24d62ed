//! From an event to a delivered message: triggers, conditions, waits, and the status history that
//! an admin sees.

use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{SERVICE_NUMBER_1, SERVICE_NUMBER_2, SERVICE_SID};

use crate::harness::fixtures::{id, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, seconds};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_starts_an_automation_and_its_message_is_delivered() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on(
        "order_completed",
        &twilio,
        "Hi {{ contact.first_name | default(value=\"there\") }}, order {{ event.order_id }} is on \
         its way.",
    )
    .await;

    let answer = app.event("order_completed", HANDSET, json!({ "order_id": "A-17" })).await;
    assert_eq!(
        (answer["status"].as_str(), answer["enrollments"].as_u64()),
        (Some("recorded"), Some(1))
    );
    app.run_until_idle().await;

    assert_eq!(app.received(HANDSET), ["Hi there, order A-17 is on its way."]);
    let message = app.message_to(HANDSET).await;
    assert_eq!(message.status, MessageStatus::Delivered);
    assert_eq!(
        app.status_history(message.id).await,
        ["pending", "submitting", "queued", "sending", "sent", "delivered"]
    );
    assert_eq!(message.twilio_sid.as_deref(), Some(app.simulator.messages()[0].sid.as_str()));
    assert_eq!((message.parts, message.encoding.as_deref()), (1, Some("gsm7")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_background_worker_delivers_a_message() {
    let app = TestApp::with_worker().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    app.event("order_completed", HANDSET, json!({})).await;
    app.eventually("the message is delivered", async || {
        (app.statuses_to(HANDSET).await == ["delivered"]).then_some(())
    })
    .await;
    assert_eq!(app.received(HANDSET), ["Thank you."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messaging_service_chooses_the_sender_and_shows_accepted_first() {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await;
    assert_eq!(
        app.status_history(message.id).await,
        ["pending", "submitting", "accepted", "queued", "sending", "sent", "delivered"]
    );
    assert!([SERVICE_NUMBER_1, SERVICE_NUMBER_2].contains(&message.from_address.unwrap().as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_on_time() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (first, second) = (app.template("First.").await, app.template("Second.").await);
    let steps = json!([send_sms(&first, &twilio), wait(3 * 86_400), send_sms(&second, &twilio)]);
    app.automation(json!({ "type": "event", "name": "signed_up" }), steps).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["First."]);
    app.advance(days(3) - seconds(1)).await;
    assert_eq!(app.received(HANDSET), ["First."]);
    app.advance(seconds(1)).await;
    assert_eq!(app.received(HANDSET), ["First.", "Second."]);
    assert_eq!(app.count("enrollments WHERE status = 'completed'").await, 1);
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_in_the_first_step_begins_with_the_event_and_not_with_the_worker() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Later.").await;
    let steps = json!([wait(3_600), wait(60), send_sms(&template, &twilio)]);
    app.automation(json!({ "type": "event", "name": "signed_up" }), steps).await;
    app.event("signed_up", HANDSET, json!({})).await;
    let due = app.clock.now() + seconds(3_600);
    assert_eq!(
        app.texts("SELECT step || ' ' || status AS text FROM enrollments").await,
        ["1 active"]
    );
    assert_eq!(
        app.count(
            &format!(
                "jobs JOIN enrollments ON subject = enrollments.id WHERE run_at = due_at AND due_at = '{due}'"
            )
        ).await,
        1
    );
    // Without a worker for half an hour, the first wait still ends on time.
    app.clock.advance(seconds(1_800));
    app.run_until_idle().await;
    app.advance(seconds(1_800)).await;
    app.advance(seconds(59)).await;
    assert!(app.received(HANDSET).is_empty());
    app.advance(seconds(1)).await;
    assert_eq!(app.received(HANDSET), ["Later."]);
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_contact_starts_the_automations_for_new_contacts() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome, {{ contact.first_name }}.").await;
    app.automation(json!({ "type": "contact_created" }), json!([send_sms(&template, &twilio)]))
        .await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" })).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Welcome, Ada."]);
    app.api()
        .patch(
            &format!("/contacts/{}", id(&app.contact_of(HANDSET).await)),
            json!({ "first_name": "Grace" }),
        )
        .await
        .ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 1, "an update starts no automation for new contacts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_starts_its_automations_each_time_it_is_added_again() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("You are a VIP.").await;
    app.automation(
        json!({ "type": "tag_added", "tag": "VIP" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    let contact = app.contact(HANDSET).await;
    let tags = format!("/contacts/{contact}/tags");
    app.api().post(&tags, json!({ "name": "newsletter" })).await.ok();
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());
    for _ in 0..2 {
        app.api().post(&tags, json!({ "name": "vip" })).await.ok();
        app.run_until_idle().await;
    }
    assert_eq!(app.received(HANDSET), ["You are a VIP."], "an existing tag is not added again");
    app.api().delete(&format!("{tags}/VIP")).await.ok();
    app.advance(seconds(1)).await;
    app.api().post(&tags, json!({ "name": "VIP" })).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_events_that_meet_the_conditions_start_an_automation() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("A gift for order {{ event.order_id }}.").await;
    let trigger = json!(
        {
            "type": "event",
            "name": "order_completed",
            "where": { "total": { "op": "gt", "value": 100 } }
        }
    );
    app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    for (order, total) in [("small", 99.5), ("exact", 100.0), ("big", 100.5)] {
        app.event("order_completed", HANDSET, json!({ "order_id": order, "total": total })).await;
    }
    app.event("order_canceled", HANDSET, json!({ "order_id": "other", "total": 500 })).await;
    app.event("order_completed", HANDSET, json!({ "order_id": "without" })).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["A gift for order big."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_event_does_nothing() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let event =
        json!({ "id": "order-17", "name": "order_completed", "contact": { "phone": HANDSET } });
    let first = app.api().post("/events", event.clone()).await;
    assert_eq!(first.status, 202);
    app.run_until_idle().await;
    let again = app.api().post("/events", event.clone()).await;
    assert_eq!(again.status, 202);
    assert_eq!(
        (again.json["status"].as_str(), &again.json["id"]),
        (Some("repeat"), &first.json["id"])
    );
    let both = app.api().post("/events", json!({ "events": [event.clone(), event] })).await.ok();
    assert_eq!(both["results"][1]["status"], "repeat");
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Thank you."]);
    assert_eq!(app.count("events").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_number_creates_a_contact() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("signed_up", &twilio, "Welcome.").await;
    app.event("signed_up", "+1 (206) 555-0111", json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.contact_of(HANDSET).await["phone"], HANDSET);
    assert_eq!(app.received(HANDSET), ["Welcome."]);
    let stranger = json!({ "name": "signed_up", "contact": { "external_id": "unknown" } });
    app.api().post("/events", stranger).await.refused(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_without_a_value_fails_the_message_and_is_named() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Order {{ event.order_id }}.").await;
    app.event("order_completed", HANDSET, json!({})).await;
    app.event("order_completed", OTHER_HANDSET, json!({ "order_id": 7 })).await;
    app.run_until_idle().await;
    let failed = app.message_to(HANDSET).await;
    assert_eq!(failed.status, MessageStatus::Failed);
    assert!(failed.reason.as_ref().unwrap().contains("event.order_id"), "{:?}", failed.reason);
    assert_eq!(app.received(OTHER_HANDSET), ["Order 7."]);
    assert_eq!(app.simulator.messages().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_send_to_a_property_of_the_event() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("A parcel for you.").await;
    let step = json!(
        {
            "type": "send_sms",
            "template_id": template,
            "sender_id": twilio.sender_id,
            "to": "event.recipient"
        }
    );
    app.automation(json!({ "type": "event", "name": "gift_sent" }), json!([step])).await;
    app.event("gift_sent", HANDSET, json!({ "recipient": OTHER_HANDSET })).await;
    app.event("gift_sent", HANDSET, json!({ "recipient": "12" })).await;
    app.run_until_idle().await;
    assert_eq!((app.received(OTHER_HANDSET).len(), app.received(HANDSET).len()), (1, 0));
    assert_eq!(app.count("messages WHERE status = 'failed' AND reason IS NOT NULL").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_does_nothing_until_it_is_activated() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let draft = json!(
        {
            "name": "Hello",
            "trigger": { "type": "event", "name": "hello" },
            "steps": [send_sms(&template, &twilio)]
        }
    );
    let draft = id(&app.api().post("/automations", draft).await.ok());
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());
    app.api().patch(&format!("/automations/{draft}"), json!({ "status": "active" })).await.ok();
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    let counts = app.api().get(&format!("/automations/{draft}")).await.ok()["counts"].clone();
    assert_eq!(
        (counts["enrollments"]["completed"].as_i64(), counts["messages"]["delivered"].as_i64()),
        (Some(1), Some(1))
    );
}
