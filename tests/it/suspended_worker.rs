//! A worker that is suspended between its claim and its request to Twilio checks again, when it
//! resumes, that the message may be sent.
//!
//! A child process stops at a fail point (`src/fail_point.rs`) for longer than a claim is valid. In
//! the meantime the story changes a condition for sending; then the process resumes. Start reading
//! at [`SuspendedWorker`].

use std::time::{Duration, Instant};

use carillon::clock::Clock;
use carillon::fail_point::FailPoint;
use carillon::messages::attempt::AttemptOutcome;
use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::carillon_process::Process;
use crate::harness::fixtures::{Twilio, id};
use crate::harness::invariants::Phase;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, real_time, seconds};

const FAIL_POINTS: [FailPoint; 2] = [FailPoint::Claimed, FailPoint::Writing];

/// How a message comes to be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ClaimPath {
    /// At its composition.
    Composed,
    /// From the job queue, since its sender was disabled at its composition.
    Queued,
    /// From the throttle of its sender.
    Throttled,
}

/// A worker that is suspended while it sends “Hello.” to the handset.
struct SuspendedWorker {
    /// The first field, so that it is dropped first if a story fails; dropping the app would wait
    /// for it.
    process: Process,
    app: TestApp,
    twilio: Twilio,
    automation: String,
    since: Instant,
}

impl SuspendedWorker {
    async fn at(fail_point: FailPoint) -> Self {
        Self::by(ClaimPath::Composed, fail_point).await
    }

