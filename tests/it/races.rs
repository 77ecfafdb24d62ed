//! STOP against a send, thousands of times: the database's own order of commits is the judge.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use carillon::{
    db::Durability,
    simulator::{Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID},
    worker::Worker,
};
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::harness::{HANDSET, TestApp, TestOptions, postgres::Home, proof::Rest, say, seed};

const PEOPLE: usize = 120;

fn someone(rng: &mut StdRng) -> String {
    format!("+1206555{:04}", 4000 + rng.random_range(0..PEOPLE))
}

/// Events for random people, a few at once, until it is over.
async fn report(app: &TestApp, over: &AtomicBool, seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !over.load(Ordering::SeqCst) {
        let greet = |phone: String| json!({ "name": "hello", "contact": { "phone": phone } });
        let events: Vec<Value> = (0..rng.random_range(1..20)).map(|_| greet(someone(&mut rng))).collect();
        let answer = app.api().post("/events", json!({ "events": events })).await;
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..20))).await;
    }
}

/// Texts from a handset; a hook that had no time is called again, as Twilio does.
async fn text(app: &TestApp, handset: &str, word: &str) {
    let mut reply = app.simulator.reply(handset, SERVICE_NUMBER_1, word).await.unwrap();
    while reply.webhook_status != Some(200) {
        assert_eq!(reply.webhook_status, Some(503), "{}", reply.webhook);
        reply = app.simulator.redeliver(&reply.sid).await.unwrap();
    }
}

/// STOP, and often START right behind it, and STOP again; returns how many STOPs there were.
async fn change_minds(app: &TestApp, over: &AtomicBool, seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stops = 0;
    while !over.load(Ordering::SeqCst) {
        let handset = someone(&mut rng);
        text(app, &handset, "STOP").await;
        stops += 1;
        if rng.random_bool(0.7) {
            text(app, &handset, "START").await;
        }
        if rng.random_bool(0.3) {
            text(app, &handset, "STOP").await;
            stops += 1;
            text(app, &handset, "START").await;
        }
    }
    stops
}

async fn work(worker: Worker, over: &AtomicBool) {
    worker.beat().await.unwrap();
    while !over.load(Ordering::SeqCst) {
        worker.perform_due().await.unwrap();
        tokio::task::yield_now().await;
    }
}

/// Several workers claim while people stop, start and stop again through the real hook. Every claim of a number meets every STOP of it.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_after_a_stop_has_committed_in_thousands_of_interleavings() {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions { home: Home::Own(Durability::Volatile), ..TestOptions::default() }).await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    // Reports would only fill the simulator's memory.
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    let end = async {
        // Until there were enough of both.
        while begun.elapsed() < Duration::from_secs(40)
            && (app.count("attempts").await < 1_200 || app.count("consent_records WHERE change = 'suppressed'").await < 400)
        {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        over.store(true, Ordering::SeqCst);
    };
    let stops = async {
        let stops = futures::future::join_all((1..=4).map(|n| change_minds(&app, &over, seed.wrapping_add(n)))).await;
        stops.into_iter().sum::<usize>()
    };
    let ((), stops, (), (), (), ()) = tokio::join!(
        end,
        stops,
        report(&app, &over, seed),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
    );
    app.run_until_idle().await;
    let tally = app.prove(Rest::Unsettled).await;
    let pairs = "witness claim JOIN witness suppression USING (phone) WHERE claim.what = 'claimed' AND suppression.what = 'suppressed'";
    let interleavings = app.count(pairs).await;
    say(&format!("{} STOPs, {} claims, {interleavings} pairs of both, {tally:?}", stops, tally.posts));
    assert!(stops > 200 && tally.posts > 500 && interleavings > 2_000, "they raced");
    assert!(tally.of("suppressed") > 50, "some were slower than a STOP");
}

/// The tightest of all: one message, whose claim and whose STOP begin at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_claim_that_begin_together_are_ordered_by_their_commits() {
    let app = TestApp::with(TestOptions { home: Home::Own(Durability::Volatile), ..TestOptions::default() }).await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let workers = [app.second_worker(), app.second_worker()];
    for worker in &workers {
        worker.beat().await.unwrap();
    }
    let (mut sent, mut held_back) = (0, 0);
    for round in 0..60_u64 {
        app.event("hello", HANDSET, json!({})).await;
        let before = app.received(HANDSET).len();
        let later = |micros: u64| tokio::time::sleep(Duration::from_micros(micros));
        let work = async |worker: &Worker| worker.perform_due().await.unwrap();
        tokio::join!(work(&workers[0]), work(&workers[1]), async {
            later(round * 997 % 30_000).await;
            text(&app, HANDSET, "STOP").await;
        });
        app.run_until_idle().await;
        if app.received(HANDSET).len() > before {
            sent += 1;
        } else {
            held_back += 1;
        }
        text(&app, HANDSET, "START").await;
    }
    let tally = app.prove(Rest::Unsettled).await;
    say(&format!("{sent} were faster than the STOP, {held_back} were not: {tally:?}"));
}

/// Deletions, events and workers at once: the tables know nobody who is gone.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_leaves_no_event_and_no_enrollment_behind() {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions { home: Home::Own(Durability::Volatile), ..TestOptions::default() }).await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    let over = AtomicBool::new(false);
    let delete = async {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1));
        let (begun, mut deleted) = (Instant::now(), 0);
        while begun.elapsed() < Duration::from_secs(30) && deleted < 150 {
            let someone = format!("SELECT id::text AS text FROM contacts OFFSET {} LIMIT 1", rng.random_range(0..PEOPLE / 2));
            for id in app.texts(&someone).await {
                deleted += usize::from(app.api().delete(&format!("/contacts/{id}")).await.status == 204);
            }
        }
        over.store(true, Ordering::SeqCst);
        deleted
    };
    let (deleted, (), ()) = tokio::join!(delete, report(&app, &over, seed), work(app.second_worker(), &over));
    app.run_until_idle().await;
    assert!(deleted > 50, "they raced");
    let gone = "contact_id IS NOT NULL AND contact_id NOT IN (SELECT id FROM contacts)";
    for table in ["events", "enrollments", "messages"] {
        assert_eq!(app.count(&format!("{table} WHERE {gone}")).await, 0, "{table}");
    }
    assert_eq!(app.count("enrollments WHERE status = 'failed'").await, 0);
    app.prove(Rest::Unsettled).await;
}

/// A request whose client goes away, and a worker that dies, leave transactions behind that nobody ends.
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_is_dropped_lets_go_of_its_locks_at_once() {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(4711)";
    let app = TestApp::start().await;
    let mut other = app.database.connect().await;
    for _ in 0..3 {
        let mut conn = app.conn().await;
        let held = conn.transaction(async |conn| {
            conn.batch_execute(LOCK).await?;
            futures::future::pending::<diesel::QueryResult<()>>().await
        });
        assert!(tokio::time::timeout(Duration::from_millis(300), held).await.is_err());
        drop(conn);
        // Nobody else borrows a connection meanwhile.
        let free = tokio::time::timeout(Duration::from_secs(20), other.batch_execute(LOCK)).await;
        assert!(free.is_ok(), "the lock is still held");
    }
}
