//! The webhooks: only calls that Twilio signed are accepted, and they are answered only after their
//! commit.

use reqwest::Response;
use serde_json::json;
use twilio_simulator::{
    ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, Fault, LONG_CODE, Rule,
    SUSPENDED_ACCOUNT_SID, sign,
};

use crate::harness::fixtures::Twilio;
use crate::harness::test_database::Reachable;
use crate::harness::{HANDSET, TestApp};

pub(crate) type Params<'a> = &'a [(&'a str, &'a str)];

const STOP: Params<'_> = &[
    ("MessageSid", "SM00000000000000000000000000000001"),
    ("AccountSid", ACCOUNT_SID),
    ("From", HANDSET),
    ("To", LONG_CODE),
    ("Body", "STOP"),
    ("NumMedia", "0"),
];

pub(crate) fn owned(params: Params<'_>) -> Vec<(String, String)> {
    params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// Calls a webhook, with or without a signature.
pub(crate) async fn call(
    app: &TestApp,
    path: &str,
    params: Params<'_>,
    signature: Option<&str>,
) -> Response {
    let mut request = app.http.post(format!("{}{path}", app.url)).form(params);
    if let Some(signature) = signature {
        request = request.header("X-Twilio-Signature", signature);
    }
    request.send().await.unwrap()
}

/// Calls a webhook with a valid signature, and returns the status of the response.
pub(crate) async fn call_signed(app: &TestApp, path: &str, params: Params<'_>) -> u16 {
    app.signed_call(path, params).send().await.unwrap().status().as_u16()
}

fn inbound(twilio: &Twilio) -> String {
    format!("/hooks/twilio/{}/inbound", twilio.connection_id)
}

/// The path of the status webhook of a message.
pub(crate) fn status(twilio: &Twilio, message: impl std::fmt::Display) -> String {
    format!("/hooks/twilio/{}/status/{message}", twilio.connection_id)
}

async fn rejections(app: &TestApp) -> Vec<String> {
    app.texts("SELECT hook || ' ' || reason AS text FROM rejected_webhooks ORDER BY id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_signature_is_refused_and_only_recorded_as_a_rejection() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = inbound(&twilio);
    let url = format!("{}{path}", app.url);
    for forged in [
        sign("another token", &url, &owned(STOP)),
        sign(AUTH_TOKEN, &url.replace("inbound", "other"), &owned(STOP)),
        sign(AUTH_TOKEN, &url, &owned(&STOP[1..])),
        sign(AUTH_TOKEN, "https://example.com/", &owned(STOP)),
        "AAAA".to_owned(),
        String::new(),
    ] {
        assert_eq!(call(&app, &path, STOP, Some(&forged)).await.status(), 403, "{forged}");
    }
    assert_eq!(rejections(&app).await, ["inbound wrong_signature"; 6]);
    assert_eq!(
        app.count("messages").await + app.count("contacts").await + app.count("suppressions").await,
        0
    );
    let notes = app.texts("SELECT r::text AS text FROM rejected_webhooks r").await.join(" ");
    assert!(
        !notes.contains(AUTH_TOKEN) && !notes.contains(&HANDSET[1..]) && notes.contains(&app.url),
        "{notes}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_signature_is_refused() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    assert_eq!(call(&app, &inbound(&twilio), STOP, None).await.status(), 403);
    assert_eq!(rejections(&app).await, ["inbound unsigned"]);
    assert_eq!(app.count("messages").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_cover_blank_repeated_unknown_and_non_ascii_parameters() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let odd: Params<'_> = &[
        ("MessageSid", "SM00000000000000000000000000000002"),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", "Grüße & 100 % + 你好 🎉\nzweite Zeile "),
        ("FromCity", ""),
        ("FromState", ""),
        ("NumMedia", "0"),
        ("NewParameter", "unknown"),
        ("Repeated", "b"),
        ("Repeated", "a"),
        ("Repeated", "b"),
        ("ümlaut", "ja"),
    ];
    assert_eq!(call_signed(&app, &inbound(&twilio), odd).await, 200);
    assert_eq!(
        app.texts("SELECT body AS text FROM messages").await,
        ["Grüße & 100 % + 你好 🎉\nzweite Zeile "]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbound_message_is_answered_with_empty_twiml_and_a_status_with_204() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = inbound(&twilio);
    let signature = sign(AUTH_TOKEN, &format!("{}{path}", app.url), &owned(STOP));
    let answer = call(&app, &path, STOP, Some(&signature)).await;
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/xml"));
    let body = answer.text().await.unwrap();
    assert!(body.ends_with("<Response/>") && !body.contains("<Message"), "{body}");

    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", "+12065550113", json!({})).await;
    app.run_until_idle().await;
    let answers: Vec<Option<u16>> =
        app.simulator.callbacks().iter().map(|callback| callback.answer).collect();
    assert_eq!(answers, [Some(204); 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_of_the_url_without_its_port_is_accepted() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = inbound(&twilio);
    let without = sign(AUTH_TOKEN, &format!("http://127.0.0.1{path}"), &owned(STOP));
    assert_eq!(call(&app, &path, STOP, Some(&without)).await.status(), 200);
    let other = sign(AUTH_TOKEN, &format!("http://127.0.0.1:1{path}"), &owned(STOP));
    assert_eq!(call(&app, &path, STOP, Some(&other)).await.status(), 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_of_a_url_with_a_query_is_accepted_in_both_encodings() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = format!("{}?shop=O%27Hara&x=%28a+b%29", inbound(&twilio));
    let old = format!("{}{}?shop=O'Hara&x=(a%20b)", app.url, inbound(&twilio));
    assert_eq!(call_signed(&app, &path, STOP).await, 200);
    assert_eq!(
        call(&app, &path, STOP, Some(&sign(AUTH_TOKEN, &old, &owned(STOP)))).await.status(),
        200
    );
    let other = old.replace("Hara", "Hare");
    assert_eq!(
        call(&app, &path, STOP, Some(&sign(AUTH_TOKEN, &other, &owned(STOP)))).await.status(),
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn webhook_urls_ask_twilio_to_retry_and_a_repeat_counts_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let webhook_urls = app.texts("SELECT webhook_url AS text FROM senders").await;
    assert_eq!(webhook_urls, [format!("{}{}#rc=5&rp=all", app.url, inbound(&twilio))]);
    app.database.set_reachable(Reachable::No).await;
    let simulator = app.simulator.clone();
    let texting =
        tokio::spawn(async move { simulator.reply(HANDSET, LONG_CODE, "STOP").await.unwrap() });
    app.eventually("Twilio has been answered with 503", async || {
        app.simulator.callbacks().iter().any(|callback| callback.answer == Some(503)).then_some(())
    })
    .await;
    app.database.set_reachable(Reachable::Yes).await;
    let reply = texting.await.unwrap();
    let tries = app.simulator.callbacks();
    let tokens: std::collections::HashSet<&str> =
        tries.iter().map(|callback| callback.idempotency_token.as_str()).collect();
    assert!((2..=6).contains(&tries.len()) && tokens.len() == 1, "{tries:#?}");
    assert!(
        tries.iter().all(|callback| !callback.url.contains('#')),
        "Twilio strips the fragment with its settings"
    );
    if reply.webhook_status != Some(200) {
        // The database was unavailable for longer than Twilio retries.
        assert_eq!(call_signed(&app, &inbound(&twilio), STOP).await, 200);
    }
    for _ in 0..2 {
        assert_eq!(call_signed(&app, &inbound(&twilio), STOP).await, 200);
    }
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");
    assert_eq!(
        app.count("messages WHERE twilio_sid = 'SM00000000000000000000000000000001'").await,
        1
    );
    assert_eq!(app.count("suppressions").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_may_change_host_and_scheme() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = inbound(&twilio);
    let signature = sign(AUTH_TOKEN, &format!("{}{path}", app.url), &owned(STOP));
    let request = app
        .http
        .post(format!("{}{path}", app.url))
        .form(STOP)
        .header("X-Twilio-Signature", signature);
    let proxied = request
        .header("Host", "10.0.0.7:8080")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "evil.example");
    assert_eq!(proxied.send().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_message_or_connection_is_404() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let report: Params<'_> = &[
        ("MessageSid", "SM00000000000000000000000000000003"),
        ("MessageStatus", "delivered"),
        ("AccountSid", ACCOUNT_SID),
    ];
    let unknown_id = uuid::Uuid::now_v7();
    for message in [unknown_id.to_string(), "7".to_owned()] {
        let path = status(&twilio, &message);
        assert_eq!(call_signed(&app, &path, report).await, 404, "{message}");
    }
    for connection in [unknown_id.to_string(), "x".to_owned()] {
        let path = format!("/hooks/twilio/{connection}/inbound");
        assert_eq!(call_signed(&app, &path, STOP).await, 404, "{connection}");
    }
    assert_eq!(app.count("messages").await + app.count("delivery_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_is_refused_even_when_signed() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let mut params = STOP.to_vec();
    params[1].1 = SUSPENDED_ACCOUNT_SID;
    assert_eq!(call_signed(&app, &inbound(&twilio), &params).await, 403);
    assert_eq!(rejections(&app).await, ["inbound other_account"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_call_is_400_and_recorded() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let params: Params<'_> = &[("AccountSid", ACCOUNT_SID), ("Body", "STOP")];
    assert_eq!(call_signed(&app, &inbound(&twilio), params).await, 400);
    assert_eq!(rejections(&app).await, ["inbound malformed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_auth_token_a_stop_needs_neither_signature_nor_secret() {
    let app = TestApp::start().await;
    let keys = json!(
        {
            "account_sid": ACCOUNT_SID,
            "api_key_sid": API_KEY_SID,
            "api_key_secret": API_KEY_SECRET,
            "sender": LONG_CODE
        }
    );
    let connection = app.api().post("/connections", keys).await.ok();
    assert_eq!(connection["has_auth_token"], false);
    let path = format!("/hooks/twilio/{}/inbound", connection["id"].as_str().unwrap());
    assert_eq!(call(&app, &path, STOP, None).await.status(), 200);
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_auth_token_is_accepted_once_it_is_saved() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let new = "6e656e656e656e656e656e656e656e65";
    app.simulator.change_account(ACCOUNT_SID, |account| new.clone_into(&mut account.auth_token));
    app.api()
        .put(&format!("/connections/{}/keys", twilio.connection_id), json!({ "auth_token": new }))
        .await
        .ok();
    app.eventually("the new token verifies", async || {
        let path = inbound(&twilio);
        let signature = sign(new, &format!("{}{path}", app.url), &owned(STOP));
        (call(&app, &path, STOP, Some(&signature)).await.status() == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_answer_503_without_a_database_and_accept_the_call_afterwards() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::DropCallbacks));
    let message = app.message_for_hello(HANDSET).await;
    let sid = message.twilio_sid.clone().unwrap();
    let report: Params<'_> =
        &[("MessageSid", &sid), ("MessageStatus", "delivered"), ("AccountSid", ACCOUNT_SID)];
    let path = status(&twilio, message.id);

    app.database.set_reachable(Reachable::No).await;
    assert_eq!(call_signed(&app, &path, report).await, 503);
    assert_eq!(call_signed(&app, &inbound(&twilio), STOP).await, 503);
    assert_eq!(app.api().get("/contacts").await.refused(503)["code"], "unavailable");
    let health = async |path: &str| {
        app.http.get(format!("{}{path}", app.url)).send().await.unwrap().status().as_u16()
    };
    assert_eq!((health("/healthz").await, health("/readyz").await), (200, 503));

    app.database.set_reachable(Reachable::Yes).await;
    assert_eq!(health("/readyz").await, 200);
    assert_eq!(call_signed(&app, &path, report).await, 204);
    assert_eq!(call_signed(&app, &inbound(&twilio), STOP).await, 200);
    assert_eq!(app.message_to(HANDSET).await.status.as_str(), "delivered");
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "stop");
}
