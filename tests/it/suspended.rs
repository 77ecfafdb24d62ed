//! A worker that is suspended between its claim and its POST: what the claim had found still holds
//! when it sends, or it does not send.
//!
//! A real process stops at a fail point (`src/fail_point.rs`) for longer than a claim holds.
//! Meanwhile something happens that stands against the message; then the process goes on as if
//! nothing had been.

use std::time::{Duration, Instant};

use carillon::clock::Clock;
use carillon::fail_point::FailPoint;
use carillon::messages::attempt::AttemptOutcome;
use carillon::messages::status::MessageStatus;
use serde_json::json;
use twilio_simulator::{Fault, Rule, SERVICE_NUMBER_1, SERVICE_SID};

use crate::harness::process::Process;
use crate::harness::proof::Rest;
use crate::harness::world::{Twilio, id};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, seconds};

const PLACES: [FailPoint; 2] = [FailPoint::Claimed, FailPoint::Writing];

/// How a message comes to be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As it is composed.
    Composed,
    /// From the queue, since its sender was switched off when it was composed.
    Queued,
    /// By its sender's rate.
    Throttled,
}

/// A worker that is suspended while it sends “Hello.” to the handset.
struct Suspended {
    /// First, so that it ends first where a story fails: the others would wait for it.
    process: Process,
    app: TestApp,
    twilio: Twilio,
    automation: String,
    since: Instant,
}

impl Suspended {
    async fn at(place: FailPoint) -> Self {
        Self::by(Way::Composed, place).await
    }

