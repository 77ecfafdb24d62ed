//! Webhooks of sources: requests of shops and programs become events of contacts, if they prove
//! where they come from; what cannot be mapped is kept, and replayed once the mapping is mended.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use carillon::sources::deliveries::MAX_BODY_BYTES;
use carillon::sources::webhook::{preset, presets};
use futures::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::harness::api_client::Answer;
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours};

const SECRET: &str = "hush-secret";

/// A source, as the API has created it.
struct Hook {
    id: String,
    url: String,
    key: String,
}

impl Hook {
    async fn create(app: &TestApp, mapping: Value, verification: Value) -> Self {
        let name = format!("Hook {}", uuid::Uuid::new_v4());
        let new = json!({
            "name": name, "kind": "webhook", "mapping": mapping, "verification": verification,
        });
        let created = app.api().post("/sources", new).await.ok();
        let text = |field: &str| created[field].as_str().unwrap().to_owned();
        Self { id: id(&created), url: text("url"), key: text("key") }
    }

    /// A source with the settings of a preset.
    async fn of_preset(app: &TestApp, name: &str) -> Self {
        let preset = preset(name).unwrap();
        let mut verification = preset.verification.clone();
        if preset.secret_label.is_some() {
            verification["secret"] = SECRET.into();
        }
        Self::create(app, preset.mapping.clone(), verification).await
    }

    /// A source whose requests have a phone number and a type, proven by its key.
    async fn simple(app: &TestApp) -> Self {
        let mapping =
            json!({ "phone": "$.phone", "event": "$.type", "id": "$.id", "properties": "$" });
        Self::create(app, mapping, json!({ "type": "key" })).await
    }

    fn request(&self, app: &TestApp) -> RequestBuilder {
        app.http.post(&self.url).header("content-type", "application/json")
    }

    /// Sends a body with the source's key; returns the answer.
    async fn send(&self, app: &TestApp, body: &Value) -> Answer {
        answer(self.request(app).bearer_auth(&self.key).body(body.to_string())).await
    }

    async fn deliveries(&self, app: &TestApp) -> Vec<Value> {
        let list = app.api().get(&format!("/sources/{}/deliveries", self.id)).await.ok();
        list["items"].as_array().unwrap().clone()
    }

    async fn map(&self, app: &TestApp, mapping: Value) {
        app.api().patch(&format!("/sources/{}", self.id), json!({ "mapping": mapping })).await.ok();
    }

    async fn replay(&self, app: &TestApp, delivery: &Value) -> Answer {
        let path = format!("/sources/{}/deliveries/{}/replay", self.id, delivery["number"]);
        app.api().post(&path, json!({})).await
    }

    async fn counts(&self, app: &TestApp) -> [i64; 4] {
        let source = app.api().get(&format!("/sources/{}", self.id)).await.ok();
        ["accepted", "repeated", "unreachable", "rejected"]
            .map(|outcome| source["counts"]["today"][outcome].as_i64().unwrap())
    }
}

