//! Templates: created through the API and the editor, refused with the position of the error,
//! previewed, tested, and versioned.

use carillon::users::Role;
use serde_json::{Value, json};

use crate::harness::fixtures::id;
use crate::harness::scriptless_browser::{Form, Page};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_created_found_listed_and_changed_through_the_api() {
    let app = TestApp::start().await;
    let new = json!(
        {
            "name": "Shipped",
            "body": "Hi {{ contact.first_name | default(value=\"you\") }}\r\n",
            "media_urls": ["https://example.com/a.jpg"]
        }
    );
    let created = app.api().post("/templates", new).await.ok();
    assert_eq!(
        (created["version"].as_i64(), created["variables"].clone()),
        (Some(1), json!(["contact.first_name"]))
    );
    assert_eq!(created["body"], "Hi {{ contact.first_name | default(value=\"you\") }}");
    let path = format!("/templates/{}", id(&created));
    assert_eq!(app.api().get(&path).await.ok(), created);

    let same = app
        .api()
        .patch(&path, json!({ "name": "Order shipped", "body": created["body"] }))
        .await
        .ok();
    assert_eq!((same["version"].as_i64(), same["name"].as_str()), (Some(1), Some("Order shipped")));
    let changed = app.api().patch(&path, json!({ "media_urls": [] })).await.ok();
    assert_eq!((changed["version"].as_i64(), changed["media_urls"].clone()), (Some(2), json!([])));
    assert_eq!(app.count("template_versions").await, 2);

    app.api().post("/templates", json!({ "name": "another", "body": "Hi" })).await.ok();
    let first = app.api().get("/templates?limit=1").await.ok();
    assert_eq!(first["data"][0]["name"], "another");
    let next = app
        .api()
        .get(&format!("/templates?cursor={}", first["next_cursor"].as_str().unwrap()))
        .await
        .ok();
    assert_eq!(
        (next["data"][0]["name"].as_str(), next["next_cursor"].clone()),
        (Some("Order shipped"), Value::Null)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_template_is_refused_by_field_with_line_and_column() {
    let app = TestApp::start().await;
    let create = async |name: &str, body: &str, media: Value| {
        app.api()
            .post("/templates", json!({ "name": name, "body": body, "media_urls": media }))
            .await
    };
    assert!(
        create("A", "Hi\n{{ foo }}", json!([]))
            .await
            .field("body")
            .starts_with("Line 2, column 4: There is no variable “foo”")
    );
    assert!(
        create("A", "{% include \"x\" %}", json!([]))
            .await
            .field("body")
            .contains("Templates have no")
    );
    assert!(
        create("A", "{{ get_env(name='HOME') }}", json!([]))
            .await
            .field("body")
            .contains("is a function")
    );
    assert!(create("A", &"x".repeat(1_601), json!([])).await.field("body").contains("1,600"));
    assert!(create(" ", "Hi", json!([])).await.field("name").contains("name"));
    assert!(
        create("A", "Hi", json!(["https://example.com/a", "file:///etc/passwd"]))
            .await
            .field("media_urls.1")
            .contains("Twilio")
    );
    assert_eq!(app.count("templates").await, 0);

    create("Hello", "Hi", json!([])).await.ok();
    assert!(
        create("HELLO", "Hi", json!([]))
            .await
            .field("name")
            .contains("Another template has this name")
    );
    app.api_as(Role::Viewer)
        .await
        .post("/templates", json!({ "name": "B", "body": "Hi" }))
        .await
        .refused(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_has_the_template_version_that_it_was_rendered_from() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = id(&app
        .api()
        .post("/templates", json!({ "name": "Greeting", "body": "Hello." }))
        .await
        .ok());
    let steps =
        json!([{ "type": "send_sms", "template_id": template, "sender_id": twilio.sender_id }]);
    app.automation(json!({ "type": "event", "name": "hello" }), steps).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.api().patch(&format!("/templates/{template}"), json!({ "body": "Good day." })).await.ok();
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(
        (app.received(HANDSET), app.received(OTHER_HANDSET)),
        (vec!["Hello.".to_owned()], vec!["Good day.".to_owned()])
    );
    let versions =
        app.texts("SELECT template_version::text AS text FROM messages ORDER BY id").await;
    assert_eq!(versions, ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_previews_for_a_contact_and_shows_the_parts() {
    let app = TestApp::start().await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "René <3" })).await.ok();
    app.api().post("/contacts", json!({ "phone": OTHER_HANDSET, "first_name": "Ben" })).await.ok();
    let site = app.sign_in_as(Role::Marketer).await;
    let blank = site.open("/templates/new").await.ok().form("/templates/new");

    let typed = blank
        .with(
            "body",
            "Hi {{ contact.first_name }}, order {{ event.order_id }} – {{ contact.attributes.city | default(value=\"soon\") }}"
        );
    let page =
        site.send(&typed.clone().with("find", "René").pressing("action", "preview")).await.ok();
    page.must_say("Hi René <3, order order_id – soon");
    assert!(!page.html.contains("René <3"), "the name of the contact is escaped");
    for words in [
        "1 part · UCS-2",
        "U+2013, character 28: becomes -",
        "contact.attributes.city the default is used",
    ] {
        page.must_say(words);
    }
    assert_eq!(field(&page, "event_id"), "");
    page.must_say("Automatic: made up from the text");

    let by_hand = site
        .send(
            &page.form("/templates/new").with("event_id", "written").pressing("action", "preview"),
        )
        .await
        .ok();
    assert_eq!(
        field(&by_hand, "event"),
        "{\n  \"order_id\": \"order_id\"\n}",
        "the sample event is the starting point of the handwritten one"
    );
    let event = by_hand.form("/templates/new").with("event", "{\"order_id\": 7}");
    site.send(&event.with("find", "").pressing("action", "preview"))
        .await
        .ok()
        .must_say("Hi René <3, order 7");
    let page = site
        .send(
            &typed
                .clone()
                .with("event_id", "written")
                .with("event", "{}")
                .pressing("action", "preview"),
        )
        .await
        .ok();
    page.must_say("Nothing is sent to this contact: event.order_id is not set in this event");
    assert_eq!(
        site.send(
            &typed.with("event_id", "written").with("event", "[").pressing("action", "preview")
        )
        .await
        .status,
        422
    );
    assert_eq!(app.count("templates").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_saves_and_goes_back_to_the_automation_with_the_template() {
    let app = TestApp::start().await;
    let site = app.sign_in_as(Role::Marketer).await;
    let blank = site.open("/templates/new").await.ok().form("/templates/new");

    let wrong = site
        .send(&blank.clone().with("name", "Hello").with("body", "{{ contact.frist_name }}"))
        .await;
    assert_eq!(wrong.status, 422);
    wrong.must_say(
        "Line 1, column 4: There is no variable “contact.frist_name”; did you mean \
         contact.first_name?",
    );
    assert_eq!(field(&wrong, "body"), "{{ contact.frist_name }}");

    let saved = site
        .send(&blank.with("name", "Hello").with("body", "Hi").pressing("action", "save"))
        .await
        .ok();
    saved.must_say("Template saved.");
    let again = site.send(&saved.form(&saved.path).with("body", "Hi there")).await.ok();
    again.must_say("Template saved as version 2.");
    site.open("/templates").await.ok().must_say("Hi there");

    for (return_to, back) in [
        ("/automations?x=1", "/automations?x=1&template_id="),
        ("https://evil.example", "/templates/"),
        ("//evil.example", "/templates/"),
    ] {
        let form = site.open("/templates/new").await.ok().form("/templates/new");
        let form = form.with("return_to", return_to).with("name", return_to).with("body", "Hi");
        let page = site.send(&form).await;
        assert!(page.path.starts_with(back), "{return_to}: {}", page.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pressing_the_test_button_twice_sends_one_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site
        .open("/templates/new")
        .await
        .ok()
        .form("/templates/new")
        .with("body", "To {{ contact.phone }}")
        .with("contact_id", "number");

    let page = site.send(&form.clone().with("sender_id", "").pressing("action", "send_test")).await;
    assert_eq!(page.status, 422);
    page.must_say("Choose a sender.");

    let form = form
        .with("sender_id", &twilio.sender_id)
        .with("to", HANDSET)
        .pressing("action", "send_test");
    let page = site.send(&form).await.ok();
    page.must_say("The test message is on its way.");
    site.send(&form).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), [format!("To {HANDSET}")]);
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_reads_templates_and_cannot_change_them() {
    let app = TestApp::start().await;
    let template =
        id(&app.api().post("/templates", json!({ "name": "Hello", "body": "Hi" })).await.ok());
    let site = app.sign_in_as(Role::Viewer).await;
    let page = site.open(&format!("/templates/{template}")).await.ok();
    assert!(!page.html.contains("value=\"save\""), "a viewer is offered no button that saves");
    assert_eq!(site.send(&page.form(&page.path).with("body", "Changed")).await.status, 403);
    assert_eq!(site.open("/templates/new").await.status, 403);
    assert_eq!(site.open("/templates/nonsense").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_template_leaves_the_list_until_it_is_unarchived() {
    let app = TestApp::start().await;
    let template =
        id(&app.api().post("/templates", json!({ "name": "Hello", "body": "Hi" })).await.ok());
    let site = app.sign_in_as(Role::Marketer).await;
    let path = format!("/templates/{template}");
    let page = site.send(&site.open(&path).await.ok().form(&format!("{path}/archive"))).await.ok();
    page.must_say("Archived");
    assert_eq!(app.api().get("/templates").await.ok()["data"], json!([]));
    site.send(&page.form(&format!("{path}/unarchive"))).await.ok();
    assert_eq!(app.api().get("/templates").await.ok()["data"][0]["id"], template);
}

/// The value of a field in the form of a new template.
fn field(page: &Page, name: &str) -> String {
    let form: Form = page.form("/templates/new");
    form.value(name).unwrap_or_default().to_owned()
}
