//! The contract of the JSON API: one form of errors, roles, ids that must exist, cursors, and the
//! OpenAPI description.

use std::collections::BTreeSet;

use carillon::users::Role;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::harness::api_client::Answer;
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn every_call_without_a_key_is_401() {
    let app = TestApp::start().await;
    let bare = app.http.get(format!("{}/contacts", app.api().url)).send().await.unwrap();
    assert_eq!(bare.headers()["www-authenticate"], "Bearer realm=\"Carillon\"");
    assert_eq!(Answer::read(bare).await.refused(401)["code"], "unauthorized");
    for key in ["", "ck_", "nonsense", &format!("ck_{}", "A".repeat(43))] {
        app.api().with_key(key).get("/contacts").await.refused(401);
        app.api().with_key(key).post("/events", json!({})).await.refused(401);
    }
    assert_eq!(app.count("events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_may_call_only_what_it_is_allowed_to() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (viewer, marketer) = (app.api_as(Role::Viewer).await, app.api_as(Role::Marketer).await);
    for path in ["/contacts", "/templates", "/automations", "/messages", "/connections", "/senders"]
    {
        viewer.get(path).await.ok();
    }
    for (path, body) in [
        ("/contacts", json!({ "phone": HANDSET })),
        ("/templates", json!({ "name": "A", "body": "B" })),
        ("/automations", json!({ "name": "A", "trigger": { "type": "contact_created" } })),
        ("/events", json!({ "name": "hello", "contact": { "phone": HANDSET } })),
        ("/messages", json!({ "to": HANDSET, "body": "Hello.", "sender_id": twilio.sender_id })),
    ] {
        let error = viewer.post(path, body.clone()).await.refused(403);
        assert!(error["message"].as_str().unwrap().contains("marketer"), "{error}");
        marketer.post(path, body).await.ok();
    }
    let connection = format!("/connections/{}", twilio.connection_id);
    marketer.patch(&connection, json!({ "disabled": true })).await.refused(403);
    marketer.post("/connections", json!({})).await.refused(403);
    // The role is checked before the body, so a refused caller learns no field names.
    viewer.post("/contacts", json!({})).await.refused(403);
    viewer.post("/automations", json!({ "nonsense": true })).await.refused(403);
    app.api().patch(&connection, json!({ "disabled": true })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused_from_then_on() {
    let app = TestApp::start().await;
    let viewer = app.api_as(Role::Viewer).await;
    viewer.get("/contacts").await.ok();
    diesel_async::RunQueryDsl::execute(
        diesel::sql_query("UPDATE api_keys SET revoked_at = created_at WHERE name = 'viewer'"),
        &mut *app.conn().await,
    )
    .await
    .unwrap();
    viewer.get("/contacts").await.refused(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_or_id_is_404_and_a_wrong_method_405() {
    let app = TestApp::start().await;
    let unknown_id = uuid::Uuid::now_v7();
    for path in ["/nothing", "/contacts/x/y/z"] {
        app.api().get(path).await.refused(404);
    }
    for noun in
        ["contacts", "templates", "automations", "messages", "connections", "senders", "sources"]
    {
        for id in [unknown_id.to_string(), "7".to_owned(), "..%2f".to_owned(), "%00".to_owned()] {
            app.api().get(&format!("/{noun}/{id}")).await.refused(404);
        }
    }
    app.api()
        .patch(&format!("/contacts/{unknown_id}"), json!({ "first_name": "Ada" }))
        .await
        .refused(404);
    app.api().delete(&format!("/contacts/{unknown_id}")).await.refused(404);
    app.api()
        .post(&format!("/contacts/{unknown_id}/tags"), json!({ "name": "VIP" }))
        .await
        .refused(404);
    let wrong = app.api().delete("/contacts").await;
    assert!(wrong.headers.contains_key("allow"));
    assert_eq!(wrong.refused(405)["code"], "method_not_allowed");
    app.api().put("/events", json!({})).await.refused(405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_not_json_is_415_or_400() {
    let app = TestApp::start().await;
    let send = async |kind: Option<&str>, body: &'static str| {
        let mut request = app
            .http
            .post(format!("{}/contacts", app.api().url))
            .bearer_auth(&app.api().key)
            .body(body);
        if let Some(kind) = kind {
            request = request.header(CONTENT_TYPE, kind);
        }
        Answer::read(request.send().await.unwrap()).await
    };
    assert_eq!(
        send(Some("application/x-www-form-urlencoded"), "phone=1").await.refused(415)["code"],
        "unsupported_media_type"
    );
    send(None, "{}").await.refused(415);
    for broken in ["", "{", "{\"phone\": }", "nul", "\u{feff}{}"] {
        let answer = send(Some("application/json"), broken).await;
        assert!([400, 422].contains(&answer.status), "{broken}: {}", answer.status);
        let status = answer.status;
        answer.refused(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_fields_are_422_with_a_sentence_each() {
    let app = TestApp::start().await;
    app.api().post("/contacts", json!({ "phone": "12" })).await.field("phone");
    app.api().post("/contacts", json!({ "phone": HANDSET, "fone": 1 })).await.field("fone");
    app.api().post("/contacts", json!({ "phone": 7 })).await.field("phone");
    app.api().post("/contacts", json!({})).await.field("phone");
    app.contact(HANDSET).await;
    app.api().post("/contacts", json!({ "phone": HANDSET })).await.field("phone");
    let error = app
        .api()
        .post("/templates", json!({ "name": "", "body": "Hi {{ contact.first_name" }))
        .await
        .refused(422);
    assert_eq!(error["fields"].as_object().unwrap().keys().collect::<Vec<_>>(), ["body", "name"]);
    app.api().post("/events", json!({ "name": "hello", "contact": {} })).await.field("contact");
    app.api().post("/events", json!({ "contact": { "phone": HANDSET } })).await.field("name");
    app.api().get("/contacts?limit=0").await.refused(422);
    app.api().get("/contacts?colour=red").await.refused(422);
    app.api().get("/contacts?cursor=nonsense").await.refused(422);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_ids_in_bodies_are_field_errors() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let unknown_id = uuid::Uuid::now_v7();
    let automation = |template: &str, sender: &str| {
        let step = json!({ "type": "send_sms", "template_id": template, "sender_id": sender });
        json!(
            {
                "name": "A",
                "trigger": { "type": "contact_created" },
                "steps": [step],
                "status": "active"
            }
        )
    };
    app.api()
        .post("/automations", automation(&unknown_id.to_string(), &twilio.sender_id))
        .await
        .field("steps.0.template_id");
    app.api()
        .post("/automations", automation(&template, &unknown_id.to_string()))
        .await
        .field("steps.0.sender_id");
    app.api()
        .post("/messages", json!({ "to": HANDSET, "body": "x", "sender_id": unknown_id }))
        .await
        .field("sender_id");
    app.api()
        .post(
            "/messages",
            json!({ "contact_id": unknown_id, "body": "x", "sender_id": twilio.sender_id }),
        )
        .await
        .field("contact_id");
    let to = json!({ "to": HANDSET, "template_id": unknown_id, "sender_id": twilio.sender_id });
    app.api().post("/messages", to).await.field("template_id");
    app.api()
        .post("/events", json!({ "name": "hello", "contact": { "id": unknown_id } }))
        .await
        .refused(422);
    assert_eq!(app.count("messages").await + app.count("automations").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn cursors_page_through_each_item_once() {
    let app = TestApp::start().await;
    let events: Vec<Value> = (0..25)
        .map(|n| json!({ "name": "hello", "contact": { "phone": format!("+120655504{n:02}") } }))
        .collect();
    app.api().post("/events", json!({ "events": events })).await.ok();
    let (mut seen, mut path, mut pages) = (BTreeSet::new(), "/contacts?limit=10".to_owned(), 0);
    loop {
        let page = app.api().get(&path).await.ok();
        pages += 1;
        for contact in page["data"].as_array().unwrap() {
            assert!(seen.insert(id(contact)), "a contact appeared twice");
        }
        // New contacts do not shift the pages.
        app.contact(&format!("+120655505{pages:02}")).await;
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/contacts?limit=10&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!((pages, seen.len()), (3, 25));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_events_in_one_request_are_answered_one_by_one() {
    let app = TestApp::start().await;
    let mut events: Vec<Value> = (0..1000)
        .map(|n| json!({ "name": "hello", "contact": { "phone": format!("+1206556{n:04}") } }))
        .collect();
    events[500] = json!({ "name": "hello", "contact": { "phone": "nonsense" } });
    let answer = app.api().post("/events", json!({ "events": events.clone() })).await;
    assert_eq!(answer.status, 202);
    let results = answer.json["results"].as_array().unwrap();
    assert_eq!(results.len(), 1000);
    assert_eq!(
        (results[500]["status"].as_str(), results[499]["status"].as_str()),
        (Some("error"), Some("recorded"))
    );
    assert!(results[500]["error"]["fields"]["contact.phone"].is_array(), "{:#}", results[500]);
    assert_eq!(app.count("events").await, 999);
    events.push(events[0].clone());
    app.api().post("/events", json!({ "events": events })).await.field("events");
    assert_eq!(app.count("events").await, 999);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_off_message_with_an_idempotency_key_is_sent_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let body =
        json!({ "to": HANDSET, "body": "Your code is 123456.", "sender_id": twilio.sender_id });
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let request = app
            .http
            .post(format!("{}/messages", app.api().url))
            .bearer_auth(&app.api().key)
            .json(&body);
        let answer =
            Answer::read(request.header("Idempotency-Key", "code-1").send().await.unwrap()).await;
        assert_eq!(answer.status, 202, "{:#}", answer.json);
        ids.insert(id(&answer.json));
    }
    app.run_until_idle().await;
    assert_eq!((ids.len(), app.received(HANDSET).len()), (1, 1));
    let message = app.api().get(&format!("/messages/{}", ids.first().unwrap())).await.ok();
    assert_eq!(
        (message["status"].as_str(), message["to"].as_str(), message["parts"].as_i64()),
        (Some("delivered"), Some(HANDSET), Some(1))
    );
    let statuses: Vec<_> = message["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["pending", "submitting", "queued", "sending", "sent", "delivered"]);
    assert!(
        message["events"]
            .as_array()
            .unwrap()
            .iter()
            .all(|event| event["at"].is_string() && event["source"].is_string())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_filtered_by_contact_automation_status_and_direction() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.text(HANDSET, &twilio.sender, "STOP").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let contact = id(&app.contact_of(HANDSET).await);
    for (query, count) in [
        (format!("contact_id={contact}"), 3),
        (format!("contact_id={contact}&status=suppressed"), 1),
        (format!("automation_id={automation}"), 2),
        (format!("automation_id={automation}&status=delivered"), 1),
        ("direction=inbound".to_owned(), 1),
        ("status=failed".to_owned(), 0),
    ] {
        let found = app.api().get(&format!("/messages?{query}")).await.ok();
        assert_eq!(found["data"].as_array().unwrap().len(), count, "{query}");
    }
    app.api().get("/messages?status=lost").await.field("status");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_openapi_description_has_every_path() {
    let app = TestApp::start().await;
    let description = app.http.get(format!("{}/openapi.json", app.api().url)).send().await.unwrap();
    assert_eq!(description.status(), 200, "without a key");
    let description: Value = description.json().await.unwrap();
    let has = |path: &str, method: &str| {
        let paths = description["paths"].as_object().unwrap();
        paths.iter().any(|(found, methods)| {
            found.trim_start_matches("/api/v1") == path && methods.get(method).is_some()
        })
    };
    for (path, methods) in [
        ("/connections", &["get", "post"][..]),
        ("/templates", &["get", "post"]),
        ("/templates/{id}", &["get", "patch"]),
        ("/contacts", &["get", "post"]),
        ("/contacts/{id}", &["get", "patch", "delete"]),
        ("/contacts/by-phone/{phone}", &["put"]),
        ("/contacts/{id}/tags", &["post"]),
        ("/contacts/{id}/tags/{name}", &["delete"]),
        ("/automations", &["get", "post"]),
        ("/automations/{id}", &["get", "patch", "delete"]),
        ("/events", &["post"]),
        ("/messages", &["get", "post"]),
        ("/messages/{id}", &["get"]),
        ("/opt-out-words", &["get", "post"]),
        ("/opt-out-words/{id}", &["delete"]),
    ] {
        for method in methods {
            assert!(has(path, method), "{method} {path} is not described");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn even_errors_of_the_framework_are_json() {
    let app = TestApp::start().await;
    for (method, path) in [
        (Method::TRACE, "/contacts"),
        (Method::GET, "/contacts/%ff"),
        (Method::POST, "/messages/x"),
    ] {
        let answer = app.api().call(method, path, None).await;
        let status = answer.status;
        assert!((400..500).contains(&status), "{path}: {status}");
        answer.refused(status);
    }
}
