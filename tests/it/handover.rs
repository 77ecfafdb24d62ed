//! Handover: a process gives jobs that are due at once directly to its own worker, and none is lost
//! on the way.

use carillon::queue::handover::HandoverReservation;
use carillon::queue::{self, Job, NewJob, Receiver};
use carillon::types::id::EnrollmentId;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::harness::{HANDSET, TestApp, seconds};

impl TestApp {
    /// An offer of the whole capacity of the worker in this process.
    async fn offer(&self) -> Option<HandoverReservation> {
        self.context.handover.reserve(100_000).await
    }

    fn capacity(&self) -> usize {
        self.context.config.worker_concurrency.get()
    }
}

fn most(offer: &HandoverReservation) -> usize {
    match HandoverReservation::receiver(Some(offer)) {
        Receiver::Worker { max_jobs, .. } => max_jobs,
        Receiver::AnyWorker => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_worker_offers_its_whole_capacity_and_gets_unused_capacity_back() {
    let app = TestApp::with_worker().await;
    app.eventually("the whole capacity is offered", async || {
        (most(&app.offer().await?) == app.capacity()).then_some(())
    })
    .await;
    let offer = app.offer().await.unwrap();
    if most(&offer) == app.capacity() {
        assert!(app.offer().await.is_none(), "the capacity is offered once");
    }
    drop(offer);
    app.eventually("the capacity is offered again", async || {
        (most(&app.offer().await?) == app.capacity()).then_some(())
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
async fn a_job_handed_to_a_worker_that_has_just_ended_is_done_by_another() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    let enrollment: EnrollmentId =
        app.texts("SELECT id::text AS text FROM enrollments").await[0].parse().unwrap();
    app.run_sql("DELETE FROM jobs").await;

    let stop = CancellationToken::new();
    let worker = tokio::spawn(app.second_worker().run(stop.clone()));
    let offer = app.eventually("the worker offers capacity", async || app.offer().await).await;
    stop.cancel();
    worker.await.unwrap();
    assert!(app.offer().await.is_none(), "a stopped worker offers nothing");

    let now = app.clock.now();
    let receiver = HandoverReservation::receiver(Some(&offer));
    let job = NewJob { job: Job::Advance(enrollment), run_at: now };
    let jobs = queue::enqueue_for(&mut *app.conn().await, receiver, &[job], now).await.unwrap();
    assert_eq!(jobs.len(), 1);
    offer.dispatch(&jobs);
    assert_eq!(app.count("jobs WHERE worker_id IS NOT NULL").await, 1);

    app.advance(seconds(31)).await;
    assert_eq!(app.received(HANDSET), ["Hello."]);
    assert_eq!(app.count("jobs").await, 0);
}
