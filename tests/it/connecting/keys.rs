//! The keys of a connected account: they stay secret, are checked, and are never lost.

use carillon::connections;
use carillon::types::id::ConnectionId;
use carillon::types::sealed::SecretKey;
use reqwest::Method;
use secrecy::ExposeSecret;
use serde_json::json;
use twilio_simulator as twilio;

use super::fixture::{Fixture, account, with};

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_returned_and_are_sealed_in_the_table() {
    let fixture = Fixture::build().await;
    let body = with(
        account(twilio::LONG_CODE),
        &json!({"api_key_sid": twilio::API_KEY_SID, "api_key_secret": twilio::API_KEY_SECRET}),
    );
    let (status, connection) = fixture.post("/connections", body).await;
    assert_eq!(status, 201, "{connection}");
    assert_eq!(connection["api_key_sid"], twilio::API_KEY_SID);
    let shown = fixture.get("/connections").await.to_string();
    assert!(!shown.contains(twilio::AUTH_TOKEN) && !shown.contains(twilio::API_KEY_SECRET));
    let id: ConnectionId = connection["id"].as_str().unwrap().parse().unwrap();
    let mut conn = fixture.app.conn().await;
    let tokens = connections::webhook_tokens(
        &mut conn,
        id,
        &fixture.app.context.secret_key,
        fixture.app.clock.now(),
    )
    .await
    .unwrap();
    assert_eq!(
        tokens.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(),
        [twilio::AUTH_TOKEN]
    );
    let error = connections::credentials(&mut conn, id, &SecretKey::generate()).await.unwrap_err();
    assert!(error.to_string().contains("CARILLON_SECRET_KEY"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standard_api_key_alone_is_enough_and_its_limits_are_warnings() {
    let fixture = Fixture::build().await;
    let body = json!({"account_sid": twilio::ACCOUNT_SID, "api_key_sid": twilio::API_KEY_SID, "api_key_secret": twilio::API_KEY_SECRET,
        "sender": twilio::LONG_CODE});
    let (status, connection) = fixture.post("/connections", body).await;
    assert_eq!(status, 201, "{connection}");
    assert_eq!(
        (&connection["name"], &connection["has_auth_token"]),
        (&json!(twilio::ACCOUNT_SID), &json!(false))
    );
    let (_, found) = fixture
        .post(&format!("/connections/{}/verify", connection["id"].as_str().unwrap()), json!(null))
        .await;
    assert_eq!(found["verified"], true, "{found}");
    let warnings: Vec<_> = found["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["outcome"] == "warning")
        .collect();
    assert_eq!(
        warnings.iter().map(|check| check["title"].as_str().unwrap()).collect::<Vec<_>>(),
        ["Account", "Webhook signatures"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_can_be_connected_only_once_whatever_its_keys() {
    let fixture = Fixture::build().await;
    let (_, first) =
        fixture.post("/connections", with(account(twilio::LONG_CODE), &json!({"name": ""}))).await;
    assert_eq!(first["name"], json!("Carillon Simulator"));
    let there = format!("{}/connections/{}", fixture.app.url, first["id"].as_str().unwrap());
    let api_key = json!(
        {
            "account_sid": twilio::ACCOUNT_SID,
            "api_key_sid": twilio::API_KEY_SID,
            "api_key_secret": twilio::API_KEY_SECRET
        }
    );
    let again = [
        account(twilio::LONG_CODE),
        account(twilio::TOLL_FREE),
        with(account(""), &json!({"name": "Another name"})),
        with(api_key, &json!({"sender": twilio::TOLL_FREE})),
        with(
            account(twilio::LONG_CODE),
            &json!({"auth_token": "00000000000000000000000000000000"}),
        ),
    ];
    for body in again {
        let (status, answer) = fixture.post("/connections", body).await;
        let message = answer["error"]["fields"]["account_sid"][0]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"));
        assert_eq!(
            (status, &answer["error"]["code"]),
            (422, &json!("already_connected")),
            "{answer}"
        );
        assert!(
            message.contains("as “Carillon Simulator”") && message.contains(&there),
            "{message}"
        );
    }
    assert_eq!(fixture.app.count("connections").await, 1);

    // The page shows the error at the field, with a link to the connection.
    let site = fixture.app.sign_in().await;
    let form = site.open("/connections/new").await.ok().form("/connections");
    let form = form.with("account_sid", twilio::ACCOUNT_SID).with("auth_token", twilio::AUTH_TOKEN);
    let page = site.send(&form).await;
    assert_eq!(page.status, 422);
    assert!(
        page.html.contains("id=\"account_sid-error\"")
            && page.html.contains(&format!("/connections/{}\"", first["id"].as_str().unwrap()))
    );
    page.must_say("This Twilio account is already connected as “Carillon Simulator”.");
    page.must_say("Add a sender");

    // When two admins connect concurrently, a unique constraint lets one succeed.
    let trial = || {
        json!(
            {"account_sid": twilio::TRIAL_ACCOUNT_SID, "auth_token": twilio::TRIAL_AUTH_TOKEN}
        )
    };
    let (one, other) =
        tokio::join!(fixture.post("/connections", trial()), fixture.post("/connections", trial()));
    let mut statuses = [one.0, other.0];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 422], "{} {}", one.1, other.1);

    // The name of another connection is taken, whatever its case.
    fixture.app.run_sql(
        "DELETE FROM connections WHERE account_sid <> (SELECT min(account_sid) FROM connections)"
    ).await;
    let (status, body) =
        fixture.post("/connections", with(trial(), &json!({"name": "carillon simulator"}))).await;
    assert_eq!(status, 422);
    assert!(
        body["error"]["fields"]["name"][0]
            .as_str()
            .unwrap()
            .contains("Another connection has this name"),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hourly_check_records_that_the_keys_are_accepted() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    fixture.app.run_until_idle().await;
    fixture.app.advance(crate::harness::days(30)).await;
    fixture.app.run_until_idle().await;
    let times = "SELECT (verified_at = checked_at AND verified_at > created_at)::text AS text
                    FROM connections";
    assert_eq!(fixture.app.texts(times).await, ["true"]);
    let at = fixture.get(
        &format!("/connections/{}", connection["id"].as_str().unwrap())
    ).await["verified_at"].clone();
    assert!(
        at.as_str().unwrap().starts_with(&fixture.app.clock.now().format("%Y-%m-%d").to_string()),
        "{at}"
    );

    // Rejected keys do not change `verified_at`, and only a user ends a stop.
    fixture
        .app
        .run_sql("UPDATE connections SET stopped_at = now(), stopped_reason = 'Refused.'")
        .await;
    fixture.app.advance(crate::harness::hours(2)).await;
    fixture.app.run_until_idle().await;
    assert_eq!(
        fixture.app.texts("SELECT stopped_reason AS text FROM connections").await,
        ["Refused."]
    );
    fixture
        .twilio()
        .change_account(twilio::ACCOUNT_SID, |account| account.auth_token = "another".to_owned());
    fixture.app.advance(crate::harness::hours(2)).await;
    fixture.app.run_until_idle().await;
    assert_eq!(
        fixture.app.texts("SELECT (verified_at < checked_at)::text AS text FROM connections").await,
        ["true"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_new_keys_leave_the_saved_ones_in_place() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    let path = format!("/connections/{}/keys", connection["id"].as_str().unwrap());
    let (status, body) = fixture
        .call(&fixture.admin, Method::PUT, &path, json!({"auth_token": "0".repeat(32)}))
        .await;
    assert_eq!((status, &body["error"]["code"]), (422, &json!("twilio_refused_keys")), "{body}");
    let verify = format!("/connections/{}/verify", connection["id"].as_str().unwrap());
    assert_eq!(fixture.post(&verify, json!(null)).await.1["verified"], true);

    fixture
        .twilio()
        .change_account(twilio::ACCOUNT_SID, |account| account.auth_token = "ab".repeat(16));
    let (_, found) = fixture.post(&verify, json!(null)).await;
    assert_eq!(
        (&found["verified"], &found["checks"][1]["outcome"]),
        (&json!(false), &json!("failed")),
        "{found}"
    );
    let (status, body) = fixture
        .call(&fixture.admin, Method::PUT, &path, json!({"auth_token": "ab".repeat(16)}))
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(fixture.post(&verify, json!(null)).await.1["verified"], true);
}
