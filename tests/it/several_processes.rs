//! Several processes on one PostgreSQL: they share jobs, take over from a killed one in time, and
//! stop cleanly.

use std::time::{Duration, Instant};

use carillon::app::ProcessRole;
use carillon::clock::Clock;
use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use tokio::net::TcpStream;
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, Fault, LONG_CODE, Rule};

use crate::harness::api_client::Api;
use crate::harness::carillon_process::Process;
use crate::harness::fixtures::{Twilio, id, send_sms};
use crate::harness::{HANDSET, TestApp, TestOptions, between_polls, real_time};

const STATUS: &str = "SELECT status AS text FROM messages WHERE to_address = '+12065550111'";
const CALLBACKS: &str = "delivery_events WHERE source = 'callback'";

/// A test app with the system clock, which the child processes use as well.
async fn with_system_clock(hop: Duration, hold: Duration) -> TestApp {
    TestApp::with(TestOptions { clock: Clock::system(), hop, hold, ..TestOptions::default() }).await
}

impl TestApp {
    /// Waits until a query returns exactly one text.
    async fn until(&self, query: &str, expected: &str) {
        self.eventually(query, async || (self.texts(query).await == [expected]).then_some(()))
            .await;
    }

    /// Waits until a process that stops accepts no more connections.
    async fn until_refused(&self, process: &Process) {
        self.eventually("new requests are refused", async || {
            TcpStream::connect(process.bind()).await.is_err().then_some(())
        })
        .await;
    }

    async fn until_sent(&self, messages: usize) {
        self.until(
            "SELECT count(*)::text AS text FROM messages WHERE twilio_sid IS NOT NULL",
            &messages.to_string(),
        )
        .await;
    }
}

/// Connects an account and creates an automation that texts “Hello.” on the event `hello`, through
/// the API of a process.
async fn create_hello_automation(api: &Api) {
    let keys = json!({ "account_sid": ACCOUNT_SID, "auth_token": AUTH_TOKEN, "sender": LONG_CODE });
    let connection = api.post("/connections", keys).await.ok();
    let twilio = Twilio {
        connection_id: id(&connection),
        sender_id: id(&connection["senders"][0]),
        sender: LONG_CODE.to_owned(),
    };
    api.patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": null }))
        .await
        .ok();
    let template =
        id(&api.post("/templates", json!({ "name": "Hello", "body": "Hello." })).await.ok());
    let trigger = json!({ "type": "event", "name": "hello" });
    let new = json!(
        {
            "name": "Hello",
            "trigger": trigger,
            "steps": [send_sms(&template, &twilio)],
            "status": "active"
        }
    );
    api.post("/automations", new).await.ok();
}

