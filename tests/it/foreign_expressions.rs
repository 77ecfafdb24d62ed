//! Expressions as Segment and other tools write them: in texts, media URLs and recipients, and in
//! the actions of a source.

use carillon::error::Error;
use carillon::sources::{NewAction, create_action};
use carillon::types::id::SourceId;
use carillon::users::Role;
use carillon::users::audit::Actor;
use diesel_async::AsyncConnection;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::fixtures::{Twilio, id, send_sms};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// A source without keys, which nothing is sent to.
async fn bare_source(app: &TestApp) -> SourceId {
    let source = SourceId::new();
    app.run_sql(&format!(
        "INSERT INTO sources (id, name, kind, mapping, verification, created_at, updated_at)
         VALUES ('{source}', 'Shop', 'segment', '{{}}', '{{}}', now(), now())"
    ))
    .await;
    source
}

/// Creates an action, and returns the ids of its automation and template.
async fn add_action(app: &TestApp, new: NewAction) -> Result<(String, String), Error> {
    let now = app.clock.now();
    let mut conn = app.conn().await;
    let (automation, template) = conn
        .transaction(async |conn| create_action(conn, &Actor::command_line(), new, now).await)
        .await?;
    Ok((automation.to_string(), template.to_string()))
}

/// The action that the documentation shows.
fn order_action(source_id: SourceId, twilio: &Twilio) -> NewAction {
    NewAction {
        source_id,
        event_name: "Order Completed".to_owned(),
        to: "$.properties.phone".to_owned(),
        body: "Your order #{{$.properties.order_id}} is on its way, {{$.traits.firstName}}."
            .to_owned(),
        media_urls: vec!["https://example.com/{{$.properties.sku}}.jpg".to_owned(), String::new()],
        sender_id: twilio.sender_id.clone(),
        name: String::new(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_tools_write_is_filled_in_and_kept_as_written() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let new = json!({
        "name": "Shipped",
        "body": "Hi {{$.traits.firstName}} of {{ customer.city }}, order {{$.properties.order_id}} \
                 with {{ properties.items[0].name }} is on its way, {{user.name}}.",
        "media_urls": ["https://example.com/{{$.properties.sku}}.jpg"],
    });
    let template = app.api().post("/templates", new.clone()).await.ok();
    let saved = app.api().get(&format!("/templates/{}", id(&template))).await.ok();
    assert_eq!((&saved["body"], &saved["media_urls"]), (&new["body"], &new["media_urls"]));
    assert_eq!(
        saved["variables"],
        json!([
            "contact.attributes.city",
            "contact.first_name",
            "contact.name",
            "event.items[0].name",
            "event.order_id",
            "event.sku"
        ])
    );
    assert_eq!(saved["warnings"], json!([]));
    app.automation(
        json!({ "type": "event", "name": "shipped" }),
        json!([send_sms(&id(&template), &twilio)]),
    )
    .await;
    let contact = json!({
        "phone": HANDSET, "first_name": "Ada", "last_name": "Lovelace",
        "attributes": { "city": "London" }
    });
    app.api().post("/contacts", contact).await.ok();
    let event = json!({ "order_id": 7, "sku": "A 1", "items": [{ "name": "Tea" }] });
    app.event("shipped", HANDSET, event).await;
    app.event("shipped", OTHER_HANDSET, json!({ "order_id": 8 })).await;
    app.run_until_idle().await;

    assert_eq!(
        app.received(HANDSET),
        ["Hi Ada of London, order 7 with Tea is on its way, Ada Lovelace."]
    );
    assert_eq!(app.simulator.messages()[0].media, ["https://example.com/A%201.jpg"]);
    // What has no value is never sent raw.
    let failed = app.message_to(OTHER_HANDSET).await;
    assert_eq!(failed.status.as_str(), "failed");
    let reason = failed.reason.unwrap();
    assert!(reason.contains("contact.first_name is not set for this contact"), "{reason}");
    assert_eq!(app.received(OTHER_HANDSET), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_may_name_its_recipient_as_segment_does() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Order {{$.properties.id}}").await;
    let to = |recipient: &str| {
        let mut step = send_sms(&template, &twilio);
        step["to"] = json!(recipient);
        step
    };
    let steps = json!([to("{{$.properties.courier.phone}}"), to("$.traits.phone")]);
    let automation = app.automation(json!({ "type": "event", "name": "order" }), steps).await;
    let path = format!("/automations/{automation}");
    let saved = app.api().get(&path).await.ok();
    assert_eq!(saved["steps"][0]["to"], "$.properties.courier.phone");
    assert_eq!(saved["steps"][1]["to"], "$.traits.phone");
    app.event("order", HANDSET, json!({ "id": 7, "courier": { "phone": OTHER_HANDSET } })).await;
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET), ["Order 7"]);
    assert_eq!(app.received(HANDSET), ["Order 7"]);

    // The editor keeps them as written.
    let site = app.sign_in_as(Role::Marketer).await;
    let edit = format!("{path}/edit");
    let form = site.open(&edit).await.ok().form(&edit);
    assert_eq!(form.value("steps.0.property"), Some("$.properties.courier.phone"));
    site.send(&form.with("name", "Order news").pressing("do", "save")).await.ok();
    let renamed = app.api().get(&path).await.ok();
    assert_eq!((&renamed["name"], &renamed["steps"]), (&json!("Order news"), &saved["steps"]));

    let wrong = json!({ "steps": [to("$.traits.email"), to("$.properties.list[0]")] });
    let refused = app.api().patch(&path, wrong).await.refused(422);
    assert_eq!(
        refused["fields"]["steps.0.to"][0],
        "After “$”, write .traits.phone for the contact’s number, or .properties and a property of \
         the event, such as $.properties.phone."
    );
    assert!(refused["fields"]["steps.1.to"][0].as_str().unwrap().starts_with("Write dots"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_understood_is_named_with_what_to_write() {
    let app = TestApp::start().await;
    let refused = async |body: &str| {
        app.api().post("/templates", json!({ "name": "A", "body": body })).await.field("body")
    };
    for (body, words) in [
        ("Hi {{ shop.url }}", "“shop.url”. Use one of: contact.first_name"),
        ("Hi {{ shop.url }}", "Carillon also knows $.properties.*, $.traits.*, properties.*"),
        ("Hi {{$.event}}", "After “$”, write .properties for the event or .traits for the contact"),
        ("Hi {{${first_name}}}", "Write contact.first_name instead of “${first_name}”."),
        ("{{$.traits.firstName | round}}", "contact.first_name is a text here"),
    ] {
        let message = refused(body).await;
        assert!(message.contains(words), "{body}: {message}");
    }
    let body = "Hi *|FNAME|*, order $.properties.order_id for {leadfield=firstname|you}";
    let saved = app.api().post("/templates", json!({ "name": "A", "body": body })).await.ok();
    assert_eq!(
        saved["warnings"],
        json!([
            "“*|FNAME|*” is a merge tag of another tool. Write {{ contact.first_name }}; otherwise \
             it is sent as it is.",
            "“$.properties.order_id” is a merge tag of another tool. Write {{ event.order_id }}; \
             otherwise it is sent as it is.",
            "“{leadfield=firstname|you}” is a merge tag of another tool. Write \
             {{ contact.first_name | default(value=\"you\") }}; otherwise it is sent as it is."
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_show_the_variables_of_other_tools_as_chips_and_preview_them() {
    let app = TestApp::start().await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" })).await.ok();
    app.template("Hi {{$.traits.firstName}}, order {{$.properties.order_id}} of {{user.city}}")
        .await;
    let site = app.sign_in_as(Role::Marketer).await;
    let page = site.open("/templates").await.ok();
    for label in ["first name", "order_id", "city"] {
        assert!(page.html.contains(&format!("<bdi class=\"var\">{label}</bdi>")), "{}", page.html);
    }
    let form = site.open("/templates/new").await.ok().form("/templates/new");
    let body = "Hi {{$.traits.firstName}}, order {{$.properties.order_id}}";
    let page = site.send(&form.with("body", body).pressing("action", "preview")).await.ok();
    page.must_say("Hi Ada, order order_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_marks_the_variables_of_other_tools() {
    let app = TestApp::with_worker().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/templates/new", app.url)).await;
    browser.fill("body", "Hi {{$.traits.firstName}}, order {{ $.properties['order id'] }}").await;
    let marked = "return [...document.querySelectorAll('.backdrop mark')]
        .map((mark) => [mark.textContent, mark.className]);";
    assert_eq!(
        browser.run(marked).await,
        json!([["{{$.traits.firstName}}", ""], ["{{ $.properties['order id'] }}", ""]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_is_an_ordinary_template_and_an_ordinary_automation() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let source = bare_source(&app).await;
    let new = order_action(source, &twilio);
    let (automation, template) = add_action(&app, new.clone()).await.unwrap();

    let automation = app.api().get(&format!("/automations/{automation}")).await.ok();
    assert_eq!(
        (automation["name"].as_str(), automation["status"].as_str()),
        (Some("SMS on Order Completed"), Some("active"))
    );
    assert_eq!(
        automation["trigger"],
        json!({ "type": "event", "name": "Order Completed", "source_id": source })
    );
    assert_eq!(
        automation["steps"],
        json!([{
            "type": "send_sms",
            "template_id": template,
            "sender_id": twilio.sender_id,
            "to": "$.properties.phone"
        }])
    );
    let template = app.api().get(&format!("/templates/{template}")).await.ok();
    assert_eq!(template["name"], "SMS on Order Completed");
    assert_eq!(template["body"], new.body);
    assert_eq!(template["media_urls"], json!(["https://example.com/{{$.properties.sku}}.jpg"]));

    // The same again gets free names, and a text with a likely mistake is switched off.
    let raw = NewAction { body: "Order %order_id%".to_owned(), ..new };
    let (automation, template) = add_action(&app, raw).await.unwrap();
    let automation = app.api().get(&format!("/automations/{automation}")).await.ok();
    assert_eq!(
        (automation["name"].as_str(), automation["status"].as_str()),
        (Some("SMS on Order Completed 2"), Some("draft"))
    );
    let template = app.api().get(&format!("/templates/{template}")).await.ok();
    assert_eq!(template["name"], "SMS on Order Completed 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_reports_all_mistakes_at_once_and_saves_nothing() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let source = bare_source(&app).await;
    add_action(&app, NewAction { name: "Orders".to_owned(), ..order_action(source, &twilio) })
        .await
        .unwrap();
    let (templates, automations) =
        (app.count("template_versions").await, app.count("automation_versions").await);
    let fields = async |new: NewAction| match add_action(&app, new).await.unwrap_err() {
        Error::Invalid(errors) => {
            errors.iter().map(|(field, _)| field.to_owned()).collect::<Vec<_>>()
        }
        other => panic!("{other}"),
    };
    let all_wrong = NewAction {
        source_id: source,
        event_name: " ".to_owned(),
        to: "$.traits.email".to_owned(),
        body: "Hi {{ $.event }}".to_owned(),
        media_urls: vec!["https://example.com/{{ shop.url }}".to_owned()],
        sender_id: "7".to_owned(),
        name: "ORDERS".to_owned(),
    };
    assert_eq!(
        fields(all_wrong).await,
        ["body", "event_name", "media_urls.0", "name", "sender_id", "to"]
    );
    let blank = NewAction { sender_id: String::new(), ..order_action(source, &twilio) };
    assert_eq!(fields(blank).await, ["sender_id"]);

    // A disabled sender and a text that recent events make impossible are found as well.
    app.event("Order Completed", HANDSET, json!({ "total": "19.90" })).await;
    app.event("Another", HANDSET, json!({ "total": 19.9 })).await;
    let sender = format!("/senders/{}", twilio.sender_id);
    app.api().patch(&sender, json!({ "disabled": true })).await.ok();
    let impossible = NewAction {
        body: "{{$.properties.total / 3}}".to_owned(),
        ..order_action(source, &twilio)
    };
    assert_eq!(fields(impossible).await, ["body", "sender_id"]);
    assert_eq!(
        (app.count("template_versions").await, app.count("automation_versions").await),
        (templates, automations)
    );

    let unknown = order_action(SourceId::new(), &twilio);
    assert!(matches!(add_action(&app, unknown).await, Err(Error::NotFound("source"))));
}
