//! The pages of sources: making one, mapping a captured request, replaying what was rejected, and
//! an action that sends an SMS.

use carillon::users::Role;
use reqwest::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::harness::browser::Browser;
use crate::harness::scriptless_browser::Page;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// The key that a page shows once.
fn shown_key(page: &Page) -> String {
    let field = page.html.split("id=\"secret\" value=\"").nth(1).unwrap();
    field.split('"').next().unwrap().to_owned()
}

async fn only_source(app: &TestApp) -> String {
    let ids = app.texts("SELECT id::text AS text FROM sources").await;
    assert_eq!(ids.len(), 1, "{ids:?}");
    format!("/sources/{}", ids[0])
}

/// Posts to a webhook source as a program does.
async fn post(app: &TestApp, path: &str, key: &str, body: &Value) -> u16 {
    let url = format!("{}{}", app.url, path.replace("/sources/", "/in/"));
    let answer = app.http.post(url).header(AUTHORIZATION, format!("Bearer {key}")).json(body);
    answer.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_mapped_by_what_it_sent_and_its_action_sends_an_sms() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let site = app.sign_in_as(Role::Admin).await;
    site.open("/sources").await.ok().must_say("No sources yet");
    site.open("/sources/new").await.ok().must_say("Shopify");
    let form = site.open("/sources/new?from=json").await.ok().form("/sources/new");
    let created = site.send(&form.with("name", "Till")).await.ok();
    created.must_say("Copy it now");
    let key = shown_key(&created);
    let path = only_source(&app).await;
    assert!(created.html.contains(&path.replace("/sources/", "/in/")), "the address is shown");
    assert!(!site.open(&path).await.ok().html.contains(&key), "the key is shown once");

    // The first request does not fit the mapping; it is captured with the reason.
    let order = json!({ "kind": "sale", "no": "A-17", "buyer": { "mobile": HANDSET } });
    post(&app, &path, &key, &order).await;
    let deliveries = site.open(&format!("{path}/deliveries")).await.ok();
    deliveries.must_say("Rejected");
    let mapping = format!("{path}/mapping");
    let editor = site.open(&mapping).await.ok();
    editor.must_say("Would be rejected");
    editor.must_say("$.buyer.mobile");
    let form = editor.form(&mapping);
    let form =
        form.with("phone", "$.buyer.mobile").with("event", "$.kind").with("event_id", "$.no");
    let tried = site.send(&form.clone().pressing("action", "try")).await.ok();
    tried.must_say("Records “sale”");
    site.open(&mapping).await.ok().must_say("Would be rejected");
    site.send(&form.pressing("action", "save")).await.ok().must_say("Mapping saved.");

    let replay = deliveries.forms().into_iter().find(|form| form.action().ends_with("/replay"));
    let replay = replay.unwrap();
    site.send(&replay).await.ok().must_say("Replayed.");
    let again = site.send(&replay).await;
    assert!(again.status >= 400, "a delivery is replayed once: {}", again.text());
    assert_eq!(app.count("events WHERE name = 'sale'").await, 1);

    // The action sends an SMS for the next event; the newest one says what can be inserted.
    let new = format!("{path}/actions/new");
    let form = site.open(&format!("{new}?event_name=sale")).await.ok();
    form.must_say("{{$.properties.no}}");
    let form = form.form(&new).with("body", "Your order #{{$.properties.no}} is ready");
    site.send(&form.pressing("action", "save")).await.ok().must_say("Action saved.");
    let actions = site.open(&format!("{path}/actions")).await.ok();
    actions.must_say("When sale arrives, send 1 SMS to contact.phone");
    let order = json!({ "kind": "sale", "no": "A-18", "buyer": { "mobile": OTHER_HANDSET } });
    assert_eq!(post(&app, &path, &key, &order).await, 200);
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET), ["Your order #A-18 is ready"]);
    assert!(app.received(HANDSET).is_empty(), "what was replayed came before the action");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_disabled_gets_another_key_and_is_deleted_after_a_question() {
    let app = TestApp::start().await;
    let site = app.sign_in_as(Role::Admin).await;
    let form = site.open("/sources/new?from=segment").await.ok().form("/sources/new");
    let key = shown_key(&site.send(&form.with("name", "App")).await.ok());
    let path = only_source(&app).await;
    let settings = format!("{path}/settings");
    let send = async |key: &str| {
        let item = json!({ "type": "track", "userId": "7", "event": "Signed Up" });
        let request = app.http.post(format!("{}/v1/batch", app.url)).basic_auth(key, Some(""));
        let answer = request.json(&json!({ "batch": [item] })).send().await.unwrap();
        answer.status().as_u16()
    };
    assert_eq!(send(&key).await, 200);
    site.open(&path).await.ok().must_say("No phone number");

    let form = site.open(&settings).await.ok().form(&format!("{path}/key"));
    let replaced = site.send(&form).await.ok();
    replaced.must_say("The former key works for another 24 hours.");
    let new_key = shown_key(&replaced);
    assert_eq!([send(&key).await, send(&new_key).await], [200, 200]);
    let form = site.open(&settings).await.ok().form(&format!("{path}/disable"));
    site.send(&form).await.ok().must_say("“App” is disabled.");
    assert_eq!(send(&new_key).await, 403);
    site.open("/sources").await.ok().must_say("Disabled");

    let viewer = app.sign_in_as(Role::Viewer).await;
    viewer.open(&path).await.ok().must_say("App");
    assert_eq!(viewer.open(&settings).await.status, 403);
    let form = site.open(&settings).await.ok().form(&format!("{path}/delete"));
    site.send(&form).await.ok().must_say("“App” deleted.");
    assert_eq!(send(&new_key).await, 401);
    site.open("/sources").await.ok().must_say("No sources yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_result_of_a_mapping_changes_while_it_is_typed() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/sources/new", app.url)).await;
    browser.follow("Any webhook").await;
    browser.fill("name", "Till").await;
    browser.press("Create source").await;
    browser.must_say("Copy it now").await;
    let path = only_source(&app).await;
    browser.go(&format!("{}{path}/mapping", app.url)).await;
    browser.must_say("Records “order_created”").await;
    browser.fill("event", "paid").await;
    browser.must_say("Records “paid”").await;
    browser.fill("phone", "$.nowhere").await;
    browser.fill("external_id", "$.nowhere").await;
    browser.fill("email", "$.nowhere").await;
    browser.must_say("Would be rejected").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}