async fn report_hello(api: &Api, handset: &str) {
    api.post("/events", json!({ "name": "hello", "contact": { "phone": handset } })).await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_share_jobs_and_take_over_from_a_killed_one_within_30_seconds() {
    let app = with_system_clock(Duration::ZERO, Duration::from_mins(2)).await;
    let mut workers =
        vec![app.process(ProcessRole::Worker).await, app.process(ProcessRole::Worker).await];
    create_hello_automation(app.api()).await;

    let mut reported = 0;
    app.eventually("both workers have sent something", async || {
        for _ in 0..5 {
            report_hello(app.api(), &format!("+1206555{:04}", 2_000 + reported)).await;
            reported += 1;
        }
        (app.texts("SELECT count(DISTINCT worker_id)::text AS text FROM attempts").await == ["2"])
            .then_some(())
    })
    .await;
    app.until_sent(reported).await;
    assert_eq!(app.simulator.messages().len(), reported, "each message once");
    app.until("SELECT runs::text AS text FROM routines WHERE name = 'end_sessions'", "1").await;

    app.simulator.inject(Rule::next(1, Fault::Timeout));
    report_hello(app.api(), HANDSET).await;
    app.until(STATUS, "submitting").await;
    let sending = "SELECT pid::text AS text FROM workers WHERE id = (SELECT worker_id FROM attempts
                      WHERE finished_at IS NULL)";
    let pid = app.texts(sending).await.remove(0);
    let killed = workers.iter().position(|worker| worker.pid() == pid).unwrap();
    let since = Instant::now();
    workers.remove(killed).kill().await;
    while app.texts(STATUS).await != ["unconfirmed"] {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "the message was not taken over within 30 seconds"
        );
        between_polls().await;
    }
    report_hello(app.api(), "+12065551999").await;
    app.until_sent(reported + 1).await;
    assert_eq!(
        app.count("routines WHERE name = 'end_sessions' AND runs = 1").await,
        1,
        "the routine ran once, not once per worker"
    );

    let mut survivor = workers.remove(0);
    survivor.terminate();
    survivor.wait_for_exit().await;
    assert_eq!(app.count("workers").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_signal_waits_for_calls_to_twilio_and_records_their_answers() {
    let app = with_system_clock(Duration::ZERO, Duration::from_secs(5)).await;
    let mut worker = app.process(ProcessRole::Worker).await;
    create_hello_automation(app.api()).await;
    app.simulator.inject(Rule::next(1, Fault::Timeout));
    report_hello(app.api(), HANDSET).await;
    app.until(STATUS, "submitting").await;
    worker.terminate();
    worker.wait_for_exit().await;
    assert_eq!(app.texts(STATUS).await, ["unconfirmed"]);
    assert_eq!(app.texts("SELECT outcome AS text FROM attempts").await, ["unknown"]);
    assert_eq!(app.jobs("worker_id IS NULL").await, ["settle"]);
    assert_eq!(app.count("workers").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_stop_signal_ends_at_once() {
    let app = with_system_clock(Duration::ZERO, Duration::from_mins(2)).await;
    let mut process = app.process(ProcessRole::All).await;
    let api = process.api(&app);
    create_hello_automation(&api).await;
    app.simulator.inject(Rule::next(1, Fault::Timeout));
    report_hello(&api, HANDSET).await;
    app.until(STATUS, "submitting").await;
    process.terminate();
    app.until_refused(&process).await;
    real_time(Duration::from_secs(1), "a process that does not wait has ended by then").await;
    assert!(process.is_running(), "it waits for the answer of Twilio");
    process.terminate();
    let since = Instant::now();
    process.wait_for_exit().await;
    assert!(since.elapsed() < Duration::from_secs(10));
    assert_eq!(app.texts(STATUS).await, ["submitting"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_signal_waits_for_callbacks_to_commit_and_refuses_new_ones() {
    let app = with_system_clock(Duration::from_secs(2), Duration::from_secs(5)).await;
    let mut process = app.process(ProcessRole::All).await;
    let api = process.api(&app);
    create_hello_automation(&api).await;
    report_hello(&api, HANDSET).await;
    app.until(STATUS, "queued").await;
    let mut lock = app.database.target().connect().await.unwrap();
    lock.batch_execute("BEGIN; SELECT 1 FROM messages FOR UPDATE").await.unwrap();
    let blocked = "SELECT (count(*) > 0)::text AS text FROM pg_stat_activity
                   WHERE datname = current_database() AND wait_event_type = 'Lock'
                       AND query LIKE '%UPDATE messages%'";
    app.until(blocked, "true").await;

    process.terminate();
    app.until_refused(&process).await;
    assert!(process.is_running(), "it waits for the callback");
    assert_eq!(app.count(CALLBACKS).await, 0);
    lock.batch_execute("ROLLBACK").await.unwrap();
    process.wait_for_exit().await;
    let answered =
        app.simulator.callbacks().iter().filter(|callback| callback.answer == Some(204)).count();
    assert_eq!((app.count(CALLBACKS).await, answered), (1, 1));
}
