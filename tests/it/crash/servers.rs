//! Webhooks and reported events while the server is killed or the caller disconnects.

use std::time::Duration;

use carillon::app::ProcessRole;
use carillon::clock::Clock;
use carillon::db::{Conn, Durability};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use twilio_simulator::{ACCOUNT_SID, Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use super::{handsets, hello, hold_lock, prepared, release_lock, report_hello};
use crate::harness::invariants::Phase;
use crate::harness::test_database::{DatabaseServer, Reachable};
use crate::harness::{HANDSET, TestApp, TestOptions, print_line, real_time};

/// A server is killed during webhook calls: what it answered is stored, and repeats count once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_during_callbacks_has_stored_all_that_it_answered() {
    for committed in [false, true] {
        let database_server = if committed {
            DatabaseServer::Dedicated(Durability::Durable)
        } else {
            DatabaseServer::Shared
        };
        let clock = Clock::manual(Clock::system().now());
        let retry_pause = Duration::from_millis(700);
        let app = TestApp::with(TestOptions {
            clock,
            database_server,
            retry_pause,
            ..TestOptions::default()
        })
        .await;
        let twilio = app.connect_sender(SERVICE_SID).await;
        app.sms_on("hello", &twilio, "Hello.").await;
        app.simulator.inject(Rule::always(Fault::Slow));
        let server = app.process(ProcessRole::All).await;
        let phones = handsets(5);
        for handset in &phones {
            server.api(&app).post("/events", hello(handset)).await.ok();
        }
        app.eventually("all are sent", async || {
            (app.count("messages WHERE twilio_sid IS NOT NULL").await == 5).then_some(())
        })
        .await;
        assert!(app.simulator.callbacks().is_empty());

        let lock = hold_lock(&app, "SELECT FROM messages FOR UPDATE").await;
        let simulator = app.simulator.clone();
        let calls = tokio::spawn(async move { simulator.flush().await });
        let blocked = app.database.wait_until_blocked().await;
        if committed {
            app.database.cluster().hold_commits().await;
            release_lock(lock).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            let bind = server.kill().await;
            app.database.cluster().release_commits().await;
            assert!(
                app.count("delivery_events WHERE source = 'callback'").await > 0,
                "the reports were committed"
            );
            assert!(
                app.simulator.callbacks().iter().all(|call| call.answer.is_none()),
                "the calls were not answered"
            );
            let server = app.process_at(ProcessRole::Web, &bind).await;
            calls.await.unwrap();
            app.settle().await;
            app.assert_invariants(Phase::Settled).await;
            server.kill().await;
        } else {
            let bind = server.kill().await;
            app.database.terminate(&blocked).await;
            release_lock(lock).await;
            assert_eq!(
                app.count("delivery_events WHERE source = 'callback'").await,
                0,
                "the reports were not committed"
            );
            let server = app.process_at(ProcessRole::Web, &bind).await;
            calls.await.unwrap();
            app.settle().await;
            app.assert_invariants(Phase::Settled).await;
            server.kill().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_records_an_event_recognises_the_repeat() {
    for committed in [false, true] {
        let (app, _) = prepared(if committed {
            DatabaseServer::Dedicated(Durability::Durable)
        } else {
            DatabaseServer::Shared
        })
        .await;
        let server = app.process(ProcessRole::Web).await;
        let lock = hold_lock(&app, "LOCK TABLE events IN SHARE MODE").await;
        let api = server.api(&app);
        let request = api
            .http
            .post(format!("{}/events", api.url))
            .bearer_auth(&api.key)
            .json(&hello(HANDSET));
        let request = tokio::spawn(request.send());
        let blocked = app.database.wait_until_blocked().await;
        if committed {
            app.database.cluster().hold_commits().await;
            release_lock(lock).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            server.kill().await;
            app.database.cluster().release_commits().await;
        } else {
            server.kill().await;
            release_lock(lock).await;
        }
        assert!(request.await.unwrap().is_err(), "there was no answer");
        assert_eq!(app.count("events").await, i64::from(committed));

        let again = app.api().post("/events", hello(HANDSET)).await.ok();
        assert_eq!(again["status"], if committed { "repeat" } else { "recorded" });
        app.settle().await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!((tally.messages(), tally.of("delivered"), tally.posts), (1, 1, 1));
    }
}

/// Points the inbound webhook at another process.
fn point_webhook_at(app: &TestApp, bind: &str) {
    app.simulator.change_service(SERVICE_SID, |service| {
        let url = service.inbound_request_url.as_mut().unwrap();
        *url = url.replacen(&app.url, &format!("http://{bind}"), 1);
    });
}

async fn patch_sender(app: &TestApp, change: Value) {
    let sender = app.texts("SELECT '/senders/' || id AS text FROM senders").await.remove(0);
    app.api().patch(&sender, change).await.ok();
}

/// The numbers of active suppressions, suppressed messages and inbound messages.
async fn effects(app: &TestApp) -> [i64; 3] {
    [
        app.count("suppressions WHERE lifted_at IS NULL").await,
        app.count("messages WHERE status = 'suppressed'").await,
        app.count("messages WHERE direction = 'inbound'").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_records_a_stop_recognises_the_redelivery() {
    for committed in [false, true] {
        let durability = if committed { Durability::Durable } else { Durability::Volatile };
        let (app, _) = prepared(DatabaseServer::Dedicated(durability)).await;
        app.watch_claims().await;
        // A pending message, which the STOP suppresses.
        patch_sender(&app, json!({ "disabled": true })).await;
        app.api().post("/events", hello(HANDSET)).await.ok();
        app.run_until_idle().await;
        let server = app.process(ProcessRole::Web).await;
        point_webhook_at(&app, server.bind());

        let lock = hold_lock(&app, "LOCK TABLE consent_records IN SHARE MODE").await;
        let simulator = app.simulator.clone();
        let text =
            tokio::spawn(async move { simulator.reply(HANDSET, SERVICE_NUMBER_1, "STOP").await });
        let blocked = app.database.wait_until_blocked().await;
        let bind = if committed {
            app.database.cluster().hold_commits().await;
            release_lock(lock).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            let bind = server.kill().await;
            app.database.cluster().release_commits().await;
            bind
        } else {
            let bind = server.kill().await;
            app.database.terminate(&blocked).await;
            release_lock(lock).await;
            bind
        };
        let unanswered = text.await.unwrap().unwrap();
        assert_eq!(unanswered.webhook_status, None, "there was no answer");
        assert_eq!(effects(&app).await, [i64::from(committed); 3]);

        let server = app.process_at(ProcessRole::Web, &bind).await;
        for _ in 0..2 {
            let redelivery = app.simulator.redeliver(&unanswered.sid).await.unwrap();
            assert_eq!(redelivery.webhook_status, Some(200), "{}", redelivery.webhook);
            assert_eq!(effects(&app).await, [1; 3]);
        }
        patch_sender(&app, json!({ "disabled": false })).await;
        app.event("hello", HANDSET, json!({})).await;
        app.settle().await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!((tally.of("suppressed"), tally.messages(), tally.posts), (2, 2, 0), "{tally:?}");
        assert_eq!(app.count("consent_records").await, 1);
        server.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_call_that_loses_its_database_is_answered_503_and_counts_when_repeated() {
    let (app, _) = prepared(DatabaseServer::Shared).await;
    app.simulator.inject(Rule::always(Fault::Slow));
    report_hello(&app, &handsets(3)).await;
    app.worker.heartbeat().await.unwrap();
    app.worker.perform_due().await.unwrap();
    assert_eq!(app.count("messages WHERE twilio_sid IS NOT NULL").await, 3);
    let lock = hold_lock(&app, "SELECT FROM messages FOR UPDATE").await;
    let simulator = app.simulator.clone();
    let calls = tokio::spawn(async move { simulator.flush().await });
    app.database.wait_until_blocked().await;
    // All connections are cut, including that of the lock.
    app.database.set_reachable(Reachable::No).await;
    drop(lock);
    app.eventually("the calls are answered", async || {
        (app.simulator.callbacks().len() >= 3).then_some(())
    })
    .await;
    app.database.set_reachable(Reachable::Yes).await;
    calls.await.unwrap();
    assert!(
        app.simulator.callbacks().iter().all(|call| matches!(call.answer, Some(204 | 503))),
        "{:?}",
        app.simulator.callbacks()
    );
    assert!(app.simulator.callbacks().iter().any(|call| call.answer == Some(503)));
    app.assert_invariants(Phase::Unsettled).await;
}

/// Waits until no transaction is open.
async fn wait_until_idle(app: &TestApp) {
    let open_transactions = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    app.eventually("all transactions end", async || {
        (app.count(open_transactions).await == 0).then_some(())
    })
    .await;
}

/// Makes a call that blocks on a lock, disconnects the caller, and releases the lock.
async fn call_and_disconnect(app: &TestApp, call: RequestBuilder, lock: Conn) {
    let request = tokio::spawn(call.send());
    app.database.wait_until_blocked().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    real_time(Duration::from_millis(200), "the server notices it asynchronously").await;
    release_lock(lock).await;
    wait_until_idle(app).await;
}

/// The caller never gets a response. The STOP is recorded completely or not at all, and its repeat
/// recognises which.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_whose_caller_disconnects_is_recorded_completely_or_not_at_all() {
    let (app, twilio) = prepared(DatabaseServer::Shared).await;
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let tables = ["messages", "suppressions", "consent_records"];
    let phones = handsets(tables.len());
    let counted = async |handset: &str| {
        let texts = app.count(&format!("messages WHERE from_address = '{handset}'")).await;
        let suppressed = app
            .count(&format!("suppressions WHERE phone = '{handset}' AND lifted_at IS NULL"))
            .await;
        (texts, suppressed, app.count(&format!("consent_records WHERE phone = '{handset}'")).await)
    };
    for (table, handset) in tables.into_iter().zip(&phones) {
        let sid = format!("SM{:032x}", handset[1..].parse::<u64>().unwrap());
        let stop = [
            ("MessageSid", sid.as_str()),
            ("AccountSid", ACCOUNT_SID),
            ("From", handset),
            ("To", SERVICE_NUMBER_1),
            ("Body", "STOP"),
            ("NumMedia", "0"),
        ];
        let lock = hold_lock(&app, &format!("LOCK TABLE {table} IN SHARE MODE")).await;
        call_and_disconnect(&app, app.signed_call(&path, &stop), lock).await;
        let left = counted(handset).await;
        assert!(matches!(left, (0, 0, 0) | (1, 1, 1)), "{table}: {left:?}");
        print_line(&format!("with {table} locked, the STOP was recorded: {}", left.0 == 1));
        for _ in 0..2 {
            assert_eq!(app.signed_call(&path, &stop).send().await.unwrap().status(), 200);
            assert_eq!(counted(handset).await, (1, 1, 1), "{table}");
        }
    }
    report_hello(&app, &phones).await;
    app.settle().await;
    let tally = app.assert_invariants(Phase::Settled).await;
    assert_eq!((tally.of("suppressed"), tally.posts), (phones.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_report_whose_caller_disconnects_counts_when_repeated() {
    let (app, twilio) = prepared(DatabaseServer::Shared).await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    report_hello(&app, &[HANDSET.to_owned()]).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await.id;
    let sid = app.simulator.messages()[0].sid.clone();
    let path = format!("/hooks/twilio/{}/status/{message}", twilio.connection_id);
    let delivered = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered"), ("To", HANDSET)];
    let lock = hold_lock(&app, "SELECT FROM messages FOR UPDATE").await;
    call_and_disconnect(&app, app.signed_call(&path, &delivered), lock).await;
    // The caller does not know whether the report was stored; the repeats count once.
    for _ in 0..2 {
        assert_eq!(app.signed_call(&path, &delivered).send().await.unwrap().status(), 204);
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    }
    let moves = app.status_history(message).await;
    assert_eq!(moves.iter().filter(|status| *status == "delivered").count(), 1, "{moves:?}");
    app.settle().await;
    app.assert_invariants(Phase::Settled).await;
}
