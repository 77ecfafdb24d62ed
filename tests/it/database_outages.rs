//! PostgreSQL is stopped, killed, restarted and replaced by its standby under load: Carillon waits
//! for it, and acknowledges nothing that is not stored.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carillon::app::ProcessRole;
use carillon::clock::Clock;
use carillon::db::Durability;
use serde_json::json;
use twilio_simulator::{SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::invariants::Phase;
use crate::harness::test_database::DatabaseServer;
use crate::harness::{TestApp, TestOptions, print_line, real_time};

/// What a client of the API was answered during the outage.
#[derive(Default)]
struct Answers {
    accepted: BTreeSet<String>,
    /// The number of 503 answers.
    retries: usize,
}

/// Reports events until `over` is set, each until it is accepted.
async fn report_events(app: &TestApp, over: &AtomicBool, client: usize) -> Answers {
    let mut answers = Answers::default();
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let id = format!("{client}/{number}");
        let event = json!(
            {
                "id": id,
                "name": "hello",
                "contact": { "phone": format!("+1206555{client}{:03}", number % 1_000) }
            }
        );
        loop {
            let answer = app.api().post("/events", event.clone()).await;
            match answer.status {
                202 => break,
                503 => answers.retries += 1,
                other => panic!("the API answered {other}: {:#}", answer.json),
            }
            real_time(Duration::from_millis(20), "a client repeats its event").await;
        }
        answers.accepted.insert(id);
        number += 1;
        real_time(Duration::from_millis(5), "the next event of the client").await;
    }
    answers
}

/// Texts STOP until `over` is set, and redelivers each text until its webhook answers 200.
async fn text_stop(app: &TestApp, over: &AtomicBool) -> usize {
    let mut retries = 0;
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let handset = format!("+1206557{:04}", number % 10_000);
        let mut reply = app.simulator.reply(&handset, SERVICE_NUMBER_1, "STOP").await.unwrap();
        while reply.webhook_status != Some(200) {
            assert_eq!(reply.webhook_status, Some(503), "{}", reply.webhook);
            retries += 1;
            real_time(Duration::from_millis(20), "Twilio repeats its call").await;
            reply = app.simulator.redeliver(&reply.sid).await.unwrap();
        }
        number += 1;
        real_time(Duration::from_millis(10), "the next text").await;
    }
    retries
}

/// Asserts that each webhook call was answered 200, 204 or 503, and returns how many inbound calls
/// were answered 503.
fn assert_answers(app: &TestApp) -> usize {
    let calls = app.simulator.callbacks();
    let wrong: Vec<_> =
        calls.iter().filter(|call| !matches!(call.answer, Some(200 | 204 | 503))).collect();
    assert!(wrong.is_empty(), "{} calls had other answers: {:?}", wrong.len(), wrong.first());
    assert!(calls.iter().any(|call| call.url.contains("/status/")), "statuses were reported");
    calls.iter().filter(|call| call.url.ends_with("/inbound") && call.answer == Some(503)).count()
}

/// How the database becomes unavailable.
#[derive(Clone, Copy)]
enum Outage {
    Stopped,
    Killed,
    /// The primary is killed permanently, and its standby takes over.
    FailedOver,
}

async fn restart_under_load(outage: Outage) {
    let options = TestOptions {
        clock: Clock::system(),
        role: ProcessRole::All,
        database_server: if matches!(outage, Outage::FailedOver) {
            DatabaseServer::Replicated
        } else {
            DatabaseServer::Dedicated(Durability::Durable)
        },
        retry_pause: Duration::from_secs(1),
        ..TestOptions::default()
    };
    let app = TestApp::with(options).await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let over = AtomicBool::new(false);
    let interrupt = async {
        for _ in 0..if matches!(outage, Outage::FailedOver) { 1 } else { 2 } {
            let before = app.simulator.messages().len();
            app.eventually("messages are sent under load", async || {
                (app.simulator.messages().len() >= before + 50).then_some(())
            })
            .await;
            match outage {
                Outage::Stopped => {
                    app.database.cluster().stop().await;
                    real_time(Duration::from_millis(500), "the outage lasts").await;
                    app.database.cluster().restart().await;
                }
                Outage::Killed => app.database.cluster().kill(),
                Outage::FailedOver => app.database.pair().fail_over().await,
            }
            real_time(Duration::from_secs(1), "clients go on during the recovery").await;
        }
        // Then the API accepts events again.
        app.eventually("the database is back", async || {
            let answer = app.http.get(format!("{}/readyz", app.url)).send().await.unwrap();
            (answer.status() == 200).then_some(())
        })
        .await;
        over.store(true, Ordering::SeqCst);
    };
    let ((), one, other, texts) = tokio::join!(
        interrupt,
        report_events(&app, &over, 1),
        report_events(&app, &over, 2),
        text_stop(&app, &over)
    );
    app.simulator.flush().await;
    let texts_tried = assert_answers(&app);
    let accepted: BTreeSet<String> = one.accepted.union(&other.accepted).cloned().collect();
    print_line(&format!(
        "{} events, {} answers were 503, {texts_tried} texts were delivered again, {texts} of \
         them late",
        accepted.len(),
        one.retries + other.retries
    ));
    assert!(one.retries + other.retries > 0, "the database was unavailable");
    assert!(texts_tried > 0, "a text arrived during the outage");

    // The worker resumes by itself.
    app.eventually("everything is sent", async || {
        let unsent =
            "messages WHERE direction = 'outbound' AND status IN ('pending', 'submitting')";
        let left =
            app.count(unsent).await + app.count("jobs WHERE kind IN ('advance', 'send')").await;
        (left == 0).then_some(())
    })
    .await;
    app.simulator.flush().await;
    app.assert_accepted_events_are_stored(&accepted).await;
    assert_answers(&app);
    let tally = app.assert_invariants(Phase::Unsettled).await;
    assert_eq!(tally.messages(), accepted.len());
    assert_eq!(tally.posts, tally.recorded, "{tally:?}");
    // Requests in flight at the outage are recorded when the database is back, so nothing is in
    // doubt. The exception is a claim that reached the standby but was never confirmed: it may or
    // may not have been acted on.
    let doubtful = if matches!(outage, Outage::FailedOver) { tally.of("unconfirmed") } else { 0 };
    assert_eq!(tally.posts + doubtful, accepted.len(), "{tally:?}");
    assert_eq!(tally.of("unconfirmed"), doubtful, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn carillon_survives_a_database_restart_under_load() {
    restart_under_load(Outage::Stopped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carillon_survives_a_killed_database_under_load() {
    restart_under_load(Outage::Killed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn carillon_survives_a_failover_to_the_standby_under_load() {
    restart_under_load(Outage::FailedOver).await;
}
