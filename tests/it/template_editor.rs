//! The template editor: a live preview with real contacts and events, versions, drafts, copies, and
//! test messages.

use carillon::users::Role;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::fixtures::{PASSWORD, id, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, hours};

impl TestApp {
    async fn contact_with_attributes(
        &self,
        phone: &str,
        first_name: &str,
        attributes: serde_json::Value,
    ) {
        self.api()
            .post(
                "/contacts",
                json!({ "phone": phone, "first_name": first_name, "attributes": attributes }),
            )
            .await
            .ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_writes_a_template_with_a_live_preview() {
    let app = TestApp::with_worker().await;
    app.connect_twilio().await;
    app.contact_with_attributes(HANDSET, "Ann", json!({ "city": "Oakland" })).await;
    app.event("order_completed", HANDSET, json!({ "order_id": "A-17" })).await;
    app.contact_with_attributes(OTHER_HANDSET, "Ben", json!({})).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;

    // The preview follows the typing without a button, with Ann and her latest order.
    browser.go(&format!("{}/templates/new", app.url)).await;
    browser.fill("name", "Shipped").await;
    browser
        .fill("body", "Hi {{ contact.first_name }}, order {{ event.order_id }} is on its way to ")
        .await;
    browser.must_say("Hi Ben, order order_id is on its way to").await;
    let marked =
        "return [...document.querySelectorAll('.backdrop mark')].map((mark) => mark.textContent);";
    assert_eq!(
        browser.run(marked).await,
        json!(["{{ contact.first_name }}", "{{ event.order_id }}"])
    );
    browser.choose("contact_id", "Ann").await;
    browser.must_say("Hi Ann, order A-17 is on its way to").await;
    browser.must_say("1 part · GSM-7").await;
    browser.press("city Oakland").await;
    browser.must_say("is on its way to Oakland").await;
    assert!(
        browser.value("body").await.ends_with("is on its way to {{ contact.attributes.city }}")
    );

    // Ben has no city; the search finds him by the beginning of his name.
    browser.fill("find", "Be").await;
    browser
        .must_say(
            "Nothing is sent to this contact: contact.attributes.city is not set for this contact",
        )
        .await;
    browser.must_say("contact.attributes.city no default").await;
    browser.fill("find", "Nobody").await;
    browser.must_say("No contact matches").await;
    browser.must_say("To Ben").await;
    browser.fill("find", "Ann").await;
    browser.must_say("is on its way to Oakland").await;

    // Typographic characters need Unicode; one click replaces them, also inside tags.
    browser
        .fill(
            "body",
            "“Hi” {{ contact.first_name }} – order {{ event.order_id | default(value=\"…\") }}",
        )
        .await;
    browser.must_say("1 part · UCS-2").await;
    browser.must_say("U+201C, character 1: becomes \"").await;
    browser.press("Use plain characters").await;
    browser.must_say("1 part · GSM-7").await;
    let plain =
        "\"Hi\" {{ contact.first_name }} - order {{ event.order_id | default(value=\"...\") }}";
    assert_eq!(browser.value("body").await, plain);
    browser.must_say("\"Hi\" Ann - order A-17").await;
    browser.press("Save").await;
    browser.must_say("Template saved.").await;

    // A test message of the unsaved text goes to a given number, and leads to its page.
    browser.fill("body", "Test for {{ contact.first_name }}").await;
    browser.fill("find", "Ann").await;
    browser.must_say("Test for Ann").await;
    browser.fill("to", OTHER_HANDSET).await;
    browser.press("Send test message").await;
    browser.must_say("The test message is on its way.").await;
    assert!(browser.path().await.starts_with("/messages/"));
    app.eventually("the test arrives", async || {
        (app.received(OTHER_HANDSET) == ["Test for Ann"]).then_some(())
    })
    .await;

    // The draft is stored, and the number is remembered.
    browser.go(&format!("{}/templates", app.url)).await;
    browser.must_say("Your draft").await;
    browser.follow("Shipped").await;
    browser.must_say("This is your draft of").await;
    assert_eq!(browser.value("body").await, "Test for {{ contact.first_name }}");
    assert_eq!(browser.value("to").await.replace(' ', ""), OTHER_HANDSET);

    // Versions: differences, and restoring one.
    browser.fill("body", &plain.replace("Hi", "Hello")).await;
    browser.press("Save").await;
    browser.must_say("Template saved as version 2.").await;
    browser.follow("Versions").await;
    browser.must_say("What changed").await;
    let changed = browser
        .run(
            "return ['del', 'ins'].map((name) => [...document.querySelectorAll(`.diff ${name}`)].map((one) => one.textContent))"
        )
        .await;
    assert_eq!(changed, json!([["Hi"], ["Hello"]]));
    browser.press("Restore version 1").await;
    browser.must_say("Version 1 is restored, as version 3.").await;
    assert_eq!(
        app.texts("SELECT body AS text FROM template_versions ORDER BY version").await,
        [plain, &plain.replace("Hi", "Hello"), plain]
    );

    // A copy, which is then archived.
    browser.follow("Shipped").await;
    browser.run("document.querySelector('.page-head .menu').open = true").await;
    browser.press("Duplicate").await;
    browser.must_say("This is the copy").await;
    assert_eq!(
        (browser.value("name").await.as_str(), browser.value("body").await.as_str()),
        ("Copy of Shipped", plain)
    );
    browser.run("document.querySelector('.page-head .menu').open = true").await;
    browser.press("Archive").await;
    browser.accept().await;
    browser.must_say("Template archived. No automation uses it.").await;
    browser.go(&format!("{}/templates?show=archived", app.url)).await;
    browser.must_say("Copy of Shipped").await;
    // The *Undo* button beside the confirmation reverts unarchiving.
    browser.follow("Copy of Shipped").await;
    browser.press("Unarchive").await;
    browser.press("Undo").await;
    browser.must_say("Template archived. No automation uses it.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsaved_template_survives_the_end_of_the_session() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let editor = format!("{}/templates/new", app.url);
    browser.go(&editor).await;
    browser.fill("name", "Half done").await;
    browser.fill("body", "Dear customer").await;
    browser.must_say("what you type is kept as a draft").await;

    // The session ends while the user types: the sign-in page must not appear in the preview, and
    // the text must not be lost.
    app.run_sql("DELETE FROM sessions").await;
    browser.fill("body", "Dear customers").await;
    browser.must_say(
        "You are signed out. Sign in again in this window. What you type is kept in this browser."
    ).await;
    browser.must_say("Dear customer").await;
    browser.go(&editor).await;
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.must_say("This is your draft of").await;
    assert_eq!(
        (browser.value("name").await.as_str(), browser.value("body").await.as_str()),
        ("Half done", "Dear customers")
    );
    let draft_stored = async || {
        (app.texts("SELECT body AS text FROM template_drafts").await == ["Dear customers"])
            .then_some(())
    };
    app.eventually("the text stored in the browser is a draft again", draft_stored).await;

    // A pasted text that is too long is neither cut nor lost.
    let paste = "const body = document.getElementById('body'); body.value = 'x'.repeat(1700);
        body.dispatchEvent(new InputEvent('input', { bubbles: true }));";
    browser.run(paste).await;
    browser.must_say("The text has 1700 characters. Shorten it to at most 1,600.").await;
    assert_eq!(browser.value("body").await.len(), 1_700);

    browser.go(&editor).await;
    browser.unfold("Discard the draft").await;
    browser.press("Discard it for good").await;
    browser.must_say("The unsaved template is discarded.").await;
    browser.go(&editor).await;
    assert_eq!(browser.value("body").await, "");

    // The browser stores a text per user and deletes it once it is saved, so that it cannot appear
    // in another template.
    browser.fill("name", "Saved").await;
    browser.fill("body", "Dear all").await;
    browser.must_say("Dear all").await;
    browser.must_say("what you type is kept as a draft").await;
    let connection_error = "const detail = { error: new TypeError() };
        document.querySelector('form.template-editor').dispatchEvent(new CustomEvent('htmx:error', { detail }));";
    browser.run(connection_error).await;
    browser.must_say("What you type is kept in this browser.").await;
    let user = app.texts("SELECT id::text AS text FROM users").await.remove(0);
    assert_eq!(
        browser.run("return Object.keys(localStorage);").await,
        json!([format!("carillon:{user}:{editor}")])
    );
    browser.press("Save").await;
    browser.must_say("Template saved.").await;
    assert_eq!(browser.run("return localStorage.length;").await, json!(0));
    browser.go(&editor).await;
    assert_eq!(browser.value("body").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_buttons_insert_and_replace() {
    let app = TestApp::start().await;
    app.contact_with_attributes(HANDSET, "Ann", json!({ "city": "Oakland" })).await;
    let site = app.sign_in_as(Role::Marketer).await;
    let page = site.open("/templates/new").await.ok();
    assert!(
        page.html.contains("value=\"{{ contact.attributes.city }}\""),
        "the attributes of the contact are offered"
    );
    let form = page.form("/templates/new").with("body", "“Hi” ");
    let page = site.send(&form.pressing("insert", "{{ contact.attributes.city }}")).await.ok();
    assert_eq!(
        page.form("/templates/new").value("body"),
        Some("“Hi” {{ contact.attributes.city }}")
    );
    page.must_say("U+201C");
    let page = site.send(&page.form("/templates/new").pressing("action", "plain")).await.ok();
    assert_eq!(
        page.form("/templates/new").value("body"),
        Some("\"Hi\" {{ contact.attributes.city }}")
    );
    page.must_say("\"Hi\" Oakland");
    assert_eq!(app.count("templates").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn saving_over_the_version_of_another_user_needs_a_confirmation() {
    let app = TestApp::start().await;
    let path = format!(
        "/templates/{}",
        id(&app.api().post("/templates", json!({ "name": "Hello", "body": "Hi" })).await.ok())
    );
    let (ada, ben) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Marketer).await);
    let (of_ada, of_ben) =
        (ada.open(&path).await.ok().form(&path), ben.open(&path).await.ok().form(&path));
    ada.send(&of_ada.with("body", "Hi from Ada"))
        .await
        .ok()
        .must_say("Template saved as version 2.");

    let conflict = ben.send(&of_ben.with("body", "Hi from Ben")).await;
    assert_eq!(conflict.status, 422);
    conflict.must_say(
        "saved version 2 while you were writing. Your text is kept. Save again to make it version \
         3",
    );
    // Ben compares the versions, returns to his draft, and sees the warning again.
    ben.open(&format!("{path}/versions?from=2&to=draft")).await.ok().must_say("Your draft");
    let draft = ben.open(&path).await.ok();
    draft.must_say("Version 2 was saved since");
    assert_eq!(draft.form(&path).value("body"), Some("Hi from Ben"));
    ada.open(&path).await.ok().must_say("Hi from Ada");
    let again = ben.send(&conflict.form(&path)).await.ok();
    again.must_say("Template saved as version 3.");
    assert_eq!(app.count("template_drafts").await, 0);
    assert!(!ben.open(&path).await.ok().says("This is your draft"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_saved_under_the_name_given_by_another_user() {
    let app = TestApp::start().await;
    let path = format!(
        "/templates/{}",
        id(&app.api().post("/templates", json!({ "name": "Hello", "body": "Hi" })).await.ok())
    );
    let (ada, ben) = (app.sign_in_as(Role::Admin).await, app.sign_in_as(Role::Marketer).await);
    let (of_ada, of_ben) =
        (ada.open(&path).await.ok().form(&path), ben.open(&path).await.ok().form(&path));
    let name = async || app.texts("SELECT name AS text FROM templates").await.remove(0);
    // Ben also has a draft with the old name.
    ben.send(&of_ben.clone().with("body", "Hi from Ben").pressing("action", "preview")).await.ok();
    ada.send(&of_ada.with("name", "Welcome")).await.ok().must_say("Template saved.");
    let draft = ben.open(&path).await.ok().form(&path);
    assert_eq!((draft.value("name"), draft.value("body")), (Some("Welcome"), Some("Hi from Ben")));
    ben.send(&of_ben.clone().with("body", "Hi again from Ben"))
        .await
        .ok()
        .must_say("Template saved as version 2.");
    assert_eq!(name().await, "Welcome");
    // A name that Ben changes himself is saved.
    let of_ben = ben.open(&path).await.ok().form(&path);
    ben.send(&of_ben.with("name", "Hello again")).await.ok().must_say("Template saved.");
    assert_eq!(name().await, "Hello again");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_template_shows_where_it_is_used_and_what_archiving_does() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = id(&app
        .api()
        .post("/templates", json!({ "name": "Hello", "body": "Hi {{ event.order_id }}" }))
        .await
        .ok());
    let steps = json!([send_sms(&template, &twilio), wait(60), send_sms(&template, &twilio)]);
    let new = json!(
        {
            "name": "Thanks",
            "trigger": { "type": "event", "name": "ordered" },
            "steps": steps,
            "status": "active"
        }
    );
    let automation = id(&app.api().post("/automations", new).await.ok());
    app.event("ordered", HANDSET, json!({ "order_id": "A-1" })).await;
    app.contact(OTHER_HANDSET).await;
    let site = app.sign_in_as(Role::Marketer).await;
    let path = format!("/templates/{template}");

    let page = site.open(&path).await.ok();
    page.must_say("Thanks steps 1 and 3 Active");
    assert!(page.html.contains(&format!("/automations/{automation}")));
    // The preview first uses the contact of the latest message and its event.
    page.must_say("Hi A-1");
    for expected in ["Copy of Hello", "Copy 2 of Hello"] {
        site.send(&page.form(&format!("{path}/duplicate"))).await.ok().must_say(expected);
    }
    let page = site.send(&page.form(&format!("{path}/archive"))).await.ok();
    page.must_say("Template archived. “Thanks” keeps sending it.");
    assert!(!site.open("/templates").await.ok().html.contains(&format!("{path}\"")));
    assert!(site.open("/templates?show=archived").await.ok().html.contains(&format!("{path}\"")));
    site.send(&page.form(&format!("{path}/unarchive"))).await.ok().must_say("Template unarchived.");
    assert!(site.open("/templates").await.ok().html.contains(&format!("{path}\"")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_shown_only_once_twilio_has_billed() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template(&format!("Hi {}", "x".repeat(200))).await;
    app.automation(
        json!({ "type": "event", "name": "ordered" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    app.event("ordered", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let site = app.sign_in_as(Role::Marketer).await;
    let path = format!("/templates/{template}");
    site.open(&path).await.ok().must_say("No price yet for United States.");

    // The newest messages have no price yet, so the routine queries billed ones.
    app.advance(hours(2)).await;
    app.run_until_idle().await;
    site.open(&path).await.ok().must_say(
        "About 0.0158 USD to United States: 0.0079 a part, the average of the last 2 parts \
             that Twilio billed you",
    );
    // An MMS has another price, which is unknown.
    let form =
        site.open(&path).await.ok().form(&path).with("media_urls", "https://example.com/cat.jpg");
    let page = site.send(&form.pressing("action", "preview")).await.ok();
    assert!(!page.says("About 0.0158 USD") && page.says("one MMS, which Twilio bills per message"));
    assert!(page.html.contains("<img src=\"https://example.com/cat.jpg\""));
}