    async fn by(way: Way, place: FailPoint) -> Self {
        let clock = Clock::manual(Clock::system().now());
        let app = TestApp::with(TestOptions { clock, ..TestOptions::default() }).await;
        let twilio = if way == Way::Throttled {
            app.connect_throttled(SERVICE_SID).await
        } else {
            app.connect_sender(SERVICE_SID).await
        };
        if way == Way::Throttled {
            app.api()
                .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": 10 }))
                .await
                .ok();
        }
        let automation = app.sms_on("hello", &twilio, "Hello.").await;
        let sender = format!("/senders/{}", twilio.sender_id);
        if way == Way::Queued {
            app.api().patch(&sender, json!({ "disabled": true })).await.ok();
        }
        app.event("hello", HANDSET, json!({})).await;
        if way == Way::Queued {
            app.run_until_idle().await;
            app.api().patch(&sender, json!({ "disabled": false })).await.ok();
        }
        let process = app.suspended_worker(place).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["submitting"], "{way:?} {place:?}");
        Self { process, app, twilio, automation, since: Instant::now() }
    }

    /// Waits until the claim is too old: a process that is suspended has the machine's time.
    async fn outlive_the_claim(&self) {
        tokio::time::sleep(
            (self.since + Duration::from_millis(2_100)).saturating_duration_since(Instant::now()),
        )
        .await;
    }

    /// Wakes the worker up when its claim is too old, and waits until it has come to an end with
    /// it.
    async fn wake(&self) {
        self.outlive_the_claim().await;
        self.process.resume();
        let open = "attempts WHERE finished_at IS NULL";
        self.app
            .eventually("the attempt ends", async || {
                (self.app.count(open).await == 0).then_some(())
            })
            .await;
        let waits = "messages WHERE status IN ('pending', 'submitting') AND id IN (SELECT subject FROM jobs)";
        self.app
            .eventually("the message is judged", async || {
                (self.app.count(waits).await == 0).then_some(())
            })
            .await;
    }

    /// Waits until the attempt that was made before the suspension is known to have sent nothing;
    /// others may have closed it before.
    async fn first_is_held_back(&self) {
        let closed = "attempts WHERE number = 1 AND outcome = 'held_back'";
        self.app
            .eventually("the attempt is held back", async || {
                (self.app.count(closed).await == 1).then_some(())
            })
            .await;
    }

    /// Wakes the worker up; nothing goes to Twilio, and the message is as it would be had it never
    /// been claimed.
    async fn sends_nothing(self, what: &str, status: MessageStatus) -> TestApp {
        self.wake().await;
        self.first_is_held_back().await;
        let judged =
            async || (self.app.statuses_to(HANDSET).await == [status.as_str()]).then_some(());
        self.app.eventually(&format!("{what}: {status}"), judged).await;
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
async fn a_stop_while_the_worker_was_suspended_counts_however_the_message_was_claimed() {
    let ways = [Way::Composed, Way::Queued, Way::Throttled]
        .into_iter()
        .flat_map(|way| PLACES.map(|place| (way, place)));
    for (way, place) in ways {
        let suspended = Suspended::by(way, place).await;
        suspended.app.text(HANDSET, SERVICE_NUMBER_1, "STOP").await;
        let app =
            suspended.sends_nothing(&format!("{way:?} {place:?}"), MessageStatus::Suppressed).await;
        app.settle().await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.of("suppressed"), tally.posts), (1, 0), "{way:?} {place:?}: {tally:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_or_connection_that_was_switched_off_meanwhile_sends_nothing_until_it_is_on_again()
{
    let whose =
        ["senders", "connections"].into_iter().flat_map(|what| PLACES.map(|place| (what, place)));
    for (what, place) in whose {
        let suspended = Suspended::at(place).await;
        let id = if what == "senders" {
            &suspended.twilio.sender_id
        } else {
            &suspended.twilio.connection_id
        };
        let path = format!("/{what}/{id}");
        suspended.app.api().patch(&path, json!({ "disabled": true })).await.ok();
        let app = suspended.sends_nothing(&path, MessageStatus::Pending).await;
        app.advance(seconds(60)).await;
        assert_eq!(app.simulator.messages().len(), 0);
        app.api().patch(&path, json!({ "disabled": false })).await.ok();
        app.run_until_idle().await;
        assert_eq!(app.received(HANDSET), ["Hello."]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_that_was_paused_meanwhile_sends_nothing_until_it_is_active_again() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        let path = format!("/automations/{}", suspended.automation);
        suspended.app.api().patch(&path, json!({ "status": "paused" })).await.ok();
        let app = suspended.sends_nothing("a paused automation", MessageStatus::Pending).await;
        app.api().patch(&path, json!({ "status": "active" })).await.ok();
        app.advance(seconds(60)).await;
        assert_eq!(app.received(HANDSET), ["Hello."]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_who_was_deleted_meanwhile_gets_nothing() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        let contact = id(&suspended.app.contact_of(HANDSET).await);
        suspended.app.api().delete(&format!("/contacts/{contact}")).await.ok();
        let app = suspended.sends_nothing("a deleted contact", MessageStatus::Skipped).await;
        assert_eq!(
            app.message_to(HANDSET).await.reason.as_deref(),
            Some("The contact was deleted.")
        );
        app.ledger().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_validity_ended_meanwhile_expires() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        // The process has the machine's time, which a story cannot move.
        suspended
            .app
            .run_sql("UPDATE messages SET created_at = created_at - interval '30 days'")
            .await;
        suspended.sends_nothing("a message of the past", MessageStatus::Expired).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_against_which_nothing_stands_is_sent_once_after_it_was_judged_anew() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        suspended.wake().await;
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
            "{place:?}"
        );
        suspended.process.kill().await;
        app.settle().await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{place:?}: {tally:?}");
    }
}

/// Another worker has taken the message over, and asked Twilio in vain. That nothing was sent is
/// known only when the first one wakes up.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_declared_dead_sends_nothing_by_its_old_claim() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        let app = &suspended.app;
        app.advance(seconds(31)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{place:?}");
        app.text(HANDSET, SERVICE_NUMBER_1, "STOP").await;
        let app = suspended.sends_nothing("a dead worker", MessageStatus::Suppressed).await;
        app.settle().await;
        assert_eq!(app.simulator.requests().len(), 0);
        app.prove(Rest::Settled).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_was_declared_dead_wakes_up_and_its_message_is_sent_once() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        let app = &suspended.app;
        app.advance(seconds(31)).await;
        assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed"], "{place:?}");
        suspended.wake().await;
        app.eventually("it is sent", async || (app.received(HANDSET).len() == 1).then_some(()))
            .await;
        app.eventually("it is recorded", async || {
            (app.count("messages WHERE twilio_sid IS NOT NULL").await == 1).then_some(())
        })
        .await;
        suspended.process.kill().await;
        app.settle().await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{place:?}: {tally:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_sent_again_by_others_is_not_sent_by_the_worker_that_wakes_up() {
    for place in PLACES {
        let suspended = Suspended::at(place).await;
        let app = &suspended.app;
        let path = format!("/connections/{}", suspended.twilio.connection_id);
        app.api().patch(&path, json!({ "unconfirmed_policy": "resend" })).await.ok();
        app.settle().await;
        assert_eq!(
            app.received(HANDSET),
            ["Hello."],
            "the others have sent it after all their looks"
        );
        suspended.wake().await;
        suspended.first_is_held_back().await;
        suspended.process.kill().await;
        app.settle().await;
        assert_eq!(app.received(HANDSET), ["Hello."], "{place:?}");
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.of("delivered"), tally.posts), (1, 1), "{place:?}: {tally:?}");
    }
}

/// The second attempt is under way when the worker of the first wakes up: its word is about the
/// first only.
#[tokio::test(flavor = "multi_thread")]
async fn the_late_word_of_a_first_attempt_does_not_make_a_third_beside_the_second() {
    let suspended = Suspended::at(FailPoint::Writing).await;
    let app = &suspended.app;
    let path = format!("/connections/{}", suspended.twilio.connection_id);
    app.api().patch(&path, json!({ "unconfirmed_policy": "resend" })).await.ok();
    app.simulator.inject(Rule::always(Fault::Stall));
    let settling = app.settle();
    let waking = async {
        app.eventually("the second is under way", async || {
            (app.simulator.stalled() == 1).then_some(())
        })
        .await;
        suspended.outlive_the_claim().await;
        suspended.process.resume();
        suspended.first_is_held_back().await;
        assert_eq!(app.statuses_to(HANDSET).await, ["submitting"]);
        tokio::time::sleep(Duration::from_millis(300)).await;
        app.simulator.clear_faults();
    };
    tokio::join!(settling, waking);
    suspended.process.kill().await;
    app.settle().await;
    assert_eq!((app.received(HANDSET).len(), app.simulator.requests().len()), (1, 1));
    assert_eq!(app.count("attempts").await, 2);
}

/// An attempt that Twilio was too busy for, or that was never answered, brings a message back when
/// its contact may have gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_comes_back_from_twilio_is_not_sent_to_a_contact_who_was_deleted_meanwhile()
{
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
