//! Bulk changes: a filter with only blank conditions is refused, and a change of several rows must
//! state how many it expects.

use std::time::Duration;

use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule};

use crate::harness::fixtures::id;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions};

/// Texts that count as blank.
const BLANK: [&str; 7] = ["", " ", "\t", "\r\n", "\u{a0}", "\u{200b}", "\u{3000}\u{feff}"];

/// A Carillon with failed messages to two contacts, which can be sent again.
async fn with_failed_messages() -> TestApp {
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_millis(300),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    for to in [HANDSET, OTHER_HANDSET] {
        let rule =
            app.simulator.inject(Rule::always(Fault::Refuse { code: 21408 }).for_handset(to));
        app.event("hello", to, json!({})).await;
        app.run_until_idle().await;
        assert!(app.simulator.withdraw(rule));
    }
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blank_condition_of_a_resend_is_a_field_error_and_sends_nothing() {
    let app = with_failed_messages().await;
    for field in ["message_id", "automation_id", "sender_id", "from", "to"] {
        for blank in BLANK.map(Value::from).into_iter().chain([Value::Null]) {
            for rest in [json!({}), json!({ "dry_run": true }), json!({ "expected": 2 })] {
                let mut request = rest;
                request[field] = blank.clone();
                let sentence = app.api().post("/ledger/retry", request).await.field(field);
                assert!(sentence.contains("blank"), "{field} {blank:?}: {sentence}");
            }
        }
    }
    assert_eq!(app.count("messages").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn resending_several_messages_needs_the_number_from_the_dry_run() {
    let app = with_failed_messages().await;
    let api = app.api();
    let eligible =
        api.post("/ledger/retry", json!({ "dry_run": true })).await.ok()["eligible"].clone();
    assert_eq!(eligible, json!(2));
    for request in [
        json!({}),
        json!({ "from": "2026-11-01" }),
        json!({ "automation_id": "none" }),
        json!({ "expected": null }),
    ] {
        assert!(api.post("/ledger/retry", request).await.field("expected").contains("dry run"));
    }
    for expected in [0, 1, 3, -2] {
        let error = api.post("/ledger/retry", json!({ "expected": expected })).await.refused(409);
        let sentence = error["message"].as_str().unwrap();
        assert!(
            error["code"] == "count_changed"
                && sentence.contains(&expected.to_string())
                && sentence.contains("2 can be"),
            "{sentence}"
        );
    }
    assert_eq!(app.count("messages").await, 2, "nothing was sent");

    // A single message needs no expected number.
    let one = app.message_to(HANDSET).await.id;
    assert_eq!(
        api.post("/ledger/retry", json!({ "message_id": one })).await.ok()["retried"],
        json!(1)
    );
    api.post("/ledger/retry", json!({ "expected": 2 })).await.refused(409);
    assert_eq!(api.post("/ledger/retry", json!({ "expected": 1 })).await.ok()["retried"], json!(1));
    assert_eq!(
        api.post("/ledger/retry", json!({ "expected": 1 })).await.ok()["retried"],
        json!(0),
        "a repeat finds no message left"
    );
    assert_eq!(app.count("messages").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_resend_page_sends_as_many_as_it_showed_or_confirms_again() {
    let app = with_failed_messages().await;
    let site = app.sign_in().await;
    let form = site.open("/ledger/retry").await.ok().form("/ledger/retry");
    for field in ["automation_id", "sender_id"] {
        assert_eq!(form.value(field), None, "the form has no field for an absent filter");
        let refused = site.send(&form.clone().and(field, " ")).await;
        assert_eq!(refused.status, 422);
        refused.must_say(&format!("{field}: This must not be blank."));
    }
    assert_eq!(site.send(&form.clone().with("from", "")).await.status, 422);
    for form in [
        form.clone().with("expected", "1"),
        form.clone().without("expected"),
        form.clone().with("expected", ""),
    ] {
        let confirmation = site.send(&form).await;
        assert_eq!(confirmation.status, 409);
        confirmation.must_say("it is 2 messages");
    }
    assert_eq!(app.count("messages").await, 2, "nothing was sent");
    let again = site.send(&form.with("expected", "1")).await.form("/ledger/retry");
    site.send(&again).await.ok().must_say("Resending 2 messages.");
}

#[tokio::test(flavor = "multi_thread")]
async fn tagging_many_contacts_needs_the_number_shown_and_no_blank_filter() {
    let app = TestApp::start().await;
    let api = app.api();
    for phone in [HANDSET, OTHER_HANDSET] {
        id(&api.post("/contacts", json!({ "phone": phone, "first_name": "Ann" })).await.ok());
    }
    let site = app.sign_in().await;
    let form = site
        .open("/contacts/tag?action=add&name=VIP&all=true&q=ann")
        .await
        .ok()
        .form("/contacts/tag");
    for field in ["q", "tag", "from", "id"] {
        for blank in BLANK {
            let blanked = if form.value(field).is_some() {
                form.clone().with(field, blank)
            } else {
                form.clone().and(field, blank)
            };
            let refused = site.send(&blanked).await;
            assert_eq!(refused.status, 422, "{field} {blank:?}");
            refused.must_say(&format!("{field}: This must not be blank."));
        }
    }
    for (field, wrong) in [("from", "soon"), ("id", "7"), ("action", "")] {
        let wrong = if form.value(field).is_some() {
            form.clone().with(field, wrong)
        } else {
            form.clone().and(field, wrong)
        };
        assert_eq!(site.send(&wrong).await.status, 422, "{field}");
    }
    for number in ["1", "3", "", "all"] {
        let confirmation = site.send(&form.clone().with("expected", number)).await;
        assert_eq!(confirmation.status, 409, "{number}");
        confirmation.must_say("it is 2 contacts");
    }
    // A matching contact is created while the confirmation is open.
    app.api().post("/contacts", json!({ "phone": "+12065550177", "first_name": "Ann" })).await.ok();
    site.send(&form).await.must_say("You were asked about 2 contacts; now it is 3 contacts.");
    assert_eq!(app.count("contact_tags").await, 0);
    let confirmation = site.send(&form).await.form("/contacts/tag");
    site.send(&confirmation).await.ok().must_say("Added “VIP” to 3 contacts.");
}

#[tokio::test(flavor = "multi_thread")]
async fn retrying_failed_jobs_needs_the_number_shown_and_an_existing_kind() {
    let app = TestApp::start().await;
    app.failed_jobs("send", 3).await;
    app.failed_jobs("settle", 2).await;
    let admin = app.sign_in().await;
    let all = admin.open("/admin/failed/retry").await.ok().form("/admin/failed/retry");
    let sends = admin.open("/admin/failed/retry?kind=send").await.ok().form("/admin/failed/retry");
    assert_eq!((all.value("kind"), sends.value("kind")), (None, Some("send")));
    for kind in ["", " ", "sned"] {
        assert_eq!(admin.send(&sends.clone().with("kind", kind)).await.status, 422, "{kind:?}");
    }
    let confirmation = admin.send(&sends.clone().without("kind")).await;
    assert_eq!(confirmation.status, 409);
    confirmation.must_say("You were asked about 3 jobs; now it is 5 jobs.");
    assert_eq!(app.count("jobs WHERE failed_at IS NOT NULL").await, 5);
    admin.send(&sends).await.ok().must_say("Retrying 3 failed jobs");
}

#[tokio::test(flavor = "multi_thread")]
async fn blank_keys_remove_nothing_and_a_view_needs_a_filter() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let path = format!("/connections/{}", twilio.connection_id);
    for field in ["auth_token", "api_key_sid", "api_key_secret"] {
        assert!(
            app.api()
                .put(&format!("{path}/keys"), json!({ field: " " }))
                .await
                .field(field)
                .contains("blank")
        );
    }
    assert_eq!(app.api().get(&path).await.ok()["has_auth_token"], json!(true));
    let site = app.sign_in().await;
    let form =
        site.open("/messages?status=failed").await.ok().form("/messages/views").with("name", "All");
    assert_eq!(site.send(&form.with("query", "status=+")).await.status, 422);
    assert_eq!(app.count("message_views").await, 0);
}
