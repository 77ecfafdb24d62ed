//! Sending with faults: nothing is sent twice or lost, and an admin sees why a message waits.

use std::time::Duration;

use carillon::messages::status::MessageStatus;
use carillon::queue::lease;
use carillon::users::Role;
use chrono::TimeDelta;
use serde_json::json;
use twilio_simulator::{Fault, LONG_CODE, Rule, TRIAL_VERIFIED_NUMBER};

use crate::harness::fixtures::Twilio;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, hours, seconds};

/// A Carillon that answers `hello` with one SMS, with a short timeout for Twilio.
async fn with_short_timeout() -> (TestApp, Twilio) {
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_millis(400),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

/// Advances the clock until all searches at Twilio and all other delayed jobs are due.
async fn advance_past_delays(app: &TestApp) {
    for _ in 0..8 {
        app.advance(TimeDelta::minutes(16)).await;
    }
}

async fn outcomes(app: &TestApp, handset: &str) -> Vec<String> {
    let message = app.message_to(handset).await;
    app.attempts(message.id)
        .await
        .iter()
        .map(|attempt| attempt.outcome.map_or("open".to_owned(), |outcome| outcome.to_string()))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_429_is_retried_with_a_delay() {
    let (app, _) = with_short_timeout().await;
    app.simulator.inject(Rule::next(2, Fault::TooManyRequests));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);
    app.advance(seconds(1)).await;
    assert_eq!(outcomes(&app, HANDSET).await, ["busy"], "the retry is delayed");
    app.advance(seconds(30)).await;
    app.advance(seconds(30)).await;
    assert_eq!(outcomes(&app, HANDSET).await, ["busy", "busy", "accepted"]);
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.received(HANDSET).len()),
        (vec!["delivered".to_owned()], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_settled_by_the_callback() {
    for fault in [Fault::ServerErrorRecorded, Fault::TimeoutRecorded, Fault::ResetRecorded] {
        let (app, _) = with_short_timeout().await;
        app.simulator.inject(Rule::next(1, fault));
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"], "{fault:?}");
        advance_past_delays(&app).await;
        assert_eq!(
            (outcomes(&app, HANDSET).await, app.received(HANDSET).len()),
            (vec!["unknown".to_owned()], 1),
            "{fault:?}"
        );
        let message = app.message_to(HANDSET).await;
        assert_eq!(message.twilio_sid.as_ref(), Some(&app.simulator.messages()[0].sid));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_and_callbacks_are_settled_by_a_search_at_twilio() {
    for fault in [Fault::ServerErrorRecorded, Fault::TimeoutRecorded, Fault::ResetRecorded] {
        let (app, _) = with_short_timeout().await;
        app.simulator.inject(Rule::always(Fault::DropCallbacks));
        app.simulator.inject(Rule::next(1, fault));
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{fault:?}");
        app.advance(seconds(5)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"], "{fault:?}");
        let message = app.message_to(HANDSET).await;
        assert_eq!(message.twilio_sid.as_ref(), Some(&app.simulator.messages()[0].sid));
        assert!(
            app.status_entries(message.id)
                .await
                .iter()
                .any(|entry| entry.source.as_str() == "lookup" && entry.applied)
        );
        advance_past_delays(&app).await;
        assert_eq!(app.received(HANDSET).len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_twilio_never_lists_stays_unconfirmed_and_is_never_sent_again() {
    for fault in [Fault::ServerError, Fault::Timeout, Fault::Reset] {
        let (app, _) = with_short_timeout().await;
        app.simulator.inject(Rule::next(1, fault));
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{fault:?}");
        advance_past_delays(&app).await;
        let message = app.message_to(HANDSET).await;
        assert_eq!(message.status, MessageStatus::Unconfirmed, "{fault:?}");
        assert!(message.reason.unwrap().contains("does not send it again"), "{fault:?}");
        let searches = app
            .status_entries(message.id)
            .await
            .iter()
            .filter(|entry| entry.source.as_str() == "lookup" && !entry.applied)
            .count();
        assert!(searches >= 2, "each unsuccessful search is recorded: {searches}");
        assert_eq!(
            (outcomes(&app, HANDSET).await.len(), app.received(HANDSET).len()),
            (1, 0),
            "{fault:?}"
        );
        assert_eq!(app.count("jobs").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unconfirmed_message_is_sent_again_if_the_connection_allows_it() {
    let (app, twilio) = with_short_timeout().await;
    app.api()
        .patch(
            &format!("/connections/{}", twilio.connection_id),
            json!({ "unconfirmed_policy": "resend" }),
        )
        .await
        .ok();
    app.simulator.inject(Rule::next(1, Fault::Timeout));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    advance_past_delays(&app).await;
    assert_eq!(outcomes(&app, HANDSET).await, ["unknown", "accepted"]);
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.received(HANDSET).len()),
        (vec!["delivered".to_owned()], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_equal_messages_with_lost_answers_each_find_their_own_sid() {
    let (app, _) = with_short_timeout().await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.simulator.inject(Rule::next(2, Fault::TimeoutRecorded));
    app.event("hello", HANDSET, json!({})).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    advance_past_delays(&app).await;
    let messages = app.messages_to(HANDSET).await;
    let mut sids: Vec<_> =
        messages.iter().map(|message| message.twilio_sid.clone().unwrap()).collect();
    sids.sort();
    sids.dedup();
    assert_eq!((sids.len(), app.received(HANDSET).len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_twilio_rejects_as_invalid_is_suppressed() {
    let (app, _) = with_short_timeout().await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21211 }));
    for _ in 0..2 {
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
    }
    let messages = app.messages_to(HANDSET).await;
    assert_eq!((messages[0].status, messages[0].error_code), (MessageStatus::Failed, Some(21211)));
    assert_eq!(
        (messages[1].status, messages[1].reason.as_deref()),
        (MessageStatus::Suppressed, Some("invalid_number"))
    );
    let contact = app.contact_of(HANDSET).await;
    assert_eq!(
        (contact["suppression"]["reason"].as_str(), contact["tags"].as_array().unwrap().len()),
        (Some("invalid_number"), 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanent_refusal_fails_the_message_with_its_code() {
    let (app, _) = with_short_timeout().await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21617 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await;
    assert_eq!((message.status, message.error_code), (MessageStatus::Failed, Some(21617)));
    advance_past_delays(&app).await;
    assert_eq!(outcomes(&app, HANDSET).await, ["refused"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_sender_is_stopped_and_its_messages_wait_until_it_is_enabled() {
    let (app, twilio) = with_short_timeout().await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21606 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let path = format!("/senders/{}", twilio.sender_id);
    let sender = app.api().get(&path).await.ok();
    assert_eq!(sender["status"], "stopped");
    assert!(sender["stopped_reason"].as_str().is_some_and(|reason| !reason.is_empty()));
    app.event("hello", OTHER_HANDSET, json!({})).await;
    advance_past_delays(&app).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["pending".into()], vec!["pending".into()])
    );
    assert_eq!(app.simulator.messages().len(), 0);
    let (marketer, admin) = (app.sign_in_as(Role::Marketer).await, app.sign_in().await);
    let stop = "Twilio refuses to send from +1 500 555 0006";
    for (site, advice) in
        [(&marketer, "An admin can enable it again"), (&admin, "See why, and what to do")]
    {
        let page = site.open("/contacts").await;
        assert!(page.says(stop) && page.says(advice), "{}", page.text());
    }

    app.api().patch(&path, json!({ "disabled": false })).await.ok();
    assert!(!admin.open("/contacts").await.html.contains(stop));
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_stops_the_connection_and_loses_nothing() {
    let (app, twilio) = with_short_timeout().await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 20003 }));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let path = format!("/connections/{}", twilio.connection_id);
    assert_eq!(app.api().get(&path).await.ok()["status"], "stopped");
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);
    let (admin, stop) = (app.sign_in().await, "Twilio refuses the account of");
    for elsewhere in ["/".to_owned(), format!("{path}/health")] {
        admin.open(&elsewhere).await.ok().must_say(stop);
    }
    for tab in ["", "/senders", "/test", "/advanced"] {
        let page = admin.open(&format!("{path}{tab}")).await.ok();
        assert!(page.says("Sending is stopped:") && !page.says(stop), "{tab}: {}", page.text());
    }
    app.api().patch(&path, json!({ "disabled": false })).await.ok();
    app.run_until_idle().await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.received(HANDSET).len()),
        (vec!["delivered".to_owned()], 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_a_connection_holds_its_messages_and_enabling_wakes_them() {
    let (app, twilio) = with_short_timeout().await;
    let other = app.connect_trial().await;
    app.sms_on("bye", &other, "Bye.").await;
    let path = format!("/connections/{}", twilio.connection_id);
    app.event("hello", HANDSET, json!({})).await;
    app.waits_while_disabled(&path, HANDSET, "Hello.", async || {
        app.event("bye", TRIAL_VERIFIED_NUMBER, json!({})).await;
        app.run_until_idle().await;
        assert_eq!(
            (app.received(HANDSET).len(), app.received(TRIAL_VERIFIED_NUMBER).len()),
            (0, 1),
            "the other connection sends on"
        );
        app.advance(hours(5)).await;
    })
    .await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_a_sender_holds_its_messages_and_enabling_wakes_them() {
    let (app, twilio) = with_short_timeout().await;
    let path = format!("/senders/{}", twilio.sender_id);
    app.waits_while_disabled(&path, HANDSET, "Hello.", async || {
        app.event("hello", HANDSET, json!({})).await;
    })
    .await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_an_automation_holds_and_activating_it_wakes() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = format!("/automations/{}", app.sms_on("hello", &twilio, "Hello.").await);
    app.event("hello", HANDSET, json!({})).await;
    app.api().patch(&automation, json!({ "status": "paused" })).await.ok();
    app.run_until_idle().await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.simulator.messages().len(), 0);
    app.api().patch(&automation, json!({ "status": "active" })).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."], "the contact was enrolled before the pause");
    assert!(app.received(OTHER_HANDSET).is_empty(), "an event during the pause starts nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_between_claim_and_record_sends_nothing_twice_and_loses_nothing() {
    for callbacks in [true, false] {
        let app = TestApp::start().await;
        let twilio = app.connect_twilio().await;
        app.sms_on("hello", &twilio, "Hello.").await;
        if !callbacks {
            app.simulator.inject(Rule::always(Fault::DropCallbacks));
        }
        app.simulator.inject(Rule::next(1, Fault::TimeoutRecorded));
        app.event("hello", HANDSET, json!({})).await;
        let worker = app.second_worker();
        worker.heartbeat().await.unwrap();
        let work = tokio::spawn(async move { worker.perform_due().await });
        app.eventually("Twilio has the message", async || {
            (app.received(HANDSET).len() == 1).then_some(())
        })
        .await;
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        assert_eq!(outcomes(&app, HANDSET).await, ["open"]);
        app.simulator.flush().await;

        // Other workers notice its death later, and search at Twilio instead of sending.
        app.clock.advance(seconds(31));
        app.run_until_idle().await;
        advance_past_delays(&app).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"], "callbacks: {callbacks}");
        assert_eq!(app.received(HANDSET).len(), 1, "callbacks: {callbacks}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_before_twilio_accepted_the_message_leaves_it_unconfirmed_with_a_reason() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::next(1, Fault::Timeout));
    app.event("hello", HANDSET, json!({})).await;
    let worker = app.second_worker();
    worker.heartbeat().await.unwrap();
    let work = tokio::spawn(async move { worker.perform_due().await });
    app.eventually("it is submitting", async || {
        (app.statuses_to(HANDSET).await == ["submitting"]).then_some(())
    })
    .await;
    work.abort();
    let _ = work.await;
    app.clock.advance(seconds(31));
    app.run_until_idle().await;
    advance_past_delays(&app).await;
    let message = app.message_to(HANDSET).await;
    assert_eq!((message.status, app.received(HANDSET).len()), (MessageStatus::Unconfirmed, 0));
    assert!(message.reason.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_workers_on_one_queue_send_each_message_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let events: Vec<_> = (0..120)
        .map(|n| {
            json!(
                { "name": "hello", "contact": { "phone": format!("+120655502{:02}", n % 100) } }
            )
        })
        .collect();
    app.api().post("/events", json!({ "events": events })).await.ok();
    let workers = [app.second_worker(), app.second_worker(), app.second_worker()];
    for worker in &workers {
        worker.heartbeat().await.unwrap();
    }
    let done =
        futures::future::join_all(workers.iter().map(carillon::worker::Worker::perform_due)).await;
    assert!(done.into_iter().all(|performed| performed.is_ok()));
    app.run_until_idle().await;
    assert_eq!(app.simulator.messages().len(), 120);
    assert_eq!(app.count("messages WHERE status = 'delivered'").await, 120);
    assert_eq!(app.count("attempts").await, 120);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_add_up_whatever_the_network_does() {
    let (app, _) = with_short_timeout().await;
    for (seed, fault) in [
        Fault::TooManyRequests,
        Fault::ServerError,
        Fault::ServerErrorRecorded,
        Fault::ResetRecorded,
    ]
    .into_iter()
    .enumerate()
    {
        app.simulator.inject(Rule::chance(0.2, seed as u64, fault));
    }
    app.simulator.inject(Rule::chance(0.2, 9, Fault::Undelivered { code: 30003 }));
    app.simulator.inject(Rule::chance(0.2, 10, Fault::DropCallbacks));
    let events: Vec<_> = (0..100)
        .map(|n| json!({ "name": "hello", "contact": { "phone": format!("+120655503{n:02}") } }))
        .collect();
    app.api().post("/events", json!({ "events": events })).await.ok();
    app.run_until_idle().await;
    advance_past_delays(&app).await;
    assert_eq!(app.count("messages").await, 100);
    for n in 0..100 {
        let handset = format!("+120655503{n:02}");
        let message = app.message_to(&handset).await;
        let at_twilio = app.simulator.messages_to(&handset);
        assert!(at_twilio.len() <= 1, "{handset} received it twice");
        assert_eq!(
            message.twilio_sid.as_ref(),
            at_twilio.first().map(|found| &found.sid),
            "{message:?}"
        );
        assert_ne!(message.status, MessageStatus::Submitting);
        assert_eq!(
            at_twilio.is_empty(),
            message.status == MessageStatus::Unconfirmed,
            "{message:?}"
        );
    }
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_that_is_gone_at_twilio_loses_no_messages() {
    let (app, twilio) = with_short_timeout().await;
    app.simulator.change_number(LONG_CODE, |number| number.capabilities.sms = false);
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(
        app.api().get(&format!("/senders/{}", twilio.sender_id)).await.ok()["status"],
        "stopped"
    );
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_with_an_unknown_lease_is_returned_while_its_worker_lives() {
    let (app, _) = with_short_timeout().await;
    app.worker.heartbeat().await.unwrap();
    app.event("hello", HANDSET, json!({})).await;
    let leased =
        lease::take(&mut *app.conn().await, app.worker.id(), app.clock.now(), 10).await.unwrap();
    assert_eq!(leased.len(), 1, "PostgreSQL has leased it, and the worker never gets the answer");
    assert_eq!(app.worker.perform_due().await.unwrap(), 0);
    app.run_until_idle().await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.received(HANDSET).len()),
        (vec!["delivered".to_owned()], 1)
    );
}
