//! The automation editor: it creates automations with their templates, keeps typed values, and
//! leads to activation.

use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// Withholds the answers to scripts until `window.release()`.
const HOLD_ANSWERS: &str = "const send = window.fetch; const held = [];
    window.fetch = (...request) => new Promise((go) => held.push(() => go(send(...request))));
    window.release = () => { window.fetch = send; held.forEach((go) => go()); };";
/// Presses Alt and the arrow down on the first step.
const MOVE_DOWN: &str = "const step = document.querySelector('[value=\"select.steps.0\"]');
    step.focus();
    const keys = { key: 'ArrowDown', altKey: true, bubbles: true, cancelable: true };
    step.dispatchEvent(new KeyboardEvent('keydown', keys));";

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_creates_an_automation_with_a_new_template() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let site = app.sign_in().await;

    let form = site.open("/automations/new").await.ok().form("/automations/new");
    let form = form
        .with("trigger.name", "hello")
        .with("steps.0.sender_id", &twilio.sender_id)
        .pressing("do", "new_template.0");
    let page = site.send(&form).await.ok();
    assert!(page.path.starts_with("/templates/new?return_to="), "{}", page.path);
    let form = page.forms().into_iter().find(|form| form.value("body").is_some()).unwrap();
    let page = site
        .send(&form.with("name", "Greeting").with("body", "Hello <{{ contact.phone }}>."))
        .await
        .ok();

    let edit = page.path.split('?').next().unwrap().to_owned();
    let form = page.form(&edit);
    assert_eq!(
        (form.value("name"), form.value("trigger.name")),
        (Some("Untitled automation"), Some("hello"))
    );
    assert_eq!(form.value("steps.0.sender_id"), Some(twilio.sender_id.as_str()));
    let template =
        app.texts("SELECT id::text AS text FROM templates WHERE name = 'Greeting'").await;
    assert_eq!(form.value("steps.0.template_id"), Some(template[0].as_str()));

    let page = site.send(&form.with("name", "Say <hello>").pressing("do", "activate")).await.ok();
    page.must_say("Automation saved. It is not switched on yet.");
    page.must_say("When the event “hello” is reported");
    assert_eq!(app.texts("SELECT status AS text FROM automations").await, ["draft"]);
    let page = site.send(&page.form(&page.path)).await.ok();
    page.must_say("Automation switched on.");
    assert!(page.html.contains("Say &lt;hello&gt;") && !page.html.contains("<hello>"));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), [format!("Hello <{HANDSET}>.")]);
    let enrollment = app.enrollment_ids().await[0];
    let page = site.open(&format!("/enrollments/{enrollment}")).await.ok();
    page.must_say("Finished");
    page.must_say("Delivered");
    let page = site.open(&page.path.replace("/enrollments/", "/automations/")).await;
    assert_eq!(page.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_editor_keeps_typed_values_and_shows_errors_beside_their_fields() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let form = site.open("/automations/new").await.ok().form("/automations/new");
    let form = site
        .send(&form.with("name", "Half").pressing("do", "add_wait"))
        .await
        .ok()
        .form("/automations/new");
    let form = site
        .send(&form.with("steps.1.seconds", "soon").pressing("do", "add_condition"))
        .await
        .ok()
        .form("/automations/new");
    let form = form.with("trigger.where.0.property", "total").with("trigger.where.0.value", "5");
    let form = site.send(&form.pressing("do", "up.1")).await.ok().form("/automations/new");
    assert_eq!((form.value("name"), form.value("steps.0.seconds")), (Some("Half"), Some("soon")));
    assert_eq!(
        (form.value("steps.1.type"), form.value("trigger.where.0.property")),
        (Some("send_sms"), Some("total"))
    );
    let page = site.send(&form.pressing("do", "save")).await;
    assert_eq!(page.status, 422);
    page.must_say("Enter a whole number, such as 2.");
    let form =
        page.form("/automations/new").with("steps.0.seconds", "2").with("steps.0.unit", "hours");
    let page = site.send(&form.clone().pressing("do", "activate")).await;
    assert_eq!(page.status, 422);
    page.must_say("Choose a template.");
    page.must_say("Name the event that starts it.");
    let page = site.send(&form.pressing("do", "save")).await.ok();
    page.must_say("Wait 2 hours");
    let activate = format!("{}/activate", page.path);
    let confirmation = site.open(&activate).await.ok();
    confirmation.must_say("Step 2: Choose a template.");
    let refused = site.send(&confirmation.form(&activate)).await;
    assert_eq!(refused.status, 422);
    refused.must_say("Step 2: Choose a template.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_done_edit_survives_writing_a_template() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    let site = app.sign_in().await;
    let edit = format!("/automations/{automation}/edit");
    let form = site.open(&edit).await.ok().form(&edit).pressing("do", "add_sms");
    let form = site
        .send(&form)
        .await
        .ok()
        .form(&edit)
        .with("name", "Renamed & longer")
        .pressing("do", "new_template.3");
    let page = site.send(&form).await.ok();
    let form = page.forms().into_iter().find(|form| form.value("body").is_some()).unwrap();
    let page = site.send(&form.with("name", "Third").with("body", "Third.")).await.ok();
    let form = page.form(&edit);
    assert_eq!(form.value("name"), Some("Renamed & longer"));
    assert_ne!(form.value("steps.3.template_id"), Some(""));
    assert_eq!(app.count("automation_versions").await, 1, "nothing is saved yet");
    site.send(&form.pressing("do", "save")).await.ok().must_say("Send Third");
    assert_eq!(app.count("automation_versions").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_saved_meanwhile_is_not_replaced_unseen() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    let site = app.sign_in().await;
    let edit = format!("/automations/{automation}/edit");
    let opened = site.open(&edit).await.ok().form(&edit).pressing("do", "save");
    site.send(&opened.clone().with("steps.1.seconds", "3")).await.ok();
    assert_eq!(app.count("automation_versions").await, 2);

    let refused = site.send(&opened.clone().with("steps.1.seconds", "5")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("Version 2 was saved while you were writing.");
    assert!(!refused.says("Correct what is marked."));
    assert_eq!(app.count("automation_versions").await, 2);
    let again = refused.form(&edit);
    assert_eq!(again.value("steps.1.seconds"), Some("5"));
    site.send(&again.pressing("do", "save")).await.ok().must_say("Automation saved.");
    assert_eq!(app.count("automation_versions").await, 3);
    // A new name loses nothing, nor does what is saved already.
    site.send(&opened.with("steps.1.seconds", "5").with("name", "Two")).await.ok();
    assert_eq!(app.count("automation_versions").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_was_saved_for_a_new_template_is_saved_again() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let site = app.sign_in().await;
    let form = site.open("/automations/new").await.ok().form("/automations/new");
    let saved = site.send(&form.with("name", "Draft").pressing("do", "save")).await.ok();
    let edit = format!("{}/edit", saved.path);
    let form = site.open(&edit).await.ok().form(&edit).with("trigger.name", "order");
    let page = site.send(&form.pressing("do", "new_template.0")).await.ok();
    let form = page.forms().into_iter().find(|form| form.value("body").is_some()).unwrap();
    let page = site.send(&form.with("name", "Thanks").with("body", "Thanks.")).await.ok();
    let form = page.form(&edit);
    assert_eq!(form.value("version"), Some("2"));
    site.send(&form.pressing("do", "save")).await.ok().must_say("Send Thanks");
    assert_eq!(app.count("automation_versions").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_half_filled_condition_survives_writing_a_template() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let site = app.sign_in().await;
    let form = site.open("/automations/new").await.ok().form("/automations/new");
    let form = site
        .send(&form.with("trigger.name", "order").pressing("do", "add_condition"))
        .await
        .ok()
        .form("/automations/new");
    let page = site
        .send(&form.with("trigger.where.0.value", "5").pressing("do", "new_template.0"))
        .await
        .ok();
    let form = page.forms().into_iter().find(|form| form.value("body").is_some()).unwrap();
    let page = site.send(&form.with("name", "Thanks").with("body", "Thanks.")).await.ok();
    let form = page.forms().into_iter().find(|form| form.value("trigger.name").is_some()).unwrap();
    assert_eq!(
        (form.value("trigger.name"), form.value("trigger.where.0.value")),
        (Some("order"), Some("5"))
    );
    assert_ne!(form.value("steps.0.template_id"), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_builds_an_automation_tries_it_and_activates_it() {
    let app = TestApp::with_worker().await;
    app.connect_twilio().await;
    app.template("Thank you, {{ contact.first_name | default(value='friend') }}!").await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" })).await.ok();
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/automations/new", app.url)).await;
    browser.fill("name", "Thank buyers").await;
    browser.choose("trigger.type", "A contact is created").await;
    browser.follow_first("[value='select.steps.0']").await;
    browser.choose("steps.0.sender_id", "Carillon").await;
    browser.choose("steps.0.template_id", "").await;
    browser.run(
        "const box = document.querySelector('[name=\"steps.0.template_id\"]'); box.selectedIndex = \
         box.options.length - 1;"
    ).await;
    let press = async |action: &str| {
        browser.run(&format!("document.querySelector('[value=\"{action}\"]').click()")).await;
    };
    press("add_wait.1").await;
    browser.must_say("Step 2: Wait").await;
    press("copy.1").await;
    browser.must_say("Step 3: Wait").await;
    press("add_wait.1").await;
    browser.must_have_focus("Step 2: Wait").await;
    press("remove.3").await;
    browser.must_say("Step 4 deleted.").await;
    browser.press("Undo").await;
    browser.must_say("Step 4: Wait").await;
    press("remove.3").await;
    browser.must_say("Step 4 deleted.").await;
    browser.press("Try it").await;
    browser.must_say("Thank you, Ada!").await;
    browser.must_say("nothing is sent or saved").await;
    browser.press("Save draft").await;
    browser.must_say("Automation saved.").await;
    let automation = browser.path().await;
    browser.go(&format!("{}{automation}/activate", app.url)).await;
    browser.must_say("From then on, it texts real people.").await;
    browser.press("Switch on").await;
    browser.must_say("Automation switched on.").await;
    app.api().post("/contacts", json!({ "phone": OTHER_HANDSET })).await.ok();
    app.eventually("the message arrives", async || {
        (app.received(OTHER_HANDSET) == ["Thank you, friend!"]).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_focus_follows_the_step_that_was_changed() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    app.contact(HANDSET).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/automations/new", app.url)).await;
    let to = |action: &str| format!("document.querySelector('[value=\"{action}\"]').focus()");
    browser.run("document.querySelectorAll('.plus summary')[1].focus()").await;
    browser.type_keys("\u{e007}").await;
    browser.tab_to("Wait").await;
    browser.must_have_focus("Step 2: Wait").await;
    browser.run(&to("copy.1")).await;
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("Step 3: Wait").await;
    browser.run(&to("up.2")).await;
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("up.1").await;
    // Enter moves the step up until it is the first; then only “down” is left.
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("down.0").await;
    browser.must_say("Step 1: Wait").await;
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("down.1").await;
    browser.must_say("Step 2: Wait").await;
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("up.2").await;
    browser.tab_to("Delete step").await;
    browser.must_have_focus("Step 2: Wait").await;
    browser.run("document.querySelector('.page-head [value=\"try\"]').focus()").await;
    browser.type_keys("\u{e007}").await;
    browser.must_have_focus("+1 206 555 0111 would not enter").await;
    let seen = "const at = document.activeElement.getBoundingClientRect(); return at.top >= 0 && at.bottom <= window.innerHeight;";
    assert_eq!(browser.run(seen).await, true, "it is visible without scrolling");

    browser.go(&format!("{}/automations/new", app.url)).await;
    for property in ["trigger.where.0.property", "trigger.where.1.property"] {
        browser.tab_to("Add condition").await;
        browser.must_have_focus(property).await;
    }
}

/// A new automation that sends a text and then waits, with its trigger in the panel.
async fn text_and_wait(app: &TestApp, browser: &Browser) {
    browser.sign_in(app).await;
    browser.go(&format!("{}/automations/new", app.url)).await;
    browser.run("document.querySelector('[value=\"add_wait.1\"]').click()").await;
    browser.must_say("Step 2: Wait").await;
    browser.run("document.querySelector('[value=\"select.trigger\"]').click()").await;
}

async fn first_step_becomes(app: &TestApp, browser: &Browser, kind: &str) {
    let first = "return document.querySelector('[name=\"steps.0.type\"]').value";
    app.eventually("the step has moved", async || (browser.run(first).await == kind).then_some(()))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_while_a_step_moves_is_kept() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    text_and_wait(&app, &browser).await;
    browser.run(HOLD_ANSWERS).await;
    browser.run(MOVE_DOWN).await;
    browser.run("document.querySelector('[name=\"trigger.name\"]').focus()").await;
    browser.type_keys("ord").await;
    browser.run("window.release()").await;
    first_step_becomes(&app, &browser, "wait").await;
    browser.must_have_focus("trigger.name").await;
    browser.type_keys("er").await;
    assert_eq!(browser.value("trigger.name").await, "order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_moves_right_after_typing_and_before_it_is_saved() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    text_and_wait(&app, &browser).await;
    browser.fill("name", "Moved").await;
    browser.run(HOLD_ANSWERS).await;
    browser
        .run(&format!(
            "const name = document.querySelector('[name=\"trigger.name\"]');
             name.value = 'order';
             name.dispatchEvent(new Event('change', {{ bubbles: true }}));
             {MOVE_DOWN}
             // The cards are refreshed 250 ms after a change.
             setTimeout(window.release, 400);"
        ))
        .await;
    first_step_becomes(&app, &browser, "wait").await;
    assert_eq!(browser.value("trigger.name").await, "order");

    browser.run(HOLD_ANSWERS).await;
    browser.run(MOVE_DOWN).await;
    browser.run("document.querySelector('.page-head [value=save]').click()").await;
    browser.run("window.release()").await;
    browser.must_say("Automation saved.").await;
    let steps = "SELECT step->>'type' AS text FROM automation_versions, \
                 jsonb_array_elements(steps) AS step";
    assert_eq!(app.texts(steps).await, ["send_sms", "wait"]);
}
