//! Faults of the API's responses, and whether the message is recorded.

use super::story::{HANDSET, Story};
use crate::{Fault, Reach, Rule, SimulatorOptions, Status};

#[tokio::test]
async fn a_message_recorded_before_a_timeout_is_sent() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::TimeoutRecorded));
    assert_eq!(story.send_with_timeout().await, None);
    story.simulator.wait_idle().await;
    assert_eq!(story.simulator.messages_to(HANDSET).len(), 1);
    assert_eq!(story.receiver.statuses(), ["sending", "sent", "delivered"]);
    assert_eq!(story.send("next").await.0, 201);
    story.end().await;
}

#[tokio::test]
async fn a_message_that_times_out_unrecorded_is_not_sent() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Timeout));
    assert_eq!(story.send_with_timeout().await, None);
    assert!(story.simulator.messages().is_empty());
    story.end().await;
}

#[tokio::test]
async fn a_stalled_request_is_recorded_on_release_even_if_its_client_has_disconnected() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Stall));
    assert_eq!(story.send_with_timeout().await, None);
    assert_eq!((story.simulator.stalled(), story.simulator.messages().len()), (1, 0));
    story.simulator.release_stalled();
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
async fn a_stalled_response_arrives_on_release() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::StallRecorded));
    let (response, ()) = tokio::join!(story.send("x"), async {
        while story.simulator.stalled() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(story.simulator.messages().len(), 1);
        story.simulator.release_stalled();
    });
    assert_eq!(response.0, 201);
    story.end().await;
}

#[tokio::test]
async fn a_message_answered_with_500_may_be_recorded_or_not() {
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
async fn a_message_answered_with_429_is_not_recorded() {
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
async fn a_reset_connection_gives_no_response() {
    let story = Story::begin().await;
    story.simulator.inject(Rule::next(1, Fault::Reset));
    let started = std::time::Instant::now();
    assert_eq!(story.send_with_timeout().await, None);
    story.simulator.inject(Rule::next(1, Fault::ResetRecorded));
    assert_eq!(story.send_with_timeout().await, None);
    assert!(started.elapsed().as_millis() < 500, "reset at once, not timed out");
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
async fn concurrent_requests_above_the_limit_are_refused() {
    let options =
        SimulatorOptions { max_concurrent_requests: Some(1), ..SimulatorOptions::instant() };
    let story = Story::with(options).await;
    story.simulator.inject(Rule::next(1, Fault::Timeout));
    let (held, refused) = tokio::join!(story.send_with_timeout(), async {
        // Both connect at the same time; the second one finds the first held open.
        story.send_with_timeout().await
    });
    assert!(
        [held, refused].contains(&Some(429)) && [held, refused].contains(&None),
        "{held:?} {refused:?}"
    );
    story.end().await;
}
