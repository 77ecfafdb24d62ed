//! Without an Auth Token, a secret in the webhook URL authenticates the calls of Twilio. Only
//! Twilio sees it, and it can be rotated without a gap.

use carillon::connections;
use carillon::users::Role;
use serde_json::{Value, json};
use twilio_simulator::{
    ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, Fault, LONG_CODE, Rule, SERVICE_SID, sign,
};

use crate::harness::fixtures::Twilio;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours};

/// Connects the account with an API key only.
async fn connect(app: &TestApp) -> Twilio {
    let keys = json!(
        {
            "account_sid": ACCOUNT_SID,
            "api_key_sid": API_KEY_SID,
            "api_key_secret": API_KEY_SECRET,
            "sender": LONG_CODE
        }
    );
    let connection = app.api().post("/connections", keys).await.ok();
    assert_eq!(
        (&connection["has_auth_token"], &connection["senders"][0]["webhook_error"]),
        (&json!(false), &Value::Null),
        "{connection}"
    );
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    let twilio = Twilio {
        connection_id: id(&connection),
        sender_id: id(&connection["senders"][0]),
        sender: LONG_CODE.to_owned(),
    };
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": null }))
        .await
        .ok();
    twilio
}

/// The inbound webhook URL at Twilio.
fn webhook_url(app: &TestApp) -> String {
    let mut url = None;
    assert!(app.simulator.change_number(LONG_CODE, |number| url.clone_from(&number.sms_url)));
    url.unwrap()
}

/// The secret in the inbound webhook URL.
fn secret(app: &TestApp) -> String {
    let url = webhook_url(app);
    let segments: Vec<&str> = url.split(['/', '#']).collect();
    let at = segments.iter().position(|segment| *segment == "inbound").unwrap();
    segments[at - 1].to_owned()
}

/// Makes an unsigned inbound call, as any client that knows the URL can, and returns the status of
/// the response.
async fn text(app: &TestApp, path: &str, body: &str) -> u16 {
    let sid = format!("SM{}", uuid::Uuid::new_v4().simple());
    let params = [
        ("MessageSid", sid.as_str()),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", body),
    ];
    app.http
        .post(format!("{}{path}", app.url))
        .form(&params)
        .send()
        .await
        .unwrap()
        .status()
        .as_u16()
}

async fn is_suppressed(app: &TestApp) -> bool {
    app.count(&format!("suppressions WHERE phone = '{HANDSET}' AND lifted_at IS NULL")).await == 1
}

