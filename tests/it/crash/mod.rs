//! The crash matrix: wherever Carillon crashes, it sends nothing twice, loses nothing, and reports
//! what it cannot know.
//!
//! Each [`CrashPoint`] is tested with both [`CRASH_KINDS`]: the worker's runtime is torn down in
//! this process, or a `carillon serve` is killed with SIGKILL. The worker is held at its crash
//! point from outside, by a lock, a delayed commit, or a stalled request or answer.
//!
//! This file crashes workers at each point, [`crash_points_and_stops`] while contacts text STOP,
//! [`busy_worker_and_stops`] workers under load, and [`servers`] the processes that Twilio and API
//! clients call. Start reading at [`CrashPoint`].

mod busy_worker_and_stops;
mod crash_points_and_stops;
mod servers;

use std::collections::BTreeSet;
use std::time::Duration;

use carillon::app::{self, ProcessRole};
use carillon::clock::Clock;
use carillon::context::Context;
use carillon::db::{Conn, Durability, Pool};
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use twilio_simulator::{Fault, Rule, SERVICE_SID};

use crate::harness::carillon_process::Process;
use crate::harness::fixtures::Twilio;
use crate::harness::invariants::{Phase, Tally};
use crate::harness::test_database::DatabaseServer;
use crate::harness::{TestApp, TestOptions, real_time, seconds};

/// How a worker crashes.
#[derive(Debug, Clone, Copy)]
enum CrashKind {
    /// Its runtime is dropped, with every task in the middle of its work.
    Dropped,
    /// Its process is killed with SIGKILL.
    Killed,
}

const CRASH_KINDS: [CrashKind; 2] = [CrashKind::Dropped, CrashKind::Killed];

/// A worker that the story will crash.
enum DoomedWorker {
    Future(Runtime),
    Process(Process),
}

impl DoomedWorker {
    /// Starts a worker with its own connection pool.
    async fn start(app: &TestApp, kind: CrashKind) -> Self {
        match kind {
            CrashKind::Killed => Self::Process(app.process(ProcessRole::Worker).await),
            CrashKind::Dropped => {
                let runtime =
                    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                let parts = (
                    (*app.context.config).clone(),
                    Pool::new(app.database.target(), app.context.config.database_connections),
                );
                let clock = app.clock.clone();
                // The context is created in the runtime, so that everything in it ends with the
                // runtime.
                runtime.spawn(async move {
                    let (config, pool) = parts;
                    let context = Context::new(config, pool, clock).unwrap();
                    app::new_worker(&context).run(CancellationToken::new()).await;
                });
                Self::Future(runtime)
            }
        }
    }

    /// Runs `last_action`, then crashes the worker.
    async fn crash(self, last_action: impl Future<Output = ()>) {
        last_action.await;
        match self {
            Self::Process(process) => drop(process.kill().await),
            Self::Future(runtime) => {
                tokio::task::spawn_blocking(move || {
                    runtime.shutdown_timeout(Duration::from_secs(10));
                })
                .await
                .unwrap();
            }
        }
    }
}

/// Where the worker is when it crashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CrashPoint {
    /// It has leased the advance jobs of the enrollments.
    Leased,
    /// The messages and their claims are written, but not committed.
    Composing,
    /// The messages come from the queue of their sender; the claims are written, but not committed.
    Claiming,
    /// The claims are committed, but the worker has no confirmation.
    Claimed,
    /// The requests are in flight and never arrive.
    RequestLost,
    /// The requests are in flight and arrive long after the crash.
    RequestLate,
    /// Twilio has the messages; its responses are in flight.
    AnswerLost,
    /// The responses have arrived; their record is written, but not committed.
    Recording,
    /// The record is committed, but the worker has no confirmation.
    Recorded,
}

/// A Carillon with an automation that answers `hello`. Its manual clock starts at the system time,
/// which the processes beside it use.
async fn prepared(database_server: DatabaseServer) -> (TestApp, Twilio) {
    let clock = Clock::manual(Clock::system().now());
    let app = TestApp::with(TestOptions { clock, database_server, ..TestOptions::default() }).await;
    // A Messaging Service has no rate limit.
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

fn handsets(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("+1206555{:04}", 1000 + n)).collect()
}

fn hello(handset: &str) -> Value {
    json!({ "id": format!("hello {handset}"), "name": "hello", "contact": { "phone": handset } })
}

/// Reports a `hello` event of each handset, in batches of a thousand, and returns the client ids.
async fn report_hello(app: &TestApp, handsets: &[String]) -> BTreeSet<String> {
    for thousand in handsets.chunks(1_000) {
        let events: Vec<Value> = thousand.iter().map(|handset| hello(handset)).collect();
        let answer = app.api().post("/events", json!({ "events": events })).await.ok();
        assert!(
            answer["results"]
                .as_array()
                .unwrap()
                .iter()
                .all(|result| result["status"] == "recorded")
        );
    }
    handsets.iter().map(|handset| format!("hello {handset}")).collect()
}

