//! The crash matrix: whenever Carillon is stopped, nothing is sent twice, nothing is lost, and it
//! says what it does not know.
//!
//! Each moment comes twice: the worker's runtime is torn down in this process, and a
//! `carillon serve` is killed with SIGKILL. Nothing in the product stops for it; it is held at the
//! right place from outside: by a lock in the database, by a commit whose word does not come, by a
//! request or an answer that is stuck on the network.
//!
//! Here are the crashes of workers, in [`fan_out`] those under load, in [`servers`] those of what
//! Twilio and others call, and in [`stops`] those while people stop.

mod fan_out;
mod servers;
mod stops;

use std::collections::BTreeSet;
use std::time::Duration;

use carillon::app::{self, Duty};
use carillon::clock::Clock;
use carillon::context::Context;
use carillon::db::{Conn, Durability, Pool};
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use twilio_simulator::{Fault, Rule, SERVICE_SID};

use crate::harness::postgres::Home;
use crate::harness::process::Process;
use crate::harness::proof::{Rest, Tally};
use crate::harness::world::Twilio;
use crate::harness::{TestApp, TestOptions, seconds};

/// How a worker ends.
#[derive(Debug, Clone, Copy)]
enum Manner {
    /// Everything that it does is dropped, in the middle of whatever it is.
    Dropped,
    /// The process is killed.
    Killed,
}

const MANNERS: [Manner; 2] = [Manner::Dropped, Manner::Killed];

/// A worker that will not live long.
enum Victim {
    Future(Runtime),
    Process(Process),
}

impl Victim {
    /// Starts working, with connections of its own.
    async fn start(app: &TestApp, manner: Manner) -> Self {
        match manner {
            Manner::Killed => Self::Process(app.process(Duty::Worker).await),
            Manner::Dropped => {
                let runtime =
                    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                let parts = (
                    (*app.context.config).clone(),
                    Pool::new(app.database.target(), app.context.config.database_connections),
                );
                let clock = app.clock.clone();
                // Made in its runtime, so that everything that belongs to it ends with that.
                runtime.spawn(async move {
                    let (config, pool) = parts;
                    let context = Context::new(config, pool, clock).unwrap();
                    app::worker(&context).run(CancellationToken::new()).await;
                });
                Self::Future(runtime)
            }
        }
    }

