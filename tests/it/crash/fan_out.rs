//! A worker that ends in the middle of thousands of messages, while people text STOP.

use carillon::db::Durability;
use twilio_simulator::{Fault, Rule};

use super::{Manner, Victim, handsets, prepared, report};
use crate::harness::postgres::Home;
use crate::harness::proof::Rest;
use crate::harness::stops::Stops;
use crate::harness::{say, seed};

/// Ends a worker in the middle of a fan-out of 2,000 messages: what was in flight at that moment is
/// all that can be in doubt.
async fn crash_in_a_fan_out(manner: Manner) {
    const MESSAGES: usize = 2_000;
    const STOPPING: usize = 40;
    let (app, _) = prepared(Home::Own(Durability::Volatile)).await;
    app.watch_claims().await;
    // A few callbacks are enough.
    app.simulator.inject(Rule::chance(0.9, seed("the fan-out"), Fault::DropCallbacks));
    let people = handsets(MESSAGES);
    // Some have stopped before, some stop in the midst of it, some right after the end: those whose
    // turn comes last.
    let [early, during, after] = [0, 1, 2]
        .map(|group| &people[MESSAGES - (group + 1) * STOPPING..MESSAGES - group * STOPPING]);
    let (mut stops, mut racing) = (Stops::default(), Stops::default());
    stops.text(&app, early).await;
    let accepted = report(&app, &people).await;
    let victim = Victim::start(&app, manner).await;
    app.eventually("it is in the middle", async || {
        (app.simulator.counts().recorded > 600).then_some(())
    })
    .await;
    victim.end(racing.begin(&app, during)).await;
    let before = app.simulator.messages().len();
    assert!((600..MESSAGES).contains(&before), "{before} were sent before the end");
    stops.text(&app, after).await;
    racing.gather().await;
    app.simulator.flush().await;
    app.prove(Rest::Unsettled).await;

    app.settle().await;
    app.prove_accepted(&accepted).await;
    // Of those who raced with the sending the claims are the judge: their requests may have been on
    // the way.
    stops.prove_requests(&app);
    stops.prove_silence(&app, &racing).await;
    let tally = app.prove(Rest::Settled).await;
    assert_eq!(tally.messages(), MESSAGES);
    // Twilio's own log: each handset has it once, but those who stopped before, and those whose
    // request was cut on its way or never began.
    assert_eq!(
        tally.recorded,
        MESSAGES - tally.of("unconfirmed") - tally.of("suppressed"),
        "{tally:?}"
    );
    assert!(tally.of("suppressed") > STOPPING, "{tally:?}");
    // No more than one worker may have in flight, claims that were never posted included.
    let in_flight: usize = app.texts("SELECT max_concurrency::text AS text FROM connections").await
        [0]
    .parse()
    .unwrap();
    assert!(tally.of("unconfirmed") <= in_flight, "{tally:?}");
    say(&format!("{before} were recorded before the end: {tally:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_dropped_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(Manner::Dropped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(Manner::Killed).await;
}