/// Opens a transaction that holds a lock until it is released. Its application name sets it apart
/// from the connections of Carillon.
pub(crate) async fn hold_lock(app: &TestApp, statement: &str) -> Conn {
    let mut conn = app.database.connect().await;
    conn.batch_execute(&format!("SET application_name = 'story'; BEGIN; {statement}"))
        .await
        .unwrap();
    conn
}

pub(crate) async fn release_lock(mut lock: Conn) {
    lock.batch_execute("ROLLBACK").await.unwrap();
}

impl CrashPoint {
    fn database_server(self) -> DatabaseServer {
        match self {
            Self::Claimed | Self::Recorded => DatabaseServer::Dedicated(Durability::Durable),
            _ => DatabaseServer::Shared,
        }
    }

    /// Starts a worker with `messages` sendable messages, holds it at this crash point, runs
    /// `last_action`, and crashes the worker.
    async fn crash_worker(
        self,
        app: &TestApp,
        kind: CrashKind,
        messages: usize,
        last_action: impl Future<Output = ()>,
    ) {
        const CLAIMS: &str = "LOCK TABLE attempts IN SHARE MODE";
        const MESSAGES: &str = "SELECT FROM messages FOR UPDATE";
        const RECORDED: &str = "messages WHERE direction = 'outbound' AND twilio_sid IS NOT NULL";
        let twilio = &app.simulator;
        match self {
            Self::Leased => {
                let lock = hold_lock(app, "LOCK TABLE enrollments IN EXCLUSIVE MODE").await;
                let worker = DoomedWorker::start(app, kind).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("jobs WHERE worker_id IS NOT NULL").await > 0);
                worker.crash(last_action).await;
                release_lock(lock).await;
            }
            Self::Composing => {
                let lock = hold_lock(app, CLAIMS).await;
                let worker = DoomedWorker::start(app, kind).await;
                app.database.wait_until_blocked().await;
                assert_eq!(app.count("messages WHERE direction = 'outbound'").await, 0);
                worker.crash(last_action).await;
                release_lock(lock).await;
            }
            Self::Claiming => {
                let sender =
                    app.texts("SELECT '/senders/' || id AS text FROM senders").await.remove(0);
                app.api().patch(&sender, json!({ "disabled": true })).await.ok();
                app.run_until_idle().await;
                app.api().patch(&sender, json!({ "disabled": false })).await.ok();
                let lock = hold_lock(app, CLAIMS).await;
                let worker = DoomedWorker::start(app, kind).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("messages WHERE status = 'pending'").await > 0);
                worker.crash(last_action).await;
                release_lock(lock).await;
            }
            Self::Claimed => {
                let lock = hold_lock(app, CLAIMS).await;
                let worker = DoomedWorker::start(app, kind).await;
                let blocked = app.database.wait_until_blocked().await;
                app.database.cluster().hold_commits().await;
                release_lock(lock).await;
                app.database.cluster().wait_for_held_commit(&blocked).await;
                worker.crash(last_action).await;
                app.database.cluster().release_commits().await;
                assert!(
                    app.count("messages WHERE status = 'submitting'").await > 0,
                    "the claim was committed"
                );
                assert!(twilio.requests().is_empty());
            }
            Self::RequestLost => {
                twilio.inject(Rule::always(Fault::Timeout));
                let worker = DoomedWorker::start(app, kind).await;
                self.wait_until(app, || twilio.counts().faulted == messages as u64).await;
                worker.crash(last_action).await;
                twilio.clear_faults();
                assert!(twilio.messages().is_empty());
            }
            Self::RequestLate => {
                twilio.inject(Rule::always(Fault::Stall));
                let worker = DoomedWorker::start(app, kind).await;
                self.wait_until(app, || twilio.stalled() == messages).await;
                worker.crash(last_action).await;
                assert!(twilio.messages().is_empty());
            }
            Self::AnswerLost => {
                twilio.inject(Rule::always(Fault::StallRecorded));
                let worker = DoomedWorker::start(app, kind).await;
                self.wait_until(app, || twilio.stalled() == messages).await;
                assert_eq!(twilio.messages().len(), messages);
                worker.crash(last_action).await;
                twilio.clear_faults();
            }
            Self::Recording | Self::Recorded => {
                // Status reports before the record would settle the messages.
                twilio.inject(Rule::always(Fault::Slow));
                twilio.inject(Rule::always(Fault::StallRecorded));
                let worker = DoomedWorker::start(app, kind).await;
                self.wait_until(app, || twilio.stalled() == messages).await;
                let lock = hold_lock(app, MESSAGES).await;
                twilio.clear_faults();
                let blocked = app.database.wait_until_blocked().await;
                if self == Self::Recorded {
                    app.database.cluster().hold_commits().await;
                    release_lock(lock).await;
                    app.database.cluster().wait_for_held_commit(&blocked).await;
                    worker.crash(last_action).await;
                    app.database.cluster().release_commits().await;
                    assert!(app.count(RECORDED).await > 0, "the record was committed");
                } else {
                    worker.crash(last_action).await;
                    // More statements may be waiting for locks by now; they are terminated before
                    // any of them continues.
                    let blocked = app.database.wait_until_blocked().await;
                    app.database.terminate(&blocked).await;
                    release_lock(lock).await;
                    assert_eq!(app.count(RECORDED).await, 0, "the record was not committed");
                }
            }
        }
    }

    async fn wait_until(self, app: &TestApp, is_reached: impl Fn() -> bool) {
        app.eventually(&format!("{self:?}"), async || is_reached().then_some(())).await;
    }

    /// Late requests arrive after other workers have noticed the crash and have searched at Twilio
    /// in vain.
    async fn deliver_late_requests(self, app: &TestApp, messages: usize) {
        if self == Self::RequestLate {
            app.advance(seconds(31)).await;
            assert_eq!(
                usize::try_from(app.count("messages WHERE status = 'unconfirmed'").await),
                Ok(messages)
            );
            app.simulator.clear_faults();
            app.eventually("the requests arrive", async || {
                (app.simulator.messages().len() == messages).then_some(())
            })
            .await;
        }
    }

    /// Crashes one worker at this point, and checks all invariants afterwards.
    async fn story(self, kind: CrashKind) -> Tally {
        const MESSAGES: usize = 5;
        let (app, _) = prepared(self.database_server()).await;
        let accepted = report_hello(&app, &handsets(MESSAGES)).await;
        self.crash_worker(&app, kind, MESSAGES, async {}).await;
        app.assert_invariants(Phase::Unsettled).await;
        self.deliver_late_requests(&app, MESSAGES).await;
        app.settle().await;
        app.assert_accepted_events_are_stored(&accepted).await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!(tally.messages(), MESSAGES);
        tally
    }

    /// Asserts that with both crash kinds each message is delivered with one request.
    async fn loses_nothing(self) {
        for kind in CRASH_KINDS {
            let tally = self.story(kind).await;
            assert_eq!(
                (tally.of("delivered"), tally.posts),
                (5, 5),
                "{self:?} {kind:?}: {tally:?}"
            );
        }
    }

    /// Asserts that with both crash kinds all messages stay unconfirmed and are not sent again,
    /// since it is unknowable whether Twilio has them.
    async fn stays_unconfirmed(self, posts: usize) {
        for kind in CRASH_KINDS {
            let tally = self.story(kind).await;
            assert_eq!(
                (tally.of("unconfirmed"), tally.posts),
                (5, posts),
                "{self:?} {kind:?}: {tally:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_leased_jobs_loses_nothing() {
    CrashPoint::Leased.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_messages_commit_loses_nothing() {
    CrashPoint::Composing.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_claim_commits_loses_nothing() {
    CrashPoint::Claiming.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_the_claim_sends_nothing_and_leaves_messages_unconfirmed() {
    CrashPoint::Claimed.stays_unconfirmed(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_lost_requests_leaves_messages_unconfirmed() {
    CrashPoint::RequestLost.stays_unconfirmed(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_late_requests_is_settled_by_their_callbacks() {
    CrashPoint::RequestLate.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_answers_in_flight_loses_nothing() {
    CrashPoint::AnswerLost.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_record_commits_loses_nothing() {
    CrashPoint::Recording.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_the_record_loses_nothing() {
    CrashPoint::Recorded.loses_nothing().await;
}

/// A suspended machine does not notice that time passes: other workers have finished its work when
/// it resumes.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_resumes_after_it_was_declared_dead_sends_nothing_twice() {
    for (point, statement) in [
        (CrashPoint::Leased, "LOCK TABLE enrollments IN EXCLUSIVE MODE"),
        (CrashPoint::Claiming, "LOCK TABLE attempts IN SHARE MODE"),
        (CrashPoint::AnswerLost, ""),
    ] {
        let (app, _) = prepared(DatabaseServer::Shared).await;
        report_hello(&app, &handsets(5)).await;
        let lock = hold_lock(&app, statement).await;
        if point == CrashPoint::AnswerLost {
            app.simulator.inject(Rule::always(Fault::StallRecorded));
        }
        let process = app.process(ProcessRole::Worker).await;
        if point == CrashPoint::AnswerLost {
            point.wait_until(&app, || app.simulator.stalled() == 5).await;
        } else {
            app.database.wait_until_blocked().await;
        }
        process.pause();
        app.simulator.clear_faults();
        // This includes the transactions of routines.
        app.cut_transactions().await;
        release_lock(lock).await;
        app.settle().await;
        let settled = app.assert_invariants(Phase::Settled).await;
        process.resume();
        real_time(Duration::from_millis(500), "it would send again at once").await;
        app.settle().await;
        assert_eq!(app.simulator.messages().len(), 5, "{point:?}: {settled:?}");
        app.assert_invariants(Phase::Settled).await;
        process.kill().await;
    }
}