    /// Ends it; what comes last happens a moment before.
    async fn end(self, last: impl Future<Output = ()>) {
        last.await;
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

/// Where the victim is when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// It has leased the jobs of the enrollments.
    Leased,
    /// The messages and their claim are written, but not committed.
    Composing,
    /// The messages have waited for their sender, with their jobs; the claim is written but not
    /// committed.
    Claiming,
    /// The claim is committed, but the worker has not heard of it.
    Claimed,
    /// The requests are on their way and never arrive.
    RequestLost,
    /// The requests are on their way and arrive when the worker is long dead.
    RequestLate,
    /// Twilio has the messages; its answers are on their way.
    AnswerLost,
    /// The answers are here; the record is written but not committed.
    Recording,
    /// The record is committed, but the worker has not heard of it.
    Recorded,
}

/// A story's Carillon, ready to answer `hello`; it has the machine's time until it is advanced, as
/// processes beside it have.
async fn prepared(home: Home) -> (TestApp, Twilio) {
    let clock = Clock::manual(Clock::system().now());
    let app = TestApp::with(TestOptions { clock, home, ..TestOptions::default() }).await;
    // A service has no rate of its own.
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

/// Reports a greeting of each, a thousand at once.
async fn report(app: &TestApp, handsets: &[String]) -> BTreeSet<String> {
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

/// A transaction that holds a lock until it is let go; by its name, nobody takes it for one of
/// Carillon's.
async fn lock(app: &TestApp, statement: &str) -> Conn {
    let mut conn = app.database.connect().await;
    conn.batch_execute(&format!("SET application_name = 'story'; BEGIN; {statement}"))
        .await
        .unwrap();
    conn
}

async fn let_go(mut lock: Conn) {
    lock.batch_execute("ROLLBACK").await.unwrap();
}

impl Moment {
    fn home(self) -> Home {
        match self {
            Self::Claimed | Self::Recorded => Home::Own(Durability::Durable),
            _ => Home::Shared,
        }
    }

    /// Lets a worker come this far with so many messages that may be sent, and ends it there, after
    /// what comes last.
    async fn strike(
        self,
        app: &TestApp,
        manner: Manner,
        messages: usize,
        last: impl Future<Output = ()>,
    ) {
        const CLAIMS: &str = "LOCK TABLE attempts IN SHARE MODE";
        const MESSAGES: &str = "SELECT FROM messages FOR UPDATE";
        const RECORDED: &str = "messages WHERE direction = 'outbound' AND twilio_sid IS NOT NULL";
        let twilio = &app.simulator;
        match self {
            Self::Leased => {
                let held = lock(app, "LOCK TABLE enrollments IN EXCLUSIVE MODE").await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("jobs WHERE worker_id IS NOT NULL").await > 0);
                victim.end(last).await;
                let_go(held).await;
            }
            Self::Composing => {
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert_eq!(app.count("messages WHERE direction = 'outbound'").await, 0);
                victim.end(last).await;
                let_go(held).await;
            }
            Self::Claiming => {
                let sender =
                    app.texts("SELECT '/senders/' || id AS text FROM senders").await.remove(0);
                app.api().patch(&sender, json!({ "disabled": true })).await.ok();
                app.run_until_idle().await;
                app.api().patch(&sender, json!({ "disabled": false })).await.ok();
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("messages WHERE status = 'pending'").await > 0);
                victim.end(last).await;
                let_go(held).await;
            }
            Self::Claimed => {
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                let blocked = app.database.wait_until_blocked().await;
                app.database.cluster().hold_commits().await;
                let_go(held).await;
                app.database.cluster().wait_for_held_commit(&blocked).await;
                victim.end(last).await;
                app.database.cluster().let_commits_go().await;
                assert!(
                    app.count("messages WHERE status = 'submitting'").await > 0,
                    "the claim was committed"
                );
                assert!(twilio.requests().is_empty());
            }
            Self::RequestLost => {
                twilio.inject(Rule::always(Fault::Timeout));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.counts().faulted == messages as u64).await;
                victim.end(last).await;
                twilio.clear_faults();
                assert!(twilio.messages().is_empty());
            }
            Self::RequestLate => {
                twilio.inject(Rule::always(Fault::Stall));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.stalled() == messages).await;
                victim.end(last).await;
                assert!(twilio.messages().is_empty());
            }
            Self::AnswerLost => {
                twilio.inject(Rule::always(Fault::StallRecorded));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.stalled() == messages).await;
                assert_eq!(twilio.messages().len(), messages);
                victim.end(last).await;
                twilio.clear_faults();
            }
            Self::Recording | Self::Recorded => {
                // Reports that come before the record would settle it all.
                twilio.inject(Rule::always(Fault::Slow));
                twilio.inject(Rule::always(Fault::StallRecorded));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.stalled() == messages).await;
                let held = lock(app, MESSAGES).await;
                twilio.clear_faults();
                let blocked = app.database.wait_until_blocked().await;
                if self == Self::Recorded {
                    app.database.cluster().hold_commits().await;
                    let_go(held).await;
                    app.database.cluster().wait_for_held_commit(&blocked).await;
                    victim.end(last).await;
                    app.database.cluster().let_commits_go().await;
                    assert!(app.count(RECORDED).await > 0, "the record was committed");
                } else {
                    victim.end(last).await;
                    // More of its statements may have come to wait since; they are cut before any
                    // goes on without it.
                    let blocked = app.database.wait_until_blocked().await;
                    app.database.terminate(&blocked).await;
                    let_go(held).await;
                    assert_eq!(app.count(RECORDED).await, 0, "the record was not committed");
                }
            }
        }
    }

    async fn wait(self, app: &TestApp, come: impl Fn() -> bool) {
        app.eventually(&format!("{self:?}"), async || come().then_some(())).await;
    }

    /// Requests that are late arrive when the others have noticed the death and have asked Twilio
    /// in vain.
    async fn arrive_late(self, app: &TestApp, messages: usize) {
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

    /// The story of one crash at this moment: what it leads to, with everything proven.
    async fn story(self, manner: Manner) -> Tally {
        const MESSAGES: usize = 5;
        let (app, _) = prepared(self.home()).await;
        let accepted = report(&app, &handsets(MESSAGES)).await;
        self.strike(&app, manner, MESSAGES, async {}).await;
        app.prove(Rest::Unsettled).await;
        self.arrive_late(&app, MESSAGES).await;
        app.settle().await;
        app.prove_accepted(&accepted).await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!(tally.messages(), MESSAGES);
        tally
    }

    /// In both manners, everything arrives, each message with one request.
    async fn loses_nothing(self) {
        for manner in MANNERS {
            let tally = self.story(manner).await;
            assert_eq!(
                (tally.of("delivered"), tally.posts),
                (5, 5),
                "{self:?} {manner:?}: {tally:?}"
            );
        }
    }

    /// In both manners, nobody can know whether Twilio has the messages: it is said, and nothing is
    /// sent again.
    async fn is_unknowable(self, posts: usize) {
        for manner in MANNERS {
            let tally = self.story(manner).await;
            assert_eq!(
                (tally.of("unconfirmed"), tally.posts),
                (5, posts),
                "{self:?} {manner:?}: {tally:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_leased_jobs_loses_nothing() {
    Moment::Leased.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_messages_commit_loses_nothing() {
    Moment::Composing.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_claim_commits_loses_nothing() {
    Moment::Claiming.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_the_claim_sends_nothing_and_says_so() {
    Moment::Claimed.is_unknowable(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_requests_that_never_arrive_says_so() {
    Moment::RequestLost.is_unknowable(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_requests_that_arrive_later_is_settled_by_their_callbacks() {
    Moment::RequestLate.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_with_answers_under_way_loses_nothing() {
    Moment::AnswerLost.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_before_the_record_commits_loses_nothing() {
    Moment::Recording.loses_nothing().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_right_after_the_record_loses_nothing() {
    Moment::Recorded.loses_nothing().await;
}

/// A machine that was suspended knows nothing of the time that has passed: what it was about to do
/// has been done by others.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_wakes_up_after_it_was_buried_sends_nothing_twice() {
    for (moment, statement) in [
        (Moment::Leased, "LOCK TABLE enrollments IN EXCLUSIVE MODE"),
        (Moment::Claiming, "LOCK TABLE attempts IN SHARE MODE"),
        (Moment::AnswerLost, ""),
    ] {
        let (app, _) = prepared(Home::Shared).await;
        report(&app, &handsets(5)).await;
        let held = lock(&app, statement).await;
        if moment == Moment::AnswerLost {
            app.simulator.inject(Rule::always(Fault::StallRecorded));
        }
        let process = app.process(Duty::Worker).await;
        if moment == Moment::AnswerLost {
            moment.wait(&app, || app.simulator.stalled() == 5).await;
        } else {
            app.database.wait_until_blocked().await;
        }
        process.pause();
        app.simulator.clear_faults();
        // Of routines too.
        app.cut_transactions().await;
        let_go(held).await;
        app.settle().await;
        let settled = app.prove(Rest::Settled).await;
        process.resume();
        tokio::time::sleep(Duration::from_millis(500)).await;
        app.settle().await;
        assert_eq!(app.simulator.messages().len(), 5, "{moment:?}: {settled:?}");
        app.prove(Rest::Settled).await;
        process.kill().await;
    }
}
