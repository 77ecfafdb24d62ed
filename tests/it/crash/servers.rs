//! Crashes of what others call: Twilio's calls and reported events, in a process that is killed, or
//! whose caller goes away.

use std::time::Duration;

use carillon::app::Duty;
use carillon::clock::Clock;
use carillon::db::{Conn, Durability};
use reqwest::RequestBuilder;
use twilio_simulator::{ACCOUNT_SID, Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use super::{handsets, hello, let_go, lock, prepared, report};
use crate::harness::postgres::{Away, Home};
use crate::harness::proof::Rest;
use crate::harness::{HANDSET, TestApp, TestOptions, say};

/// Twilio's calls and our own API in a process that is killed: what was answered is there, and what
/// is repeated counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_during_callbacks_keeps_all_that_it_answered() {
    for committed in [false, true] {
        let home = if committed { Home::Own(Durability::Durable) } else { Home::Shared };
        let clock = Clock::manual(Clock::system().now());
        let retry_pause = Duration::from_millis(700);
        let app =
            TestApp::with(TestOptions { clock, home, retry_pause, ..TestOptions::default() }).await;
        let twilio = app.connect_sender(SERVICE_SID).await;
        app.sms_on("hello", &twilio, "Hello.").await;
        app.simulator.inject(Rule::always(Fault::Slow));
        let server = app.process(Duty::All).await;
        let people = handsets(5);
        for handset in &people {
            server.api(&app).post("/events", hello(handset)).await.ok();
        }
        app.eventually("all are sent", async || {
            (app.count("messages WHERE twilio_sid IS NOT NULL").await == 5).then_some(())
        })
        .await;
        assert!(app.simulator.callbacks().is_empty());

        let held = lock(&app, "SELECT FROM messages FOR UPDATE").await;
        let simulator = app.simulator.clone();
        let calls = tokio::spawn(async move { simulator.flush().await });
        let blocked = app.database.wait_until_blocked().await;
        if committed {
            app.database.cluster().hold_commits().await;
            let_go(held).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            let bind = server.kill().await;
            app.database.cluster().let_commits_go().await;
            assert!(
                app.count("delivery_events WHERE source = 'callback'").await > 0,
                "it was committed"
            );
            assert!(
                app.simulator.callbacks().iter().all(|call| call.answer.is_none()),
                "and not answered"
            );
            let server = app.process_at(Duty::Web, &bind).await;
            calls.await.unwrap();
            app.settle().await;
            app.prove(Rest::Settled).await;
            server.kill().await;
        } else {
            let bind = server.kill().await;
            app.database.terminate(&blocked).await;
            let_go(held).await;
            assert_eq!(
                app.count("delivery_events WHERE source = 'callback'").await,
                0,
                "it was not committed"
            );
            let server = app.process_at(Duty::Web, &bind).await;
            calls.await.unwrap();
            app.settle().await;
            app.prove(Rest::Settled).await;
            server.kill().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_takes_in_an_event_takes_the_repeat_for_what_it_is() {
    for committed in [false, true] {
        let (app, _) =
            prepared(if committed { Home::Own(Durability::Durable) } else { Home::Shared }).await;
        let server = app.process(Duty::Web).await;
        let held = lock(&app, "LOCK TABLE events IN SHARE MODE").await;
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
            let_go(held).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            server.kill().await;
            app.database.cluster().let_commits_go().await;
        } else {
            server.kill().await;
            let_go(held).await;
        }
        assert!(request.await.unwrap().is_err(), "there was no answer");
        assert_eq!(app.count("events").await, i64::from(committed));

        let again = app.api().post("/events", hello(HANDSET)).await.ok();
        assert_eq!(again["status"], if committed { "repeat" } else { "recorded" });
        app.settle().await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.messages(), tally.of("delivered"), tally.posts), (1, 1, 1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_twilios_that_is_cut_off_before_its_commit_is_answered_503_and_counts_when_it_is_repeated()
 {
    let (app, _) = prepared(Home::Shared).await;
    app.simulator.inject(Rule::always(Fault::Slow));
    report(&app, &handsets(3)).await;
    app.worker.heartbeat().await.unwrap();
    app.worker.perform_due().await.unwrap();
    assert_eq!(app.count("messages WHERE twilio_sid IS NOT NULL").await, 3);
    let held = lock(&app, "SELECT FROM messages FOR UPDATE").await;
    let simulator = app.simulator.clone();
    let calls = tokio::spawn(async move { simulator.flush().await });
    app.database.wait_until_blocked().await;
    // Everybody is cut off, the lock's holder included.
    app.database.set_away(Away::Yes).await;
    drop(held);
    app.eventually("the calls are answered", async || {
        (app.simulator.callbacks().len() >= 3).then_some(())
    })
    .await;
    app.database.set_away(Away::No).await;
    calls.await.unwrap();
    assert!(
        app.simulator.callbacks().iter().all(|call| matches!(call.answer, Some(204 | 503))),
        "{:?}",
        app.simulator.callbacks()
    );
    assert!(app.simulator.callbacks().iter().any(|call| call.answer == Some(503)));
    app.prove(Rest::Unsettled).await;
}

/// Waits until nobody is in the midst of a transaction.
async fn quiet(app: &TestApp) {
    let busy = "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    app.eventually("all transactions end", async || (app.count(busy).await == 0).then_some(()))
        .await;
}

/// Makes a call whose caller goes away while it is held up, and lets it go on.
async fn call_and_go_away(app: &TestApp, call: RequestBuilder, held: Conn) {
    let request = tokio::spawn(call.send());
    app.database.wait_until_blocked().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    // The server sees the end of the connection a moment later.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let_go(held).await;
    quiet(app).await;
}

/// Nobody hears the answer: what was asked for is done or not, but not in part, and the repeat
/// knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_whose_caller_goes_away_in_the_midst_of_it_is_taken_whole_or_not_at_all() {
    let (app, twilio) = prepared(Home::Shared).await;
    let path = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let tables = ["messages", "suppressions", "consent_records"];
    let people = handsets(tables.len());
    let counted = async |handset: &str| {
        let texts = app.count(&format!("messages WHERE from_address = '{handset}'")).await;
        let silenced = app
            .count(&format!("suppressions WHERE phone = '{handset}' AND lifted_at IS NULL"))
            .await;
        (texts, silenced, app.count(&format!("consent_records WHERE phone = '{handset}'")).await)
    };
    for (table, handset) in tables.into_iter().zip(&people) {
        let sid = format!("SM{:032x}", handset[1..].parse::<u64>().unwrap());
        let stop = [
            ("MessageSid", sid.as_str()),
            ("AccountSid", ACCOUNT_SID),
            ("From", handset),
            ("To", SERVICE_NUMBER_1),
            ("Body", "STOP"),
            ("NumMedia", "0"),
        ];
        let held = lock(&app, &format!("LOCK TABLE {table} IN SHARE MODE")).await;
        call_and_go_away(&app, app.call_of_twilio(&path, &stop), held).await;
        let left = counted(handset).await;
        assert!(matches!(left, (0, 0, 0) | (1, 1, 1)), "{table}: {left:?}");
        say(&format!("with {table} locked, the STOP was taken: {}", left.0 == 1));
        for _ in 0..2 {
            assert_eq!(app.call_of_twilio(&path, &stop).send().await.unwrap().status(), 200);
            assert_eq!(counted(handset).await, (1, 1, 1), "{table}");
        }
    }
    report(&app, &people).await;
    app.settle().await;
    let tally = app.prove(Rest::Settled).await;
    assert_eq!((tally.of("suppressed"), tally.posts), (people.len(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_caller_goes_away_in_the_midst_of_it_counts_when_it_is_repeated() {
    let (app, twilio) = prepared(Home::Shared).await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    report(&app, &[HANDSET.to_owned()]).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await.id;
    let sid = app.simulator.messages()[0].sid.clone();
    let path = format!("/hooks/twilio/{}/status/{message}", twilio.connection_id);
    let delivered = [("MessageSid", sid.as_str()), ("MessageStatus", "delivered"), ("To", HANDSET)];
    let held = lock(&app, "SELECT FROM messages FOR UPDATE").await;
    call_and_go_away(&app, app.call_of_twilio(&path, &delivered), held).await;
    // Whether it was written down nobody was told; said again, it counts once.
    for _ in 0..2 {
        assert_eq!(app.call_of_twilio(&path, &delivered).send().await.unwrap().status(), 204);
        assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    }
    let moves = app.progression(message).await;
    assert_eq!(moves.iter().filter(|status| *status == "delivered").count(), 1, "{moves:?}");
    app.settle().await;
    app.prove(Rest::Settled).await;
}
