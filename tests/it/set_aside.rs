//! One bad item never stops a routine: it is set aside with its error, an admin sees it, it is
//! tried again, and the rest goes on.
//!
//! The database itself refuses the one item, by a trigger that raises for its row.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::{Fault, LONG_CODE, Rule};

use crate::harness::world::Twilio;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours, seconds};

const THIRD_HANDSET: &str = "+12065550113";

/// What PostgreSQL says when it refuses, quoting what it was given.
const REFUSAL: &str = "value of +12065550111 is refused";

impl TestApp {
    /// Lets the database refuse rows from now on, until [`TestApp::heal`].
    async fn poison(&self, event: &str, table: &str, condition: &str) {
        self.run_sql(&format!(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE
                    EXCEPTION '{REFUSAL}'; END $$"
        ))
        .await;
        let trigger = "FOR EACH ROW WHEN";
        self.run_sql(&format!(
            "CREATE TRIGGER poisoned BEFORE {event} ON {table} {trigger} ({condition}) EXECUTE
                    FUNCTION poison()"
        ))
        .await;
    }

    async fn heal(&self) {
        self.run_sql("DROP FUNCTION poison CASCADE").await;
    }

    /// What is set aside, as task and subject.
    async fn aside(&self) -> Vec<String> {
        self.texts("SELECT kind || ' ' || subject AS text FROM set_aside ORDER BY kind, subject")
            .await
    }

    /// No routine has failed, though one item of it has.
    async fn routines_go_on(&self) {
        assert_eq!(
            self.texts(
                "SELECT name || ': ' || error AS text FROM routines WHERE error IS NOT NULL"
            )
            .await,
            Vec::<String>::new()
        );
    }

    /// A person texts, and the webhook does not come.
    async fn text_in_vain(&self, handset: &str, body: &str) -> String {
        let mut url = None;
        self.simulator.change_number(LONG_CODE, |number| url = number.sms_url.take());
        let reply = self.simulator.reply(handset, LONG_CODE, body).await.unwrap();
        assert_eq!(reply.webhook_status, None);
        self.simulator.change_number(LONG_CODE, |number| number.sms_url = url);
        reply.sid
    }
}

