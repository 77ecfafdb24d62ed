//! The crash matrix once more, with people who text STOP: before the crash, at the moment of it,
//! and right after it.
//!
//! Nothing is sent to whoever was answered, whoever dies where; and a STOP whose own hook dies
//! counts once when it is repeated.

use carillon::app::Duty;
use carillon::db::Durability;
use serde_json::json;
use twilio_simulator::{SERVICE_NUMBER_1, SERVICE_SID};

use super::{MANNERS, Manner, Moment, handsets, hello, let_go, lock, prepared, report};
use crate::harness::postgres::Home;
use crate::harness::proof::{Rest, Tally};
use crate::harness::stops::Stops;
use crate::harness::{HANDSET, TestApp};

/// Who never texts, who stops long before, who at the moment of the crash, and who right after it.
const GROUPS: [usize; 4] = [3, 2, 2, 2];
/// All but those who stopped before they were greeted.
const GREETED: usize = 7;

/// What becomes of the greetings of those who had not stopped before.
#[derive(Clone, Copy)]
enum Fate {
    /// No claim was committed: whoever stops is not texted.
    OnlyTheQuietAreSent,
    /// Twilio was asked before anybody stopped, this often, and nobody can know.
    IsUnknowable { posts: usize },
    /// Twilio had them all.
    IsDelivered,
    /// Twilio gets them after the STOP, and refuses them itself.
    OnlyTheQuietAreDelivered,
}

impl Fate {
    /// How many are delivered, suppressed, unconfirmed and failed, and how often Twilio was asked.
    const fn figures(self) -> [usize; 5] {
        match self {
            Self::OnlyTheQuietAreSent => [3, 6, 0, 0, 3],
            Self::IsUnknowable { posts } => [0, 2, GREETED, 0, posts],
            Self::IsDelivered => [GREETED, 2, 0, 0, GREETED],
            Self::OnlyTheQuietAreDelivered => [3, 2, 0, 4, GREETED],
        }
    }
}

fn figures(tally: &Tally) -> [usize; 5] {
    [
        tally.of("delivered"),
        tally.of("suppressed"),
        tally.of("unconfirmed"),
        tally.of("failed"),
        tally.posts,
    ]
}

