//! Twenty minutes of everything at once: a Twilio and a network that do all that they can do wrong, people who change their minds,
//! workers that die, and a database that is restarted in the middle.
//!
//! What happens is decided by a seed, which is printed; `CARILLON_TEST_SEED` repeats it.

use std::{collections::BTreeSet, time::Duration};

use carillon::{
    db::Durability,
    simulator::{Fault, Reach, Rule, SERVICE_NUMBER_1, SERVICE_SID},
    worker::Worker,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use crate::harness::{
    TestApp, TestOptions,
    postgres::Home,
    proof::Rest,
    say, seconds, seed,
    world::{send_sms, wait},
};

/// How long it lasts, in product time.
const MINUTES: i64 = 20;
/// Product time between two moments at which something happens.
const STEP: i64 = 10;
const PEOPLE: usize = 60;

/// The people's side of a storm: what they report, and what they were told.
struct Crowd {
    rng: StdRng,
    reported: usize,
    /// Reports that got no answer, or another than 202: they are repeated.
    unanswered: Vec<Value>,
    /// The ids of those that were answered with 202.
    accepted: BTreeSet<String>,
}

impl Crowd {
    fn someone(&mut self) -> String {
        format!("+1206555{:04}", 3000 + self.rng.random_range(0..PEOPLE))
    }

    /// Some report something, some want no more messages, some want them again.
    async fn act(&mut self, app: &TestApp) {
        let mut reports = std::mem::take(&mut self.unanswered);
        for _ in 0..self.rng.random_range(0..5) {
            let (id, phone) = (format!("event {}", self.reported), self.someone());
            let properties = json!({ "order": self.reported });
            self.reported += 1;
            reports.push(json!({ "id": id, "name": "ordered", "contact": { "phone": phone }, "properties": properties }));
        }
        for report in reports {
            let answer = app.api().post("/events", report.clone()).await;
            match answer.status {
                202 => drop(self.accepted.insert(report["id"].as_str().unwrap().to_owned())),
                503 => self.unanswered.push(report),
                other => panic!("the API answered {other}: {:#}", answer.json),
            }
        }
        let word = match self.rng.random_range(0..10) {
            0..3 => "STOP",
            3..5 => "START",
            _ => return,
        };
        let phone = self.someone();
        let reply = app.simulator.reply(&phone, SERVICE_NUMBER_1, word).await.unwrap();
        assert!(matches!(reply.webhook_status, Some(200 | 503)), "{}", reply.webhook);
        if self.rng.random_bool(0.2) {
            app.simulator.redeliver(&reply.sid).await.unwrap();
        }
    }
}

fn brew(app: &TestApp, rng: &mut StdRng) {
    let mut chance = |probability, fault, reach| {
        app.simulator.inject(Rule::chance(probability, rng.random(), fault).reaching(reach));
    };
    chance(0.06, Fault::TooManyRequests, Reach::Sends);
    chance(0.03, Fault::ServerError, Reach::Sends);
    chance(0.03, Fault::ServerErrorRecorded, Reach::Sends);
    chance(0.01, Fault::Timeout, Reach::Sends);
    chance(0.02, Fault::TimeoutRecorded, Reach::Sends);
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

/// A worker for one step; now and then it dies in the midst of it, and another one takes its place.
async fn work(app: &TestApp, worker: &mut Worker, dies_after: Option<Duration>) {
    // The database may be away: then there is nothing to do.
    let _ = worker.beat().await;
    let work = Box::pin(worker.perform_due());
    match dies_after {
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
    let options = TestOptions { patience: Duration::from_millis(250), home: Home::Own(Durability::Volatile), ..TestOptions::default() };
    let app = TestApp::with(options).await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    let thanks = app.template("Thank you for order {{ event.order }}.").await;
    let question = app.template("How do you like order {{ event.order }}?").await;
    let steps = json!([send_sms(&thanks, &twilio), wait(90), send_sms(&question, &twilio)]);
    app.automation(json!({ "type": "event", "name": "ordered" }), steps).await;
    brew(&app, &mut rng);

    let mut crowd = Crowd { rng: StdRng::seed_from_u64(rng.random()), reported: 0, unanswered: Vec::new(), accepted: BTreeSet::new() };
    let (mut one, mut other) = (app.second_worker(), app.second_worker());
    let steps = MINUTES * 60 / STEP;
    for step in 0..steps {
        app.clock.advance(seconds(STEP));
        let mut death = || rng.random_bool(0.04).then(|| Duration::from_millis(rng.random_range(0..60)));
        let deaths = [death(), death()];
        let restart = async {
            if step == steps / 2 {
                app.database.cluster().stop().await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                app.database.cluster().start_again().await;
            }
        };
        tokio::join!(work(&app, &mut one, deaths[0]), work(&app, &mut other, deaths[1]), crowd.act(&app), restart);
        if rng.random_bool(0.3) {
            app.simulator.flush().await;
        }
    }
    app.simulator.clear_faults();
    // The last that were not answered are repeated until they are.
    while !crowd.unanswered.is_empty() {
        crowd.act(&app).await;
    }
    app.settle().await;
    app.prove_accepted(&crowd.accepted).await;
    let tally = app.prove(Rest::Settled).await;
    say(&format!("{} events, {tally:?}", crowd.accepted.len()));
    assert!(tally.of("delivered") > 150 && tally.of("suppressed") > 10, "the storm was one: {tally:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    storm().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    storm().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    storm().await;
}
