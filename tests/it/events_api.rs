//! Events through the API: single, a thousand at once, repeated, concurrent, and invalid.

use std::collections::BTreeMap;

use carillon::users::Role;
use futures::future::join_all;
use serde_json::{Value, json};

use crate::harness::fixtures::{id, send_sms};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

fn event(id: &str, phone: &str) -> Value {
    json!({ "id": id, "name": "order_completed", "contact": { "phone": phone } })
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_several_events_is_answered_separately() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let known = app.contact(OTHER_HANDSET).await;
    let events = json!([
        event("a", HANDSET),
        event("a", HANDSET),
        { "name": "order_completed", "contact": { "id": known } },
        { "name": "", "contact": { "phone": "12" } },
        { "name": "order_completed", "contact": { "external_id": "unknown" } },
        { "id": "a", "name": "something_else", "contact": { "phone": "+12065550113" } },
    ]);
    let answer = app.api().post("/events", json!({ "events": events })).await;
    assert_eq!(answer.status, 202);
    let results = answer.json["results"].as_array().unwrap().clone();
    let statuses: Vec<&str> =
        results.iter().map(|result| result["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["recorded", "repeat", "recorded", "error", "error", "repeat"]);
    assert_eq!(results[1]["id"], results[0]["id"]);
    assert_eq!(
        results[3]["error"]["fields"].as_object().unwrap().keys().collect::<Vec<_>>(),
        ["contact.phone", "name"]
    );
    assert_eq!(
        results[4]["error"]["fields"]["contact.external_id"][0],
        "There is no such contact."
    );
    let indexes: Vec<u64> =
        results.iter().map(|result| result["index"].as_u64().unwrap()).collect();
    assert_eq!(indexes, [0, 1, 2, 3, 4, 5]);
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 1));
    assert_eq!(app.count("contacts").await, 2, "a repeat creates no contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_at_once_are_accepted_and_one_more_is_not() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let events: Vec<Value> =
        (0..1_000).map(|n| event(&format!("e{n}"), &format!("+1206555{n:04}"))).collect();
    let mut too_many = events.clone();
    too_many.push(event("e1000", HANDSET));
    let refused = app.api().post("/events", json!({ "events": too_many })).await;
    assert!(refused.field("events").contains("At most 1000"));
    assert_eq!(app.count("events").await, 0);
    let answer = app.api().post("/events", json!({ "events": events })).await.ok();
    assert!(answer["results"].as_array().unwrap().iter().all(|result| result["enrollments"] == 1));
    assert_eq!(app.count("enrollments").await, 1_000);
    assert_eq!(app.count("jobs WHERE kind = 'advance'").await, 1_000);
    let again = app.api().post("/events", json!({ "events": events })).await.ok();
    assert!(again["results"].as_array().unwrap().iter().all(|result| result["status"] == "repeat"));
    assert_eq!(app.count("enrollments").await, 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_lists_of_events_are_answered_separately() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let api = app.api();
    // The sizes of the lists: two lists have nothing to record, and together they exceed the limit
    // of a transaction.
    let sizes = [3, 700, 0, 1, 600, 12, 999, 2];
    let list = |list: usize, size: usize| {
        let mut events: Vec<Value> =
            (0..size).map(|n| event(&format!("{list}-{n}"), HANDSET)).collect();
        if size == 1 {
            events =
                vec![json!({ "name": "order_completed", "contact": { "external_id": "unknown" } })];
        }
        events
    };
    let answers = join_all(
        sizes
            .iter()
            .enumerate()
            .map(|(at, size)| api.post("/events", json!({ "events": list(at, *size) }))),
    )
    .await;
    let mut answered = BTreeMap::new();
    for (at, (answer, size)) in answers.into_iter().zip(sizes).enumerate() {
        assert_eq!(answer.status, 202, "list {at}");
        let results = answer.json["results"].as_array().unwrap();
        assert_eq!(results.len(), size, "list {at}");
        let expected = if size == 1 { "error" } else { "recorded" };
        assert!(
            results.iter().all(|result| result["status"] == expected),
            "list {at}: {results:?}"
        );
        for result in results.iter().filter(|result| result["status"] == "recorded") {
            answered.insert(id(result), format!("{at}-{}", result["index"]));
        }
    }
    let stored = app.texts("SELECT id || ' ' || client_id AS text FROM events ORDER BY id").await;
    assert_eq!(
        stored,
        answered.iter().map(|(id, client_id)| format!("{id} {client_id}")).collect::<Vec<_>>()
    );
    assert_eq!(stored.len(), sizes.iter().sum::<usize>() - 1);
    assert_eq!(app.count("enrollments").await, i64::try_from(stored.len()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_repeats_of_an_event_are_recorded_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let api = app.api();
    let batch: Vec<Value> =
        (0..50).map(|n| event(&format!("e{n}"), &format!("+1206555{:04}", n % 20))).collect();
    let backwards: Vec<Value> = batch.iter().rev().cloned().collect();
    let batches = (0..6).map(|n| {
        api.post("/events", json!({ "events": if n % 2 == 0 { &batch } else { &backwards } }))
    });
    let singles = batch.iter().map(|event| api.post("/events", event.clone()));
    let (batches, singles) = futures::join!(join_all(batches), join_all(singles));
    let mut recorded = 0;
    for answer in batches {
        let answer = answer.ok();
        recorded += answer["results"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|result| result["status"] == "recorded")
            .count();
    }
    recorded += singles.into_iter().filter(|answer| answer.json["status"] == "recorded").count();
    assert_eq!(recorded, 50);
    assert_eq!(
        (app.count("events").await, app.count("enrollments").await, app.count("contacts").await),
        (50, 50, 20)
    );
    app.run_until_idle().await;
    assert_eq!(app.simulator.messages().len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_finds_its_contact_by_id_number_or_external_id() {
    let app = TestApp::start().await;
    let contact = json!({ "phone": HANDSET, "external_id": "c-7" });
    let contact = id(&app.api().post("/contacts", contact).await.ok());
    for named in [
        json!({ "id": contact }),
        json!({ "phone": "+1 206-555-0111" }),
        json!({ "external_id": "c-7" }),
    ] {
        app.api().post("/events", json!({ "name": "seen", "contact": named })).await.ok();
    }
    assert_eq!(app.count(&format!("events WHERE contact_id = '{contact}'")).await, 3);
    assert_eq!(app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_event_is_refused_with_every_wrong_field() {
    let app = TestApp::start().await;
    let wrong = json!(
        {
            "nme": "x",
            "contact": { "email": "a@example.com" },
            "properties": 7,
            "occurred_at": "yesterday"
        }
    );
    let error = app.api().post("/events", wrong).await.refused(422);
    let fields: Vec<&String> = error["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["contact", "contact.email", "name", "nme", "occurred_at", "properties"]);
    let nul =
        json!({ "name": "x", "contact": { "phone": HANDSET }, "properties": { "a": "\u{0}" } });
    assert!(app.api().post("/events", nul).await.field("properties").contains("NUL"));
    let national = json!({ "name": "x", "contact": { "phone": "(206) 555-0111" } });
    app.api().post("/events", national).await.field("contact.phone");
    assert_eq!(app.count("contacts").await, 0);
    let viewer = app.api_as(Role::Viewer).await;
    viewer.post("/events", event("a", HANDSET)).await.refused(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_an_unknown_number_also_starts_the_automations_for_new_contacts() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome.").await;
    app.automation(json!({ "type": "contact_created" }), json!([send_sms(&template, &twilio)]))
        .await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    app.api().post("/events", event("a", HANDSET)).await.ok();
    app.api().post("/events", event("b", HANDSET)).await.ok();
    app.run_until_idle().await;
    let mut received = app.received(HANDSET);
    received.sort();
    assert_eq!(received, ["Thank you.", "Thank you.", "Welcome."]);
}
