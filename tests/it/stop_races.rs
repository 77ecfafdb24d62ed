//! STOP races against sending, thousands of times; the commit timestamps of the database decide
//! which came first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use carillon::db::{self, Durability};
use carillon::error::Error;
use carillon::messages::claim::{self, Capacity, ClaimOutcome};
use carillon::types::id::WorkerId;
use carillon::worker::Worker;
use chrono::TimeDelta;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::fixtures::Twilio;
use crate::harness::invariants::Phase;
use crate::harness::test_database::DatabaseServer;
use crate::harness::{HANDSET, TestApp, TestOptions, print_line, real_time, seed};

/// The number of contacts in the deletion race.
const CONTACTS: usize = 120;
/// The number of contacts in the STOP races; few, so that claims and STOPs of the same contact
/// often meet.
const RACERS: usize = 24;

fn random_phone(rng: &mut StdRng, contacts: usize) -> String {
    format!("+1206555{:04}", 4000 + rng.random_range(0..contacts))
}

/// Reports batches of events for random contacts until `over` is set.
async fn report_events(app: &TestApp, over: &AtomicBool, seed: u64, contacts: usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !over.load(Ordering::SeqCst) {
        let hello = |phone: String| json!({ "name": "hello", "contact": { "phone": phone } });
        let events: Vec<Value> =
            (0..rng.random_range(1..20)).map(|_| hello(random_phone(&mut rng, contacts))).collect();
        let answer = app.api().post("/events", json!({ "events": events })).await;
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
        let pause = Duration::from_millis(rng.random_range(0..20));
        real_time(pause, "events arrive at random moments").await;
    }
}

/// Texts from a handset, and redelivers the text until the webhook answers 200.
async fn text(app: &TestApp, handset: &str, word: &str) {
    let mut reply = app.simulator.reply(handset, SERVICE_NUMBER_1, word).await.unwrap();
    while reply.webhook_status != Some(200) {
        assert_eq!(reply.webhook_status, Some(503), "{}", reply.webhook);
        reply = app.simulator.redeliver(&reply.sid).await.unwrap();
    }
}

