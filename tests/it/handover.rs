//! Handing over: what is due at once goes to the worker of the same process, and is never lost
//! between the two.

use carillon::queue::handover::HandoverOffer;
use carillon::queue::{self, Job, NewJob, Receiver};
use carillon::types::id::EnrollmentId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{HANDSET, TestApp, seconds};

impl TestApp {
    /// Places of the worker of this process for as many jobs as it can take.
    async fn offer(&self) -> Option<HandoverOffer> {
        self.context.handover.offer(100_000).await
    }

    fn places(&self) -> usize {
        self.context.config.worker_concurrency.get()
    }
}

fn most(offer: &HandoverOffer) -> usize {
    match HandoverOffer::receiver(Some(offer)) {
        Receiver::Worker { most, .. } => most,
        Receiver::Anyone => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_offers_all_its_places_and_gets_back_what_is_not_used() {
    let app = TestApp::with_worker().await;
    app.eventually("all places are offered", async || {
        (most(&app.offer().await?) == app.places()).then_some(())
    })
    .await;
    let offer = app.offer().await.unwrap();
    if most(&offer) == app.places() {
        assert!(app.offer().await.is_none(), "they are offered once");
    }
    drop(offer);
    app.eventually("they are offered again", async || {
        (most(&app.offer().await?) == app.places()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_worker_in_the_process_jobs_wait_in_the_queue() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    assert!(app.offer().await.is_none());
    app.event("hello", HANDSET, json!({})).await;
    assert_eq!(app.count("jobs WHERE worker_id IS NULL").await, 1);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_to_a_worker_that_has_just_ended_is_done_by_another() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    let enrollment: EnrollmentId =
        app.texts("SELECT id::text AS text FROM enrollments").await[0].parse().unwrap();
    app.run_sql("DELETE FROM jobs").await;

    let stop = CancellationToken::new();
    let worker = tokio::spawn(app.second_worker().run(stop.clone()));
    let offer = app.eventually("it offers places", async || app.offer().await).await;
    stop.cancel();
    worker.await.unwrap();
    assert!(app.offer().await.is_none(), "it offers nothing any more");

    let now = app.clock.now();
    let receiver = HandoverOffer::receiver(Some(&offer));
    let job = NewJob { job: Job::Advance(enrollment), run_at: now };
    let jobs = queue::enqueue_for(&mut *app.conn().await, receiver, &[job], now).await.unwrap();
    assert_eq!(jobs.len(), 1);
    offer.hand_over(&jobs);
    assert_eq!(app.count("jobs WHERE worker_id IS NOT NULL").await, 1);

    app.advance(seconds(31)).await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    assert_eq!(app.count("jobs").await, 0);
}
