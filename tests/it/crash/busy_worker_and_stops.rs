//! A worker that crashes in the middle of thousands of messages, while contacts text STOP.

use carillon::db::Durability;
use twilio_simulator::{Fault, Rule};

use super::{CrashKind, DoomedWorker, handsets, prepared, report_hello};
use crate::harness::invariants::Phase;
use crate::harness::stop_texts::Stops;
use crate::harness::test_database::DatabaseServer;
use crate::harness::{print_line, seed};

/// Crashes a worker in a fan-out of 2,000 messages: only what was in flight may be in doubt.
async fn crash_in_a_fan_out(kind: CrashKind) {
    const MESSAGES: usize = 2_000;
    const STOPPING: usize = 40;
    let (app, _) = prepared(DatabaseServer::Dedicated(Durability::Volatile)).await;
    app.watch_claims().await;
    // Most callbacks are dropped, to keep the story fast.
    app.simulator.inject(Rule::chance(0.9, seed("the fan-out"), Fault::DropCallbacks));
    let contacts = handsets(MESSAGES);
    // Some contacts stop before the fan-out, some at the crash and some right after it; those are
    // the last in the queue.
    let [early, during, after] = [0, 1, 2]
        .map(|group| &contacts[MESSAGES - (group + 1) * STOPPING..MESSAGES - group * STOPPING]);
    let (mut stops, mut racing) = (Stops::default(), Stops::default());
    stops.text(&app, early).await;
    let accepted = report_hello(&app, &contacts).await;
    let worker = DoomedWorker::start(&app, kind).await;
    app.eventually("the worker is in the middle of the fan-out", async || {
        (app.simulator.counts().recorded > 600).then_some(())
    })
    .await;
    worker.crash(racing.begin(&app, during)).await;
    let before = app.simulator.messages().len();
    assert!((600..MESSAGES).contains(&before), "{before} were sent before the crash");
    stops.text(&app, after).await;
    racing.wait_for_answers().await;
    app.simulator.flush().await;
    app.assert_invariants(Phase::Unsettled).await;

    app.settle().await;
    app.assert_accepted_events_are_stored(&accepted).await;
    // For STOPs that raced with the sending, only the claims are checked, since requests may have
    // been in flight.
    stops.assert_no_late_requests(&app);
    stops.assert_suppressed(&app, &racing).await;
    let tally = app.assert_invariants(Phase::Settled).await;
    assert_eq!(tally.messages(), MESSAGES);
    // By the log of the simulator, each handset has the message once, except those that had stopped
    // and those whose request was cut or never sent.
    assert_eq!(
        tally.recorded,
        MESSAGES - tally.of("unconfirmed") - tally.of("suppressed"),
        "{tally:?}"
    );
    assert!(tally.of("suppressed") > STOPPING, "{tally:?}");
    // At most as many as one worker may have in flight, including claims that were never posted.
    let in_flight: usize = app.texts("SELECT max_concurrency::text AS text FROM connections").await
        [0]
    .parse()
    .unwrap();
    assert!(tally.of("unconfirmed") <= in_flight, "{tally:?}");
    print_line(&format!("{before} were recorded before the crash: {tally:?}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_dropped_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(CrashKind::Dropped).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_killed_in_the_middle_of_a_fan_out_sends_nothing_twice_and_loses_nothing() {
    crash_in_a_fan_out(CrashKind::Killed).await;
}