/// Texts STOP, often followed by START and another STOP, and returns the number of STOPs.
async fn change_minds(app: &TestApp, over: &AtomicBool, seed: u64) -> usize {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut stops = 0;
    while !over.load(Ordering::SeqCst) {
        let handset = random_phone(&mut rng, RACERS);
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

/// Performs jobs until `over` is set, with frequent heartbeats.
async fn work(worker: Worker, over: &AtomicBool) {
    let work = async {
        while !over.load(Ordering::SeqCst) {
            worker.perform_due().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let heartbeats = async {
        while !over.load(Ordering::SeqCst) {
            worker.heartbeat().await.unwrap();
            real_time(Duration::from_millis(250), "the interval of the heartbeats").await;
        }
    };
    worker.heartbeat().await.unwrap();
    tokio::join!(work, heartbeats);
}

/// Advances the clock ten times as fast as real time, for claims that wait.
async fn advance_clock(app: &TestApp, over: &AtomicBool, path: ClaimPath) {
    while path != ClaimPath::Composed && !over.load(Ordering::SeqCst) {
        app.clock.advance(TimeDelta::milliseconds(100));
        real_time(Duration::from_millis(10), "the clock runs ten times as fast").await;
    }
}

/// How the claims of a race come about; the names match the column `way` of
/// [`TestApp::watch_claims`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClaimPath {
    /// At the creation of the message.
    Composed,
    /// From the queue of a throttled sender.
    Queued,
    /// As a retry after Twilio was busy.
    Retried,
}

impl ClaimPath {
    /// How many interleavings a race needs; retries take the longest to come about.
    const fn min_interleavings(self) -> i64 {
        match self {
            Self::Composed | Self::Queued => 1_500,
            Self::Retried => 300,
        }
    }

    async fn prepare(self, app: &TestApp, twilio: &Twilio, seed: u64) {
        match self {
            Self::Composed => {}
            Self::Queued => {
                let limits = json!({ "parts_per_second": 30 });
                app.api().patch(&format!("/senders/{}", twilio.sender_id), limits).await.ok();
            }
            Self::Retried => {
                app.simulator.inject(Rule::chance(0.5, seed, Fault::TooManyRequests));
            }
        }
    }

    /// The number of pairs of a claim and a STOP of the same number that committed within a second:
    /// first those where the claim came first, then those where the STOP did and a START lifted it.
    async fn interleavings(self, app: &TestApp) -> (i64, i64) {
        let path = format!("{self:?}").to_lowercase();
        let near = |order: &str| {
            format!(
                "(WITH seen AS MATERIALIZED (SELECT what, phone, way,
                    pg_xact_commit_timestamp(xid::xid) AS at FROM witness)
                 SELECT 1 FROM seen claim JOIN seen stop ON stop.phone = claim.phone
                     AND stop.at {order} claim.at
                    AND stop.at BETWEEN claim.at - interval '1 second'
                        AND claim.at + interval '1 second'
                 WHERE claim.what = 'claimed' AND claim.way = '{path}'
                     AND stop.what = 'suppressed') AS near"
            )
        };
        (app.count(&near(">")).await, app.count(&near("<=")).await)
    }

    /// The number of messages that would have been claimed on this path if a STOP had not come
    /// first.
    async fn held_back(self, app: &TestApp) -> i64 {
        let tried = "EXISTS (SELECT 1 FROM attempts a WHERE a.message_id = m.id)";
        let waited = match self {
            Self::Composed => "true".to_owned(),
            Self::Queued => "m.status_at > m.created_at".to_owned(),
            Self::Retried => tried.to_owned(),
        };
        app.count(&format!(
            "messages m WHERE m.direction = 'outbound' AND m.status = 'suppressed' AND {waited}"
        ))
        .await
    }
}

/// Several workers claim while contacts text STOP and START through the webhook.
async fn race(path: ClaimPath) {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions {
        database_server: DatabaseServer::Dedicated(Durability::Volatile),
        ..TestOptions::default()
    })
    .await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    path.prepare(&app, &twilio, seed).await;
    // Status reports are not needed, and would fill the memory of the simulator.
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    // The clock runs fast, and hourly requests to Twilio would leave less time to race.
    app.run_sql(
        "UPDATE routines SET due_at = 'infinity' WHERE name IN ('inspect_connections',
            'learn_prices')",
    )
    .await;
    let over = AtomicBool::new(false);
    let started = Instant::now();
    let stop_when_done = async {
        while started.elapsed() < Duration::from_mins(4) {
            let (ahead, behind) = path.interleavings(&app).await;
            if ahead + behind >= path.min_interleavings()
                && behind > 0
                && path.held_back(&app).await > 50
            {
                break;
            }
            real_time(Duration::from_millis(500), "the race goes on").await;
        }
        over.store(true, Ordering::SeqCst);
    };
    let stops = async {
        let stops = futures::future::join_all(
            (1..=4).map(|n| change_minds(&app, &over, seed.wrapping_add(n))),
        )
        .await;
        stops.into_iter().sum::<usize>()
    };
    let ((), stops, (), (), (), (), ()) = tokio::join!(
        stop_when_done,
        stops,
        advance_clock(&app, &over, path),
        report_events(&app, &over, seed, RACERS),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
    );
    app.simulator.clear_faults();
    app.run_until_idle().await;
    let tally = app.assert_invariants(Phase::Unsettled).await;
    let (ahead, behind) = path.interleavings(&app).await;
    let held_back = path.held_back(&app).await;
    print_line(&format!(
        "{stops} STOPs, {} requests, {ahead} claims before and {behind} after a STOP, {held_back} \
         held back, {tally:?}",
        tally.posts
    ));
    assert!(ahead + behind >= path.min_interleavings(), "too few interleavings");
    assert!(ahead > 100 && behind > 0, "some claims came before a STOP, and some after a START");
    assert!(held_back > 50, "some claims came after a STOP");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_after_a_stop_has_committed_in_fifteen_hundred_interleavings() {
    Box::pin(race(ClaimPath::Composed)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_queue_releases_after_a_stop_has_committed_in_fifteen_hundred_interleavings() {
    Box::pin(race(ClaimPath::Queued)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_retried_after_a_stop_has_committed_in_hundreds_of_interleavings() {
    Box::pin(race(ClaimPath::Retried)).await;
}

/// One message, whose claim and STOP begin at the same time.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_claim_that_begin_together_are_ordered_by_their_commits() {
    let app = TestApp::with(TestOptions {
        database_server: DatabaseServer::Dedicated(Durability::Volatile),
        ..TestOptions::default()
    })
    .await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    let workers = [app.second_worker(), app.second_worker()];
    for worker in &workers {
        worker.heartbeat().await.unwrap();
    }
    let (mut sent, mut held_back) = (0, 0);
    for round in 0..60_u64 {
        app.event("hello", HANDSET, json!({})).await;
        let before = app.received(HANDSET).len();
        // Both take some milliseconds, so their order alternates.
        let (early, late) = (round * 997 % 60_000, 30_000);
        let later = |micros: u64, than: u64| {
            let pause = Duration::from_micros(micros.saturating_sub(than));
            real_time(pause, "either may be first")
        };
        let work = async |worker: &Worker| {
            later(late, early).await;
            worker.perform_due().await.unwrap();
        };
        tokio::join!(work(&workers[0]), work(&workers[1]), async {
            later(early, late).await;
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
    let tally = app.assert_invariants(Phase::Unsettled).await;
    assert!(
        sent > 0 && held_back > 0,
        "{sent} were claimed before the STOP, {held_back} after it: it was no race"
    );
    print_line(&format!("{sent} were claimed before the STOP, {held_back} after it: {tally:?}"));
}

/// Concurrent deletions, events and workers leave no row of a deleted contact.
#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_leaves_no_event_and_no_enrollment_behind() {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions {
        database_server: DatabaseServer::Dedicated(Durability::Volatile),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    let over = AtomicBool::new(false);
    let delete = async {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1));
        let (started, mut deleted) = (Instant::now(), 0);
        while started.elapsed() < Duration::from_secs(30) && deleted < 150 {
            let random_contact = format!(
                "SELECT id::text AS text FROM contacts OFFSET {} LIMIT 1",
                rng.random_range(0..CONTACTS / 2)
            );
            for id in app.texts(&random_contact).await {
                deleted +=
                    usize::from(app.api().delete(&format!("/contacts/{id}")).await.status == 204);
            }
        }
        over.store(true, Ordering::SeqCst);
        deleted
    };
    let (deleted, (), ()) = tokio::join!(
        delete,
        report_events(&app, &over, seed, CONTACTS),
        work(app.second_worker(), &over)
    );
    app.run_until_idle().await;
    assert!(deleted > 50, "too few interleavings");
    let gone = "contact_id IS NOT NULL AND contact_id NOT IN (SELECT id FROM contacts)";
    for table in ["events", "enrollments", "messages"] {
        assert_eq!(app.count(&format!("{table} WHERE {gone}")).await, 0, "{table}");
    }
    assert_eq!(app.count("enrollments WHERE status = 'failed'").await, 0);
    app.assert_invariants(Phase::Unsettled).await;
}

/// A disconnected client or a dead worker drops its transaction without ending it.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_releases_its_locks_at_once() {
    const LOCK: &str = "SELECT pg_advisory_xact_lock(4711)";
    let app = TestApp::start().await;
    let mut other = app.database.connect().await;
    for _ in 0..3 {
        let mut conn = app.conn().await;
        let holding = conn.transaction(async |conn| {
            conn.batch_execute(LOCK).await?;
            futures::future::pending::<diesel::QueryResult<()>>().await
        });
        assert!(tokio::time::timeout(Duration::from_millis(300), holding).await.is_err());
        drop(conn);
        // No other task borrows a connection in the meantime.
        let free = tokio::time::timeout(Duration::from_secs(20), other.batch_execute(LOCK)).await;
        assert!(free.is_ok(), "the lock is still held");
    }
}

/// The outer one may have locked something already.
#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "within another one")]
async fn a_transaction_that_has_locked_nothing_never_begins_within_another_one() {
    let app = TestApp::start().await;
    let mut conn = app.conn().await;
    let nested =
        conn.transaction(async |conn| db::transaction(conn, async |_| Ok::<_, Error>(())).await);
    nested.await.unwrap();
}

/// A report that also suppresses the number holds the row, and waits for STOP's lock, which the
/// claim has.
#[tokio::test(flavor = "multi_thread")]
async fn a_claim_does_not_wait_for_a_transaction_that_has_an_interrupted_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.api()
        .post("/messages", json!({ "to": HANDSET, "body": "Hi", "sender_id": twilio.sender_id }))
        .await
        .ok();
    let message = app.message_to(HANDSET).await.id;
    app.run_sql(&format!("UPDATE messages SET status = 'submitting' WHERE id = '{message}'")).await;
    app.run_sql(&format!(
        "INSERT INTO attempts (message_id, number, worker_id, claimed_at)
         VALUES ('{message}', 1, gen_random_uuid(), now())"
    ))
    .await;
    let claim = async || {
        let (now, capacity) = (app.clock.now(), Capacity::unlimited());
        let mut conn = app.conn().await;
        db::transaction(&mut conn, async |tx| {
            let (claims, _) =
                claim::claim_messages(tx, &[message], &capacity, WorkerId::new(), now).await?;
            Ok::<_, Error>(claims)
        })
        .await
        .unwrap()
    };
    let mut other = app.database.connect().await;
    other
        .batch_execute(&format!("BEGIN; SELECT FROM messages WHERE id = '{message}' FOR UPDATE"))
        .await
        .unwrap();
    let claims = tokio::time::timeout(Duration::from_secs(20), claim()).await.expect("it waits");
    assert!(matches!(claims.as_slice(), [(_, ClaimOutcome::Busy)]), "{claims:?}");
    other.batch_execute("ROLLBACK").await.unwrap();
    let claims = claim().await;
    assert!(matches!(claims.as_slice(), [(_, ClaimOutcome::Interrupted)]), "{claims:?}");
    assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"]);
}
