//! Connecting Twilio accounts: errors are named by field, webhooks are set, and what is disabled
//! stays disabled; [`keys`] has the stories about keys. [`Fixture`] is the Carillon that the
//! stories start with.

mod fixture;
mod keys;

use carillon::connections::rejected_webhooks::{self, Hook, Rejection, RejectionReason};
use carillon::connections::{self, UnconfirmedPolicy};
use carillon::senders;
use carillon::types::id::ConnectionId;
use reqwest::Method;
use serde_json::{Value, json};
use twilio_simulator as twilio;
use twilio_simulator::{Fault, Reach, Rule};

use fixture::{Fixture, account, with};

#[tokio::test(flavor = "multi_thread")]
async fn connecting_an_account_sets_the_webhook_of_its_number() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect("+1 (500) 555-0006").await;
    assert_eq!(connection["account_name"], "Carillon Simulator");
    assert_eq!(connection["status"], "active");
    let sender = &connection["senders"][0];
    assert_eq!(sender["address"], twilio::LONG_CODE);
    assert_eq!(sender["kind"], "phone_number");
    assert_eq!(sender["capabilities"], json!({"sms": true, "mms": true}));
    assert_eq!(sender["webhook_error"], Value::Null);
    assert_eq!(fixture.number_url(twilio::LONG_CODE), Some(fixture.inbound_url(&connection)));
    assert_eq!(
        fixture.get("/connections").await,
        json!({"data": [connection], "next_cursor": null})
    );
    assert_eq!(fixture.get("/senders").await["data"][0], *sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_is_named_beside_its_field() {
    let fixture = Fixture::build().await;
    let unknown_service = format!("MG{}", "0".repeat(32));
    let cases = [
        (json!({"account_sid": "AC123"}), "invalid_fields", "account_sid", "32 characters"),
        (
            json!({"auth_token": ""}),
            "invalid_fields",
            "auth_token",
            "Enter the account’s Auth Token",
        ),
        (json!({"sender": "0500 5550006"}), "invalid_fields", "sender", "country code"),
        (json!({"sender": "MG12"}), "invalid_fields", "sender", "32 characters"),
        (
            json!({"auth_token": "0".repeat(32)}),
            "twilio_refused_keys",
            "auth_token",
            "doesn’t accept this Auth Token",
        ),
        (
            json!({"account_sid": format!("AC{}", "0".repeat(32))}),
            "twilio_refused_keys",
            "auth_token",
            "doesn’t accept",
        ),
        (
            json!(
                {"auth_token": null, "api_key_sid": twilio::API_KEY_SID, "api_key_secret": "wrong"}
            ),
            "twilio_refused_keys",
            "api_key_secret",
            "API key",
        ),
        (
            json!(
                {
                    "account_sid": twilio::SUSPENDED_ACCOUNT_SID,
                    "auth_token": twilio::SUSPENDED_AUTH_TOKEN
                }
            ),
            "account_suspended",
            "account_sid",
            "suspended",
        ),
        (
            json!({"account_sid": twilio::TEST_ACCOUNT_SID, "auth_token": twilio::TEST_AUTH_TOKEN}),
            "test_credentials",
            "auth_token",
            "test credentials",
        ),
        (
            json!({"sender": "+12065550177"}),
            "number_not_in_account",
            "sender",
            "is not in this Twilio account",
        ),
        (json!({"sender": twilio::VOICE_ONLY}), "no_sms_capability", "sender", "can’t send SMS"),
        (json!({"sender": unknown_service}), "service_not_found", "sender", "no Messaging Service"),
        (
            json!({"sender": twilio::EMPTY_SERVICE_SID}),
            "service_without_senders",
            "sender",
            "has no senders",
        ),
        (json!({"name": "x".repeat(101)}), "invalid_fields", "name", "at most 100"),
    ];
    for (changes, code, field, words) in cases {
        let (status, body) =
            fixture.post("/connections", with(account(twilio::LONG_CODE), &changes)).await;
        assert_eq!(status, 422, "{changes}: {body}");
        assert_eq!(body["error"]["code"], code, "{changes}: {body}");
        let sentence = body["error"]["fields"][field][0].as_str().unwrap_or_default();
        assert!(sentence.contains(words), "{changes}: {body}");
    }
    assert_eq!(fixture.get("/connections").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_a_broken_and_an_unreachable_twilio_have_different_errors() {
    let fixture = Fixture::build().await;
    let rule = |fault| Rule::next(1, fault).reaching(Reach::Reads);
    for (fault, code) in [
        (Fault::TooManyRequests, "twilio_busy"),
        (Fault::ServerError, "twilio_answered_strangely"),
        (Fault::Reset, "twilio_unreachable"),
    ] {
        fixture.twilio().inject(rule(fault));
        let (status, body) = fixture.post("/connections", account(twilio::LONG_CODE)).await;
        assert_eq!((status, &body["error"]["code"]), (422, &json!(code)), "{body}");
        assert_eq!(body["error"]["fields"], Value::Null);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_of_another_connection_is_a_field_error() {
    let fixture = Fixture::build().await;
    let first = fixture.connect(twilio::LONG_CODE).await;
    let trial = json!(
        {
            "account_sid": twilio::TRIAL_ACCOUNT_SID,
            "auth_token": twilio::TRIAL_AUTH_TOKEN,
            "sender": twilio::LONG_CODE
        }
    );
    let (status, answer) = fixture.post("/connections", trial.clone()).await;
    let message = answer["error"]["fields"]["sender"][0]
        .as_str()
        .unwrap_or_else(|| panic!("{answer}"))
        .to_owned();
    assert!(
        status == 422
            && message.contains("already a sender of “Shop”")
            && message.contains(first["id"].as_str().unwrap()),
        "{message}"
    );
    let (_, second) = fixture.post("/connections", with(trial, &json!({"sender": ""}))).await;
    let path = format!("/connections/{}/senders", second["id"].as_str().unwrap());
    let (status, answer) = fixture.post(&path, json!({"sender": twilio::LONG_CODE})).await;
    assert_eq!((status, &answer["error"]["code"]), (422, &json!("already_connected")), "{answer}");
    let site = fixture.app.sign_in().await;
    let page = site
        .send(
            &site
                .open(&format!("{path}/new"))
                .await
                .ok()
                .form(&path)
                .with("sender", twilio::LONG_CODE),
        )
        .await;
    assert_eq!(page.status, 422);
    page.must_say("Already used by Shop");

    // Once the sender is disabled there, only Twilio decides whether the account owns it.
    let sender = format!("/senders/{}", first["senders"][0]["id"].as_str().unwrap());
    fixture.admin.patch(&sender, json!({"disabled": true})).await.ok();
    let (status, answer) = fixture.post(&path, json!({"sender": twilio::LONG_CODE})).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (422, &json!("number_not_in_account")),
        "{answer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_messaging_service_also_receives_for_the_numbers_in_it() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::SERVICE_SID).await;
    assert_eq!(connection["senders"][0]["kind"], "messaging_service");
    assert_eq!(fixture.service_url(), Some(fixture.inbound_url(&connection)));
    let path = format!("/connections/{}/senders", connection["id"].as_str().unwrap());
    let (status, sender) = fixture.post(&path, json!({"sender": twilio::SERVICE_NUMBER_1})).await;
    assert_eq!(status, 201, "{sender}");
    assert_eq!(sender["webhook_error"], Value::Null);
    // The service receives inbound messages, so the URL of the number stays unset.
    assert_eq!(fixture.number_url(twilio::SERVICE_NUMBER_1), None);
    let (status, body) = fixture.post(&path, json!({"sender": twilio::SERVICE_NUMBER_1})).await;
    assert_eq!(status, 422);
    assert!(body["error"]["fields"]["sender"][0].as_str().unwrap().contains("already"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_could_not_be_set_is_reported_and_can_be_set_again() {
    let fixture = Fixture::build().await;
    let simulator = fixture.twilio();
    simulator.change_service(twilio::SERVICE_SID, |service| {
        service.inbound_request_url = Some("https://crm.example.org/x?token=1".into());
    });
    let connection = fixture.connect(twilio::SERVICE_NUMBER_1).await;
    let sender = &connection["senders"][0];
    let reason = sender["webhook_error"].as_str().unwrap();
    assert!(
        reason.contains("crm.example.org")
            && reason.contains(twilio::SERVICE_SID)
            && !reason.contains("token"),
        "{reason}"
    );
    assert_eq!(fixture.service_url().as_deref(), Some("https://crm.example.org/x?token=1"));
    let verify = format!("/connections/{}/verify", connection["id"].as_str().unwrap());
    assert_eq!(fixture.post(&verify, json!(null)).await.1["verified"], false);

    simulator.change_service(twilio::SERVICE_SID, |service| {
        service.use_inbound_webhook_on_number = true;
    });
    let (_, sender) = fixture
        .post(&format!("/senders/{}/webhook", sender["id"].as_str().unwrap()), json!(null))
        .await;
    assert_eq!(
        (&sender["webhook_error"], &sender["webhook_url"]),
        (&Value::Null, &json!(fixture.inbound_url(&connection)))
    );
    assert_eq!(
        fixture.number_url(twilio::SERVICE_NUMBER_1),
        Some(fixture.inbound_url(&connection))
    );
    assert_eq!(fixture.post(&verify, json!(null)).await.1["verified"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_was_changed_at_twilio_is_found_by_the_check() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    fixture.twilio().change_number(twilio::LONG_CODE, |number| {
        number.sms_url = Some("https://crm.example.org/".into());
    });
    let (_, found) = fixture
        .post(&format!("/connections/{}/verify", connection["id"].as_str().unwrap()), json!(null))
        .await;
    assert_eq!(found["verified"], false, "{found}");
    let sender = fixture.get("/senders").await["data"][0].clone();
    assert!(sender["webhook_error"].as_str().unwrap().contains("Repair webhook"), "{sender}");
    let (_, sender) = fixture
        .post(&format!("/senders/{}/webhook", sender["id"].as_str().unwrap()), json!(null))
        .await;
    assert_eq!(sender["webhook_error"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_or_stopped_sender_is_not_usable() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    let id: ConnectionId = connection["id"].as_str().unwrap().parse().unwrap();
    let sender = connection["senders"][0]["id"].as_str().unwrap();
    let mut conn = fixture.app.conn().await;
    assert_eq!(senders::usable(&mut conn).await.unwrap().len(), 1);
    for path in [format!("/connections/{id}"), format!("/senders/{sender}")] {
        let (_, body) =
            fixture.call(&fixture.admin, Method::PATCH, &path, json!({"disabled": true})).await;
        assert_eq!(body["status"], "disabled", "{body}");
        assert!(senders::usable(&mut conn).await.unwrap().is_empty());
        let (_, body) =
            fixture.call(&fixture.admin, Method::PATCH, &path, json!({"disabled": false})).await;
        assert_eq!(body["status"], "active", "{body}");
    }
    let now = fixture.app.context.clock.now();
    assert!(
        connections::stop(&mut conn, id, "Twilio refused the keys (20003).", now).await.unwrap()
    );
    assert!(!connections::stop(&mut conn, id, "Again.", now).await.unwrap());
    let stopped = fixture.get(&format!("/connections/{id}")).await;
    assert_eq!(
        (&stopped["status"], &stopped["stopped_reason"]),
        (&json!("stopped"), &json!("Twilio refused the keys (20003)."))
    );
    assert!(senders::usable(&mut conn).await.unwrap().is_empty());
    // A verification with accepted keys ends the stop.
    fixture.post(&format!("/connections/{id}/verify"), json!(null)).await;
    assert_eq!(fixture.get(&format!("/connections/{id}")).await["status"], "active");
    let sender_id = sender.parse().unwrap();
    assert!(senders::stop(&mut conn, sender_id, "Not registered (30034).", now).await.unwrap());
    assert!(senders::usable(&mut conn).await.unwrap().is_empty());
    assert!(senders::find_by_address(&mut conn, id, twilio::LONG_CODE).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_admins_change_connections() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    let path = format!("/connections/{}", connection["id"].as_str().unwrap());
    let (status, _) = fixture
        .call(&fixture.viewer, Method::POST, "/connections", account(twilio::TOLL_FREE))
        .await;
    assert_eq!(status, 403);
    let (status, _) =
        fixture.call(&fixture.viewer, Method::PATCH, &path, json!({"disabled": true})).await;
    assert_eq!(status, 403);
    let (status, body) = fixture
        .call(
            &fixture.admin,
            Method::PATCH,
            &path,
            json!({"name": "Bells", "unconfirmed_policy": "resend", "max_concurrency": 40}),
        )
        .await;
    assert_eq!(
        (status, &body["name"], &body["max_concurrency"]),
        (200, &json!("Bells"), &json!(40)),
        "{body}"
    );
    let (status, body) =
        fixture.call(&fixture.admin, Method::PATCH, &path, json!({"max_concurrency": 0})).await;
    assert_eq!(
        (status, &body["error"]["fields"]["max_concurrency"][0]),
        (422, &json!("Enter a number from 1 to 5000.")),
        "{body}"
    );
    let id = connection["id"].as_str().unwrap().parse().unwrap();
    let saved = connections::find(&mut *fixture.app.conn().await, id).await.unwrap();
    assert_eq!(saved.unconfirmed_policy, UnconfirmedPolicy::Resend);
    let missing = format!("/connections/{}", ConnectionId::new());
    assert_eq!(fixture.call(&fixture.admin, Method::GET, &missing, json!(null)).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_thousand_rejected_webhooks_of_each_connection_are_stored() {
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    let id: ConnectionId = connection["id"].as_str().unwrap().parse().unwrap();
    let mut conn = fixture.app.conn().await;
    let rejection = |connection_id, detail: String| Rejection {
        connection_id,
        hook: Hook::Status,
        reason: RejectionReason::WrongSignature,
        detail,
        received_at: fixture.app.context.clock.now(),
    };
    rejected_webhooks::reject(&mut conn, &rejection(None, "lost".into())).await.unwrap();
    for number in 0..1_100 {
        rejected_webhooks::reject(&mut conn, &rejection(Some(id), number.to_string()))
            .await
            .unwrap();
    }
    let listed = rejected_webhooks::list(&mut conn, Some(id), 5_000).await.unwrap();
    assert_eq!((listed.len(), listed[0].detail.as_str()), (1_000, "1099"));
    assert_eq!(
        rejected_webhooks::count_since(&mut conn, Some(id), fixture.app.context.clock.now())
            .await
            .unwrap(),
        1_000
    );
    assert_eq!(rejected_webhooks::list(&mut conn, None, 10).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_connects_verifies_and_disables_in_the_browser() {
    let fixture = Fixture::build().await;
    let site = fixture.app.sign_in().await;
    let page = site.open("/connections").await.ok();
    assert!(page.text().contains("No Twilio account yet"));
    let form = site.open("/connections/new").await.ok().form("/connections");
    let form = form
        .with("account_sid", twilio::ACCOUNT_SID)
        .with("sender", twilio::LONG_CODE)
        .with("name", "<Shop>");
    let page = site.send(&form.clone().with("auth_token", "wrong")).await;
    assert_eq!(page.status, 422);
    assert!(page.text().contains("doesn’t accept this Auth Token"), "{}", page.text());
    let again = page.form("/connections");
    assert_eq!(
        (again.value("account_sid"), again.value("auth_token")),
        (Some(twilio::ACCOUNT_SID), Some(""))
    );

    let page = site.send(&again.with("auth_token", twilio::AUTH_TOKEN)).await.ok();
    let there = page.path.clone();
    assert!(
        page.text().contains("+1 500 555 0006") && page.text().contains("Reported here"),
        "{}",
        page.text()
    );
    assert!(page.html.contains("&lt;Shop&gt;") && !page.html.contains(twilio::AUTH_TOKEN));

    let checked = site.send(&page.form(&format!("{there}/verify"))).await.ok();
    assert!(checked.text().contains("checks passed"), "{}", checked.text());
    let add_sender = site.open(&format!("{there}/senders/new")).await.ok();
    assert!(
        add_sender.html.contains(twilio::TOLL_FREE)
            && add_sender.html.contains(twilio::SERVICE_SID)
            && add_sender.says("It can’t send SMS.")
    );
    let added = site
        .send(&add_sender.form(&format!("{there}/senders")).and("chosen", twilio::TOLL_FREE))
        .await
        .ok();
    assert!(added.path == there && added.text().contains(" added. "), "{}", added.text());
    let advanced = site.open(&format!("{there}/advanced")).await.ok();
    let disabled = site.send(&advanced.form(&format!("{there}/disable"))).await.ok();
    assert!(disabled.text().contains("Disabled since"), "{}", disabled.text());
    let keys = site.open(&format!("{there}/keys")).await.ok().form(&format!("{there}/keys"));
    assert_eq!(site.send(&keys.with("auth_token", twilio::AUTH_TOKEN)).await.ok().path, there);
    site.open(&format!("{there}/rejected")).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_message_is_sent_once_and_waits_while_its_sender_is_disabled() {
    const PHONE: &str = "+12065550123";
    let fixture = Fixture::build().await;
    let connection = fixture.connect(twilio::LONG_CODE).await;
    let sender = format!("/senders/{}", connection["senders"][0]["id"].as_str().unwrap());
    fixture.admin.patch(&sender, json!({ "parts_per_second": null })).await.ok();
    let site = fixture.app.sign_in().await;
    let there = format!("/connections/{}", connection["id"].as_str().unwrap());
    let form = site.open(&format!("{there}/test")).await.ok();
    let form = form.form(&format!("{there}/test-message"));
    let refused = site.send(&form.clone().with("to", "206").with("text", " ")).await;
    assert!(
        refused.status == 422
            && refused.text().contains("country code")
            && refused.text().contains("Write a text"),
        "{}",
        refused.text()
    );

    let form = form.with("to", "+1 206 555 0123").with("text", "Hello");
    let message = site.send(&form).await.ok();
    assert!(message.path.starts_with("/messages/"), "{}", message.path);
    assert_eq!(
        site.send(&form).await.ok().path,
        message.path,
        "submitting a form twice sends one message"
    );
    fixture.app.run_until_idle().await;
    assert_eq!(fixture.app.received(PHONE), ["Hello"]);

    for (path, text) in [(there.as_str(), "Later"), (sender.as_str(), "Later still")] {
        let send = async || {
            let form = site.open(&format!("{there}/test")).await.ok();
            let form = form.form(&format!("{there}/test-message"));
            site.send(&form.with("to", PHONE).with("text", text)).await.ok();
        };
        fixture.app.waits_while_disabled(path, PHONE, text, send).await;
    }
}
