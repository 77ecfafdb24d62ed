//! Answers that are none: recorded or not, the log tells.

use super::{HANDSET, Story};
use crate::{Fault, Reach, Rule, SimulatorOptions, Status};

#[tokio::test]
async fn a_timeout_after_recording_really_recorded_and_sends() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::TimeoutRecorded));
    assert_eq!(story.send_impatiently().await, None);
    story.simulator.wait_idle().await;
    assert_eq!(story.simulator.messages_to(HANDSET).len(), 1);
    assert_eq!(story.receiver.statuses(), ["sending", "sent", "delivered"]);
    assert_eq!(story.send("next").await.0, 201);
    story.end().await;
}

#[tokio::test]
async fn a_timeout_without_recording_leaves_nothing_behind() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Timeout));
    assert_eq!(story.send_impatiently().await, None);
    assert!(story.simulator.messages().is_empty());
    story.end().await;
}

#[tokio::test]
async fn a_stuck_request_arrives_when_it_is_let_go_whether_or_not_its_caller_waits() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Stall));
    assert_eq!(story.send_impatiently().await, None);
    assert_eq!((story.simulator.stalled(), story.simulator.messages().len()), (1, 0));
    story.simulator.let_go();
    while story.simulator.messages().is_empty() {
        tokio::task::yield_now().await;
    }
    story.simulator.wait_idle().await;
    assert_eq!((story.simulator.stalled(), story.receiver.statuses().len()), (0, 3));
    let requests = story.simulator.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].recorded_as.as_ref(), Some(&story.simulator.messages()[0].sid));
    story.end().await;
}

#[tokio::test]
async fn a_stuck_answer_comes_when_it_is_let_go() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::StallRecorded));
    let (answer, ()) = tokio::join!(story.send("x"), async {
        while story.simulator.stalled() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(story.simulator.messages().len(), 1);
        story.simulator.let_go();
    });
    assert_eq!(answer.0, 201);
    story.end().await;
}

#[tokio::test]
async fn a_500_may_or_may_not_have_recorded() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::ServerError));
    let (status, json) = story.send("x").await;
    assert_eq!(
        (status, json["code"].as_u64(), story.simulator.messages().len()),
        (500, Some(20500), 0)
    );
    story.simulator.inject(Rule::next(1, Fault::ServerErrorRecorded));
    assert_eq!(story.send("x").await.0, 500);
    story.simulator.wait_idle().await;
    assert_eq!(story.simulator.messages()[0].status, Status::Delivered);
    assert_eq!((story.simulator.counts().faulted, story.simulator.counts().recorded), (2, 1));
    story.end().await;
}

#[tokio::test]
async fn a_429_records_nothing() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(2, Fault::TooManyRequests));
    assert_eq!(
        (story.send("x").await.0, story.send("x").await.0, story.send("x").await.0),
        (429, 429, 201)
    );
    assert_eq!(story.simulator.messages().len(), 1);
    story.end().await;
}

#[tokio::test]
async fn a_cut_connection_gives_no_answer_at_all() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Reset));
    let started = std::time::Instant::now();
    assert_eq!(story.send_impatiently().await, None);
    story.simulator.inject(Rule::next(1, Fault::ResetRecorded));
    assert_eq!(story.send_impatiently().await, None);
    assert!(started.elapsed().as_millis() < 500, "cut at once, not timed out");
    assert_eq!(story.simulator.messages().len(), 1);
    story.end().await;
}

#[tokio::test]
async fn reads_can_fail_too() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::ServerError).reaching(Reach::Reads));
    assert_eq!(story.send("x").await.0, 201);
    assert_eq!(story.get("/v1/Services").await.0, 500);
    assert_eq!(story.get("/v1/Services").await.0, 200);
    story.end().await;
}

#[tokio::test]
async fn more_requests_at_a_time_than_allowed_are_refused() {
    let options =
        SimulatorOptions { max_concurrent_requests: Some(1), ..SimulatorOptions::instant() };
    let story = Story::with(options).await;
    story.simulator.inject(Rule::next(1, Fault::Timeout));
    let (held, refused) = tokio::join!(story.send_impatiently(), async {
        // Both connect at once; whichever comes second finds the other held open.
        story.send_impatiently().await
    });
    assert!(
        [held, refused].contains(&Some(429)) && [held, refused].contains(&None),
        "{held:?} {refused:?}"
    );
    story.end().await;
}
