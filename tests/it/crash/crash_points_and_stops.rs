//! The crash matrix with contacts who text STOP before a worker crashes, at the same time, and
//! right after it.
//!
//! A contact whose STOP was answered gets no more messages, wherever a worker crashes. Start
//! reading at [`story`].

use carillon::db::Durability;
use serde_json::json;

use super::{CRASH_KINDS, CrashKind, CrashPoint, handsets, prepared, report_hello};
use crate::harness::invariants::{Phase, Tally};
use crate::harness::stop_texts::Stops;
use crate::harness::test_database::DatabaseServer;

/// The numbers of contacts that never stop, stop long before the crash, at the crash, and right
/// after it.
const GROUPS: [usize; 4] = [3, 2, 2, 2];
/// The number of contacts that had not stopped before the event.
const GREETED: usize = 7;

/// The expected outcome of the messages to contacts that had not stopped before.
#[derive(Clone, Copy)]
enum ExpectedOutcome {
    /// No claim was committed: contacts that stop are not texted.
    StoppedAreSuppressed,
    /// Twilio got this many requests before the STOPs, and their outcome is unknowable.
    Unconfirmed { posts: usize },
    /// Twilio had all messages before the STOPs.
    Delivered,
    /// Twilio gets the messages after the STOPs, and rejects them itself.
    StoppedAreRejected,
}

impl ExpectedOutcome {
    /// The expected numbers of delivered, suppressed, unconfirmed and failed messages, and of
    /// requests.
    const fn counts(self) -> [usize; 5] {
        match self {
            Self::StoppedAreSuppressed => [3, 6, 0, 0, 3],
            Self::Unconfirmed { posts } => [0, 2, GREETED, 0, posts],
            Self::Delivered => [GREETED, 2, 0, 0, GREETED],
            Self::StoppedAreRejected => [3, 2, 0, 4, GREETED],
        }
    }
}

fn counts(tally: &Tally) -> [usize; 5] {
    [
        tally.of("delivered"),
        tally.of("suppressed"),
        tally.of("unconfirmed"),
        tally.of("failed"),
        tally.posts,
    ]
}

/// Texts all contacts, crashes a worker while it sends, and texts all contacts again at the end.
async fn story(point: CrashPoint, kind: CrashKind, expected: ExpectedOutcome) {
    let database_server = match point.database_server() {
        DatabaseServer::Shared => DatabaseServer::Dedicated(Durability::Volatile),
        dedicated @ (DatabaseServer::Dedicated(_) | DatabaseServer::Replicated) => dedicated,
    };
    let (app, _) = prepared(database_server).await;
    app.watch_claims().await;
    let all = handsets(GROUPS.iter().sum());
    let (never_stopping, stopping) = all.split_at(GROUPS[0]);
    let (early, rest) = stopping.split_at(GROUPS[1]);
    let (during, after) = rest.split_at(GROUPS[2]);

    let mut stops = Stops::default();
    stops.text(&app, early).await;
    let accepted = report_hello(&app, &all).await;
    point.crash_worker(&app, kind, GREETED, stops.begin(&app, during)).await;
    stops.text(&app, after).await;
    stops.wait_for_answers().await;
    app.assert_invariants(Phase::Unsettled).await;
    point.deliver_late_requests(&app, GREETED).await;
    app.settle().await;
    app.assert_accepted_events_are_stored(&accepted).await;
    stops.assert_silenced(&app).await;
    let tally = app.assert_invariants(Phase::Settled).await;
    assert_eq!(counts(&tally), expected.counts(), "{point:?} {kind:?}: {tally:?}");

    for handset in &all {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    stops.assert_silenced(&app).await;
    let again = app.assert_invariants(Phase::Settled).await;
    let more = (
        again.of("delivered") - tally.of("delivered"),
        again.of("suppressed") - tally.of("suppressed"),
    );
    assert_eq!(
        (more, again.posts - tally.posts),
        ((never_stopping.len(), stopping.len()), never_stopping.len()),
        "{point:?} {kind:?}: {again:?}"
    );
}

async fn with_both_crash_kinds(point: CrashPoint, expected: ExpectedOutcome) {
    for kind in CRASH_KINDS {
        story(point, kind, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_with_leased_jobs_is_texted() {
    with_both_crash_kinds(CrashPoint::Leased, ExpectedOutcome::StoppedAreSuppressed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_before_the_messages_commit_is_texted() {
    with_both_crash_kinds(CrashPoint::Composing, ExpectedOutcome::StoppedAreSuppressed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_before_the_claim_commits_is_texted() {
    with_both_crash_kinds(CrashPoint::Claiming, ExpectedOutcome::StoppedAreSuppressed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_right_after_the_claim_is_texted() {
    with_both_crash_kinds(CrashPoint::Claimed, ExpectedOutcome::Unconfirmed { posts: 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_with_lost_requests_is_texted_again() {
    with_both_crash_kinds(CrashPoint::RequestLost, ExpectedOutcome::Unconfirmed { posts: GREETED })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_with_late_requests_is_texted() {
    with_both_crash_kinds(CrashPoint::RequestLate, ExpectedOutcome::StoppedAreRejected).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_with_answers_in_flight_is_texted_again() {
    with_both_crash_kinds(CrashPoint::AnswerLost, ExpectedOutcome::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_before_the_record_commits_is_texted_again() {
    with_both_crash_kinds(CrashPoint::Recording, ExpectedOutcome::Delivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_contact_who_stops_around_a_crash_right_after_the_record_is_texted_again() {
    with_both_crash_kinds(CrashPoint::Recorded, ExpectedOutcome::Delivered).await;
}
