//! Tests of the concurrency limits: how they fall, rise and are shared.

use std::time::Duration;

use super::*;

fn limits_with(workers: usize, bound: usize) -> (ConcurrencyLimits, ConnectionId) {
    let (limits, id) = (ConcurrencyLimits::default(), ConnectionId::new());
    limits.set_bounds(workers, HashMap::from([(id, bound)]));
    (limits, id)
}

/// Takes all free permits.
fn fill(limits: &ConcurrencyLimits, id: ConnectionId) -> Vec<Permit> {
    let mut reservation = limits.reserve(10_000);
    (0..reservation.permits[&id]).map(|_| reservation.permit(id)).collect()
}

fn end(permits: Vec<Permit>, outcome: RequestOutcome) {
    for permit in permits {
        permit.end(outcome);
    }
}

const ANSWERED: RequestOutcome = RequestOutcome::Answered(None);

#[test]
fn a_worker_has_its_share_of_the_bound_in_flight() {
    let (limits, id) = limits_with(3, 100);
    let permits = fill(&limits, id);
    assert_eq!((permits.len(), fill(&limits, id).len()), (33, 0));
    end(permits, ANSWERED);
    limits.set_bounds(1, HashMap::from([(id, 100)]));
    assert_eq!(fill(&limits, id).len(), 100, "the others are gone");
    limits.set_bounds(500, HashMap::from([(id, 100)]));
    assert_eq!(fill(&limits, id).len(), 1, "one at least");
}

#[test]
fn a_raised_bound_applies_at_once_if_twilio_has_never_answered_429() {
    let (limits, id) = limits_with(1, 100);
    end(fill(&limits, id), ANSWERED);
    limits.set_bounds(1, HashMap::from([(id, 400)]));
    let permits = fill(&limits, id);
    assert_eq!(permits.len(), 400);
    end(permits, RequestOutcome::TooMany);
    limits.set_bounds(1, HashMap::from([(id, 1_000)]));
    assert_eq!(fill(&limits, id).len(), 200, "the limit after a 429 stays");
}

#[test]
fn the_bound_of_a_connection_that_is_in_use_applies_once_it_is_known() {
    let (limits, id) = (ConcurrencyLimits::default(), ConnectionId::new());
    limits.set_bounds(1, HashMap::new());
    let mut reservation = limits.reserve(1);
    reservation.permit(id).end(ANSWERED);
    drop(reservation);
    limits.set_bounds(1, HashMap::from([(id, 1_000)]));
    assert_eq!(fill(&limits, id).len(), 1_000);
}

#[test]
fn an_epoch_of_429s_halves_the_limit_once() {
    let (limits, id) = limits_with(1, 100);
    let first = fill(&limits, id);
    end(first, RequestOutcome::TooMany);
    let second = fill(&limits, id);
    assert_eq!(second.len(), 50);
    end(second, RequestOutcome::TooMany);
    assert_eq!(fill(&limits, id).len(), 25);
    for _ in 0..10 {
        end(fill(&limits, id), RequestOutcome::TooMany);
    }
    assert_eq!(fill(&limits, id).len(), 1, "never zero");
}

#[test]
fn a_limit_that_is_hardly_used_is_halved_from_what_was_in_flight() {
    let (limits, id) = limits_with(1, 1_000);
    let mut reservation = limits.reserve(40);
    let permits: Vec<Permit> = (0..40).map(|_| reservation.permit(id)).collect();
    drop(reservation);
    end(permits, RequestOutcome::TooMany);
    assert_eq!(fill(&limits, id).len(), 20);
}

#[test]
fn as_many_answers_as_the_limit_raise_it_by_one_up_to_the_bound() {
    let (limits, id) = limits_with(1, 12);
    end(fill(&limits, id), RequestOutcome::TooMany);
    for expected in [6, 7, 8, 9, 10, 11, 12, 12] {
        let permits = fill(&limits, id);
        assert_eq!(permits.len(), expected);
        end(permits, ANSWERED);
    }
}

#[test]
fn answers_of_an_earlier_epoch_neither_halve_nor_raise_the_limit() {
    let (limits, id) = limits_with(1, 8);
    let mut permits = fill(&limits, id);
    permits.pop().unwrap().end(RequestOutcome::TooMany);
    let late = permits.split_off(4);
    end(late, RequestOutcome::TooMany);
    end(permits, ANSWERED);
    assert_eq!(fill(&limits, id).len(), 4);
}

#[test]
fn an_unanswered_request_changes_nothing_and_releases_its_permit() {
    let (limits, id) = limits_with(1, 8);
    drop(fill(&limits, id));
    end(fill(&limits, id), RequestOutcome::Unknown);
    assert_eq!(fill(&limits, id).len(), 8);
}

#[test]
fn the_limit_stays_below_what_other_programs_leave_of_the_account() {
    let (limits, id) = limits_with(1, 100);
    let answer_beside = |others: usize| {
        for _ in 0..10 {
            let permits = fill(&limits, id);
            let counted = u32::try_from(permits.len() + others).unwrap();
            end(permits, RequestOutcome::Answered(Some(counted)));
        }
        fill(&limits, id).len()
    };
    let beside = answer_beside(40);
    assert!((59..=61).contains(&beside), "about what the others leave: {beside}");
    assert_eq!(answer_beside(0), 100, "they have stopped");
    assert_eq!(answer_beside(5_000), 25, "never less than a quarter");
}

#[test]
fn unused_permits_of_a_reservation_are_released() {
    let (limits, id) = limits_with(1, 10);
    let mut reservation = limits.reserve(4);
    assert_eq!(limits.reserve(10).permits[&id], 6);
    let permit = reservation.permit(id);
    drop(reservation);
    assert_eq!(limits.reserve(10).permits[&id], 9);
    drop(permit);
    assert_eq!(limits.reserve(10).permits[&id], 10);
}

#[test]
fn a_new_connection_may_be_used_before_the_next_heartbeat() {
    let (limits, _) = limits_with(2, 10);
    let new = ConnectionId::new();
    let mut reservation = limits.reserve(10);
    assert_eq!(reservation.other, 10);
    reservation.permit(new).end(ANSWERED);
    assert_eq!(limits.shared.lock().limits[&new].in_flight, 0);
}

#[tokio::test]
async fn a_read_waits_for_its_permit() {
    let (limits, id) = limits_with(1, 1);
    let first = limits.acquire(id).await;
    let waiting = limits.clone();
    let second = tokio::spawn(async move { drop(waiting.acquire(id).await) });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.end(ANSWERED);
    second.await.unwrap();
}

#[tokio::test]
async fn a_waiting_claim_resumes_when_enough_permits_are_free() {
    let (limits, id) = limits_with(1, 100);
    let mut permits = fill(&limits, id);
    let wanted = HashMap::from([(id, 80)]);
    let soon = || Instant::now() + Duration::from_millis(50);
    assert!(!limits.wait_for_capacity(&wanted, soon()).await, "there is none");
    end(permits.split_off(90), ANSWERED);
    assert!(!limits.wait_for_capacity(&wanted, soon()).await, "ten permits are too few");
    let waiting = tokio::spawn({
        let (limits, wanted, until) =
            (limits.clone(), wanted.clone(), soon() + Duration::from_mins(1));
        async move { limits.wait_for_capacity(&wanted, until).await }
    });
    tokio::task::yield_now().await;
    end(permits.split_off(75), ANSWERED);
    assert!(waiting.await.unwrap(), "a quarter of them is enough");
}
