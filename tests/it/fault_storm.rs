//! The storm: twenty minutes of all faults at once, with contacts who text STOP and START, workers
//! that die, and a restart of the database.
//!
//! A seed decides what happens; it is printed, and `CARILLON_TEST_SEED` repeats it. Start reading
//! at [`storm`].

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use carillon::db::Durability;
use carillon::worker::Worker;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use twilio_simulator::{Fault, Reach, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::fixtures::{send_sms, wait};
use crate::harness::invariants::Phase;
use crate::harness::test_database::DatabaseServer;
use crate::harness::{TestApp, TestOptions, print_line, real_time, seconds, seed};

/// How long the storm lasts, in minutes of the manual clock.
const MINUTES: i64 = 20;
/// The length of a step of the storm, in seconds of the manual clock.
const STEP_SECONDS: i64 = 10;
const CONTACTS: usize = 60;

/// The contacts and API clients of a storm: what they sent, and how it was answered.
struct Crowd {
    rng: StdRng,
    reported: usize,
    /// Events that were answered otherwise than with 202; they are repeated.
    unanswered: Vec<Value>,
    /// The ids of events that were answered with 202.
    accepted: BTreeSet<String>,
    /// The last keyword of each contact that was answered with 200.
    last_keywords: BTreeMap<String, &'static str>,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            reported: 0,
            unanswered: Vec::new(),
            accepted: BTreeSet::new(),
            last_keywords: BTreeMap::new(),
        }
    }

    fn random_phone(&mut self) -> String {
        format!("+1206555{:04}", 3000 + self.rng.random_range(0..CONTACTS))
    }

    /// Reports some events, and texts STOP or START now and then.
    async fn act(&mut self, app: &TestApp) {
        let mut reports = std::mem::take(&mut self.unanswered);
        for _ in 0..self.rng.random_range(0..5) {
            let (id, phone) = (format!("event {}", self.reported), self.random_phone());
            let properties = json!({ "order": self.reported });
            self.reported += 1;
            reports.push(json!(
                {
                    "id": id,
                    "name": "ordered",
                    "contact": { "phone": phone },
                    "properties": properties
                }
            ));
        }
        for report in reports {
            let answer = app.api().post("/events", report.clone()).await;
            match answer.status {
                202 => drop(self.accepted.insert(report["id"].as_str().unwrap().to_owned())),
                503 => self.unanswered.push(report),
                other => panic!("the API answered {other}: {:#}", answer.json),
            }
        }
        let keyword = match self.rng.random_range(0..10) {
            0..3 => "STOP",
            3..5 => "START",
            _ => return,
        };
        let phone = self.random_phone();
        self.text_keyword(app, phone, keyword).await;
    }

    /// Texts a keyword, sometimes twice, as if Twilio had missed the response.
    async fn text_keyword(&mut self, app: &TestApp, phone: String, keyword: &'static str) {
        let reply = app.simulator.reply(&phone, SERVICE_NUMBER_1, keyword).await.unwrap();
        assert!(matches!(reply.webhook_status, Some(200 | 503)), "{}", reply.webhook);
        let mut accepted = reply.webhook_status == Some(200);
        if self.rng.random_bool(0.2) {
            accepted |=
                app.simulator.redeliver(&reply.sid).await.unwrap().webhook_status == Some(200);
        }
        if accepted {
            self.last_keywords.insert(phone, keyword);
        } else {
            // Whether the keyword counts is unknown until reconciliation.
            self.last_keywords.remove(&phone);
        }
    }
}

fn inject_faults(app: &TestApp, rng: &mut StdRng) {
    let mut chance = |probability, fault, reach| {
        app.simulator.inject(Rule::chance(probability, rng.random(), fault).reaching(reach));
    };
    chance(0.06, Fault::TooManyRequests, Reach::Sends);
    chance(0.03, Fault::ServerError, Reach::Sends);
    chance(0.03, Fault::ServerErrorRecorded, Reach::Sends);
    chance(0.01, Fault::Timeout, Reach::Sends);
    chance(0.03, Fault::TimeoutRecorded, Reach::Sends);
    chance(0.02, Fault::Reset, Reach::Sends);
    chance(0.02, Fault::ResetRecorded, Reach::Sends);
    chance(0.05, Fault::ServerError, Reach::Reads);
    chance(0.05, Fault::TooManyRequests, Reach::Reads);
    chance(0.03, Fault::Refuse { code: 21611 }, Reach::Sends);
    chance(0.05, Fault::Undelivered { code: 30003 }, Reach::Sends);
    chance(0.03, Fault::Failed { code: 30001 }, Reach::Sends);
    chance(0.10, Fault::Shuffle, Reach::Sends);
    chance(0.10, Fault::Repeat, Reach::Sends);
    chance(0.10, Fault::Slow, Reach::Sends);
    chance(0.10, Fault::DropCallbacks, Reach::Sends);
}

/// Asserts that each kind of fault occurred.
fn assert_all_faults_occurred(app: &TestApp) {
    for fault in [
        Fault::TooManyRequests,
        Fault::ServerError,
        Fault::ServerErrorRecorded,
        Fault::TimeoutRecorded,
        Fault::Shuffle,
        Fault::Repeat,
        Fault::DropCallbacks,
    ] {
        assert!(app.simulator.fault_count(fault, Reach::Sends) > 0, "{fault:?} never occurred");
    }
}

