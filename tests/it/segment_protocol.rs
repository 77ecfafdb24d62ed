//! Segment's protocol over HTTP: batches and single calls, as the clients of Segment and
//! RudderStack send them, and as only a broken client would.

use std::io::Write;

use carillon::types::token::RandomToken;
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::api_client::Answer;
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, TestApp, days, hours};

/// A source with its key.
struct Segment {
    id: String,
    key: String,
}

impl Segment {
    async fn create(app: &TestApp) -> Self {
        Self::create_with(app, json!({ "kind": "segment" })).await
    }

    async fn create_with(app: &TestApp, mut settings: Value) -> Self {
        settings["name"] = json!(Uuid::new_v4().to_string());
        let created = app.api().post("/sources", settings).await.ok();
        Self { id: id(&created), key: created["key"].as_str().unwrap().to_owned() }
    }

    /// A request with the key as clients send it.
    fn request(&self, app: &TestApp, path: &str) -> RequestBuilder {
        app.http.post(format!("{}/v1/{path}", app.url)).basic_auth(&self.key, Some(""))
    }

    async fn post(&self, app: &TestApp, path: &str, body: &Value) -> Answer {
        send(self.request(app, path).json(body)).await
    }

    async fn batch(&self, app: &TestApp, messages: Value) -> Answer {
        self.post(app, "batch", &json!({ "batch": messages })).await
    }

    async fn enable(&self, app: &TestApp, enabled: bool) {
        let path = format!("/sources/{}", self.id);
        app.api().patch(&path, json!({ "enabled": enabled })).await.ok();
    }
}

async fn send(request: RequestBuilder) -> Answer {
    Answer::read(request.send().await.unwrap()).await
}

fn identify(user_id: &str, phone: &str) -> Value {
    json!({ "type": "identify", "userId": user_id, "traits": { "phone": phone } })
}

fn track(user_id: &str, message_id: &str) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": user_id, "messageId": message_id
    })
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

/// The places of the rejected messages, in an answer of success.
#[track_caller]
fn rejected(answer: Answer) -> Vec<u64> {
    let json = answer.ok();
    assert_eq!(json["success"], true, "{json:#}");
    let rejected = json["rejected"].as_array().cloned().unwrap_or_default();
    assert!(rejected.iter().all(|one| one["reason"].as_str().is_some_and(|why| !why.is_empty())));
    rejected.iter().map(|one| one["index"].as_u64().unwrap()).collect()
}