async fn reasons(app: &TestApp) -> Vec<String> {
    app.texts("SELECT hook || ' ' || reason AS text FROM rejected_webhooks ORDER BY id").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewers_unsigned_start_lifts_no_stop() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    let plain = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let with_secret_path =
        format!("/hooks/twilio/{}/{}/inbound", twilio.connection_id, secret(&app));
    assert_eq!(text(&app, &plain, "STOP").await, 200, "a STOP is accepted from any caller");
    assert!(is_suppressed(&app).await);

    let own = app.api_as(Role::Viewer).await.get("/connections").await.ok()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let guesses = ["x", "inbound", "%00"].map(str::to_owned).into_iter();
    let guesses = guesses.chain([
        "A".repeat(43),
        uuid::Uuid::new_v4().to_string(),
        secret(&app)[1..].to_owned(),
        own.clone(),
    ]);
    for path in
        guesses.map(|guess| format!("/hooks/twilio/{own}/{guess}/inbound")).chain([plain.clone()])
    {
        for word in ["START", "UNSTOP", "YES", "Hello"] {
            assert_eq!(text(&app, &path, word).await, 403, "{word} at {path}");
        }
    }
    assert!(is_suppressed(&app).await);
    assert_eq!(app.count("messages").await, 1, "the STOP alone");
    assert!(
        reasons(&app)
            .await
            .iter()
            .all(|line| ["inbound no_secret", "inbound wrong_secret"].contains(&line.as_str()))
    );

    assert_eq!(text(&app, &with_secret_path, "START").await, 200);
    assert!(!is_suppressed(&app).await);
    // From a handset, through Twilio.
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.text(HANDSET, LONG_CODE, "START").await;
    assert!(!is_suppressed(&app).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_report_counts_only_with_the_secret() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(
        app.message_to(HANDSET).await.status.as_str(),
        "delivered",
        "each message has a status callback URL with the secret"
    );

    app.simulator.inject(Rule::next(1, Fault::DropCallbacks));
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(OTHER_HANDSET).await;
    let sid = message.twilio_sid.clone().unwrap();
    let report =
        [("MessageSid", sid.as_str()), ("MessageStatus", "delivered"), ("AccountSid", ACCOUNT_SID)];
    let status = async |path: String| {
        app.http
            .post(format!("{}{path}", app.url))
            .form(&report)
            .send()
            .await
            .unwrap()
            .status()
            .as_u16()
    };
    let id = &twilio.connection_id;
    assert_eq!(status(format!("/hooks/twilio/{id}/status/{}", message.id)).await, 403);
    assert_eq!(
        status(format!("/hooks/twilio/{id}/{}/status/{}", "A".repeat(43), message.id)).await,
        403
    );
    assert_eq!(app.message_to(OTHER_HANDSET).await.status.as_str(), "queued");
    assert_eq!(reasons(&app).await, ["status no_secret", "status wrong_secret"]);
    assert_eq!(
        status(format!("/hooks/twilio/{id}/{}/status/{}", secret(&app), message.id)).await,
        204
    );
    assert_eq!(app.message_to(OTHER_HANDSET).await.status.as_str(), "delivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_twilio_sees_the_secret() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21609 }));
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let (admin, secret, id) = (app.sign_in().await, secret(&app), &twilio.connection_id);
    assert_eq!(secret.len(), 43);
    app.api().post(&format!("/connections/{id}/verify"), json!(null)).await.ok();
    let test = app.api().post(&format!("/connections/{id}/webhook-test"), json!(null)).await.ok();
    assert_eq!(test["outcome"], "passed", "{test}");
    assert!(test["detail"].as_str().unwrap().contains("/…/test"), "{test}");
    text(&app, &format!("/hooks/twilio/{id}/{secret}/inbound"), "").await;

    let message = app.message_to(HANDSET).await.id;
    for path in [
        "/connections".to_owned(),
        format!("/connections/{id}"),
        format!("/connections/{id}/health"),
        format!("/connections/{id}/senders/new"),
        format!("/connections/{id}/rejected"),
        format!("/messages/{message}"),
        "/settings/log".to_owned(),
        "/".to_owned(),
    ] {
        assert!(!admin.open(&path).await.ok().html.contains(&secret), "{path}");
    }
    for path in
        ["/connections", "/senders", &format!("/connections/{id}"), &format!("/messages/{message}")]
    {
        assert!(!app.api().get(path).await.ok().to_string().contains(&secret), "{path}");
    }
    let tables = "SELECT table_name::text AS text FROM information_schema.tables
                     WHERE table_schema = 'public'";
    for table in app.texts(tables).await {
        let rows = app.count(&format!("{table} AS t WHERE t::text LIKE '%{secret}%'")).await;
        assert_eq!(rows, 0, "the table {table} has the secret in plain text");
    }
    assert_eq!(
        app.texts("SELECT webhook_url AS text FROM senders").await,
        [format!("{}/hooks/twilio/{id}/…/inbound#rc=5&rp=all", app.url)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_rotated_without_a_gap_and_a_leaked_one_is_revoked_at_once() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    let path = format!("/connections/{}", twilio.connection_id);
    let at = |secret: &str| format!("/hooks/twilio/{}/{secret}/inbound", twilio.connection_id);
    let first = secret(&app);
    app.api_as(Role::Viewer)
        .await
        .post(&format!("{path}/webhook-secret"), json!({}))
        .await
        .refused(403);
    app.api_as(Role::Marketer)
        .await
        .post(&format!("{path}/webhook-secret"), json!({}))
        .await
        .refused(403);
    let rotated = app.api().post(&format!("{path}/webhook-secret"), json!({})).await.ok();
    let second = secret(&app);
    assert!(
        first != second && !rotated.to_string().contains(&second),
        "Twilio calls the new address"
    );
    assert!(
        rotated["former_webhook_secret_until"].is_string()
            && rotated["senders"][0]["webhook_error"].is_null(),
        "{rotated}"
    );
    assert_eq!(
        (text(&app, &at(&first), "Hi").await, text(&app, &at(&second), "Hi").await),
        (200, 200),
        "both secrets authenticate a call"
    );

    app.advance(days(7)).await;
    app.eventually("the former secret is refused", async || {
        (text(&app, &at(&first), "Hi").await == 403).then_some(())
    })
    .await;
    assert_eq!(text(&app, &at(&second), "Hi").await, 200);

    // After a leak, the former secret is revoked: by hand on the page, or in the same API call.
    let admin = app.sign_in().await;
    let advanced = format!("{path}/advanced");
    let done = admin
        .send(&admin.open(&advanced).await.ok().form(&format!("{path}/webhook-secret")))
        .await
        .ok();
    done.must_say("Twilio calls the new address");
    let third = secret(&app);
    assert_eq!(
        (text(&app, &at(&second), "Hi").await, text(&app, &at(&third), "Hi").await),
        (200, 200)
    );
    admin
        .send(&done.form(&format!("{path}/webhook-secret/forget-former")))
        .await
        .ok()
        .must_say("rejects the former webhook address");
    assert_eq!(
        (text(&app, &at(&second), "Hi").await, text(&app, &at(&third), "Hi").await),
        (403, 200)
    );
    let refused =
        app.api().post(&format!("{path}/webhook-secret"), json!({ "former": "refuse" })).await.ok();
    assert_eq!(refused["former_webhook_secret_until"], Value::Null);
    assert_eq!(
        (text(&app, &at(&third), "Hi").await, text(&app, &at(&secret(&app)), "Hi").await),
        (403, 200)
    );
    app.api()
        .post(&format!("{path}/webhook-secret"), json!({ "former": "" }))
        .await
        .field("former");
    let log = admin.open("/settings/log").await.ok();
    log.must_say("rotated the secret in the webhook address of the connection");
    assert!([&first, &second, &third].iter().all(|secret| !log.html.contains(secret.as_str())));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_of_an_earlier_version_gets_a_secret_and_needs_a_repair() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    let plain = format!("{}/hooks/twilio/{}/inbound#rc=5&rp=all", app.url, twilio.connection_id);
    assert!(app.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(plain.clone())));
    app.run_sql("UPDATE connections SET hook_secret = NULL").await;
    app.run_sql(&format!(
        "UPDATE senders SET webhook_url = '{plain}', webhook_error = NULL, health = NULL"
    ))
    .await;

    // The program does this at its start.
    carillon::app::fill_hook_secrets(&app.context).await.unwrap();
    carillon::app::fill_hook_secrets(&app.context).await.unwrap();
    assert_eq!(app.count("connections WHERE hook_secret IS NOT NULL").await, 1);
    let site = app.sign_in().await;
    site.open("/").await.ok().must_say("lacks its secret Carillon takes only a STOP at once.");
    let sender = app.api().get("/senders").await.ok()["data"][0].clone();
    assert!(sender["webhook_error"].as_str().unwrap().contains("Repair webhook"), "{sender}");

    // Until the repair, Twilio calls the old URL: a STOP is accepted, and other messages are
    // collected by polling Twilio.
    let reply = app.simulator.reply(HANDSET, LONG_CODE, "Hello").await.unwrap();
    assert_eq!(reply.webhook_status, Some(403));
    assert_eq!(
        app.simulator.reply(OTHER_HANDSET, LONG_CODE, "STOP").await.unwrap().webhook_status,
        Some(200)
    );
    app.advance(hours(1)).await;
    app.run_until_idle().await;
    assert_eq!(
        app.texts("SELECT body AS text FROM messages ORDER BY body").await,
        ["Hello", "STOP"]
    );

    // The hourly check reports it, and the repair sets the URL.
    let health = site.open(&format!("/connections/{}/health", twilio.connection_id)).await.ok();
    health.must_say("lacks the connection’s current secret");
    site.send(&health.form(&format!("/senders/{}/webhook", twilio.sender_id))).await.ok();
    assert_eq!(secret(&app).len(), 43);
    assert!(!site.open("/").await.ok().says("lacks its secret"));
    app.text(HANDSET, LONG_CODE, "Hello again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_auth_token_only_the_signature_counts() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    let (path, secret) = (format!("/connections/{}", twilio.connection_id), secret(&app));
    let both = json!(
        { "auth_token": AUTH_TOKEN, "api_key_sid": API_KEY_SID, "api_key_secret": API_KEY_SECRET }
    );
    app.api().put(&format!("{path}/keys"), both).await.ok();
    let plain = format!("{}/hooks/twilio/{}/inbound#rc=5&rp=all", app.url, twilio.connection_id);
    assert_eq!(webhook_url(&app), plain, "Twilio has the URL without the secret");

    let former = format!("/hooks/twilio/{}/{secret}/inbound", twilio.connection_id);
    assert_eq!(
        text(&app, &former, "STOP").await,
        403,
        "the secret alone no longer authenticates a call"
    );
    let params = [
        ("MessageSid", "SM00000000000000000000000000000009"),
        ("AccountSid", ACCOUNT_SID),
        ("From", HANDSET),
        ("To", LONG_CODE),
        ("Body", "Hi"),
    ];
    let signature = sign(
        AUTH_TOKEN,
        &format!("{}{former}", app.url),
        &params.map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let signed = app
        .http
        .post(format!("{}{former}", app.url))
        .form(&params)
        .header("X-Twilio-Signature", signature)
        .send()
        .await
        .unwrap();
    assert_eq!(signed.status(), 200, "a signed call to the URL with the secret is still accepted");
    // A URL with a secret is no defect while signatures are checked.
    let with_secret = plain.replace("/inbound", &format!("/{secret}/inbound"));
    assert!(
        app.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(with_secret.clone()))
    );
    let found = app.api().post(&format!("{path}/verify"), json!(null)).await.ok();
    assert!(found.to_string().contains("Twilio reports them to Carillon"), "{found}");

    // Without the Auth Token, Twilio gets the URL with the secret again.
    app.api()
        .put(
            &format!("{path}/keys"),
            json!({ "api_key_sid": API_KEY_SID, "api_key_secret": API_KEY_SECRET }),
        )
        .await
        .ok();
    assert!(webhook_url(&app).contains(&format!("/{secret}/inbound")));
    app.text(HANDSET, LONG_CODE, "Hello").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messaging_service_gets_the_url_with_the_secret_and_the_page_recommends_signatures() {
    let app = TestApp::start().await;
    let twilio = connect(&app).await;
    app.api()
        .post(
            &format!("/connections/{}/senders", twilio.connection_id),
            json!({ "sender": SERVICE_SID }),
        )
        .await
        .ok();
    let mut url = None;
    assert!(
        app.simulator
            .change_service(SERVICE_SID, |service| url.clone_from(&service.inbound_request_url))
    );
    assert!(url.unwrap().contains(&format!("/{}/inbound", secret(&app))));
    let site = app.sign_in_as(Role::Viewer).await;
    let page = site.open(&format!("/connections/{}", twilio.connection_id)).await.ok();
    page.must_say("signatures are stronger");
    assert!(!page.html.contains("/webhook-secret"), "a viewer cannot rotate the secret");
    assert_eq!(site.open(&format!("/connections/{}/keys", twilio.connection_id)).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_secret_key_also_loses_the_webhook_secret() {
    let app = TestApp::start().await;
    connect(&app).await;
    let (former, key) = (secret(&app), carillon::types::sealed::SecretKey::generate());
    let mut conn = app.conn().await;
    connections::forget_keys(&mut conn, &key, app.clock.now()).await.unwrap();
    let id = app.texts("SELECT id::text AS text FROM connections").await[0].parse().unwrap();
    let secrets = connections::hook_secrets(&mut conn, id, &key, app.clock.now()).await.unwrap();
    assert!(secrets.len() == 1 && !connections::is_one_of(&secrets, &former));
}