async fn greeting() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_message_that_cannot_be_stored_does_not_hide_the_stop_after_it() {
    let (app, _) = greeting().await;
    app.poison("INSERT", "messages", "NEW.body = 'poison'").await;
    let poison = app.text_in_vain(HANDSET, "poison").await;
    app.text_in_vain(OTHER_HANDSET, "STOP").await;
    app.text_in_vain(THIRD_HANDSET, "Hi.").await;
    app.advance(seconds(11 * 60)).await;
    assert_eq!(app.aside().await, [format!("take_in {poison}")]);
    let inbound =
        "SELECT from_address AS text FROM messages WHERE direction = 'inbound' ORDER BY 1";
    assert_eq!(app.texts(inbound).await, [OTHER_HANDSET, THIRD_HANDSET]);
    assert_eq!(app.contact_of(OTHER_HANDSET).await["suppression"]["reason"], "stop");
    app.routines_go_on().await;

    // Later and later; those that come meanwhile are taken in.
    let first = app.texts("SELECT next_try_at::text AS text FROM set_aside").await;
    app.advance(seconds(11 * 60)).await;
    assert_ne!(app.texts("SELECT next_try_at::text AS text FROM set_aside").await, first);
    assert_eq!(app.count("set_aside WHERE attempts > 1").await, 1);
    app.text_in_vain(THIRD_HANDSET, "Again.").await;
    app.advance(seconds(11 * 60)).await;
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 3);

    app.heal().await;
    app.advance(hours(7)).await;
    assert_eq!(app.aside().await, Vec::<String>::new());
    assert_eq!(app.count("messages WHERE direction = 'inbound' AND body = 'poison'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_what_is_set_aside_without_numbers_and_has_it_tried_again_now() {
    let (app, _) = greeting().await;
    app.poison("INSERT", "messages", "NEW.body = 'poison'").await;
    let sid = app.text_in_vain(HANDSET, "poison").await;
    app.advance(seconds(11 * 60)).await;
    let (admin, marketer) = (app.sign_in().await, app.sign_in_as(Role::Marketer).await);
    admin
        .open("/")
        .await
        .ok()
        .must_say("One thing could not be done and was set aside; it is tried again.");
    marketer.open("/").await.ok().must_say("Ask Ada to look at it");
    assert_eq!(marketer.open("/admin/set-aside").await.status, 403);
    let page = admin.open("/admin/set-aside").await.ok();
    for words in [
        "Take in an incoming message",
        &sid,
        "value of +… is refused",
        "1 attempt since",
        "Try again now",
    ] {
        page.must_say(words);
    }
    assert!(!page.html.contains("12065550111") && !page.html.contains("poison"), "{}", page.html);

    app.heal().await;
    let id = app.texts("SELECT id::text AS text FROM set_aside").await.remove(0);
    let done = admin.send(&page.form(&format!("/admin/set-aside/{id}/retry"))).await.ok();
    done.must_say("It is tried again within seconds");
    app.run_until_idle().await;
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 1);
    admin.open("/admin/set-aside").await.ok().must_say("Nothing is set aside");
    assert!(!admin.open("/").await.ok().says("set aside"));
    let again = admin.send(&page.form(&format!("/admin/set-aside/{id}/retry"))).await.ok();
    again.must_say("It is not set aside any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_messages_cannot_be_collected_does_not_hold_up_the_others() {
    let (app, bad) = greeting().await;
    let good = app.connect_trial().await;
    app.run_until_idle().await;
    app.poison("UPDATE", "inbound_looks", &format!("NEW.sender_id = '{}'", bad.sender_id)).await;
    let seen = format!(
        "SELECT seen_until::text AS text FROM inbound_looks WHERE sender_id = '{}'",
        good.sender_id
    );
    let before = app.texts(&seen).await;
    app.advance(seconds(11 * 60)).await;
    assert_ne!(app.texts(&seen).await, before);
    assert_eq!(app.aside().await, [format!("list_inbound {}", bad.sender_id)]);
    app.routines_go_on().await;
    app.heal().await;
    app.advance(seconds(11 * 60)).await;
    assert_eq!(app.aside().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_status_cannot_be_recorded_does_not_hold_up_the_look_ups_of_others() {
    let (app, _) = greeting().await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    for handset in [HANDSET, OTHER_HANDSET] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let bad = app.message_to(HANDSET).await.id;
    app.poison(
        "INSERT",
        "delivery_events",
        &format!("NEW.message_id = '{bad}' AND NEW.source = 'lookup'"),
    )
    .await;
    app.advance(seconds(16 * 60)).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["queued".into()], vec!["delivered".into()])
    );
    assert_eq!(app.aside().await, [format!("look_up {bad}")]);
    app.routines_go_on().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!(
        app.statuses_to(HANDSET).await,
        ["delivered"],
        "by its own time, long before the next walk"
    );
    assert_eq!(app.aside().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_recorded_is_made_up_for_by_a_look_up() {
    let (app, _) = greeting().await;
    app.event("hello", HANDSET, json!({})).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.worker.heartbeat().await.unwrap();
    app.worker.perform_due().await.unwrap();
    let bad = app.message_to(HANDSET).await.id;
    app.poison(
        "INSERT",
        "delivery_events",
        &format!("NEW.message_id = '{bad}' AND NEW.source <> 'response'"),
    )
    .await;
    app.simulator.flush().await;
    assert_eq!(
        app.statuses_to(OTHER_HANDSET).await,
        ["delivered"],
        "reports that share its batch are recorded"
    );
    assert_eq!(app.statuses_to(HANDSET).await, ["queued"]);
    assert_eq!(app.aside().await, [format!("look_up {bad}")]);
    app.heal().await;
    // Twilio has repeated its report several times, and each failure counts.
    app.advance(hours(7)).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.aside().await),
        (vec!["delivered".to_owned()], Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_inspected_does_not_hold_up_the_others() {
    let (app, bad) = greeting().await;
    let good = app.connect_trial().await;
    app.run_until_idle().await;
    let seen = async || {
        app.texts(&format!(
            "SELECT health::text AS text FROM senders WHERE id = '{}'",
            good.sender_id
        ))
        .await
    };
    let before = seen().await;
    app.poison("UPDATE", "senders", &format!("NEW.id = '{}'", bad.sender_id)).await;
    app.advance(seconds(3_700)).await;
    assert_ne!(seen().await, before);
    assert_eq!(app.aside().await, [format!("inspect {}", bad.connection_id)]);
    app.routines_go_on().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!(app.aside().await, Vec::<String>::new(), "not only after another hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_cannot_be_kept_does_not_hold_up_the_others() {
    let (app, _) = greeting().await;
    for handset in [HANDSET, "+16045550123"] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    app.poison("INSERT", "prices", "NEW.country = 'CA'").await;
    app.advance(hours(7)).await;
    assert_eq!(app.texts("SELECT country AS text FROM prices").await, ["US"]);
    assert!(app.aside().await[0].ends_with(" CA"), "{:?}", app.aside().await);
    app.routines_go_on().await;
    app.heal().await;
    app.advance(hours(7)).await;
    assert_eq!(app.texts("SELECT country AS text FROM prices ORDER BY 1").await, ["CA", "US"]);
    assert_eq!(app.aside().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_folded_stays_out_of_the_ledger_and_counts_all_the_same() {
    let (app, twilio) = greeting().await;
    let bad = app.sms_on("bye", &twilio, "Bye.").await;
    app.poison(
        "INSERT",
        "ledger",
        &format!("NEW.automation_id = '{bad}' AND NEW.outcome = 'recipients'"),
    )
    .await;
    for event in ["hello", "bye"] {
        app.event(event, HANDSET, json!({})).await;
    }
    app.run_until_idle().await;
    app.advance(seconds(16)).await;
    assert_eq!(app.count("ledger_changes").await, 1, "the others are folded");
    assert_eq!(app.ledger().await.totals.recipients, 2);
    assert_eq!(app.aside().await.len(), 1);
    app.routines_go_on().await;
    app.advance(seconds(16)).await;
    assert_eq!(app.count("set_aside WHERE attempts = 1").await, 1, "its time has not come");
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!((app.count("ledger_changes").await, app.aside().await), (0, Vec::new()));
    assert_eq!(app.ledger().await.totals.recipients, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_leave_its_queue_does_not_hold_up_those_behind_it() {
    let (app, twilio) = greeting().await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": 1 }))
        .await
        .ok();
    let people: Vec<String> = (0..6).map(|n| format!("+1206555030{n}")).collect();
    for handset in &people {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let waiting = app
        .texts(
            "SELECT message_id::text AS text FROM queued_sends WHERE released_at IS NULL
            ORDER BY position",
        )
        .await;
    let bad = waiting.first().unwrap();
    app.poison("UPDATE", "queued_sends", &format!("NEW.message_id = '{bad}'")).await;
    for _ in 0..20 {
        app.advance(seconds(2)).await;
    }
    assert_eq!(app.simulator.messages().len(), people.len() - 1);
    assert_eq!(app.aside().await, [format!("release {bad}")]);
    app.heal().await;
    for _ in 0..40 {
        app.advance(seconds(5)).await;
    }
    assert_eq!((app.simulator.messages().len(), app.aside().await), (people.len(), Vec::new()));
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_claimed_does_not_hold_up_those_beside_it() {
    let (app, twilio) = greeting().await;
    let sender = format!("/senders/{}", twilio.sender_id);
    app.api().patch(&sender, json!({ "disabled": true })).await.ok();
    for handset in [HANDSET, OTHER_HANDSET, THIRD_HANDSET] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let bad = app.message_to(OTHER_HANDSET).await.id;
    app.poison("INSERT", "attempts", &format!("NEW.message_id = '{bad}'")).await;
    app.api().patch(&sender, json!({ "disabled": false })).await.ok();
    app.run_until_idle().await;
    assert_eq!(
        (
            app.received(HANDSET).len(),
            app.received(OTHER_HANDSET).len(),
            app.received(THIRD_HANDSET).len()
        ),
        (1, 0, 1)
    );
    let error = app.jobs("kind = 'send'").await;
    assert!(error.len() == 1 && error[0].contains("is refused"), "{error:?}");
    app.heal().await;
    app.advance(seconds(60)).await;
    assert_eq!(app.received(OTHER_HANDSET).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_settled_does_not_hold_up_another_to_the_same_person() {
    let (app, twilio) = greeting().await;
    app.sms_on("bye", &twilio, "Bye.").await;
    app.simulator.inject(Rule::always(Fault::DropCallbacks));
    app.simulator.inject(Rule::next(2, Fault::ServerErrorRecorded));
    for event in ["hello", "bye"] {
        app.event(event, HANDSET, json!({})).await;
    }
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["unconfirmed", "unconfirmed"]);
    let bad = app.messages_to(HANDSET).await[0].id;
    app.poison("INSERT", "delivery_events", &format!("NEW.message_id = '{bad}'")).await;
    app.advance(seconds(10)).await;
    let settled = async || {
        app.messages_to(HANDSET)
            .await
            .iter()
            .map(|message| message.twilio_sid.is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(settled().await, [false, true]);
    app.heal().await;
    app.advance(seconds(60)).await;
    assert_eq!(settled().await, [true, true]);
    assert_eq!(app.received(HANDSET).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_cannot_be_recorded_does_not_hold_up_the_others_of_its_list() {
    let (app, _) = greeting().await;
    app.poison("INSERT", "events", "NEW.name = 'poison'").await;
    let event = |name: &str| {
        json!(
            { "id": format!("an event of {name}"), "name": name, "contact": { "phone": HANDSET } }
        )
    };
    let list = json!({ "events": [event("hello"), event("poison"), event("bye")] });
    let answer = app.api().post("/events", list.clone()).await.ok();
    let statuses: Vec<&str> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert_eq!((statuses[0], statuses[2]), ("recorded", "recorded"));
    assert!(answer["results"][1].to_string().contains("send it again"), "{answer}");
    assert_eq!(app.count("events").await, 2);
    app.heal().await;
    let again = app.api().post("/events", list).await.ok();
    let statuses: Vec<&str> = again["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|result| result["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["repeat", "recorded", "repeat"]);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_read_does_not_end_an_export() {
    let (app, _) = greeting().await;
    for handset in [HANDSET, OTHER_HANDSET, THIRD_HANDSET] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let (bad, at) =
        (app.message_to(OTHER_HANDSET).await.id, app.message_to(OTHER_HANDSET).await.status_at);
    app.run_sql(&format!("UPDATE messages SET status_at = 'infinity' WHERE id = '{bad}'")).await;
    let admin = app.sign_in().await;
    let file = admin.open("/messages/export").await.ok().html;
    for found in [HANDSET, THIRD_HANDSET, &bad.to_string(), "This message cannot be read"] {
        assert!(file.contains(found), "{found}: {file}");
    }
    assert_eq!(file.lines().count(), 4, "{file}");
    assert_eq!(app.aside().await, [format!("export {bad}")]);
    app.run_sql(&format!("UPDATE messages SET status_at = '{at}' WHERE id = '{bad}'")).await;
    app.advance(seconds(120)).await;
    assert_eq!(app.aside().await, Vec::<String>::new());
    assert!(admin.open("/messages/export").await.ok().html.contains(OTHER_HANDSET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_forgotten_does_not_keep_the_others() {
    let app = TestApp::start().await;
    app.sign_in_as(Role::Viewer).await;
    app.sign_in_as(Role::Marketer).await;
    let bad = app.texts("SELECT id::text AS text FROM sessions ORDER BY id").await.remove(0);
    app.poison("DELETE", "sessions", &format!("OLD.id = '{bad}'")).await;
    app.advance(days(40)).await;
    assert_eq!(
        app.texts("SELECT id::text AS text FROM sessions").await,
        std::slice::from_ref(&bad)
    );
    assert_eq!(app.aside().await, [format!("end_session {bad}")]);
    app.routines_go_on().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!((app.count("sessions").await, app.aside().await), (0, Vec::new()));
}