/// The message of an answer, which must have this status.
#[track_caller]
fn refused(answer: &Answer, status: u16) -> &str {
    assert_eq!(answer.status, status, "{:#}", answer.json);
    assert_eq!(answer.json["success"], false);
    answer.json["message"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_identifies_a_person_and_texts_them() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("Order Completed", &twilio, "Thank you.").await;
    let source = Segment::create(&app).await;
    let traits = json!({
        "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com",
        "phone": "+1 206-555-0111", "plan": "pro"
    });
    let messages = json!([
        { "type": "identify", "userId": "u-1", "traits": traits, "messageId": "m-1" },
        track("u-1", "m-2"),
    ]);
    assert_eq!(rejected(source.batch(&app, messages).await), [0; 0]);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Thank you."]);
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(
        (&contact["first_name"], &contact["last_name"], &contact["email"]),
        (&json!("Ada"), &json!("Lovelace"), &json!("ada@example.com"))
    );
    assert_eq!(
        (&contact["external_id"], &contact["attributes"]),
        (&json!("u-1"), &json!({ "plan": "pro" }))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_in_error_prevents_no_other() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let messages = json!([
        identify("u-1", HANDSET),
        7,
        { "type": "nothing", "userId": "u-1" },
        track("u-1", "m-1"),
        { "type": "track", "userId": "u-1" },
        { "type": "track", "event": "x" },
        { "type": "track", "event": "x", "userId": "u-1", "timestamp": "yesterday" },
        { "type": "track", "event": "x", "userId": "u-1", "properties": "y" },
        track("u-1", "m-2"),
    ]);
    let answer = source.batch(&app, messages).await;
    let reason = answer.json["rejected"][2]["reason"].as_str().unwrap().to_owned();
    assert_eq!(rejected(answer), [1, 2, 4, 5, 6, 7]);
    assert_eq!(reason, "event: This field is required. It is the event’s name.");
    assert_eq!((app.count("events").await, app.count("contacts").await), (2, 1));
    let kept = app.texts("SELECT reason AS text FROM source_deliveries ORDER BY number").await;
    assert_eq!(kept.len(), 5, "the first are kept to look at");
    assert_eq!(kept[0], "message: This must be an object.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_message_id_is_recorded_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("Order Completed", &twilio, "Thank you.").await;
    let source = Segment::create(&app).await;
    let long = "m".repeat(500);
    let messages = json!([
        identify("u-1", HANDSET),
        track("u-1", "m-1"),
        track("u-1", "m-1"),
        track("u-1", &long),
    ]);
    let answers = join_all((0..5).map(|_| source.batch(&app, messages.clone()))).await;
    for answer in answers {
        assert_eq!(rejected(answer), [0; 0], "clients repeat until they succeed");
    }
    assert_eq!((app.count("events").await, app.count("contacts").await), (2, 1));
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 2);

    let other = Segment::create(&app).await;
    rejected(other.batch(&app, json!([track("u-1", "m-1")])).await);
    assert_eq!(app.count("events").await, 3, "each source has its own message ids");
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_and_messages_that_are_too_large_are_refused() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let filled = |length: usize| {
        json!({
            "type": "track", "event": "x", "userId": "u-1", "properties": { "a": "x".repeat(length) }
        })
    };
    let messages = json!([identify("u-1", HANDSET), filled(31_000), filled(33_000), filled(10)]);
    assert_eq!(rejected(source.batch(&app, messages).await), [2]);
    assert_eq!(rejected(source.post(&app, "track", &filled(33_000)).await), [0]);
    assert_eq!(app.count("events").await, 2);

    let messages: Vec<Value> = (0..16).map(|_| filled(31_000)).collect();
    assert_eq!(rejected(source.batch(&app, json!(messages)).await), [0; 0]);
    let messages: Vec<Value> = (0..17).map(|_| filled(31_000)).collect();
    let answer = source.batch(&app, json!(messages)).await;
    assert!(refused(&answer, 413).contains("500 kB"));
    let zipped = gzip(json!({ "batch": messages }).to_string().as_bytes());
    assert!(zipped.len() < 100_000);
    let request = source.request(&app, "batch").header("Content-Encoding", "gzip").body(zipped);
    refused(&send(request).await, 413);

    let many: Vec<Value> = (0..2_501).map(|_| json!(7)).collect();
    let answer = source.batch(&app, json!(many)).await;
    assert!(refused(&answer, 413).contains("2500 messages"));
    assert_eq!(app.count("events").await, 18);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_be_larger_than_a_transaction() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let mut messages = vec![identify("u-1", HANDSET)];
    messages.extend((0..2_499).map(|n| track("u-1", &format!("m{n}"))));
    messages[1_500] = json!({});
    assert_eq!(rejected(source.batch(&app, json!(messages)).await), [1_500]);
    assert_eq!(app.count("events").await, 2_498);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_refused() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let mapping = json!({ "phone": "$.phone", "event": "called" });
    let webhook =
        Segment::create_with(&app, json!({ "kind": "webhook", "mapping": mapping })).await;
    let expired = Segment::create(&app).await;
    app.api().post(&format!("/sources/{}/key", expired.id), json!({})).await.ok();
    app.clock.advance(hours(24));
    let unknown = format!("sk_{}", RandomToken::generate().expose());
    let post = async |key: Option<&str>| {
        let mut request = app.http.post(format!("{}/v1/batch", app.url));
        if let Some(key) = key {
            request = request.basic_auth(key, Some(""));
        }
        send(request.json(&json!({ "batch": [identify("u-1", HANDSET)] }))).await
    };
    assert!(refused(&post(None).await, 401).contains("writeKey"));
    assert!(refused(&post(Some("ck_x")).await, 401).contains("sk_"));
    assert!(refused(&post(Some(&app.api().key)).await, 401).contains("sk_"));
    assert!(refused(&post(Some(&unknown)).await, 401).contains("No source has this key"));
    assert!(refused(&post(Some(&expired.key)).await, 401).contains("No source has this key"));
    assert!(refused(&post(Some(&webhook.key)).await, 403).contains("webhook"));
    assert!(!post(None).await.headers.contains_key("WWW-Authenticate"), "a browser would ask");
    assert_eq!(app.count("contacts").await, 0);
    assert_eq!(rejected(post(Some(&source.key)).await), [0; 0]);
    assert_eq!(app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_with_different_keys_share_a_batch_and_not_an_answer() {
    let app = TestApp::start().await;
    let (one, other) = (Segment::create(&app).await, Segment::create(&app).await);
    let unknown =
        Segment { id: String::new(), key: format!("sk_{}", RandomToken::generate().expose()) };
    rejected(one.batch(&app, json!([identify("u-1", HANDSET)])).await);
    let messages = json!([track("u-1", "m-1"), {}]);
    let answers = join_all((0..60).map(|n| {
        let source = [&one, &other, &unknown][n % 3];
        source.batch(&app, messages.clone())
    }))
    .await;
    for (n, answer) in answers.into_iter().enumerate() {
        if n % 3 == 2 {
            refused(&answer, 401);
        } else {
            assert_eq!(rejected(answer), [1]);
        }
    }
    assert_eq!(app.count("events").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn gzip_is_recognised_whatever_the_content_type_says() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let body = json!({ "batch": [identify("u-1", HANDSET), track("u-1", "m-1")] }).to_string();
    let post = async |kind: Option<&str>, coding: Option<&str>, body: Vec<u8>| {
        let mut request = source.request(&app, "batch").body(body);
        for (name, value) in [("Content-Type", kind), ("Content-Encoding", coding)] {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        send(request).await
    };
    // As RudderStack's client for Node.js.
    let form = Some("application/x-www-form-urlencoded");
    assert_eq!(rejected(post(form, Some("gzip"), gzip(body.as_bytes())).await), [0; 0]);
    assert_eq!(app.count("events").await, 1);
    for kind in [None, form, Some("text/plain"), Some("nonsense")] {
        assert_eq!(rejected(post(kind, None, body.clone().into_bytes()).await), [0; 0]);
    }
    let json = Some("application/json");
    refused(&post(json, Some("br"), body.clone().into_bytes()).await, 415);
    refused(&post(json, Some("gzip"), body.clone().into_bytes()).await, 400);
    refused(&post(json, None, gzip(body.as_bytes())).await, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_may_be_in_the_body_and_the_anonymous_id_null() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    // As segment-analytics-python 2.3.4.
    let body = json!({
        "batch": [
            {
                "integrations": {}, "anonymousId": null, "type": "identify", "userId": "u-1",
                "context": { "library": { "name": "analytics-python", "version": "2.3.4" } },
                "timestamp": app.clock.now().to_rfc3339(), "messageId": "m-1",
                "traits": { "phone": HANDSET }
            },
            {
                "integrations": {}, "anonymousId": null, "type": "track", "userId": "u-1",
                "event": "Order Completed", "properties": { "total": 5 }, "messageId": "m-2"
            }
        ],
        "writeKey": source.key,
        "sentAt": app.clock.now().to_rfc3339()
    });
    let request = app.http.post(format!("{}/v1/batch", app.url)).json(&body);
    assert_eq!(rejected(send(request).await), [0; 0]);
    assert_eq!(app.contact_of(HANDSET).await["external_id"], "u-1");
    assert_eq!(app.count("events").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_is_corrected() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("Order Completed", &twilio, "Thank you.").await;
    let source = Segment::create(&app).await;
    rejected(source.batch(&app, json!([identify("u-1", HANDSET)])).await);
    let now = app.clock.now();
    // Each client made its call ten minutes before its request.
    for skew in [TimeDelta::zero(), days(400), -days(400), hours(25)] {
        let mut message = track("u-1", &format!("m{skew}"));
        message["timestamp"] = json!((now + skew - TimeDelta::minutes(10)).to_rfc3339());
        let body = json!({ "batch": [message], "sentAt": (now + skew).to_rfc3339() });
        assert_eq!(rejected(source.post(&app, "batch", &body).await), [0; 0]);
    }
    let times = "SELECT DISTINCT occurred_at::text AS text FROM events";
    assert_eq!(app.texts(times).await.len(), 1);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 4);

    // An old event of a client whose clock is right is history.
    let mut old = track("u-1", "old");
    old["timestamp"] = json!((now - days(30)).to_rfc3339());
    let body = json!({ "batch": [old], "sentAt": now.to_rfc3339() });
    assert_eq!(rejected(source.post(&app, "import", &body).await), [0; 0]);
    app.run_until_idle().await;
    assert_eq!((app.count("events").await, app.received(HANDSET).len()), (5, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_source_records_nothing() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let batch = |n: usize| json!([identify("u-1", HANDSET), track("u-1", &format!("m{n}"))]);
    let (before, after) =
        futures::join!(join_all((0..40).map(|n| source.batch(&app, batch(n)))), async {
            source.enable(&app, false).await;
            join_all((40..60).map(|n| source.batch(&app, batch(n)))).await
        });
    for answer in &after {
        assert!(refused(answer, 403).contains("disabled"), "at once, with nothing cached");
    }
    let accepted = before.iter().filter(|answer| answer.status == 200).count();
    for answer in before.iter().filter(|answer| answer.status != 200) {
        refused(answer, 403);
    }
    assert_eq!(app.count("events").await, i64::try_from(accepted).unwrap());
    source.enable(&app, true).await;
    assert_eq!(rejected(source.batch(&app, batch(60)).await), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_has_its_own_address_with_and_without_a_slash() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    rejected(source.batch(&app, json!([identify("u-1", HANDSET)])).await);
    let of = |fields: Value| {
        let mut body = json!({ "userId": "u-1", "writeKey": source.key });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    };
    for (paths, body) in [
        (["identify", "i"], of(json!({ "traits": { "firstName": "Ada" } }))),
        (["track", "t"], of(json!({ "event": "Order Completed" }))),
        (["page", "p"], of(json!({ "name": "Pricing" }))),
        (["screen", "s"], of(json!({ "name": "Cart", "category": "Shop" }))),
        (["group", "g"], of(json!({ "groupId": "g-1", "traits": { "name": "Initech" } }))),
        (["alias", "a"], of(json!({ "previousId": "anonymous" }))),
        (["import", "b"], of(json!({ "batch": [track("u-1", "m-1")] }))),
    ] {
        for path in paths {
            for path in [path.to_owned(), format!("{path}/")] {
                let answer = source.post(&app, &path, &body).await;
                assert_eq!(rejected(answer), [0; 0], "{path}");
            }
        }
    }
    let names = "SELECT name || ' ' || count(*) AS text FROM events GROUP BY name ORDER BY name";
    assert_eq!(app.texts(names).await, ["Order Completed 5", "page 4", "screen 4"]);
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(contact["first_name"], "Ada");
    assert_eq!(contact["attributes"], json!({ "group_id": "g-1", "group_name": "Initech" }));
    refused(&source.post(&app, "nothing", &json!({})).await, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_messages_is_refused() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    for body in [json!([]), json!({}), json!({ "batch": {} }), json!("x"), json!(null)] {
        refused(&source.post(&app, "batch", &body).await, 400);
    }
    refused(&source.post(&app, "track", &json!([track("u-1", "m-1")])).await, 400);
    let cut = send(source.request(&app, "batch").body("{\"batch\": [")).await;
    assert!(refused(&cut, 400).contains("line 1 column"));
    assert_eq!(rejected(source.batch(&app, json!([])).await), [0; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_cannot_be_stored_is_cleaned() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let body = format!(
        r#"{{"batch": [
            {{"type": "identify", "userId": "u-1\u0000", "traits": {{"phone": "{HANDSET}",
                "firstName": "A\u0000da", "note": "cut \ud83d"}}}},
            {{"type": "track", "event": "x\ud83d", "userId": "u-1", "properties": {{"\u0000": "\u0000"}}}}
        ]}}"#
    );
    assert_eq!(rejected(send(source.request(&app, "batch").body(body)).await), [0; 0]);
    let contact = app.contact_of(HANDSET).await;
    assert_eq!((&contact["first_name"], &contact["external_id"]), (&json!("Ada"), &json!("u-1")));
    assert_eq!(contact["attributes"]["note"], "cut \u{fffd}");
    assert_eq!(app.texts("SELECT name AS text FROM events").await, ["x\u{fffd}"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_of_another_site_may_send() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let url = format!("{}/v1/t", app.url);
    let preflight = app.http.request(Method::OPTIONS, &url).header("Origin", "https://example.com");
    let preflight = send(preflight).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.headers["Access-Control-Allow-Origin"], "*");
    assert!(preflight.headers["Access-Control-Allow-Methods"].to_str().unwrap().contains("POST"));
    let allowed = preflight.headers["Access-Control-Allow-Headers"].to_str().unwrap();
    assert!(allowed.contains("Authorization") && allowed.contains("Content-Type"));
    for (path, body, status) in [("t", track("u-1", "m-1"), 200), ("b", json!([]), 400)] {
        let answer = source.post(&app, path, &body).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.headers["Access-Control-Allow-Origin"], "*");
    }
    assert_eq!(app.http.get(&url).send().await.unwrap().status(), 405);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_messages_than_can_wait_are_to_be_sent_later() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    let mut lock = app.database.connect().await;
    lock.batch_execute("BEGIN; LOCK TABLE source_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let messages = (0..2_500).map(|n| track("unknown", &format!("m{n}"))).collect::<Value>();
    // Eight of these can wait.
    let mut requests: FuturesUnordered<_> =
        (0..9).map(|_| source.batch(&app, messages.clone())).collect();
    let first = requests.next().await.unwrap();
    assert!(refused(&first, 429).contains("Send it again"));
    assert_eq!(first.headers["Retry-After"], "5");
    lock.batch_execute("COMMIT").await.unwrap();
    let others: Vec<Answer> = requests.collect().await;
    assert!(others.into_iter().all(|answer| rejected(answer).is_empty()));
    assert_eq!(rejected(source.batch(&app, messages).await), [0; 0], "there is room again");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_database_messages_are_to_be_sent_later() {
    let app = TestApp::start().await;
    let source = Segment::create(&app).await;
    app.context.db.close();
    for messages in [json!([track("u-1", "m-1")]), json!([track("u-1", "m-1"), {}])] {
        let answer = source.batch(&app, messages).await;
        assert!(refused(&answer, 503).contains("the database doesn’t answer"));
        assert_eq!(answer.headers["Retry-After"], "5");
    }
}
