//! ConcurrencyLimits as they narrow, widen and are shared.

use std::time::Duration;

use super::*;

fn windows(workers: usize, bound: usize) -> (ConcurrencyLimits, ConnectionId) {
    let (windows, id) = (ConcurrencyLimits::default(), ConnectionId::new());
    windows.learn(workers, HashMap::from([(id, bound)]));
    (windows, id)
}

/// Takes as many places as there are.
fn fill(windows: &ConcurrencyLimits, id: ConnectionId) -> Vec<Permit> {
    let mut reservation = windows.reserve(10_000);
    (0..reservation.places[&id]).map(|_| reservation.place(id)).collect()
}

fn end(places: Vec<Permit>, ending: RequestOutcome) {
    for place in places {
        place.end(ending);
    }
}

const WELL: RequestOutcome = RequestOutcome::Answered(None);

#[test]
fn a_worker_has_its_share_of_the_bound_in_flight() {
    let (windows, id) = windows(3, 100);
    let places = fill(&windows, id);
    assert_eq!((places.len(), fill(&windows, id).len()), (33, 0));
    end(places, WELL);
    windows.learn(1, HashMap::from([(id, 100)]));
    assert_eq!(fill(&windows, id).len(), 100, "the others are gone");
    windows.learn(500, HashMap::from([(id, 100)]));
    assert_eq!(fill(&windows, id).len(), 1, "one at least");
}

#[test]
fn a_bound_that_is_raised_holds_at_once_where_twilio_never_said_that_it_was_too_much() {
    let (windows, id) = windows(1, 100);
    end(fill(&windows, id), WELL);
    windows.learn(1, HashMap::from([(id, 400)]));
    let places = fill(&windows, id);
    assert_eq!(places.len(), 400);
    end(places, RequestOutcome::TooMany);
    windows.learn(1, HashMap::from([(id, 1_000)]));
    assert_eq!(fill(&windows, id).len(), 200, "Twilio's word counts more");
}

#[test]
fn the_bound_of_a_connection_that_was_used_before_it_was_known_holds_once_it_is() {
    let (windows, id) = (ConcurrencyLimits::default(), ConnectionId::new());
    windows.learn(1, HashMap::new());
    let mut reservation = windows.reserve(1);
    reservation.place(id).end(WELL);
    drop(reservation);
    windows.learn(1, HashMap::from([(id, 1_000)]));
    assert_eq!(fill(&windows, id).len(), 1_000);
}

#[test]
fn a_flight_of_429s_halves_the_window_once() {
    let (windows, id) = windows(1, 100);
    let first = fill(&windows, id);
    end(first, RequestOutcome::TooMany);
    let second = fill(&windows, id);
    assert_eq!(second.len(), 50);
    end(second, RequestOutcome::TooMany);
    assert_eq!(fill(&windows, id).len(), 25);
    for _ in 0..10 {
        end(fill(&windows, id), RequestOutcome::TooMany);
    }
    assert_eq!(fill(&windows, id).len(), 1, "never none");
}

#[test]
fn a_window_that_is_hardly_used_is_halved_from_what_was_in_flight() {
    let (windows, id) = windows(1, 1_000);
    let mut reservation = windows.reserve(40);
    let places: Vec<Permit> = (0..40).map(|_| reservation.place(id)).collect();
    drop(reservation);
    end(places, RequestOutcome::TooMany);
    assert_eq!(fill(&windows, id).len(), 20);
}

#[test]
fn a_window_of_answers_widens_it_by_one_up_to_the_bound() {
    let (windows, id) = windows(1, 12);
    end(fill(&windows, id), RequestOutcome::TooMany);
    for expected in [6, 7, 8, 9, 10, 11, 12, 12] {
        let places = fill(&windows, id);
        assert_eq!(places.len(), expected);
        end(places, WELL);
    }
}

#[test]
fn answers_of_an_earlier_flight_neither_halve_nor_widen() {
    let (windows, id) = windows(1, 8);
    let mut places = fill(&windows, id);
    places.pop().unwrap().end(RequestOutcome::TooMany);
    let late = places.split_off(4);
    end(late, RequestOutcome::TooMany);
    end(places, WELL);
    assert_eq!(fill(&windows, id).len(), 4);
}

#[test]
fn what_nobody_answered_teaches_nothing_and_frees_its_place() {
    let (windows, id) = windows(1, 8);
    drop(fill(&windows, id));
    end(fill(&windows, id), RequestOutcome::Unknown);
    assert_eq!(fill(&windows, id).len(), 8);
}

#[test]
fn it_stays_below_what_other_programs_leave_of_the_account() {
    let (windows, id) = windows(1, 100);
    let answer_beside = |others: usize| {
        for _ in 0..10 {
            let places = fill(&windows, id);
            let counted = u32::try_from(places.len() + others).unwrap();
            end(places, RequestOutcome::Answered(Some(counted)));
        }
        fill(&windows, id).len()
    };
    let beside = answer_beside(40);
    assert!((59..=61).contains(&beside), "about what the others leave: {beside}");
    assert_eq!(answer_beside(0), 100, "they have stopped");
    assert_eq!(answer_beside(5_000), 25, "never less than a quarter");
}

#[test]
fn places_that_were_reserved_but_not_used_are_free_again() {
    let (windows, id) = windows(1, 10);
    let mut reservation = windows.reserve(4);
    assert_eq!(windows.reserve(10).places[&id], 6);
    let place = reservation.place(id);
    drop(reservation);
    assert_eq!(windows.reserve(10).places[&id], 9);
    drop(place);
    assert_eq!(windows.reserve(10).places[&id], 10);
}

#[test]
fn a_connection_that_is_new_may_be_used_before_the_next_heartbeat() {
    let (windows, _) = windows(2, 10);
    let new = ConnectionId::new();
    let mut reservation = windows.reserve(10);
    assert_eq!(reservation.otherwise, 10);
    reservation.place(new).end(WELL);
    assert_eq!(windows.shared.lock().windows[&new].in_flight, 0);
}

#[tokio::test]
async fn a_reader_waits_for_its_place() {
    let (windows, id) = windows(1, 1);
    let first = windows.enter(id).await;
    let waiting = windows.clone();
    let second = tokio::spawn(async move { drop(waiting.enter(id).await) });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    first.end(WELL);
    second.await.unwrap();
}

#[tokio::test]
async fn whoever_waits_for_room_goes_on_when_there_is_enough_to_be_worth_it() {
    let (windows, id) = windows(1, 100);
    let mut places = fill(&windows, id);
    let wanted = HashMap::from([(id, 80)]);
    let soon = || Instant::now() + Duration::from_millis(50);
    assert!(!windows.wait_for_room(&wanted, soon()).await, "there is none");
    end(places.split_off(90), WELL);
    assert!(!windows.wait_for_room(&wanted, soon()).await, "ten places are too few");
    let waiting = tokio::spawn({
        let (windows, wanted, until) =
            (windows.clone(), wanted.clone(), soon() + Duration::from_mins(1));
        async move { windows.wait_for_room(&wanted, until).await }
    });
    tokio::task::yield_now().await;
    end(places.split_off(75), WELL);
    assert!(waiting.await.unwrap(), "a quarter of them is enough");
}
