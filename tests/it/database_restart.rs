//! PostgreSQL stopped, killed, started again and replaced by its standby under load: everybody
//! waits it out, and nobody is told what is not so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carillon::app::Duty;
use carillon::clock::Clock;
use carillon::db::Durability;
use serde_json::json;
use twilio_simulator::{SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::postgres::Home;
use crate::harness::proof::Rest;
use crate::harness::{TestApp, TestOptions, say};

/// What people were told while the database came and went.
#[derive(Default)]
struct Told {
    accepted: BTreeSet<String>,
    /// Answers that asked to come again later.
    later: usize,
}

/// Reports one event after the other, each until it is accepted, until it is over.
async fn report(app: &TestApp, over: &AtomicBool, who: usize) -> Told {
    let mut told = Told::default();
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let id = format!("{who}/{number}");
        let event = json!(
            {
                "id": id,
                "name": "hello",
                "contact": { "phone": format!("+1206555{who}{:03}", number % 1_000) }
            }
        );
        loop {
            let answer = app.api().post("/events", event.clone()).await;
            match answer.status {
                202 => break,
                503 => told.later += 1,
                other => panic!("the API answered {other}: {:#}", answer.json),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        told.accepted.insert(id);
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    told
}

/// Texts again and again; a text whose hook was not answered with 200 is delivered again until it
/// is.
async fn text(app: &TestApp, over: &AtomicBool) -> usize {
    let mut later = 0;
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let handset = format!("+1206557{:04}", number % 10_000);
        let mut reply = app.simulator.reply(&handset, SERVICE_NUMBER_1, "STOP").await.unwrap();
        while reply.webhook_status != Some(200) {
            assert_eq!(reply.webhook_status, Some(503), "{}", reply.webhook);
            later += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
            reply = app.simulator.redeliver(&reply.sid).await.unwrap();
        }
        number += 1;
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    later
}

/// Every call of Twilio's was taken, or asked to come again; returns how many texts were asked to.
fn prove_answers(app: &TestApp) -> usize {
    let calls = app.simulator.callbacks();
    let wrong: Vec<_> =
        calls.iter().filter(|call| !matches!(call.answer, Some(200 | 204 | 503))).collect();
    assert!(wrong.is_empty(), "{} calls were answered otherwise: {:?}", wrong.len(), wrong.first());
    assert!(calls.iter().any(|call| call.url.contains("/status/")), "statuses were reported");
    calls.iter().filter(|call| call.url.ends_with("/inbound") && call.answer == Some(503)).count()
}

/// How the database goes away.
#[derive(Clone, Copy)]
enum End {
    Stopped,
    Killed,
    /// Killed for good; its standby takes over.
    FailedOver,
}

async fn restart_under_load(end: End) {
    let options = TestOptions {
        clock: Clock::system(),
        duty: Duty::All,
        home: if matches!(end, End::FailedOver) {
            Home::Pair
        } else {
            Home::Own(Durability::Durable)
        },
        retry_pause: Duration::from_secs(1),
        ..TestOptions::default()
    };
    let app = TestApp::with(options).await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let over = AtomicBool::new(false);
    let disturb = async {
        for _ in 0..if matches!(end, End::FailedOver) { 1 } else { 2 } {
            tokio::time::sleep(Duration::from_millis(700)).await;
            match end {
                End::Stopped => {
                    app.database.cluster().stop().await;
                    tokio::time::sleep(Duration::from_millis(500)).await;
                    app.database.cluster().start_again().await;
                }
                End::Killed => app.database.cluster().kill(),
                End::FailedOver => app.database.pair().fail_over().await,
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        // It takes reports again.
        app.eventually("the database is back", async || {
            let answer = app.http.get(format!("{}/readyz", app.url)).send().await.unwrap();
            (answer.status() == 200).then_some(())
        })
        .await;
        over.store(true, Ordering::SeqCst);
    };
    let ((), one, other, texts) =
        tokio::join!(disturb, report(&app, &over, 1), report(&app, &over, 2), text(&app, &over));
    app.simulator.flush().await;
    let texts_tried = prove_answers(&app);
    let accepted: BTreeSet<String> = one.accepted.union(&other.accepted).cloned().collect();
    say(&format!(
        "{} events, {} answers asked to come again, {texts_tried} texts came again, {texts} of \
         them late",
        accepted.len(),
        one.later + other.later
    ));
    assert!(one.later + other.later > 0, "the database was away");
    assert!(texts_tried > 0, "somebody texted meanwhile");

    // The worker goes on by itself.
    app.eventually("everything is sent", async || {
        let unsent =
            "messages WHERE direction = 'outbound' AND status IN ('pending', 'submitting')";
        let left =
            app.count(unsent).await + app.count("jobs WHERE kind IN ('advance', 'send')").await;
        (left == 0).then_some(())
    })
    .await;
    app.simulator.flush().await;
    app.prove_accepted(&accepted).await;
    prove_answers(&app);
    let tally = app.prove(Rest::Unsettled).await;
    assert_eq!(tally.messages(), accepted.len());
    assert_eq!(tally.posts, tally.recorded, "{tally:?}");
    // What was in flight when the database went away was recorded when it came back: nothing is
    // even in doubt. Only a claim that reached the standby, but of which the killed primary sent no
    // word any more, cannot be told from one that was acted on.
    let doubtful = if matches!(end, End::FailedOver) { tally.of("unconfirmed") } else { 0 };
    assert_eq!(tally.posts + doubtful, accepted.len(), "{tally:?}");
    assert_eq!(tally.of("unconfirmed"), doubtful, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_stopped_and_started_under_load_is_waited_out() {
    restart_under_load(End::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_under_load_is_waited_out() {
    restart_under_load(End::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_takes_over_from_a_killed_primary_under_load_goes_on_where_it_was() {
    restart_under_load(End::FailedOver).await;
}
