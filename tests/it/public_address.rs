//! The public address: webhook tests prove that Twilio's calls arrive through it, and pages say
//! what is wrong with it.

use carillon::connections::{self, Check, RepairPlace, WebhookTest};
use carillon::users::Role;
use serde_json::json;
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, LONG_CODE};

use crate::connection_health::{NEW_TOKEN, path};
use crate::harness::{TestApp, TestOptions, days};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_webhook_test_is_shown_until_it_passes() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    let check = Check::failed("A signed call", "It could not be reached.", "Check the firewall.")
        .with_repair_place(RepairPlace::Test);
    let test = WebhookTest { tested_at: app.clock.now(), check };
    let id = connection["id"].as_str().unwrap().parse().unwrap();
    connections::record_test(&mut *app.conn().await, id, &test).await.unwrap();
    let home = site.open("/").await.ok();
    home.must_say("A signed call It could not be reached.");
    assert!(home.html.contains(&path(&connection, "/health#webhook-test")), "{}", home.html);
    let page = site.open(&path(&connection, "")).await.ok();
    assert!(page.says("checks failed") && page.says("It could not be reached."), "{}", page.text());

    let health = site.open(&path(&connection, "/health")).await.ok();
    site.send(&health.form(&path(&connection, "/webhook-test"))).await.ok();
    assert!(!site.open("/").await.ok().says("Needs you"));
    site.open(&path(&connection, "")).await.ok().must_say("checks passed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_twilio_cannot_call_is_a_failure_on_every_page() {
    // The real URL of Twilio, which this story never calls: the connection is inserted into the
    // database.
    let twilio = ("CARILLON_TWILIO_API_URL", "http://api.twilio.com".to_owned());
    let app = TestApp::with(TestOptions { settings: vec![twilio], ..TestOptions::default() }).await;
    let id = "019ab000-0000-7000-8000-000000000001";
    let connection = "INSERT INTO connections (id, name, account_sid, account_name, auth_token,
                         verified_at, created_at, checked_at, checks)";
    app.run_sql(
        &format!(
            "{connection} VALUES ('{id}', 'Shop', '{ACCOUNT_SID}', 'Shop', '\\x00', now(), now(), now(), '[]')"
        )
    ).await;
    let sender = "INSERT INTO senders (id, connection_id, kind, address, twilio_sid, name,
                     sms_capable, mms_capable, webhook_url, created_at)";
    let number = format!(
        "gen_random_uuid(), '{id}', 'phone_number', '{LONG_CODE}', 'PN', 'Front', true, true, 'https://x.example.com', now()"
    );
    app.run_sql(&format!("{sender} VALUES ({number})")).await;

    let site = app.sign_in().await;
    let home = site.open("/").await.ok();
    home.must_say("Address for Twilio’s calls Twilio can’t call http://127.0.0.1");
    assert!(home.html.contains(&format!("/connections/{id}/health")), "{}", home.html);
    for page in [format!("/connections/{id}"), format!("/connections/{id}/health")] {
        let shown = site.open(&page).await.ok();
        shown.must_say("checks failed");
        shown.must_say("Set CARILLON_PUBLIC_URL");
    }
    for page in ["/connections".to_owned(), format!("/connections/{id}")] {
        let shown = site.open(&page).await.ok();
        assert!(
            shown.says("Not reported here") && !shown.says("Reported here"),
            "{}",
            shown.text()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn once_the_public_address_is_right_the_webhooks_must_be_set_again() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_until_idle().await;
    // The state that a check left while the public URL was wrong.
    let failed_check = "health = jsonb_set(health, '{webhook,drift}', '[\"unreachable\"]'), webhook_error \
                = 'The internet does not reach it.'";
    app.run_sql(&format!("UPDATE senders SET {failed_check}")).await;
    let site = app.sign_in().await;
    site.open("/").await.ok().must_say("Twilio reports them elsewhere, a STOP too.");
    let health = site.open(&path(&connection, "/health")).await.ok();
    health.must_say("The internet doesn’t reach the address of this Carillon");
    site.send(
        &health.form(&format!(
            "/senders/{}/webhook",
            connection["senders"][0]["id"].as_str().unwrap()
        )),
    )
    .await
    .ok();
    assert!(!site.open("/").await.ok().says("Needs you"));
    site.open("/connections").await.ok().must_say("Reported here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_call_through_the_public_address_arrives() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    let tested = app.api().post(&path(&connection, "/webhook-test"), json!(null)).await.ok();
    assert_eq!(tested["outcome"], "passed", "{tested}");
    assert_eq!(app.count("messages").await, 0, "a test call creates no message");
    assert_eq!(
        app.api_as(Role::Viewer)
            .await
            .post(&path(&connection, "/webhook-test"), json!(null))
            .await
            .status,
        403
    );
    let page = app.sign_in().await.open(&path(&connection, "/health")).await.ok();
    assert!(
        page.says("Tested") && page.says("its signature was verified, and was answered in"),
        "{}",
        page.text()
    );

    let unsigned = app.http.post(format!(
        "{}/hooks/twilio/{}/test",
        app.url,
        connection["id"].as_str().unwrap()
    ));
    let refused = unsigned.form(&[("Challenge", "x")]).send().await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), refused.text().await.unwrap().as_str()),
        (403, "Carillon refused: unsigned")
    );
    assert_eq!(
        app.texts("SELECT hook || ' ' || reason AS text FROM rejected_webhooks").await,
        ["test unsigned"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_signed_for_another_address_is_rejected_with_that_address() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let other = app.url.replace("http://", "https://");
    assert_eq!(app.stop_signed_with(&twilio, AUTH_TOKEN, &other).await, 403);
    assert_eq!(app.stop_signed_with(&twilio, NEW_TOKEN, &other).await, 403);
    let noted = app
        .texts("SELECT reason || ': ' || detail AS text FROM rejected_webhooks ORDER BY id")
        .await;
    let expected = format!(
        "wrong_address: It is signed for {other}, while CARILLON_PUBLIC_URL is {}.",
        app.url
    );
    assert_eq!(noted[0], expected);
    assert!(noted[1].starts_with("wrong_signature"), "{noted:?}");
    assert_eq!(app.count("suppressions").await, 0, "a rejected STOP suppresses nothing");
    let page = app
        .sign_in()
        .await
        .open(&format!("/connections/{}/rejected", twilio.connection_id))
        .await
        .ok();
    assert!(page.says("The Auth Token is right, but the address differs"), "{}", page.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_without_a_connection_is_shown_with_advice() {
    let app = TestApp::start().await;
    let connection = app.connect_account(ACCOUNT_SID, AUTH_TOKEN, LONG_CODE).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    assert!(
        !site.open("/connections").await.ok().says("Webhooks without a connection"),
        "no webhook was rejected yet"
    );
    let stray = app.signed_call(
        "/hooks/twilio/019ab000-0000-7000-8000-000000000001/inbound",
        &[("Body", "hi")],
    );
    assert_eq!(stray.send().await.unwrap().status(), 404);

    let home = site.open("/").await.ok();
    home.must_say("A webhook names no connection Carillon rejected what came within the last day.");
    assert!(home.html.contains("/connections/rejected"), "{}", home.html);
    site.open("/connections").await.ok().must_say(
        "Carillon rejected 1 call in the last 24 hours: a webhook at Twilio has a wrong address.",
    );
    let listed = site.open("/connections/rejected").await.ok();
    listed.must_say("No connection has this address");
    assert!(
        !site
            .open(&path(&connection, "/rejected"))
            .await
            .ok()
            .says("No connection has this address")
    );

    app.advance(days(2)).await;
    let later = app.sign_in_as(Role::Viewer).await;
    assert!(!later.open("/").await.ok().says("names no connection"));
    later.open("/connections").await.ok().must_say("None in the last 24 hours. Earlier ones");
}
