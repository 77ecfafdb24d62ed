//! One bad item never stops a routine: it is set aside with its error, shown to an admin and
//! retried, while the other items are processed.
//!
//! A trigger in the database raises an error for the row of the bad item.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::{Fault, LONG_CODE, Rule};

use crate::harness::fixtures::Twilio;
use crate::harness::{
    HANDSET, OTHER_HANDSET, TestApp, UNTIL_COLLECTED, UNTIL_LOOKED_UP, days, hours, seconds,
};

const THIRD_HANDSET: &str = "+12065550113";

/// The error of PostgreSQL, which quotes a phone number.
const POISON_ERROR: &str = "value of +12065550111 is refused";

impl TestApp {
    /// Makes the database reject matching rows until [`TestApp::heal`].
    async fn poison(&self, event: &str, table: &str, condition: &str) {
        self.run_sql(&format!(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE
                    EXCEPTION '{POISON_ERROR}'; END $$"
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

    /// The items that are set aside, as task and subject.
    async fn set_aside_items(&self) -> Vec<String> {
        self.texts("SELECT kind || ' ' || subject AS text FROM set_aside ORDER BY kind, subject")
            .await
    }

    /// Asserts that no routine has failed.
    async fn assert_no_routine_failed(&self) {
        assert_eq!(
            self.texts(
                "SELECT name || ': ' || error AS text FROM routines WHERE error IS NOT NULL"
            )
            .await,
            Vec::<String>::new()
        );
    }

    /// Sends a text whose webhook call is missing.
    async fn text_with_missing_webhook(&self, handset: &str, body: &str) -> String {
        let mut url = None;
        self.simulator.change_number(LONG_CODE, |number| url = number.sms_url.take());
        let reply = self.simulator.reply(handset, LONG_CODE, body).await.unwrap();
        assert_eq!(reply.webhook_status, None);
        self.simulator.change_number(LONG_CODE, |number| number.sms_url = url);
        reply.sid
    }
}

async fn with_hello_automation() -> (TestApp, Twilio) {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    (app, twilio)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incoming_message_that_cannot_be_stored_does_not_hide_the_stop_after_it() {
    let (app, _) = with_hello_automation().await;
    app.poison("INSERT", "messages", "NEW.body = 'poison'").await;
    let poison = app.text_with_missing_webhook(HANDSET, "poison").await;
    app.text_with_missing_webhook(OTHER_HANDSET, "STOP").await;
    app.text_with_missing_webhook(THIRD_HANDSET, "Hi.").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.set_aside_items().await, [format!("take_in {poison}")]);
    let inbound =
        "SELECT from_address AS text FROM messages WHERE direction = 'inbound' ORDER BY 1";
    assert_eq!(app.texts(inbound).await, [OTHER_HANDSET, THIRD_HANDSET]);
    assert_eq!(app.contact_of(OTHER_HANDSET).await["suppression"]["reason"], "stop");
    app.assert_no_routine_failed().await;

    // Retries have growing delays; new texts are collected in the meantime.
    let first = app.texts("SELECT next_try_at::text AS text FROM set_aside").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_ne!(app.texts("SELECT next_try_at::text AS text FROM set_aside").await, first);
    assert_eq!(app.count("set_aside WHERE attempts > 1").await, 1);
    app.text_with_missing_webhook(THIRD_HANDSET, "Again.").await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 3);

    app.heal().await;
    app.advance(hours(7)).await;
    assert_eq!(app.set_aside_items().await, Vec::<String>::new());
    assert_eq!(app.count("messages WHERE direction = 'inbound' AND body = 'poison'").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_set_aside_items_without_numbers_and_retries_them() {
    let (app, _) = with_hello_automation().await;
    app.poison("INSERT", "messages", "NEW.body = 'poison'").await;
    let sid = app.text_with_missing_webhook(HANDSET, "poison").await;
    app.advance(UNTIL_COLLECTED).await;
    let (admin, marketer) = (app.sign_in().await, app.sign_in_as(Role::Marketer).await);
    admin.open("/").await.ok().must_say("One item failed and is set aside Carillon keeps trying.");
    marketer.open("/").await.ok().must_say("Ask Ada to look at it");
    assert_eq!(marketer.open("/admin/set-aside").await.status, 403);
    let page = admin.open("/admin/set-aside").await.ok();
    for words in
        ["Save an incoming message", &sid, "value of +… is refused", "1 attempt since", "Retry now"]
    {
        page.must_say(words);
    }
    assert!(!page.html.contains("12065550111") && !page.html.contains("poison"), "{}", page.html);

    app.heal().await;
    let id = app.texts("SELECT id::text AS text FROM set_aside").await.remove(0);
    let done = admin.send(&page.form(&format!("/admin/set-aside/{id}/retry"))).await.ok();
    done.must_say("Retrying within seconds");
    app.run_until_idle().await;
    assert_eq!(app.count("messages WHERE direction = 'inbound'").await, 1);
    admin.open("/admin/set-aside").await.ok().must_say("Nothing is set aside");
    assert!(!admin.open("/").await.ok().says("set aside"));
    let again = admin.send(&page.form(&format!("/admin/set-aside/{id}/retry"))).await.ok();
    again.must_say("This item is no longer set aside");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_whose_messages_cannot_be_collected_does_not_hold_up_the_others() {
    let (app, bad) = with_hello_automation().await;
    let good = app.connect_trial().await;
    app.run_until_idle().await;
    app.poison("UPDATE", "inbound_looks", &format!("NEW.sender_id = '{}'", bad.sender_id)).await;
    let last_checked = format!(
        "SELECT seen_until::text AS text FROM inbound_looks WHERE sender_id = '{}'",
        good.sender_id
    );
    let before = app.texts(&last_checked).await;
    app.advance(UNTIL_COLLECTED).await;
    assert_ne!(app.texts(&last_checked).await, before);
    assert_eq!(app.set_aside_items().await, [format!("list_inbound {}", bad.sender_id)]);
    app.assert_no_routine_failed().await;
    app.heal().await;
    app.advance(UNTIL_COLLECTED).await;
    assert_eq!(app.set_aside_items().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_status_cannot_be_recorded_does_not_hold_up_the_lookups_of_others() {
    let (app, _) = with_hello_automation().await;
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
    app.advance(UNTIL_LOOKED_UP).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.statuses_to(OTHER_HANDSET).await),
        (vec!["queued".into()], vec!["delivered".into()])
    );
    assert_eq!(app.set_aside_items().await, [format!("look_up {bad}")]);
    app.assert_no_routine_failed().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!(
        app.statuses_to(HANDSET).await,
        ["delivered"],
        "by its own retry, long before the next round of look-ups"
    );
    assert_eq!(app.set_aside_items().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_cannot_be_recorded_is_replaced_by_a_look_up() {
    let (app, _) = with_hello_automation().await;
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
    assert_eq!(app.set_aside_items().await, [format!("look_up {bad}")]);
    app.heal().await;
    // Twilio has repeated its report several times, and each failure increased the delay.
    app.advance(hours(7)).await;
    assert_eq!(
        (app.statuses_to(HANDSET).await, app.set_aside_items().await),
        (vec!["delivered".to_owned()], Vec::new())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_cannot_be_inspected_does_not_hold_up_the_others() {
    let (app, bad) = with_hello_automation().await;
    let good = app.connect_trial().await;
    app.run_until_idle().await;
    let last_checked = async || {
        app.texts(&format!(
            "SELECT health::text AS text FROM senders WHERE id = '{}'",
            good.sender_id
        ))
        .await
    };
    let before = last_checked().await;
    app.poison("UPDATE", "senders", &format!("NEW.id = '{}'", bad.sender_id)).await;
    app.advance(seconds(3_700)).await;
    assert_ne!(last_checked().await, before);
    assert_eq!(app.set_aside_items().await, [format!("inspect {}", bad.connection_id)]);
    app.assert_no_routine_failed().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!(
        app.set_aside_items().await,
        Vec::<String>::new(),
        "the retry does not wait for the next hour"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_that_cannot_be_stored_does_not_hold_up_the_others() {
    let (app, _) = with_hello_automation().await;
    for handset in [HANDSET, "+16045550123"] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    app.poison("INSERT", "prices", "NEW.country = 'CA'").await;
    app.advance(hours(7)).await;
    assert_eq!(app.texts("SELECT country AS text FROM prices").await, ["US"]);
    assert!(app.set_aside_items().await[0].ends_with(" CA"), "{:?}", app.set_aside_items().await);
    app.assert_no_routine_failed().await;
    app.heal().await;
    app.advance(hours(7)).await;
    assert_eq!(app.texts("SELECT country AS text FROM prices ORDER BY 1").await, ["CA", "US"]);
    assert_eq!(app.set_aside_items().await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_folded_still_counts() {
    let (app, twilio) = with_hello_automation().await;
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
    assert_eq!(app.set_aside_items().await.len(), 1);
    app.assert_no_routine_failed().await;
    app.advance(seconds(16)).await;
    assert_eq!(app.count("set_aside WHERE attempts = 1").await, 1, "its retry is not due yet");
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!((app.count("ledger_changes").await, app.set_aside_items().await), (0, Vec::new()));
    assert_eq!(app.ledger().await.totals.recipients, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_leave_its_queue_does_not_hold_up_those_behind_it() {
    let (app, twilio) = with_hello_automation().await;
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": 1 }))
        .await
        .ok();
    let phones: Vec<String> = (0..6).map(|n| format!("+1206555030{n}")).collect();
    for handset in &phones {
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
    assert_eq!(app.simulator.messages().len(), phones.len() - 1);
    assert_eq!(app.set_aside_items().await, [format!("release {bad}")]);
    app.heal().await;
    for _ in 0..40 {
        app.advance(seconds(5)).await;
    }
    assert_eq!(
        (app.simulator.messages().len(), app.set_aside_items().await),
        (phones.len(), Vec::new())
    );
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_be_claimed_does_not_hold_up_those_beside_it() {
    let (app, twilio) = with_hello_automation().await;
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
async fn a_message_that_cannot_be_settled_does_not_hold_up_another_to_the_same_contact() {
    let (app, twilio) = with_hello_automation().await;
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
    let (app, _) = with_hello_automation().await;
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
    assert!(answer["results"][1].to_string().contains("Send it again"), "{answer}");
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
    let (app, _) = with_hello_automation().await;
    for handset in [HANDSET, OTHER_HANDSET, THIRD_HANDSET] {
        app.event("hello", handset, json!({})).await;
    }
    app.run_until_idle().await;
    let (bad, at) =
        (app.message_to(OTHER_HANDSET).await.id, app.message_to(OTHER_HANDSET).await.status_at);
    app.run_sql(&format!("UPDATE messages SET status_at = 'infinity' WHERE id = '{bad}'")).await;
    let admin = app.sign_in().await;
    let file = admin.open("/messages/export").await.ok().html;
    for found in [HANDSET, THIRD_HANDSET, &bad.to_string(), "This message can’t be read"] {
        assert!(file.contains(found), "{found}: {file}");
    }
    assert_eq!(file.lines().count(), 4, "{file}");
    assert_eq!(app.set_aside_items().await, [format!("export {bad}")]);
    app.run_sql(&format!("UPDATE messages SET status_at = '{at}' WHERE id = '{bad}'")).await;
    app.advance(seconds(120)).await;
    assert_eq!(app.set_aside_items().await, Vec::<String>::new());
    assert!(admin.open("/messages/export").await.ok().html.contains(OTHER_HANDSET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_cannot_be_deleted_does_not_hold_up_the_others() {
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
    assert_eq!(app.set_aside_items().await, [format!("end_session {bad}")]);
    app.assert_no_routine_failed().await;
    app.heal().await;
    app.advance(seconds(61)).await;
    assert_eq!((app.count("sessions").await, app.set_aside_items().await), (0, Vec::new()));
}
