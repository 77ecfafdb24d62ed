//! A call that writes and is narrowed by nothing but blanks is refused, and one that means many
//! says how many it means.

use std::time::Duration;

use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule};

use crate::harness::world::id;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions};

/// Texts that say nothing.
const BLANK: [&str; 7] = ["", " ", "\t", "\r\n", "\u{a0}", "\u{200b}", "\u{3000}\u{feff}"];

/// A Carillon with messages to two people that failed and can be sent again.
async fn with_failed_messages() -> TestApp {
    let app = TestApp::with(TestOptions {
        patience: Duration::from_millis(300),
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
async fn a_blank_condition_of_a_retry_is_refused_with_its_field_and_sends_nothing() {
    let app = with_failed_messages().await;
    for field in ["message_id", "automation_id", "sender_id", "from", "to"] {
        for blank in BLANK.map(Value::from).into_iter().chain([Value::Null]) {
            for rest in [json!({}), json!({ "dry_run": true }), json!({ "expected": 2 })] {
                let mut wish = rest;
                wish[field] = blank.clone();
                let said = app.api().post("/ledger/retry", wish).await.field(field);
                assert!(said.contains("blank"), "{field} {blank:?}: {said}");
            }
        }
    }
    assert_eq!(app.count("messages").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_of_several_needs_the_number_that_the_dry_run_gave() {
    let app = with_failed_messages().await;
    let api = app.api();
    let eligible =
        api.post("/ledger/retry", json!({ "dry_run": true })).await.ok()["eligible"].clone();
    assert_eq!(eligible, json!(2));
    for wish in [
        json!({}),
        json!({ "from": "2026-11-01" }),
        json!({ "automation_id": "none" }),
        json!({ "expected": null }),
    ] {
        assert!(api.post("/ledger/retry", wish).await.field("expected").contains("dry run"));
    }
    for expected in [0, 1, 3, -2] {
        let error = api.post("/ledger/retry", json!({ "expected": expected })).await.refused(409);
        let said = error["message"].as_str().unwrap();
        assert!(
            error["code"] == "count_changed"
                && said.contains(&expected.to_string())
                && said.contains("2 can be"),
            "{said}"
        );
    }
    assert_eq!(app.count("messages").await, 2, "nothing was sent");

    // One message names itself.
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
        "a repeat finds nothing left"
    );
    assert_eq!(app.count("messages").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_of_a_retry_sends_as_many_as_it_has_shown_or_asks_again() {
    let app = with_failed_messages().await;
    let site = app.sign_in().await;
    let form = site.open("/ledger/retry").await.ok().form("/ledger/retry");
    for field in ["automation_id", "sender_id"] {
        assert_eq!(form.value(field), None, "nothing is chosen, and nothing blank is sent");
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
        let asked = site.send(&form).await;
        assert_eq!(asked.status, 409);
        asked.must_say("2 messages now");
    }
    assert_eq!(app.count("messages").await, 2, "nothing was sent");
    let again = site.send(&form.with("expected", "1")).await.form("/ledger/retry");
    site.send(&again).await.ok().must_say("2 messages are sent again.");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_contacts_are_tagged_as_many_as_were_shown_and_never_by_a_blank_filter() {
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
        let asked = site.send(&form.clone().with("expected", number)).await;
        assert_eq!(asked.status, 409, "{number}");
        asked.must_say("2 contacts now");
    }
    // Somebody who fits comes in while the question is open.
    app.api().post("/contacts", json!({ "phone": "+12065550177", "first_name": "Ann" })).await.ok();
    site.send(&form).await.must_say("You were asked about 2 contacts; it is 3 contacts now.");
    assert_eq!(app.count("contact_tags").await, 0);
    let asked = site.send(&form).await.form("/contacts/tag");
    site.send(&asked).await.ok().must_say("was given to 3 contacts.");
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_jobs_are_tried_again_as_many_as_were_shown_and_of_a_kind_that_exists() {
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
    let asked = admin.send(&sends.clone().without("kind")).await;
    assert_eq!(asked.status, 409);
    asked.must_say("You were asked about 3 jobs; it is 5 jobs now.");
    assert_eq!(app.count("jobs WHERE failed_at IS NOT NULL").await, 5);
    admin.send(&sends).await.ok().must_say("3 failed jobs are tried again");
}

#[tokio::test(flavor = "multi_thread")]
async fn blank_keys_drop_nothing_and_a_view_of_nothing_chosen_is_none() {
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