    async fn by(path: ClaimPath, fail_point: FailPoint) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let app = TestApp::with(TestOptions { clock, ..TestOptions::default() }).await;
        let twilio = if path == ClaimPath::Throttled {
            app.connect_throttled(SERVICE_SID).await
        } else {
            app.connect_sender(SERVICE_SID).await
        };
        if path == ClaimPath::Throttled {
            app.api()
                .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": 10 }))
                .await
                .ok();
        }
        let automation = app.sms_on("hello", &twilio, "Hello.").await;
        let sender = format!("/senders/{}", twilio.sender_id);
        if path == ClaimPath::Queued {
            app.api().patch(&sender, json!({ "disabled": true })).await.ok();
        }
        app.event("hello", HANDSET, json!({})).await;
        if path == ClaimPath::Queued {
            app.run_until_idle().await;
            app.api().patch(&sender, json!({ "disabled": false })).await.ok();
        }
        let process = app.suspended_worker(fail_point).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["submitting"], "{path:?} {fail_point:?}");
        Self { process, app, twilio, automation, since: Instant::now() }
    }

    /// Waits until the claim is too old by the system clock, which the suspended process uses.
    async fn wait_until_claim_expires(&self) {
        let left =
            (self.since + Duration::from_millis(2_100)).saturating_duration_since(Instant::now());
        real_time(left, "the claim expires by the system clock").await;
    }

    /// Resumes the worker when its claim is too old, and waits until it has handled the message.
    async fn resume_after_claim(&self) {
        self.wait_until_claim_expires().await;
        self.process.resume();
        let open = "attempts WHERE finished_at IS NULL";
        self.app
            .eventually("the attempt ends", async || {
                (self.app.count(open).await == 0).then_some(())
            })
            .await;
        let waits = "messages WHERE status IN ('pending', 'submitting') AND id IN (SELECT subject FROM jobs)";
        self.app
            .eventually("the message is checked again", async || {
                (self.app.count(waits).await == 0).then_some(())
            })
            .await;
    }

    /// Waits until the first attempt is recorded as held back; other workers may have closed it
    /// before.
    async fn wait_until_held_back(&self) {
        let closed = "attempts WHERE number = 1 AND outcome = 'held_back'";
        self.app
            .eventually("the attempt is held back", async || {
                (self.app.count(closed).await == 1).then_some(())
            })
            .await;
    }

    /// Resumes the worker, and asserts that it sends nothing and that the message gets a status.
    async fn assert_sends_nothing(self, what: &str, status: MessageStatus) -> TestApp {
        self.resume_after_claim().await;
        self.wait_until_held_back().await;
        let has_status =
            async || (self.app.statuses_to(HANDSET).await == [status.as_str()]).then_some(());
        self.app.eventually(&format!("{what}: {status}"), has_status).await;
        let message = self.app.message_to(HANDSET).await;
        assert_eq!(
            (self.app.simulator.requests().len(), self.app.simulator.messages().len()),
            (0, 0),
            "{what}"
        );
        let outcomes: Vec<_> = self
            .app
            .attempts(message.id)
            .await
            .into_iter()
            .map(|attempt| attempt.outcome)
            .collect();
        assert_eq!(outcomes, [Some(AttemptOutcome::HeldBack)], "{what}");
        self.process.kill().await;
        self.app
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_during_the_suspension_counts_however_the_message_was_claimed() {
    let paths = [ClaimPath::Composed, ClaimPath::Queued, ClaimPath::Throttled]
        .into_iter()
        .flat_map(|path| FAIL_POINTS.map(|fail_point| (path, fail_point)));
    for (path, fail_point) in paths {
        let suspended = SuspendedWorker::by(path, fail_point).await;
        suspended.app.text(HANDSET, SERVICE_NUMBER_1, "STOP").await;
        let app = suspended
            .assert_sends_nothing(&format!("{path:?} {fail_point:?}"), MessageStatus::Suppressed)
            .await;
        app.settle().await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!(
            (tally.of("suppressed"), tally.posts),
            (1, 0),
            "{path:?} {fail_point:?}: {tally:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_or_connection_disabled_during_the_suspension_sends_nothing_until_it_is_enabled() {
    let cases = ["senders", "connections"]
        .into_iter()
        .flat_map(|what| FAIL_POINTS.map(|fail_point| (what, fail_point)));
    for (what, fail_point) in cases {
        let suspended = SuspendedWorker::at(fail_point).await;
        let id = if what == "senders" {
            &suspended.twilio.sender_id
        } else {
            &suspended.twilio.connection_id
        };
        let path = format!("/{what}/{id}");
        suspended.app.api().patch(&path, json!({ "disabled": true })).await.ok();
        let app = suspended.assert_sends_nothing(&path, MessageStatus::Pending).await;
        app.advance(seconds(60)).await;
        assert_eq!(app.simulator.messages().len(), 0);
        app.api().patch(&path, json!({ "disabled": false })).await.ok();
        app.run_until_idle().await;
        assert_eq!(app.received(HANDSET), ["Hello."]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_paused_during_the_suspension_sends_nothing_until_it_is_active_again() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        let path = format!("/automations/{}", suspended.automation);
        suspended.app.api().patch(&path, json!({ "status": "paused" })).await.ok();
        let app =
            suspended.assert_sends_nothing("a paused automation", MessageStatus::Pending).await;
        app.api().patch(&path, json!({ "status": "active" })).await.ok();
        app.advance(seconds(60)).await;
        assert_eq!(app.received(HANDSET), ["Hello."]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_deleted_during_the_suspension_is_not_texted() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        let contact = id(&suspended.app.contact_of(HANDSET).await);
        suspended.app.api().delete(&format!("/contacts/{contact}")).await.ok();
        let app = suspended.assert_sends_nothing("a deleted contact", MessageStatus::Skipped).await;
        assert_eq!(
            app.message_to(HANDSET).await.reason.as_deref(),
            Some("The contact was deleted.")
        );
        app.ledger().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_validity_ended_during_the_suspension_expires() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        // The process uses the system clock, so the message is made older instead.
        suspended
            .app
            .run_sql("UPDATE messages SET created_at = created_at - interval '30 days'")
            .await;
        suspended.assert_sends_nothing("a message of the past", MessageStatus::Expired).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unobstructed_message_is_sent_once_after_it_was_checked_again() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        suspended.resume_after_claim().await;
        let app = &suspended.app;
        app.eventually("it is sent", async || (app.received(HANDSET).len() == 1).then_some(()))
            .await;
        app.eventually("it is recorded", async || {
            (app.count("messages WHERE twilio_sid IS NOT NULL").await == 1).then_some(())
        })
        .await;
        let message = app.message_to(HANDSET).await;
        let outcomes: Vec<_> =
            app.attempts(message.id).await.into_iter().map(|attempt| attempt.outcome).collect();
        assert_eq!(
            outcomes,
            [Some(AttemptOutcome::HeldBack), Some(AttemptOutcome::Accepted)],
            "{fail_point:?}"
        );
        suspended.process.kill().await;
        app.settle().await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{fail_point:?}: {tally:?}");
    }
}

/// Another worker has taken over and searched at Twilio in vain. Only when the suspended one
/// resumes is it known that nothing was sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_declared_dead_sends_nothing_under_its_old_claim() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        let app = &suspended.app;
        app.advance(seconds(31)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{fail_point:?}");
        app.text(HANDSET, SERVICE_NUMBER_1, "STOP").await;
        let app = suspended.assert_sends_nothing("a dead worker", MessageStatus::Suppressed).await;
        app.settle().await;
        assert_eq!(app.simulator.requests().len(), 0);
        app.assert_invariants(Phase::Settled).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_worker_declared_dead_is_sent_once_when_the_worker_resumes() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        let app = &suspended.app;
        app.advance(seconds(31)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{fail_point:?}");
        suspended.resume_after_claim().await;
        app.eventually("it is sent", async || (app.received(HANDSET).len() == 1).then_some(()))
            .await;
        app.eventually("it is recorded", async || {
            (app.count("messages WHERE twilio_sid IS NOT NULL").await == 1).then_some(())
        })
        .await;
        suspended.process.kill().await;
        app.settle().await;
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{fail_point:?}: {tally:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_resent_by_another_worker_is_not_sent_by_the_resumed_one() {
    for fail_point in FAIL_POINTS {
        let suspended = SuspendedWorker::at(fail_point).await;
        let app = &suspended.app;
        let path = format!("/connections/{}", suspended.twilio.connection_id);
        app.api().patch(&path, json!({ "unconfirmed_policy": "resend" })).await.ok();
        app.settle().await;
        assert_eq!(
            app.received(HANDSET),
            ["Hello."],
            "another worker has sent it after all searches"
        );
        suspended.resume_after_claim().await;
        suspended.wait_until_held_back().await;
        suspended.process.kill().await;
        app.settle().await;
        assert_eq!(app.received(HANDSET), ["Hello."], "{fail_point:?}");
        let tally = app.assert_invariants(Phase::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{fail_point:?}: {tally:?}");
    }
}

/// The second attempt is in flight when the worker of the first one resumes; its outcome concerns
/// only the first attempt.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_outcome_of_the_first_attempt_does_not_cause_a_third() {
    let suspended = SuspendedWorker::at(FailPoint::Writing).await;
    let app = &suspended.app;
    let path = format!("/connections/{}", suspended.twilio.connection_id);
    app.api().patch(&path, json!({ "unconfirmed_policy": "resend" })).await.ok();
    app.simulator.inject(Rule::always(Fault::Stall));
    let settle = app.settle();
    let resume = async {
        app.eventually("the second attempt is in flight", async || {
            (app.simulator.stalled() == 1).then_some(())
        })
        .await;
        suspended.wait_until_claim_expires().await;
        suspended.process.resume();
        suspended.wait_until_held_back().await;
        assert_eq!(app.statuses_to(HANDSET).await, ["submitting"]);
        real_time(Duration::from_millis(300), "a third attempt would begin at once").await;
        app.simulator.clear_faults();
    };
    tokio::join!(settle, resume);
    suspended.process.kill().await;
    app.settle().await;
    assert_eq!((app.received(HANDSET).len(), app.simulator.requests().len()), (1, 1));
    assert_eq!(app.count("attempts").await, 2);
}

/// An attempt that was rejected as busy or never answered is retried, when its contact may be
/// deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_retry_is_not_sent_to_a_deleted_contact() {
    let app = TestApp::start().await;
    let twilio = app.connect_sender(SERVICE_SID).await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.api()
        .patch(
            &format!("/connections/{}", twilio.connection_id),
            json!({ "unconfirmed_policy": "resend" }),
        )
        .await
        .ok();
    app.simulator.inject(Rule::next(1, Fault::TooManyRequests));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.inject(Rule::next(1, Fault::ServerError));
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["pending".to_owned()], vec!["unconfirmed".to_owned()])
    );
    for handset in [HANDSET, OTHER_HANDSET] {
        let contact = id(&app.contact_of(handset).await);
        app.api().delete(&format!("/contacts/{contact}")).await.ok();
    }
    app.settle().await;
    for handset in [HANDSET, OTHER_HANDSET] {
        let message = app.message_to(handset).await;
        assert_eq!(
            (message.status, message.reason.as_deref()),
            (MessageStatus::Skipped, Some("The contact was deleted."))
        );
    }
    assert_eq!(app.simulator.messages().len(), 0);
}