async fn answer(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

fn outcome(answer: Answer) -> String {
    answer.ok()["outcome"].as_str().unwrap().to_owned()
}

fn mac(parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

/// A request of a preset's sender, signed as its documentation says.
fn signed(app: &TestApp, hook: &Hook, name: &str, body: &str) -> RequestBuilder {
    let mut request = hook.request(app).body(body.to_owned());
    for (header, value) in preset(name).unwrap().sample_headers.as_object().unwrap() {
        request = request.header(header, value.as_str().unwrap());
    }
    let signature = mac(&[body.as_bytes()]);
    match name {
        "shopify" => request.header("X-Shopify-Hmac-SHA256", STANDARD.encode(signature)),
        "woocommerce" => request.header("X-WC-Webhook-Signature", STANDARD.encode(signature)),
        "github" => request.header("X-Hub-Signature-256", format!("sha256={}", hex(&signature))),
        "stripe" => {
            let time = app.clock.now().timestamp().to_string();
            let v1 = hex(&mac(&[time.as_bytes(), b".", body.as_bytes()]));
            request.header("Stripe-Signature", format!("t={time},v1={v1}"))
        }
        _ => request.bearer_auth(&hook.key),
    }
}

/// The example of a preset, about a handset and without a time, so that it has just happened.
fn order(name: &str, phone: &str) -> String {
    let sample = preset(name).unwrap().sample_body;
    sample
        .replace("(415) 555-0123", phone)
        .replace("+14155550123", phone)
        .replace("\"occurred_at\"", "\"was\"")
        .replace("\"created\"", "\"was\"")
        .replace("_gmt\"", "_was\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_every_preset_sends_is_recorded_once() {
    let app = TestApp::start().await;
    for preset in presets() {
        let hook = Hook::of_preset(&app, preset.id).await;
        let body = order(preset.id, HANDSET);
        let answers = [
            answer(signed(&app, &hook, preset.id, &body)).await.ok(),
            answer(signed(&app, &hook, preset.id, &body)).await.ok(),
        ];
        assert_eq!(answers[0]["outcome"], "accepted", "{}: {answers:#?}", preset.id);
        assert_eq!(answers[1]["outcome"], "repeated", "{}: {answers:#?}", preset.id);
        assert_eq!(answers[0]["event_id"], answers[1]["event_id"]);
        assert_eq!(hook.counts(&app).await, [1, 1, 0, 0], "{}", preset.id);
        let deliveries = hook.deliveries(&app).await;
        assert_eq!(deliveries[1]["body"], body);
        assert_eq!(deliveries[1]["event_id"], answers[0]["event_id"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_a_shop_texts_its_customer() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("orders/create", &twilio, "Thank you for order {{ event.order_number }}.").await;
    let hook = Hook::of_preset(&app, "shopify").await;
    let body = order("shopify", HANDSET);
    let mut request = signed(&app, &hook, "shopify", &body).build().unwrap();
    // The example's time is past: an event of now starts automations.
    request
        .headers_mut()
        .insert("x-shopify-triggered-at", app.clock.now().to_rfc3339().parse().unwrap());
    let answered = Answer::read(app.http.execute(request).await.unwrap()).await.ok();
    assert_eq!(answered["enrollments"], 1, "{answered:#}");
    app.run_until_idle().await;
    let messages = app.messages_to(HANDSET).await;
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].body, "Thank you for order 1042.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_proves_nothing_leaves_only_its_reason() {
    let app = TestApp::start().await;
    for name in ["shopify", "woocommerce", "stripe", "github", "json"] {
        let hook = Hook::of_preset(&app, name).await;
        let body = order(name, HANDSET);
        let forged = hook.request(&app).body(body.clone());
        let changed = signed(&app, &hook, name, &body).body(body.replace("Ada", "Eve"));
        answer(forged).await.refused(401);
        if name != "json" {
            answer(changed).await.refused(401);
        }
        let deliveries = hook.deliveries(&app).await;
        for delivery in &deliveries {
            assert_eq!((&delivery["outcome"], &delivery["body"]), (&json!("rejected"), &json!("")));
            hook.replay(&app, delivery).await.refused(409);
        }
        assert_eq!(hook.counts(&app).await, [0, 0, 0, if name == "json" { 1 } else { 2 }]);
        let reason = deliveries[0]["reason"].as_str().unwrap();
        assert!(!reason.contains(SECRET) && !reason.contains(&hook.key), "{reason}");
    }
    assert_eq!(app.count("contacts").await + app.count("events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_request_of_stripe_cannot_be_sent_again_later() {
    let app = TestApp::start().await;
    let hook = Hook::of_preset(&app, "stripe").await;
    let body = order("stripe", HANDSET);
    let recorded = signed(&app, &hook, "stripe", &body);
    let again = recorded.try_clone().unwrap();
    assert_eq!(outcome(answer(recorded).await), "accepted");
    app.advance(hours(1)).await;
    let refused = answer(again).await.refused(401);
    assert!(refused["message"].as_str().unwrap().contains("3600 seconds ago"), "{refused:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_source_proves_its_own_requests_only() {
    let app = TestApp::start().await;
    let (hook, other) = (Hook::simple(&app).await, Hook::simple(&app).await);
    let body = json!({ "phone": HANDSET, "type": "order" }).to_string();
    let plain = || hook.request(&app).body(body.clone());
    let in_query = app.http.put(format!("{}?key={}", hook.url, hook.key)).body(body.clone());
    for right in
        [plain().bearer_auth(&hook.key), plain().header("X-Carillon-Key", &hook.key), in_query]
    {
        assert_eq!(outcome(answer(right).await), "accepted");
    }
    for wrong in [plain().bearer_auth(&other.key), plain().bearer_auth("sk_x"), plain()] {
        answer(wrong).await.refused(401);
    }
    let stored = app.texts("SELECT d::text AS text FROM source_deliveries d").await.join(" ");
    assert!(!stored.contains(&hook.key) && !stored.contains("authorization"), "{stored}");

    app.api().patch(&format!("/sources/{}", hook.id), json!({ "enabled": false })).await.ok();
    hook.send(&app, &json!({ "phone": HANDSET, "type": "order" })).await.refused(403);
    assert_eq!(app.count("events").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_webhook_sources_have_an_address() {
    let app = TestApp::start().await;
    let segment = app.api().post("/sources", json!({ "name": "S", "kind": "segment" })).await.ok();
    for id in [id(&segment), uuid::Uuid::now_v7().to_string(), "x".to_owned()] {
        let url = format!("{}/in/{id}", app.url);
        answer(app.http.post(url).body("{}")).await.refused(404);
    }
    let hook = Hook::simple(&app).await;
    let got = app.http.request(Method::GET, &hook.url).send().await.unwrap();
    assert_eq!(got.status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_mapped_like_json() {
    let app = TestApp::start().await;
    let hook = Hook::simple(&app).await;
    let form = [("phone", HANDSET), ("type", "signed_up"), ("plan", "pro")];
    let sent = app.http.put(&hook.url).bearer_auth(&hook.key).form(&form);
    assert_eq!(outcome(answer(sent).await), "accepted");
    let stored = app.texts("SELECT name || ' ' || properties::text AS text FROM events").await;
    let plan = r#"{"phone":"+12065550111","plan":"pro","type":"signed_up"}"#;
    assert_eq!(stored, [format!("signed_up {plan}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejected_delivery_is_replayed_once_after_its_mapping_is_mended() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order", &twilio, "Total {{ event.total }}.").await;
    let hook = Hook::create(&app, json!({}), json!({ "type": "key" })).await;
    let body = json!({ "who": { "tel": HANDSET }, "kind": "order", "total": 7 });
    assert_eq!(outcome(hook.send(&app, &body).await), "rejected");
    let delivery = hook.deliveries(&app).await.remove(0);
    assert!(delivery["reason"].as_str().unwrap().contains("Nothing is mapped yet"), "{delivery:#}");

    hook.map(&app, json!({ "phone": "$.tel", "event": "$.kind", "properties": "$" })).await;
    let still = hook.replay(&app, &delivery).await.ok();
    assert_eq!(still["outcome"], "rejected");
    assert_eq!(still["reason"], "phone: There is nothing at $.tel.");
    assert!(still["replayed_at"].is_null());

    hook.map(&app, json!({ "phone": "$.who.tel", "event": "$.kind", "properties": "$" })).await;
    let replays = join_all((0..4).map(|_| hook.replay(&app, &delivery))).await;
    let statuses: Vec<u16> = replays.iter().map(|replay| replay.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 3, "{statuses:?}");
    let shown = hook.deliveries(&app).await.remove(0);
    assert_eq!(shown["outcome"], "accepted");
    assert!(shown["event_id"].is_string() && shown["replayed_at"].is_string(), "{shown:#}");
    hook.replay(&app, &delivery).await.refused(409);
    app.run_until_idle().await;
    assert_eq!(app.messages_to(HANDSET).await.len(), 1);
    let audit = app
        .texts("SELECT summary AS text FROM audit_log WHERE summary LIKE 'replayed%' ORDER BY id")
        .await;
    let number = &delivery["number"];
    assert_eq!(
        audit,
        [
            format!("replayed delivery {number}: rejected"),
            format!("replayed delivery {number}: accepted")
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_accepted_or_unknown_delivery_is_not_replayed() {
    let app = TestApp::start().await;
    let (hook, other) = (Hook::simple(&app).await, Hook::simple(&app).await);
    hook.send(&app, &json!({ "phone": HANDSET, "type": "order" })).await.ok();
    let delivery = hook.deliveries(&app).await.remove(0);
    hook.replay(&app, &delivery).await.refused(409);
    other.replay(&app, &delivery).await.refused(404);
    hook.replay(&app, &json!({ "number": 0 })).await.refused(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compressed_or_too_large_webhook_is_refused_and_a_large_one_is_kept_in_part() {
    let app = TestApp::start().await;
    let hook = Hook::simple(&app).await;
    let plain = || hook.request(&app).bearer_auth(&hook.key);
    answer(plain().header("content-encoding", "gzip").body("x")).await.refused(415);
    answer(plain().body("x".repeat((1 << 20) + 1))).await.refused(413);
    let large = json!({ "phone": OTHER_HANDSET, "note": "n".repeat(MAX_BODY_BYTES) });
    assert_eq!(outcome(hook.send(&app, &large).await), "rejected");
    let delivery = hook.deliveries(&app).await.remove(0);
    assert_eq!(delivery["body"].as_str().unwrap().len(), MAX_BODY_BYTES);
    hook.replay(&app, &delivery).await.refused(409);
    let mut sent = large;
    sent["type"] = "order".into();
    let accepted = hook.send(&app, &sent).await.ok();
    assert_eq!(accepted["outcome"], "accepted");
    assert!(accepted["reason"].as_str().unwrap().contains("note"), "{accepted:#}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_webhook_of_woocommerce_is_answered_with_200_and_records_nothing() {
    let app = TestApp::start().await;
    let hook = Hook::of_preset(&app, "woocommerce").await;
    let ping = app.http.post(&hook.url).form(&[("webhook_id", "31")]).send().await.unwrap();
    assert_eq!(ping.status(), 200);
    assert_eq!(app.count("source_deliveries").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_hundred_deliveries_are_kept_for_thirty_days() {
    let app = TestApp::start().await;
    let hook = Hook::simple(&app).await;
    for number in 0..130 {
        let event = json!({ "phone": HANDSET, "type": "order", "id": number });
        assert_eq!(outcome(hook.send(&app, &event).await), "accepted");
    }
    // A stranger's calls do not displace what the source has sent.
    for _ in 0..64 {
        answer(hook.request(&app).body("{}")).await.refused(401);
    }
    let deliveries = hook.deliveries(&app).await;
    assert_eq!(deliveries.len(), 100);
    let of_source = deliveries.iter().filter(|delivery| delivery["body"] != "").count();
    assert!(of_source > 60, "{of_source}");
    assert!(app.count("source_deliveries").await <= 152);
    app.advance(days(29)).await;
    assert_eq!(hook.deliveries(&app).await.len(), 100);
    app.advance(days(2)).await;
    assert_eq!(hook.deliveries(&app).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_without_a_known_number_and_hostile_ones_are_answered_and_kept() {
    let app = TestApp::start().await;
    let mapping = json!({ "phone": "$.phone", "email": "$.email", "event": "order" });
    let hook = Hook::create(&app, mapping, json!({ "type": "key" })).await;
    let unreachable = json!({ "email": "ada@example.com" });
    assert_eq!(outcome(hook.send(&app, &unreachable).await), "unreachable");
    for hostile in [
        b"".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        vec![0xff; 100],
        b"[".repeat(100_000),
        br#"{"phone": "\u0000\ud800"}"#.to_vec(),
        br#"{"phone": {"phone": []}}"#.to_vec(),
    ] {
        let sent = hook.request(&app).bearer_auth(&hook.key).body(hostile);
        assert_eq!(outcome(answer(sent).await), "rejected");
    }
    assert_eq!(hook.counts(&app).await, [0, 0, 1, 7]);
    assert_eq!(hook.deliveries(&app).await.len(), 8);
}
