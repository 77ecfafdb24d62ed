//! STOP against a send, thousands of times: the database's own order of commits is the judge.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use carillon::db::Durability;
use carillon::worker::Worker;
use chrono::TimeDelta;
use diesel_async::{AsyncConnection, SimpleAsyncConnection};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::postgres::Home;
use crate::harness::proof::Rest;
use crate::harness::world::Twilio;
use crate::harness::{HANDSET, TestApp, TestOptions, say, seed};

/// Whom deletions and events are about.
const PEOPLE: usize = 120;
/// Who stops and is texted: so few that a claim of each meets a STOP of theirs again and again.
const RACERS: usize = 24;

fn someone(rng: &mut StdRng, people: usize) -> String {
    format!("+1206555{:04}", 4000 + rng.random_range(0..people))
}

/// Events for random people, a few at once, until it is over.
async fn report(app: &TestApp, over: &AtomicBool, seed: u64, people: usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    while !over.load(Ordering::SeqCst) {
        let greet = |phone: String| json!({ "name": "hello", "contact": { "phone": phone } });
        let events: Vec<Value> =
            (0..rng.random_range(1..20)).map(|_| greet(someone(&mut rng, people))).collect();
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
        let handset = someone(&mut rng, RACERS);
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

/// Works until it is over, and says so often enough to be taken for alive.
async fn work(worker: Worker, over: &AtomicBool) {
    let work = async {
        while !over.load(Ordering::SeqCst) {
            worker.perform_due().await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let beat = async {
        while !over.load(Ordering::SeqCst) {
            worker.heartbeat().await.unwrap();
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    };
    worker.heartbeat().await.unwrap();
    tokio::join!(work, beat);
}

/// Lets time pass ten times as fast, for claims that wait for their turn.
async fn pass(app: &TestApp, over: &AtomicBool, way: Way) {
    while way != Way::Made && !over.load(Ordering::SeqCst) {
        app.clock.advance(TimeDelta::milliseconds(100));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// How the claims of a race come about; the witness has the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// With the messages themselves, when they are made.
    Made,
    /// From the queue of a sender that has a rate.
    Queued,
    /// Once more, after Twilio was busy.
    Again,
}

impl Way {
    /// How many interleavings are worth a race; a claim that is one more try takes the longest to
    /// come about.
    const fn enough(self) -> i64 {
        match self {
            Self::Made | Self::Queued => 1_500,
            Self::Again => 300,
        }
    }

    async fn prepare(self, app: &TestApp, twilio: &Twilio, seed: u64) {
        match self {
            Self::Made => {}
            Self::Queued => {
                let limits = json!({ "parts_per_second": 30 });
                app.api().patch(&format!("/senders/{}", twilio.sender_id), limits).await.ok();
            }
            Self::Again => {
                app.simulator.inject(Rule::chance(0.5, seed, Fault::TooManyRequests));
            }
        }
    }

    /// Pairs of a claim of this way and a STOP of the same number whose commits were less than a
    /// second apart: how often the claim was first, and how often the STOP was, which a START had
    /// taken back before the claim.
    async fn interleavings(self, app: &TestApp) -> (i64, i64) {
        let way = format!("{self:?}").to_lowercase();
        let near = |order: &str| {
            format!(
                "(WITH seen AS MATERIALIZED (SELECT what, phone, way,
                    pg_xact_commit_timestamp(xid::xid) AS at FROM witness)
                 SELECT 1 FROM seen claim JOIN seen stop ON stop.phone = claim.phone
                     AND stop.at {order} claim.at
                    AND stop.at BETWEEN claim.at - interval '1 second'
                        AND claim.at + interval '1 second'
                 WHERE claim.what = 'claimed' AND claim.way = '{way}'
                     AND stop.what = 'suppressed') AS near"
            )
        };
        (app.count(&near(">")).await, app.count(&near("<=")).await)
    }

    /// Messages that would have been claimed this way, if a STOP had not been faster.
    async fn held_back(self, app: &TestApp) -> i64 {
        let tried = "EXISTS (SELECT 1 FROM attempts a WHERE a.message_id = m.id)";
        let waited = match self {
            Self::Made => "true".to_owned(),
            Self::Queued => "m.status_at > m.created_at".to_owned(),
            Self::Again => tried.to_owned(),
        };
        app.count(&format!(
            "messages m WHERE m.direction = 'outbound' AND m.status = 'suppressed' AND {waited}"
        ))
        .await
    }
}

/// Several workers claim while people stop, start and stop again through the real hook. Every claim
/// of a number meets every STOP of it.
async fn race(way: Way) {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions {
        home: Home::Own(Durability::Volatile),
        ..TestOptions::default()
    })
    .await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    way.prepare(&app, &twilio, seed).await;
    // Reports would only fill the simulator's memory.
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    // Hours pass with each turn, and asking Twilio about webhooks and prices every time would leave
    // less time to race.
    app.run_sql(
        "UPDATE routines SET due_at = 'infinity' WHERE name IN ('inspect_connections',
            'learn_prices')",
    )
    .await;
    let over = AtomicBool::new(false);
    let begun = Instant::now();
    let end = async {
        while begun.elapsed() < Duration::from_mins(4) {
            let (ahead, behind) = way.interleavings(&app).await;
            if ahead + behind >= way.enough() && behind > 0 && way.held_back(&app).await > 50 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
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
        end,
        stops,
        pass(&app, &over, way),
        report(&app, &over, seed, RACERS),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
        work(app.second_worker(), &over),
    );
    app.simulator.clear_faults();
    app.run_until_idle().await;
    let tally = app.prove(Rest::Unsettled).await;
    let (ahead, behind) = way.interleavings(&app).await;
    let held_back = way.held_back(&app).await;
    say(&format!(
        "{stops} STOPs, {} requests, {ahead} claims before and {behind} after a STOP, {held_back} \
         held back, {tally:?}",
        tally.posts
    ));
    assert!(ahead + behind >= way.enough(), "they raced");
    assert!(ahead > 100 && behind > 0, "some were faster than a STOP, and some came after a START");
    assert!(held_back > 50, "some were slower than a STOP");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_claimed_after_a_stop_has_committed_in_fifteen_hundred_interleavings() {
    Box::pin(race(Way::Made)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_released_from_a_queue_after_a_stop_has_committed_in_fifteen_hundred_interleavings()
 {
    Box::pin(race(Way::Queued)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_tried_again_after_a_stop_has_committed_in_hundreds_of_interleavings() {
    Box::pin(race(Way::Again)).await;
}

/// The tightest of all: one message, whose claim and whose STOP begin at the same moment.
#[tokio::test(flavor = "multi_thread")]
async fn a_stop_and_a_claim_that_begin_together_are_ordered_by_their_commits() {
    let app = TestApp::with(TestOptions {
        home: Home::Own(Durability::Volatile),
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
        // Both take some milliseconds: now the one begins earlier, now the other.
        let (early, late) = (round * 997 % 60_000, 30_000);
        let later = |micros: u64, than: u64| {
            tokio::time::sleep(Duration::from_micros(micros.saturating_sub(than)))
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
    let tally = app.prove(Rest::Unsettled).await;
    assert!(
        sent > 0 && held_back > 0,
        "{sent} were faster than the STOP, {held_back} were not: it was no race"
    );
    say(&format!("{sent} were faster than the STOP, {held_back} were not: {tally:?}"));
}

/// Deletions, events and workers at once: the tables know nobody who is gone.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_deleted_leaves_no_event_and_no_enrollment_behind() {
    let seed = seed("the race");
    let app = TestApp::with(TestOptions {
        home: Home::Own(Durability::Volatile),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    let over = AtomicBool::new(false);
    let delete = async {
        let mut rng = StdRng::seed_from_u64(seed.wrapping_add(1));
        let (begun, mut deleted) = (Instant::now(), 0);
        while begun.elapsed() < Duration::from_secs(30) && deleted < 150 {
            let someone = format!(
                "SELECT id::text AS text FROM contacts OFFSET {} LIMIT 1",
                rng.random_range(0..PEOPLE / 2)
            );
            for id in app.texts(&someone).await {
                deleted +=
                    usize::from(app.api().delete(&format!("/contacts/{id}")).await.status == 204);
            }
        }
        over.store(true, Ordering::SeqCst);
        deleted
    };
    let (deleted, (), ()) =
        tokio::join!(delete, report(&app, &over, seed, PEOPLE), work(app.second_worker(), &over));
    app.run_until_idle().await;
    assert!(deleted > 50, "they raced");
    let gone = "contact_id IS NOT NULL AND contact_id NOT IN (SELECT id FROM contacts)";
    for table in ["events", "enrollments", "messages"] {
        assert_eq!(app.count(&format!("{table} WHERE {gone}")).await, 0, "{table}");
    }
    assert_eq!(app.count("enrollments WHERE status = 'failed'").await, 0);
    app.prove(Rest::Unsettled).await;
}

/// A request whose client goes away, and a worker that dies, leave transactions behind that nobody
/// ends.
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