/// Everybody is greeted, and greeted again when it is over; in between a worker dies.
async fn story(moment: Moment, manner: Manner, fate: Fate) {
    let home = match moment.home() {
        Home::Shared => Home::Own(Durability::Volatile),
        own @ (Home::Own(_) | Home::Pair) => own,
    };
    let (app, _) = prepared(home).await;
    app.watch_claims().await;
    let all = handsets(GROUPS.iter().sum());
    let (quiet, stopping) = all.split_at(GROUPS[0]);
    let (early, rest) = stopping.split_at(GROUPS[1]);
    let (during, after) = rest.split_at(GROUPS[2]);

    let mut stops = Stops::default();
    stops.text(&app, early).await;
    let accepted = report(&app, &all).await;
    moment.strike(&app, manner, GREETED, stops.begin(&app, during)).await;
    stops.text(&app, after).await;
    stops.gather().await;
    app.prove(Rest::Unsettled).await;
    moment.arrive_late(&app, GREETED).await;
    app.settle().await;
    app.prove_accepted(&accepted).await;
    stops.prove(&app).await;
    let tally = app.prove(Rest::Settled).await;
    assert_eq!(figures(&tally), fate.figures(), "{moment:?} {manner:?}: {tally:?}");

    for handset in &all {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    stops.prove(&app).await;
    let again = app.prove(Rest::Settled).await;
    let more = (
        again.of("delivered") - tally.of("delivered"),
        again.of("suppressed") - tally.of("suppressed"),
    );
    assert_eq!(
        (more, again.posts - tally.posts),
        ((quiet.len(), stopping.len()), quiet.len()),
        "{moment:?} {manner:?}: {again:?}"
    );
}

async fn in_both_manners(moment: Moment, fate: Fate) {
    for manner in MANNERS {
        story(moment, manner, fate).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_with_leased_jobs_is_texted() {
    in_both_manners(Moment::Leased, Fate::OnlyTheQuietAreSent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_before_the_messages_commit_is_texted() {
    in_both_manners(Moment::Composing, Fate::OnlyTheQuietAreSent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_before_the_claim_commits_is_texted() {
    in_both_manners(Moment::Claiming, Fate::OnlyTheQuietAreSent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_right_after_the_claim_is_texted() {
    in_both_manners(Moment::Claimed, Fate::IsUnknowable { posts: 0 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_with_requests_that_never_arrive_is_texted_again() {
    in_both_manners(Moment::RequestLost, Fate::IsUnknowable { posts: GREETED }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_with_requests_that_arrive_later_is_texted() {
    in_both_manners(Moment::RequestLate, Fate::OnlyTheQuietAreDelivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_with_answers_under_way_is_texted_again() {
    in_both_manners(Moment::AnswerLost, Fate::IsDelivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_before_the_record_commits_is_texted_again() {
    in_both_manners(Moment::Recording, Fate::IsDelivered).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_stops_around_a_crash_right_after_the_record_is_texted_again() {
    in_both_manners(Moment::Recorded, Fate::IsDelivered).await;
}

/// Lets Twilio report what comes in to a process of its own.
fn call_at(app: &TestApp, bind: &str) {
    app.simulator.change_service(SERVICE_SID, |service| {
        let url = service.inbound_request_url.as_mut().unwrap();
        *url = url.replacen(&app.url, &format!("http://{bind}"), 1);
    });
}

async fn change_sender(app: &TestApp, disabled: bool) {
    let sender = app.texts("SELECT '/senders/' || id AS text FROM senders").await.remove(0);
    app.api().patch(&sender, json!({ "disabled": disabled })).await.ok();
}

/// Active suppressions, taken back messages, and texts of a person's.
async fn effects(app: &TestApp) -> [i64; 3] {
    [
        app.count("suppressions WHERE lifted_at IS NULL").await,
        app.count("messages WHERE status = 'suppressed'").await,
        app.count("messages WHERE direction = 'inbound'").await,
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_takes_in_a_stop_takes_the_repeat_for_what_it_is() {
    for committed in [false, true] {
        let durability = if committed { Durability::Durable } else { Durability::Volatile };
        let (app, _) = prepared(Home::Own(durability)).await;
        app.watch_claims().await;
        // A message waits, which the STOP takes back.
        change_sender(&app, true).await;
        app.api().post("/events", hello(HANDSET)).await.ok();
        app.run_until_idle().await;
        let server = app.process(Duty::Web).await;
        call_at(&app, server.bind());

        let held = lock(&app, "LOCK TABLE consent_records IN SHARE MODE").await;
        let simulator = app.simulator.clone();
        let text =
            tokio::spawn(async move { simulator.reply(HANDSET, SERVICE_NUMBER_1, "STOP").await });
        let blocked = app.database.wait_until_blocked().await;
        let bind = if committed {
            app.database.cluster().hold_commits().await;
            let_go(held).await;
            app.database.cluster().wait_for_held_commit(&blocked).await;
            let bind = server.kill().await;
            app.database.cluster().let_commits_go().await;
            bind
        } else {
            let bind = server.kill().await;
            app.database.terminate(&blocked).await;
            let_go(held).await;
            bind
        };
        let unanswered = text.await.unwrap().unwrap();
        assert_eq!(unanswered.webhook_status, None, "there was no answer");
        assert_eq!(effects(&app).await, [i64::from(committed); 3]);

        let server = app.process_at(Duty::Web, &bind).await;
        for _ in 0..2 {
            let repeat = app.simulator.redeliver(&unanswered.sid).await.unwrap();
            assert_eq!(repeat.webhook_status, Some(200), "{}", repeat.webhook);
            assert_eq!(effects(&app).await, [1; 3]);
        }
        change_sender(&app, false).await;
        app.event("hello", HANDSET, json!({})).await;
        app.settle().await;
        let tally = app.prove(Rest::Settled).await;
        assert_eq!((tally.of("suppressed"), tally.messages(), tally.posts), (2, 2, 0), "{tally:?}");
        assert_eq!(app.count("consent_records").await, 1);
        server.kill().await;
    }
}
