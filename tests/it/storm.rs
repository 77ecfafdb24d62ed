//! Twenty minutes of everything at once: a Twilio and a network that do all that they can do wrong,
//! people who change their minds, workers that die, and a database that is restarted in the middle.
//!
//! What happens is decided by a seed, which is printed; `CARILLON_TEST_SEED` repeats it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use carillon::db::Durability;
use carillon::worker::Worker;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use twilio_simulator::{Fault, Reach, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::postgres::Home;
use crate::harness::proof::Rest;
use crate::harness::world::{send_sms, wait};
use crate::harness::{TestApp, TestOptions, say, seconds, seed};

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
    /// What each of them texted last, as far as it was answered with 200.
    last_words: BTreeMap<String, &'static str>,
}

impl Crowd {
    fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            reported: 0,
            unanswered: Vec::new(),
            accepted: BTreeSet::new(),
            last_words: BTreeMap::new(),
        }
    }

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
        let word = match self.rng.random_range(0..10) {
            0..3 => "STOP",
            3..5 => "START",
            _ => return,
        };
        let phone = self.someone();
        self.say(app, phone, word).await;
    }

    /// Texts a word, now and then as if Twilio had not got the answer.
    async fn say(&mut self, app: &TestApp, phone: String, word: &'static str) {
        let reply = app.simulator.reply(&phone, SERVICE_NUMBER_1, word).await.unwrap();
        assert!(matches!(reply.webhook_status, Some(200 | 503)), "{}", reply.webhook);
        let mut taken = reply.webhook_status == Some(200);
        if self.rng.random_bool(0.2) {
            taken |= app.simulator.redeliver(&reply.sid).await.unwrap().webhook_status == Some(200);
        }
        if taken {
            self.last_words.insert(phone, word);
        } else {
            // Nobody was told whether it counts, before somebody looks for what was missed.
            self.last_words.remove(&phone);
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

/// Each kind of trouble has really come.
fn assert_brewed(app: &TestApp) {
    for fault in [
        Fault::TooManyRequests,
        Fault::ServerError,
        Fault::ServerErrorRecorded,
        Fault::TimeoutRecorded,
        Fault::Shuffle,
        Fault::Repeat,
        Fault::DropCallbacks,
    ] {
        assert!(app.simulator.met(fault, Reach::Sends) > 0, "{fault:?} never came");
    }
}

/// Whoever texted STOP last is silenced, and no STOP is left of those who texted START; Twilio may
/// have refused one of their messages before, and say so afterwards.
async fn prove_last_words(app: &TestApp, last_words: &BTreeMap<String, &'static str>) {
    let active = "SELECT phone || ': ' || string_agg(reason, ', ') AS text FROM suppressions
                     WHERE lifted_at IS NULL GROUP BY phone";
    let silenced: BTreeMap<String, String> = app
        .texts(active)
        .await
        .iter()
        .map(|row| row.split_once(": ").unwrap())
        .map(|(phone, reasons)| (phone.to_owned(), reasons.to_owned()))
        .collect();
    let heeded = |phone: &String, word: &str| match silenced.get(phone) {
        Some(reasons) => word == "STOP" || reasons == "carrier_21610",
        None => word == "START",
    };
    let wrong = |(phone, word): &(&String, &&str)| !heeded(phone, word);
    let wrong: Vec<_> = last_words
        .iter()
        .filter(wrong)
        .map(|(phone, word)| (phone, word, silenced.get(phone)))
        .collect();
    assert!(wrong.is_empty(), "these said one thing last, and another counts: {wrong:?}");
    assert!(
        last_words.values().any(|word| *word == "STOP")
            && last_words.values().any(|word| *word == "START")
    );
}

/// How many answers of Twilio's were lost for requests that it had not recorded.
fn lost(app: &TestApp) -> u64 {
    [Fault::ServerError, Fault::Timeout, Fault::Reset]
        .into_iter()
        .map(|fault| app.simulator.met(fault, Reach::Sends))
        .sum()
}

/// Attempts of which nobody will record an outcome any more, since their worker has died or the
/// database was away: both workers rest.
async fn interrupted(app: &TestApp) -> u64 {
    app.count("attempts WHERE finished_at IS NULL").await.try_into().unwrap()
}

/// A worker for one step; now and then it dies in the midst of it, and another one takes its place.
async fn work(app: &TestApp, worker: &mut Worker, dies_after: Option<Duration>) {
    // The database may be away: then there is nothing to do.
    let _ = worker.heartbeat().await;
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
    let options = TestOptions {
        patience: Duration::from_millis(250),
        home: Home::Own(Durability::Volatile),
        ..TestOptions::default()
    };
    let app = TestApp::with(options).await;
    app.watch_claims().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    let thanks = app.template("Thank you for order {{ event.order }}.").await;
    let question = app.template("How do you like order {{ event.order }}?").await;
    let steps = json!([send_sms(&thanks, &twilio), wait(90), send_sms(&question, &twilio)]);
    app.automation(json!({ "type": "event", "name": "ordered" }), steps).await;
    brew(&app, &mut rng);

    let mut crowd = Crowd::new(rng.random());
    let mut cut_off = 0;
    let (mut one, mut other) = (app.second_worker(), app.second_worker());
    let steps = MINUTES * 60 / STEP;
    for step in 0..steps {
        app.clock.advance(seconds(STEP));
        let mut death =
            || rng.random_bool(0.04).then(|| Duration::from_millis(rng.random_range(0..60)));
        let deaths = [death(), death()];
        let restart = async {
            if step == steps / 2 {
                app.database.cluster().stop().await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                app.database.cluster().start_again().await;
            }
        };
        tokio::join!(
            work(&app, &mut one, deaths[0]),
            work(&app, &mut other, deaths[1]),
            crowd.act(&app),
            restart
        );
        if deaths.iter().any(Option::is_some) || step == steps / 2 {
            cut_off += interrupted(&app).await;
        }
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
    let lost = lost(&app);
    say(&format!(
        "{} events, {lost} lost answers, {cut_off} attempts cut off, {tally:?}",
        crowd.accepted.len()
    ));
    assert!(
        tally.of("delivered") > 150 && tally.of("suppressed") > 10,
        "the storm was one: {tally:?}"
    );
    // Two steps send for each event, whatever becomes of their messages.
    assert_eq!(tally.messages(), 2 * crowd.accepted.len(), "{tally:?}");
    assert!(
        tally.of("unconfirmed") as u64 <= lost + cut_off,
        "more is in doubt than there were reasons for: {tally:?}"
    );
    assert_brewed(&app);
    prove_last_words(&app, &crowd.last_words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    Box::pin(storm()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    Box::pin(storm()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_storm_leaves_nothing_lost_nothing_twice_and_nothing_after_stop() {
    Box::pin(storm()).await;
}
