//! Message texts: how variables and media are rendered, and which templates are refused or cause a
//! warning.

use carillon::users::Role;
use serde_json::{Value, json};

use crate::harness::fixtures::{id, send_sms};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

const THIRD_HANDSET: &str = "+12065550113";

#[tokio::test(flavor = "multi_thread")]
async fn media_urls_are_rendered_for_each_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let new = json!({
        "name": "Picture", "body": "Here it is.",
        "media_urls": [
            "https://example.com/i/{{ event.sku }}.jpg?to={{ contact.first_name | default(value='you') }}",
            "https://example.com/fixed.png"
        ],
    });
    let template = app.api().post("/templates", new.clone()).await.ok();
    assert_eq!(
        (&template["media_urls"], &template["variables"]),
        (&new["media_urls"], &json!(["contact.first_name", "event.sku"]))
    );
    app.automation(
        json!({ "type": "event", "name": "shown" }),
        json!([send_sms(&id(&template), &twilio)]),
    )
    .await;
    app.event("shown", HANDSET, json!({ "sku": "A 1/ü" })).await;
    app.event("shown", OTHER_HANDSET, json!({ "sku": 42.0 })).await;
    app.event("shown", THIRD_HANDSET, json!({ "colour": "red" })).await;
    app.run_until_idle().await;
    let sent = |handset: &str| {
        app.simulator.messages().into_iter().find(|message| message.to == handset).unwrap().media
    };
    assert_eq!(
        sent(HANDSET),
        ["https://example.com/i/A%201%2F%C3%BC.jpg?to=you", "https://example.com/fixed.png"]
    );
    assert_eq!(sent(OTHER_HANDSET)[0], "https://example.com/i/42.jpg?to=you");
    let failed = app.message_to(THIRD_HANDSET).await;
    assert_eq!(failed.status.as_str(), "failed");
    let reason = failed.reason.unwrap();
    assert!(reason.contains("media address 1: event.sku is not set in this event"), "{reason}");

    // The same holds for one-off messages, and for a template without media.
    let text = app.template("Hi").await;
    app.api()
        .post("/contacts", json!({ "phone": "+12065550114", "external_id": "c 7" }))
        .await
        .ok();
    let one = json!({
        "to": "+12065550114", "template_id": text, "sender_id": twilio.sender_id, "media_urls": [
            "https://example.com/{{ contact.external_id }}"
        ],
    });
    app.api().post("/messages", one).await.ok();
    app.run_until_idle().await;
    assert_eq!(sent("+12065550114"), ["https://example.com/c%207"]);
    let literal = json!(
        {
            "to": HANDSET,
            "body": "Hi",
            "sender_id": twilio.sender_id,
            "media_urls": ["https://example.com/{{ contact.email }}"]
        }
    );
    assert!(
        app.api()
            .post("/messages", literal)
            .await
            .field("media_urls.0")
            .contains("only with a template_id")
    );
    let wrong = json!(
        {
            "name": "B",
            "body": "Hi",
            "media_urls": ["https://example.com/{{ foo }}", "ftp://example.com/{{ event.sku }}"]
        }
    );
    let fields = app.api().post("/templates", wrong).await.refused(422)["fields"]
        .as_object()
        .unwrap()
        .clone();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["media_urls.0", "media_urls.1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_previews_rendered_media_urls() {
    let app = TestApp::start().await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Zoë" })).await.ok();
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site.open("/templates/new").await.ok().form("/templates/new").with("body", "Hi");
    let with_media = |url: &str| form.clone().with("media_urls", url).pressing("action", "preview");
    let page =
        site.send(&with_media("https://example.com/{{ contact.first_name }}.jpg")).await.ok();
    assert!(page.html.contains("src=\"https://example.com/Zo%C3%AB.jpg\""), "{}", page.html);
    site.send(&with_media("https://example.com/{{ contact.last_name }}.jpg")).await.ok().must_say(
        "Nothing is sent to this contact: media address 1: contact.last_name is not set for \
             this contact",
    );
    let wrong = site.send(&with_media("https://example.com/{{ contact.frist_name }}.jpg")).await;
    assert_eq!(wrong.status, 422);
    wrong.must_say("did you mean contact.first_name?");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_would_always_fail_is_refused_when_it_is_saved() {
    let app = TestApp::start().await;
    let save = async |name: &str, body: &str| {
        app.api().post("/templates", json!({ "name": name, "body": body })).await
    };
    // Without samples, only expressions that can never work are refused.
    for (body, words) in [
        ("{{ event.total / 3 | fixed }}", "write (event.total / 3) | fixed"),
        (
            "{{ 1.5 | round(precision=100000) }}",
            "“precision” must be a whole number from -15 to 15",
        ),
        ("Hi {{ contact.first_name + 1 }}", "contact.first_name is a text here"),
    ] {
        assert!(save("A", body).await.field("body").contains(words), "{body}");
    }
    save("Not known yet", "{{ (event.total / 3) | fixed }}").await.ok();
    // With samples, the types of reported values are checked.
    app.event("order_completed", HANDSET, json!({ "total": "19.90" })).await;
    app.api()
        .post(
            "/contacts",
            json!({ "phone": OTHER_HANDSET, "attributes": { "points": "many", "vip": true } }),
        )
        .await
        .ok();
    let message = save("B", "{{ (event.total / 3) | fixed }}").await.field("body");
    assert!(
        message.starts_with(
            "Line 1, column 5: event.total is a text here, and “/” needs a number; convert it with \
             “int” or “float”."
        ),
        "{message}"
    );
    assert!(
        save("B", "{{ contact.attributes.points | round }}")
            .await
            .field("body")
            .contains("contact.attributes.points is a text here")
    );
    save("B", "{{ (event.total | float / 3) | fixed }}").await.ok();
    let guarded =
        save("C", "{% if event.total is number %}{{ event.total / 3 }}{% endif %} Bye").await.ok();
    assert!(
        guarded["warnings"][0].as_str().unwrap().contains("event.total is a text here"),
        "{guarded}"
    );

    let site = app.sign_in_as(Role::Marketer).await;
    let form = site
        .open("/templates/new")
        .await
        .ok()
        .form("/templates/new")
        .with("name", "D")
        .with("body", "{{ event.total * 2 }}");
    let refused = site.send(&form.pressing("action", "save")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("event.total is a text here, and “*” needs a number");

    // Once the property is reported as a number, the expression is accepted.
    app.event("order_completed", HANDSET, json!({ "total": 19.9 })).await;
    save("E", "{{ event.total * 2 }}").await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_value_in_a_concatenation_fails_the_message_and_is_named() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hi {{ contact.first_name ~ '!' }} {{ event.n }}").await;
    app.event("hello", HANDSET, json!({ "n": 1 })).await;
    app.api().post("/contacts", json!({ "phone": OTHER_HANDSET, "first_name": "Ada" })).await.ok();
    app.event("hello", OTHER_HANDSET, json!({ "n": 5.667_125_22e8 })).await;
    app.run_until_idle().await;
    assert_eq!(
        (app.received(HANDSET), app.received(OTHER_HANDSET)),
        (Vec::new(), vec!["Hi Ada! 566712522".to_owned()])
    );
    let failed = app.message_to(HANDSET).await;
    assert_eq!(
        failed.reason.as_deref(),
        Some("contact.first_name is not set for this contact, and the template gives no default")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn merge_tags_of_other_tools_cause_a_warning() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let warnings = |answer: &Value| {
        answer["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let saved = app
        .api()
        .post(
            "/templates",
            json!({ "name": "Moved", "body": "Hi *|FNAME|*, {contactfield=city} 50% off" }),
        )
        .await
        .ok();
    let found = warnings(&saved);
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[0],
        "“*|FNAME|*” is a merge tag of another tool. Write {{ contact.first_name }}; otherwise it \
         is sent as it is."
    );
    assert!(found[1].contains("Write {{ contact.attributes.city }};"), "{found:?}");
    let path = format!("/templates/{}", id(&saved));
    assert_eq!(warnings(&app.api().get(&path).await.ok()).len(), 2);

    let steps = json!([send_sms(&id(&saved), &twilio)]);
    let new =
        json!({ "name": "Hello", "trigger": { "type": "event", "name": "hello" }, "steps": steps });
    let automation = app.api().post("/automations", new).await.ok();
    assert!(warnings(&automation)[0].starts_with("Template “Moved”: “*|FNAME|*”"), "{automation}");
    let site = app.sign_in_as(Role::Marketer).await;
    site.open(&format!("/automations/{}/activate", id(&automation)))
        .await
        .ok()
        .must_say("Template “Moved”: “*|FNAME|*” is a merge tag of another tool");
    site.open(&path).await.ok().must_say("“*|FNAME|*” is a merge tag of another tool");
    let switched_on = app
        .api()
        .patch(&format!("/automations/{}", id(&automation)), json!({ "status": "active" }))
        .await
        .ok();
    assert_eq!(warnings(&switched_on).len(), 2);

    let corrected = app
        .api()
        .patch(
            &path,
            json!({ "body": "Hi {{ contact.first_name | default(value='you') }}, 50% off" }),
        )
        .await
        .ok();
    assert_eq!(warnings(&corrected), Vec::<String>::new());
    let refused =
        async |body: &str| app.api().patch(&path, json!({ "body": body })).await.field("body");
    assert!(
        refused("Hi {{ contact.first_name | default: 'you' }}")
            .await
            .contains("| default(value=\"you\")")
    );
    assert!(
        refused("Hi {{ contact.first_name || 'you' }}")
            .await
            .contains("contact.first_name | default(value=\"there\")")
    );
    assert!(refused("Hi {{ first_name }}").await.contains("did you mean contact.first_name?"));
}