/// Asserts that numbers whose last keyword is STOP are suppressed, and that those with START have
/// no STOP left. Twilio may have rejected an earlier message and report it later.
async fn assert_last_keywords_count(app: &TestApp, last_keywords: &BTreeMap<String, &'static str>) {
    let active = "SELECT phone || ': ' || string_agg(reason, ', ') AS text FROM suppressions
                     WHERE lifted_at IS NULL GROUP BY phone";
    let suppressed: BTreeMap<String, String> = app
        .texts(active)
        .await
        .iter()
        .map(|row| row.split_once(": ").unwrap())
        .map(|(phone, reasons)| (phone.to_owned(), reasons.to_owned()))
        .collect();
    let counts = |phone: &String, keyword: &str| match suppressed.get(phone) {
        Some(reasons) => keyword == "STOP" || reasons == "carrier_21610",
        None => keyword == "START",
    };
    let wrong = |(phone, keyword): &(&String, &&str)| !counts(phone, keyword);
    let wrong: Vec<_> = last_keywords
        .iter()
        .filter(wrong)
        .map(|(phone, keyword)| (phone, keyword, suppressed.get(phone)))
        .collect();
    assert!(wrong.is_empty(), "the last keyword of these does not count: {wrong:?}");
    assert!(
        last_keywords.values().any(|keyword| *keyword == "STOP")
            && last_keywords.values().any(|keyword| *keyword == "START")
    );
}

/// The number of lost responses to requests that Twilio did not record.
fn lost_answers(app: &TestApp) -> u64 {
    [Fault::ServerError, Fault::Timeout, Fault::Reset]
        .into_iter()
        .map(|fault| app.simulator.fault_count(fault, Reach::Sends))
        .sum()
}

/// The number of attempts whose outcome will never be recorded, since their worker died or the
/// database was unavailable. Both workers are idle at this time.
async fn open_attempts(app: &TestApp) -> u64 {
    app.count("attempts WHERE finished_at IS NULL").await.try_into().unwrap()
}

/// Runs a worker for one step. It may die in the meantime, and a new one takes its place.
async fn work(app: &TestApp, worker: &mut Worker, killed_after: Option<Duration>) {
    // The database may be unavailable.
    let _ = worker.heartbeat().await;
    let work = Box::pin(worker.perform_due());
    match killed_after {
        None => drop(work.await),
        Some(time) => {
            if tokio::time::timeout(time, work).await.is_err() {
                *worker = app.second_worker();
            }
        }
    }
}

async fn storm() {
    let seed = seed("the storm");
    let mut rng = StdRng::seed_from_u64(seed);
    let options = TestOptions {
        twilio_timeout: Duration::from_millis(250),
        database_server: DatabaseServer::Dedicated(Durability::Volatile),
        ..TestOptions::default()
    };
    let app = TestApp::with(options).await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    let thanks = app.template("Thank you for order {{ event.order }}.").await;
    let question = app.template("How do you like order {{ event.order }}?").await;
    let steps = json!([send_sms(&thanks, &twilio), wait(90), send_sms(&question, &twilio)]);
    app.automation(json!({ "type": "event", "name": "ordered" }), steps).await;
    inject_faults(&app, &mut rng);

    let mut crowd = Crowd::new(rng.random());
    let mut interrupted = 0;
    let (mut one, mut other) = (app.second_worker(), app.second_worker());
    let steps = MINUTES * 60 / STEP_SECONDS;
    for step in 0..steps {
        app.clock.advance(seconds(STEP_SECONDS));
        let mut random_death =
            || rng.random_bool(0.04).then(|| Duration::from_millis(rng.random_range(0..60)));
        let deaths = [random_death(), random_death()];
        let restart = async {
            if step == steps / 2 {
                app.database.cluster().stop().await;
                real_time(Duration::from_millis(300), "the outage lasts").await;
                app.database.cluster().restart().await;
            }
        };
        tokio::join!(
            work(&app, &mut one, deaths[0]),
            work(&app, &mut other, deaths[1]),
            crowd.act(&app),
            restart
        );
        if deaths.iter().any(Option::is_some) || step == steps / 2 {
            interrupted += open_attempts(&app).await;
        }
        if rng.random_bool(0.3) {
            app.simulator.flush().await;
        }
    }
    app.simulator.clear_faults();
    // Unanswered events are repeated until they are accepted.
    while !crowd.unanswered.is_empty() {
        crowd.act(&app).await;
    }
    app.settle().await;
    app.assert_accepted_events_are_stored(&crowd.accepted).await;
    let tally = app.assert_invariants(Phase::Settled).await;
    let lost_answers = lost_answers(&app);
    print_line(&format!(
        "{} events, {lost_answers} lost answers, {interrupted} attempts cut off, {tally:?}",
        crowd.accepted.len()
    ));
    assert!(
        tally.of("delivered") > 150 && tally.of("suppressed") > 10,
        "too few messages: {tally:?}"
    );
    // Two steps send a message for each event.
    assert_eq!(tally.messages(), 2 * crowd.accepted.len(), "{tally:?}");
    assert!(
        tally.of("unconfirmed") as u64 <= lost_answers + interrupted,
        "more messages are unconfirmed than answers were lost: {tally:?}"
    );
    assert_all_faults_occurred(&app);
    assert_last_keywords_count(&app, &crowd.last_keywords).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_sent_after_a_stop_in_a_first_storm() {
    Box::pin(storm()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_sent_after_a_stop_in_a_second_storm() {
    Box::pin(storm()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_duplicated_or_sent_after_a_stop_in_a_third_storm() {
    Box::pin(storm()).await;
}
