//! The crash matrix: whenever Carillon is stopped, nothing is sent twice, nothing is lost, and it says what it does not know.
//!
//! Each moment comes twice: the worker's runtime is torn down in this process, and a `carillon serve` is killed with SIGKILL. Nothing in
//! the product stops for it; it is held at the right place from outside: by a lock in the database, by a commit whose word does not
//! come, by a request or an answer that is stuck on the network.

use std::{collections::BTreeSet, time::Duration};

use carillon::{
    app::{App, Duty},
    clock::Clock,
    db::{Conn, Durability, Pool},
    simulator::{Fault, Rule, SERVICE_SID},
};
use diesel_async::SimpleAsyncConnection;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use crate::harness::{
    HANDSET, TestApp, TestOptions,
    postgres::{Away, Home},
    process::Process,
    proof::{Rest, Tally},
    seconds,
    world::Twilio,
};

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
                let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
                let parts = ((*app.app.config).clone(), Pool::new(app.database.target(), app.app.config.database_connections));
                let clock = app.clock.clone();
                // Made in its runtime, so that everything that belongs to it ends with that.
                runtime.spawn(async move {
                    let (config, pool) = parts;
                    let app = App::new(config, pool, clock).unwrap();
                    app.worker().run(CancellationToken::new()).await;
                });
                Self::Future(runtime)
            }
        }
    }

    async fn end(self) {
        match self {
            Self::Process(process) => drop(process.kill().await),
            Self::Future(runtime) => {
                tokio::task::spawn_blocking(move || runtime.shutdown_timeout(Duration::from_secs(10))).await.unwrap();
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
    /// The messages have waited for their sender, with their jobs; the claim is written but not committed.
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

/// A story's Carillon, ready to answer `hello`; it has the machine's time until it is advanced, as processes beside it have.
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
        assert!(answer["results"].as_array().unwrap().iter().all(|result| result["status"] == "recorded"));
    }
    handsets.iter().map(|handset| format!("hello {handset}")).collect()
}

/// A transaction that holds a lock until it is let go.
async fn lock(app: &TestApp, statement: &str) -> Conn {
    let mut conn = app.database.connect().await;
    conn.batch_execute(&format!("BEGIN; {statement}")).await.unwrap();
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

    /// Lets a worker come this far, and ends it there.
    async fn strike(self, app: &TestApp, manner: Manner, messages: usize) {
        const CLAIMS: &str = "LOCK TABLE attempts IN SHARE MODE";
        const MESSAGES: &str = "SELECT FROM messages FOR UPDATE";
        let twilio = &app.simulator;
        match self {
            Self::Leased => {
                let held = lock(app, "LOCK TABLE enrollments IN EXCLUSIVE MODE").await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("jobs WHERE worker_id IS NOT NULL").await > 0);
                victim.end().await;
                let_go(held).await;
            }
            Self::Composing => {
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert_eq!(app.count("messages").await, 0);
                victim.end().await;
                let_go(held).await;
            }
            Self::Claiming => {
                let sender = app.texts("SELECT '/senders/' || id AS text FROM senders").await.remove(0);
                app.api().patch(&sender, json!({ "disabled": true })).await.ok();
                app.run_until_idle().await;
                app.api().patch(&sender, json!({ "disabled": false })).await.ok();
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                app.database.wait_until_blocked().await;
                assert!(app.count("messages WHERE status = 'pending'").await > 0);
                victim.end().await;
                let_go(held).await;
            }
            Self::Claimed => {
                let held = lock(app, CLAIMS).await;
                let victim = Victim::start(app, manner).await;
                let blocked = app.database.wait_until_blocked().await;
                app.database.cluster().hold_commits().await;
                let_go(held).await;
                app.database.cluster().wait_for_held_commit(&blocked).await;
                victim.end().await;
                app.database.cluster().let_commits_go().await;
                assert!(app.count("messages WHERE status = 'submitting'").await > 0, "the claim was committed");
                assert!(twilio.requests().is_empty());
            }
            Self::RequestLost => {
                twilio.inject(Rule::always(Fault::Timeout));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.counts().faulted == messages as u64).await;
                victim.end().await;
                twilio.clear_faults();
                assert!(twilio.messages().is_empty());
            }
            Self::RequestLate => {
                twilio.inject(Rule::always(Fault::Stall));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.stalled() == messages).await;
                victim.end().await;
                assert!(twilio.messages().is_empty());
            }
            Self::AnswerLost => {
                twilio.inject(Rule::always(Fault::StallRecorded));
                let victim = Victim::start(app, manner).await;
                self.wait(app, || twilio.stalled() == messages).await;
                assert_eq!(twilio.messages().len(), messages);
                victim.end().await;
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
                    victim.end().await;
                    app.database.cluster().let_commits_go().await;
                    assert!(app.count("messages WHERE twilio_sid IS NOT NULL").await > 0, "the record was committed");
                } else {
                    victim.end().await;
                    app.database.terminate(&blocked).await;
                    let_go(held).await;
                    assert_eq!(app.count("messages WHERE twilio_sid IS NOT NULL").await, 0, "the record was not committed");
                }
            }
        }
    }

    async fn wait(self, app: &TestApp, come: impl Fn() -> bool) {
        app.eventually(&format!("{self:?}"), async || come().then_some(())).await;
    }

    /// The story of one crash at this moment: what it leads to, with everything proven.
    async fn story(self, manner: Manner) -> Tally {
        const MESSAGES: usize = 5;
        let (app, _) = prepared(self.home()).await;
        let accepted = report(&app, &handsets(MESSAGES)).await;
        self.strike(&app, manner, MESSAGES).await;
        app.prove(Rest::Unsettled).await;
        if self == Self::RequestLate {
            // The others have noticed the death, asked Twilio in vain, and only then the requests arrive.
            app.advance(seconds(31)).await;
            assert_eq!(app.count("messages WHERE status = 'unconfirmed'").await, 5);
            app.simulator.clear_faults();
            app.eventually("the requests arrive", async || (app.simulator.messages().len() == MESSAGES).then_some(())).await;
        }
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
            assert_eq!((tally.of("delivered"), tally.posts), (5, 5), "{self:?} {manner:?}: {tally:?}");
        }
    }

    /// In both manners, nobody can know whether Twilio has the messages: it is said, and nothing is sent again.
    async fn is_unknowable(self, posts: usize) {
        for manner in MANNERS {
            let tally = self.story(manner).await;
            assert_eq!((tally.of("unconfirmed"), tally.posts), (5, posts), "{self:?} {manner:?}: {tally:?}");
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

/// Ends a worker in the middle of a fan-out of 2,000 messages: what was in flight at that moment is all that can be in doubt.
async fn crash_in_a_fan_out(manner: Manner) {
    const MESSAGES: usize = 2_000;
    let (app, _) = prepared(Home::Shared).await;
    // A few callbacks are enough.
    app.simulator.inject(Rule::chance(0.9, 1, Fault::DropCallbacks));
    let accepted = report(&app, &handsets(MESSAGES)).await;
    let victim = Victim::start(&app, manner).await;
    app.eventually("it is in the middle", async || (app.simulator.counts().recorded > 600).then_some(())).await;
    victim.end().await;
    let before = app.simulator.messages().len();
    assert!((600..MESSAGES).contains(&before), "{before} were sent before the end");
    app.simulator.flush().await;
    app.prove(Rest::Unsettled).await;

    app.settle().await;
    app.prove_accepted(&accepted).await;
    let tally = app.prove(Rest::Settled).await;
    assert_eq!(tally.messages(), MESSAGES);
    // Twilio's own log: each handset has it once, but those whose request was cut on its way or never began.
    assert_eq!(tally.recorded, MESSAGES - tally.of("unconfirmed"), "{tally:?}");
    assert!(tally.of("unconfirmed") < 1_000, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_dropped_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(Manner::Dropped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(Manner::Killed).await;
}

/// A machine that was suspended knows nothing of the time that has passed: what it was about to do has been done by others.
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
        // Its transaction is cut, as the death of the connection to a suspended machine is noticed sooner or later.
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        app.database.connect().await.batch_execute(cut).await.unwrap();
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

/// Twilio's calls and our own API in a process that is killed: what was answered is there, and what is repeated counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_during_callbacks_keeps_all_that_it_answered() {
    for committed in [false, true] {
        let home = if committed { Home::Own(Durability::Durable) } else { Home::Shared };
        let clock = Clock::manual(Clock::system().now());
        let retry_pause = Duration::from_millis(700);
        let app = TestApp::with(TestOptions { clock, home, retry_pause, ..TestOptions::default() }).await;
        let twilio = app.connect_sender(SERVICE_SID).await;
        app.sms_on("hello", &twilio, "Hello.").await;
        app.simulator.inject(Rule::always(Fault::Slow));
        let server = app.process(Duty::All).await;
        let people = handsets(5);
        for handset in &people {
            server.api(&app).post("/events", hello(handset)).await.ok();
        }
        app.eventually("all are sent", async || (app.count("messages WHERE twilio_sid IS NOT NULL").await == 5).then_some(())).await;
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
            assert!(app.count("delivery_events WHERE source = 'callback'").await > 0, "it was committed");
            assert!(app.simulator.callbacks().iter().all(|call| call.answer.is_none()), "and not answered");
            let server = app.process_at(Duty::Web, &bind).await;
            calls.await.unwrap();
            app.settle().await;
            app.prove(Rest::Settled).await;
            server.kill().await;
        } else {
            let bind = server.kill().await;
            app.database.terminate(&blocked).await;
            let_go(held).await;
            assert_eq!(app.count("delivery_events WHERE source = 'callback'").await, 0, "it was not committed");
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
        let (app, _) = prepared(if committed { Home::Own(Durability::Durable) } else { Home::Shared }).await;
        let server = app.process(Duty::Web).await;
        let held = lock(&app, "LOCK TABLE events IN SHARE MODE").await;
        let api = server.api(&app);
        let request = api.http.post(format!("{}/events", api.url)).bearer_auth(&api.key).json(&hello(HANDSET));
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
async fn a_call_of_twilios_that_is_cut_off_before_its_commit_is_answered_503_and_counts_when_it_is_repeated() {
    let (app, _) = prepared(Home::Shared).await;
    app.simulator.inject(Rule::always(Fault::Slow));
    report(&app, &handsets(3)).await;
    app.worker.beat().await.unwrap();
    app.worker.perform_due().await.unwrap();
    assert_eq!(app.count("messages WHERE twilio_sid IS NOT NULL").await, 3);
    let held = lock(&app, "SELECT FROM messages FOR UPDATE").await;
    let simulator = app.simulator.clone();
    let calls = tokio::spawn(async move { simulator.flush().await });
    app.database.wait_until_blocked().await;
    // Everybody is cut off, the lock's holder included.
    app.database.set_away(Away::Yes).await;
    drop(held);
    app.eventually("the calls are answered", async || (app.simulator.callbacks().len() >= 3).then_some(())).await;
    app.database.set_away(Away::No).await;
    calls.await.unwrap();
    assert!(app.simulator.callbacks().iter().all(|call| matches!(call.answer, Some(204 | 503))), "{:?}", app.simulator.callbacks());
    assert!(app.simulator.callbacks().iter().any(|call| call.answer == Some(503)));
    app.prove(Rest::Unsettled).await;
}
