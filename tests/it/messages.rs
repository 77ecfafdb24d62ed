//! One-off messages, and how the API and the pages show messages.

use carillon::users::Role;
use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule};

use crate::harness::fixtures::{Twilio, id};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, seconds};

fn one_off(to: &str, body: &str, twilio: &Twilio) -> Value {
    json!({ "to": to, "body": body, "sender_id": twilio.sender_id })
}

async fn with_key(app: &TestApp, key: &str, body: &Value) -> (u16, Value) {
    let request = app
        .http
        .post(format!("{}/messages", app.api().url))
        .bearer_auth(&app.api().key)
        .header("Idempotency-Key", key)
        .json(body);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_message_is_accepted_and_delivered() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let answer = app.api().post("/messages", one_off(HANDSET, "Hello", &twilio)).await;
    assert_eq!(answer.status, 202);
    assert_eq!(
        (answer.json["status"].as_str(), answer.json["contact_id"].is_null()),
        (Some("pending"), true)
    );
    assert_eq!(answer.json["events"].as_array().unwrap().len(), 1);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello"]);
    let message = app.api().get(&format!("/messages/{}", id(&answer.json))).await.ok();
    assert_eq!(
        (message["status"].as_str(), message["parts"].as_i64(), message["to"].as_str()),
        (Some("delivered"), Some(1), Some(HANDSET))
    );
    let sources: Vec<_> = message["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["source"].as_str().unwrap())
        .collect();
    assert_eq!(sources, ["carillon", "carillon", "response", "callback", "callback", "callback"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_with_merge_tags_is_sent_unchanged_with_a_warning() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let message = app
        .api()
        .post("/messages", one_off(HANDSET, "Hi *|FNAME|*, {{ contact.first_name }}", &twilio))
        .await
        .ok();
    let warnings: Vec<_> =
        message["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    assert_eq!(
        warnings,
        [
            "“*|FNAME|*” is a merge tag of another tool. Write {{ contact.first_name }}; \
             otherwise it is sent as it is.",
            "Carillon sends this body as it is. It fills in variables only with a template_id."
        ]
    );
    let plain =
        app.api().post("/messages", one_off(HANDSET, "50% off {today only}", &twilio)).await.ok();
    assert_eq!(plain["warnings"], json!([]));
    app.run_until_idle().await;
    let mut received = app.received(HANDSET);
    received.sort();
    assert_eq!(received, ["50% off {today only}", "Hi *|FNAME|*, {{ contact.first_name }}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_rendered_for_the_contact_or_refused_with_a_reason() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let contact = id(&app
        .api()
        .post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" }))
        .await
        .ok());
    let template = app.template("Hi {{ contact.first_name }}").await;
    let to_contact =
        json!({ "contact_id": contact, "template_id": template, "sender_id": twilio.sender_id });
    let message = app.api().post("/messages", to_contact).await.ok();
    assert_eq!(
        (message["body"].as_str(), message["template_id"].as_str()),
        (Some("Hi Ada"), Some(template.as_str()))
    );
    let to_number = json!({ "to": HANDSET, "body": "By number", "sender_id": twilio.sender_id });
    assert_eq!(app.api().post("/messages", to_number).await.ok()["contact_id"], json!(contact));
    let to_unknown_contact =
        json!({ "to": OTHER_HANDSET, "template_id": template, "sender_id": twilio.sender_id });
    let reason = app.api().post("/messages", to_unknown_contact).await.field("template_id");
    assert!(reason.contains("contact.first_name is not set"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn repeats_of_an_idempotency_key_create_one_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let body = one_off(HANDSET, "Once", &twilio);
    let ((status, first), (again, second)) =
        tokio::join!(with_key(&app, "order-7", &body), with_key(&app, "order-7", &body));
    assert_eq!((status, again, &first["id"]), (202, 202, &second["id"]));
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Once"]);
    let (status, late) = with_key(&app, "order-7", &body).await;
    assert_eq!(
        (status, &late["id"], late["status"].as_str()),
        (202, &first["id"], Some("delivered"))
    );
    let (status, other) = with_key(&app, "order-7", &one_off(HANDSET, "Another", &twilio)).await;
    assert_eq!((status, other["error"]["code"].as_str()), (409, Some("key_reused")));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_or_disabled_reference_is_a_field_error() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let unknown_id = "01980d3c-9b5a-7000-8000-000000000000";
    let error = app
        .api()
        .post(
            "/messages",
            json!({ "contact_id": unknown_id, "template_id": unknown_id, "sender_id": unknown_id }),
        )
        .await
        .refused(422);
    let fields: Vec<&String> = error["fields"].as_object().unwrap().keys().collect();
    assert_eq!(fields, ["contact_id", "sender_id", "template_id"]);
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    let reason =
        app.api().post("/messages", one_off(HANDSET, "Hello", &twilio)).await.field("sender_id");
    assert!(reason.contains("disabled"), "{reason}");
    let viewer = app.api_as(Role::Viewer).await;
    viewer.post("/messages", one_off(HANDSET, "Hello", &twilio)).await.refused(403);
    viewer.get("/messages").await.ok();
    assert_eq!(app.count("messages").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_messages_is_filtered_and_paged() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    for number in 1..=5 {
        app.api()
            .post("/messages", one_off(HANDSET, &format!("Number {number}"), &twilio))
            .await
            .ok();
    }
    app.api().post("/messages", one_off(OTHER_HANDSET, "Elsewhere", &twilio)).await.ok();
    app.run_until_idle().await;
    let (mut bodies, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app
            .api()
            .get(&format!("/messages?limit=2&to=%2B12065550111&status=delivered{cursor}"))
            .await
            .ok();
        bodies.extend(
            page["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|message| message["body"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(bodies, ["Number 5", "Number 4", "Number 3", "Number 2", "Number 1"]);
    app.api().get("/messages?status=lost").await.field("status");
    app.api().get("/messages?sendr_id=1").await.field("sendr_id");
    app.api().get("/messages/7").await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_message_shows_its_history() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.simulator
        .inject(Rule::always(Fault::Undelivered { code: 30003 }).for_handset(OTHER_HANDSET));
    let lucky =
        id(&app.api().post("/messages", one_off(HANDSET, "<b>Hello</b>", &twilio)).await.ok());
    let unlucky =
        id(&app.api().post("/messages", one_off(OTHER_HANDSET, "Hello", &twilio)).await.ok());
    let site = app.sign_in_as(Role::Viewer).await;
    assert!(
        site.open(&format!("/messages/{lucky}")).await.ok().html.contains("data-live="),
        "a message in progress is updated live"
    );
    app.run_until_idle().await;

    let page = site.open(&format!("/messages/{lucky}")).await.ok();
    page.must_say("Delivered");
    page.must_say("<b>Hello</b>");
    assert!(!page.html.contains("data-live=") && !page.html.contains("<b>Hello"));
    let fragment = site.open(&format!("/messages/{lucky}/progress")).await.ok();
    assert!(
        fragment.html.contains("<strong>Delivered</strong>") && !fragment.html.contains("<html")
    );

    let page = site.open(&format!("/messages/{unlucky}")).await.ok();
    page.must_say("Error 30003: Handset unreachable");
    let list = site.open("/messages?status=undelivered").await.ok();
    assert!(list.html.contains(&unlucky) && !list.html.contains(&lucky));
    site.open("/messages?to=12&error_code=x").await.ok().must_say("Enter a number, such as 30003.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppressed_message_shows_the_stop_behind_it() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.text(HANDSET, &twilio.sender, "Stop.").await;
    app.advance(seconds(60)).await;
    let message = app.api().post("/messages", one_off(HANDSET, "Never", &twilio)).await.ok();
    assert_eq!(
        (message["status"].as_str(), message["reason"].as_str()),
        (Some("suppressed"), Some("stop"))
    );
    app.run_until_idle().await;
    assert!(app.received(HANDSET).is_empty());
    let site = app.sign_in_as(Role::Viewer).await;
    site.open(&format!("/messages/{}", id(&message)))
        .await
        .ok()
        .must_say("The contact texted “Stop.”");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_message_says_what_it_waits_for() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let message = app.api().post("/messages", one_off(HANDSET, "Later", &twilio)).await.ok();
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    app.run_until_idle().await;
    let site = app.sign_in_as(Role::Viewer).await;
    site.open(&format!("/messages/{}", id(&message))).await.ok().must_say("is disabled.");
}
