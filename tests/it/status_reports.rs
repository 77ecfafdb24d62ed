//! Status reports: late, shuffled, repeated and concurrent ones are all stored, and only move the
//! status of a message forward.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use twilio_simulator::{ACCOUNT_SID, Fault, Rule, TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN, sign};

use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};
use crate::webhooks::{Params, call, call_signed, owned, status};

#[tokio::test(flavor = "multi_thread")]
async fn status_reports_count_in_any_order() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    let statuses = ["queued", "sending", "sent", "delivered"];
    for rotation in 0..statuses.len() {
        let handset = format!("+1206555013{rotation}");
        let message = app.message_for_hello(&handset).await;
        let sid = message.twilio_sid.clone().unwrap();
        let path = status(&twilio, message.id);
        for at in 0..statuses.len() {
            let status = statuses[(at * 3 + rotation) % statuses.len()];
            let report: Params<'_> =
                &[("MessageSid", &sid), ("MessageStatus", status), ("AccountSid", ACCOUNT_SID)];
            assert_eq!(call_signed(&app, &path, report).await, 204);
            assert_eq!(call_signed(&app, &path, report).await, 204, "a repeat");
        }
        assert_eq!(app.message_to(&handset).await.status.as_str(), "delivered", "{rotation}");
        let stored = app
            .count(&format!(
                "delivery_events WHERE message_id = '{}' AND source = 'callback'",
                message.id
            ))
            .await;
        assert_eq!(stored, 8);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_report_waits_for_a_concurrent_change_and_counts_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    for (handset, meanwhile, then) in
        [(HANDSET, "sending", "delivered"), (OTHER_HANDSET, "delivered", "delivered")]
    {
        let message = app.message_for_hello(handset).await;
        let sid = message.twilio_sid.clone().unwrap();
        let path = status(&twilio, message.id);
        let report: Params<'_> =
            &[("MessageSid", &sid), ("MessageStatus", "delivered"), ("AccountSid", ACCOUNT_SID)];
        let mut other = app.database.connect().await;
        other
            .batch_execute(&format!(
                "BEGIN; UPDATE messages SET status = '{meanwhile}' WHERE id = '{}'",
                message.id
            ))
            .await
            .unwrap();
        let (answer, ()) = futures::join!(call_signed(&app, &path, report), async {
            app.database.wait_until_blocked().await;
            other.batch_execute("COMMIT").await.unwrap();
        });
        assert_eq!(answer, 204);
        assert_eq!(app.message_to(handset).await.status.as_str(), then);
        let story = app.status_entries(message.id).await;
        let stored: Vec<_> = story
            .iter()
            .filter(|entry| entry.status == "delivered")
            .map(|entry| entry.applied)
            .collect();
        assert_eq!(
            stored,
            [meanwhile != "delivered"],
            "the status was {meanwhile} when the report came"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_shuffled_and_repeated_reports_are_all_stored_and_the_status_only_moves_forward() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    for (handset, fault) in [("+12065550121", Fault::Shuffle), ("+12065550122", Fault::Repeat)] {
        app.simulator.inject(Rule::always(fault).for_handset(handset));
        let message = app.message_for_hello(handset).await;
        assert_eq!(message.status.as_str(), "delivered", "{fault:?}");
        let reports = app
            .simulator
            .callbacks()
            .iter()
            .filter(|callback| Some(&callback.message_sid) == message.twilio_sid.as_ref())
            .count();
        let stored = app
            .count(&format!(
                "delivery_events WHERE message_id = '{}' AND source = 'callback'",
                message.id
            ))
            .await;
        assert_eq!(stored, i64::try_from(reports).unwrap(), "every report is stored: {fault:?}");
    }
    // A late report that contradicts the final status.
    let message = app.message_to("+12065550121").await;
    let sid = message.twilio_sid.clone().unwrap();
    let late: Params<'_> = &[
        ("MessageSid", &sid),
        ("MessageStatus", "undelivered"),
        ("ErrorCode", "30003"),
        ("AccountSid", ACCOUNT_SID),
    ];
    let path = status(&twilio, message.id);
    assert_eq!(call_signed(&app, &path, late).await, 204);
    let after = app.message_to("+12065550121").await;
    assert_eq!((after.status.as_str(), after.error_code), ("delivered", None));
    let last = app.status_entries(message.id).await.pop().unwrap();
    assert_eq!((last.status.as_str(), last.applied), ("undelivered", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_report_sets_the_error_code_and_an_unknown_status_is_ignored() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::Undelivered { code: 30003 }));
    let message = app.message_for_hello(HANDSET).await;
    assert_eq!((message.status.as_str(), message.error_code), ("undelivered", Some(30003)));
    let sid = message.twilio_sid.clone().unwrap();
    let odd: Params<'_> =
        &[("MessageSid", &sid), ("MessageStatus", "teleported"), ("AccountSid", ACCOUNT_SID)];
    let path = status(&twilio, message.id);
    assert_eq!(call_signed(&app, &path, odd).await, 204);
    assert_eq!(app.message_to(HANDSET).await.status.as_str(), "undelivered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_report_of_21610_without_a_recipient_suppresses_the_number() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let message = app.message_for_hello(HANDSET).await;
    let sid = message.twilio_sid.clone().unwrap();
    let terse: Params<'_> =
        &[("MessageSid", &sid), ("MessageStatus", "failed"), ("ErrorCode", "21610")];
    let path = status(&twilio, message.id);
    assert_eq!(call_signed(&app, &path, terse).await, 204);
    assert_eq!(app.message_to(HANDSET).await.status.as_str(), "delivered", "a final status stays");
    assert_eq!(app.contact_of(HANDSET).await["suppression"]["reason"], "carrier_21610");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_of_another_connection_is_ignored() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let keys = json!({ "account_sid": TRIAL_ACCOUNT_SID, "auth_token": TRIAL_AUTH_TOKEN });
    let other = app.api().post("/connections", keys).await.ok();
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::DropCallbacks));
    let message = app.message_for_hello(HANDSET).await;
    let sid = message.twilio_sid.clone().unwrap();
    let report: Params<'_> =
        &[("MessageSid", &sid), ("MessageStatus", "delivered"), ("AccountSid", TRIAL_ACCOUNT_SID)];
    let path = format!("/hooks/twilio/{}/status/{}", other["id"].as_str().unwrap(), message.id);
    let signature = sign(TRIAL_AUTH_TOKEN, &format!("{}{path}", app.url), &owned(report));
    assert_eq!(call(&app, &path, report, Some(&signature)).await.status(), 404);
    assert_eq!(app.message_to(HANDSET).await.status.as_str(), "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_commit_fails_is_not_acknowledged() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let message = app.message_for_hello(HANDSET).await;
    let path = status(&twilio, message.id);
    let sid = message.twilio_sid.clone().unwrap();
    let params =
        [("MessageSid", sid.as_str()), ("MessageStatus", "read"), ("AccountSid", ACCOUNT_SID)];
    let stored = async || app.count("delivery_events WHERE status = 'read'").await;

    // The deferred trigger fails the commit, after the statement has succeeded.
    app.run_sql(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no \
         commit'; END $$",
    )
    .await;
    app.run_sql(
        "CREATE CONSTRAINT TRIGGER fail AFTER INSERT
            ON delivery_events DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    .await;
    assert_eq!(call_signed(&app, &path, &params).await, 500);
    assert_eq!(stored().await, 0);
    app.run_sql("DROP TRIGGER fail ON delivery_events").await;
    assert_eq!(call_signed(&app, &path, &params).await, 204);
    assert_eq!(stored().await, 1);
}
