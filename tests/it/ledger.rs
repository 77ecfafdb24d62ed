//! The ledger always adds up. Messages that certainly reached no recipient can be sent again once,
//! and others cannot.

use std::time::Duration;

use carillon::db;
use carillon::error::Error;
use carillon::ledger::outcome::Outcome;
use carillon::ledger::{self, Counts, Days, Grouping, LedgerFilter, LedgerKey, MessageOrigin};
use carillon::messages::resend::{self, LeftOutReason};
use carillon::messages::status::{MessageStatus, Resent};
use carillon::types::id::{AutomationId, MessageId};
use carillon::users::Role;
use chrono_tz::Tz;
use diesel_async::RunQueryDsl;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use twilio_simulator::{Fault, LONG_CODE, Rule, TOLL_FREE};

use crate::harness::fixtures::send_sms;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, TestOptions, hours, seed};

async fn execute(app: &TestApp, statement: &str) {
    diesel::sql_query(statement).execute(&mut *app.conn().await).await.unwrap();
}

async fn fold(app: &TestApp) {
    let now = app.clock.now();
    let mut conn = app.conn().await;
    db::transaction(&mut conn, async |tx| ledger::fold(tx, now).await).await.unwrap();
}

fn handset(number: u32) -> String {
    format!("+1206555{:04}", 2_000 + number)
}

/// A Carillon that answers `hello` with one SMS, with a short timeout for Twilio.
async fn with_short_timeout() -> TestApp {
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_millis(300),
        ..TestOptions::default()
    })
    .await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app
}

/// Makes one message to a handset fail by a fault of Twilio, and returns its id.
async fn fail(app: &TestApp, to: &str, fault: Fault) -> MessageId {
    let rule = app.simulator.inject(Rule::always(fault).for_handset(to));
    app.event("hello", to, json!({})).await;
    app.run_until_idle().await;
    assert!(app.simulator.withdraw(rule));
    app.messages_to(to).await.last().unwrap().id
}

fn today(app: &TestApp) -> LedgerFilter {
    LedgerFilter { days: Days::last(1, app.clock.now(), Tz::UTC), origin: None, sender_id: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn sql_and_rust_define_the_same_outcomes() {
    let app = TestApp::start().await;
    for status in MessageStatus::ALL {
        for (resent, retried_at) in [(Resent::No, "NULL"), (Resent::Yes, "now()")] {
            let query = format!("SELECT ledger_outcome('{status}', {retried_at}) AS text");
            let in_sql = app.texts(&query).await.remove(0);
            let in_rust = status.outcome(resent).map_or("received", Outcome::as_str);
            assert_eq!(in_sql, in_rust, "{status}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_follows_each_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello {{ contact.first_name }}.").await;
    app.event("hello", HANDSET, json!({})).await;
    let counts =
        |counts: Counts| Outcome::ALL.iter().map(|outcome| counts.of(*outcome)).collect::<Vec<_>>();
    assert_eq!(app.ledger().await.totals, Counts::default());

    let contact = app.contact_of(HANDSET).await;
    app.api()
        .patch(
            &format!("/contacts/{}", contact["id"].as_str().unwrap()),
            json!({ "first_name": "Ann" }),
        )
        .await
        .ok();
    app.run_until_idle().await;
    let ledger = app.ledger().await;
    assert_eq!(
        (ledger.totals.recipients, counts(ledger.totals)),
        (1, vec![1, 0, 0, 0, 0, 0, 0, 0]),
        "delivered"
    );

    // Folding does not change what is read, and later changes build on it.
    fold(&app).await;
    assert_eq!((app.ledger().await, app.count("ledger_changes").await), (ledger, 0));
    app.text(HANDSET, LONG_CODE, "STOP").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let ledger = app.ledger().await;
    assert_eq!(
        (ledger.totals.recipients, counts(ledger.totals)),
        (2, vec![1, 0, 0, 1, 0, 0, 0, 0])
    );
    assert_eq!(
        (ledger.causes[0].outcome, ledger.causes[0].reason.as_deref()),
        (Outcome::Suppressed, Some("stop"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_changes_no_count_and_appends_nothing() {
    let app = with_short_timeout().await;
    app.event("hello", HANDSET, json!({})).await;
    execute(&app, "UPDATE enrollments SET due_at = due_at").await;
    app.run_until_idle().await;
    fold(&app).await;
    execute(&app, "UPDATE messages SET status = 'read' WHERE direction = 'outbound'").await;
    assert_eq!(app.count("ledger_changes").await, 0, "delivered and read have the same outcome");
    app.ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_adds_up_after_days_of_faults() {
    let seed = seed("the disturbance");
    let mut random = StdRng::seed_from_u64(seed);
    let app = TestApp::with(TestOptions {
        twilio_timeout: Duration::from_millis(300),
        ..TestOptions::default()
    })
    .await;
    let (twilio, other) = (app.connect_twilio().await, app.connect_sender(TOLL_FREE).await);
    app.sms_on("hello", &twilio, "Hello {{ contact.first_name | default(value=\"you\") }}.").await;
    let template = app.template("And {{ event.what }}.").await;
    app.automation(
        json!({ "type": "event", "name": "hello" }),
        json!([send_sms(&template, &other)]),
    )
    .await;
    for (at, fault) in [
        Fault::Undelivered { code: 30003 },
        Fault::Failed { code: 30008 },
        Fault::Refuse { code: 21408 },
        Fault::Refuse { code: 21610 },
        Fault::TooManyRequests,
        Fault::ServerErrorRecorded,
        Fault::ServerError,
        Fault::DropCallbacks,
        Fault::Shuffle,
        Fault::Repeat,
    ]
    .into_iter()
    .enumerate()
    {
        app.simulator.inject(Rule::chance(0.1, seed.wrapping_add(at as u64), fault));
    }
    for _day in 0..3 {
        for _ in 0..14 {
            let phone = handset(random.random_range(0..12));
            match random.random_range(0..8) {
                0 => {
                    let _ = app.simulator.reply(&phone, LONG_CODE, "STOP").await;
                }
                1 => {
                    let _ = app.simulator.reply(&phone, LONG_CODE, "START").await;
                }
                2 => {
                    let found = app
                        .api()
                        .get(&format!("/contacts?phone={}", phone.replace('+', "%2B")))
                        .await
                        .ok();
                    if let Some(id) = found["data"][0]["id"].as_str() {
                        app.api().delete(&format!("/contacts/{id}")).await;
                    }
                }
                3 => fold(&app).await,
                _ => {
                    let properties = if random.random_range(0..4) == 0 {
                        json!({})
                    } else {
                        json!({ "what": "more" })
                    };
                    app.event("hello", &phone, properties).await;
                }
            }
            if random.random_range(0..3) == 0 {
                app.run_until_idle().await;
            }
            app.ledger().await;
        }
        app.advance(hours(9)).await;
        app.advance(hours(15)).await;
        let ledger = app.ledger().await;
        assert_eq!(
            ledger.totals.recipients,
            app.count("messages WHERE direction = 'outbound'").await
        );
    }
    // Each grouping has the same totals.
    let mut conn = app.conn().await;
    let all =
        LedgerFilter { days: Days::all(app.clock.now(), Tz::UTC), origin: None, sender_id: None };
    let totals = app.ledger().await.totals;
    for grouping in Grouping::ALL {
        let ledger = ledger::read(&mut conn, &all, *grouping).await.unwrap();
        let recipients: i64 = ledger.rows.iter().map(|row| row.counts.recipients).sum();
        assert_eq!((ledger.totals, recipients), (totals, totals.recipients), "{grouping}");
    }
    // Messages that move to another automation are counted there.
    execute(&app, "UPDATE messages SET automation_id = NULL").await;
    assert_eq!(app.ledger().await.totals, totals);
    let one_off = LedgerFilter { origin: Some(MessageOrigin::OneOff), ..all };
    assert_eq!(
        ledger::read(&mut conn, &one_off, Grouping::Automation).await.unwrap().totals,
        totals
    );
    fold(&app).await;
    execute(&app, "DELETE FROM messages WHERE direction = 'outbound'").await;
    assert_eq!(app.ledger().await.totals, Counts::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tampered_ledger_is_detected() {
    let app = with_short_timeout().await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    fold(&app).await;
    execute(&app, "UPDATE ledger SET count = 2 WHERE outcome = 'delivered'").await;
    let mut conn = app.conn().await;
    let ledger = ledger::read(&mut conn, &today(&app), Grouping::Day).await.unwrap();
    assert!(!ledger.totals.add_up());
    let differences = ledger::check(&mut conn, &today(&app)).await.unwrap();
    assert_eq!(differences.len(), 1);
    assert_eq!(
        (differences[0].outcome.as_str(), differences[0].in_ledger, differences[0].in_messages),
        ("delivered", 2, 1)
    );
    let page = app.sign_in().await.open("/ledger?check=true").await.ok();
    assert!(page.html.contains("Doesn’t add up"), "{}", page.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_certainly_reached_no_recipient_is_sent_again_once() {
    let app = with_short_timeout().await;
    let failed = fail(&app, HANDSET, Fault::Refuse { code: 21408 }).await;
    let request = json!({ "from": "2026-11-01", "to": "2026-11-30", "expected": 1 });
    let preview = app
        .api()
        .post("/ledger/retry", json!({ "from": "2026-11-01", "to": "2026-11-30", "dry_run": true }))
        .await
        .ok();
    assert_eq!(
        (&preview["eligible"], &preview["retried"], app.messages_to(HANDSET).await.len()),
        (&json!(1), &json!(0), 1),
        "{preview:#}"
    );

    // Two users resend concurrently, and then once more.
    let (one, other) = tokio::join!(
        app.api().post("/ledger/retry", request.clone()),
        app.api().post("/ledger/retry", request.clone())
    );
    let retried = |answer: Value| answer["retried"].as_i64().unwrap();
    assert_eq!(retried(one.ok()) + retried(other.ok()), 1);
    assert_eq!(retried(app.api().post("/ledger/retry", request).await.ok()), 0);
    app.run_until_idle().await;

    assert_eq!(app.statuses_to(HANDSET).await, ["failed", "delivered"]);
    assert_eq!(app.received(HANDSET), ["Hello."]);
    let messages = app.messages_to(HANDSET).await;
    assert_eq!(
        (messages[1].retry_of, messages[1].automation_id),
        (Some(failed), messages[0].automation_id)
    );
    let totals = app.ledger().await.totals;
    assert_eq!((totals.recipients, totals.delivered, totals.failed, totals.retried), (2, 1, 0, 1));

    let site = app.sign_in().await;
    assert!(site.open(&format!("/messages/{failed}")).await.ok().html.contains("Sent again as"));
    assert!(
        site.open(&format!("/messages/{}", messages[1].id)).await.ok().html.contains("Sends again")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_may_have_arrived_or_may_not_be_sent_is_never_sent_again() {
    let app = with_short_timeout().await;
    let eligibility =
        async |id| resend::check_eligibility(&mut *app.conn().await, id).await.unwrap();

    let delivered = fail(&app, &handset(1), Fault::Deliver).await;
    let undelivered = fail(&app, &handset(2), Fault::Undelivered { code: 30003 }).await;
    let unconfirmed = fail(&app, &handset(3), Fault::Timeout).await;
    for id in [delivered, undelivered] {
        assert_eq!(eligibility(id).await, Err(LeftOutReason::MayHaveArrived));
    }
    assert_eq!(eligibility(unconfirmed).await, Err(LeftOutReason::Unconfirmed));
    assert_eq!(
        eligibility(fail(&app, &handset(4), Fault::Refuse { code: 21617 }).await).await,
        Err(LeftOutReason::WouldFailAgain)
    );
    assert_eq!(
        eligibility(fail(&app, &handset(5), Fault::Failed { code: 30007 }).await).await,
        Err(LeftOutReason::WouldFailAgain)
    );
    // Twilio failed it before a carrier had it, for a temporary reason.
    assert_eq!(
        eligibility(fail(&app, &handset(6), Fault::Failed { code: 30036 }).await).await,
        Ok(())
    );

    let stopped = fail(&app, &handset(7), Fault::Refuse { code: 21408 }).await;
    assert_eq!(eligibility(stopped).await, Ok(()));
    app.text(&handset(7), LONG_CODE, "STOP").await;
    assert_eq!(eligibility(stopped).await, Err(LeftOutReason::Suppressed));

    let deleted = fail(&app, &handset(8), Fault::Refuse { code: 21408 }).await;
    let contact = app.contact_of(&handset(8)).await;
    app.api().delete(&format!("/contacts/{}", contact["id"].as_str().unwrap())).await.ok();
    assert_eq!(eligibility(deleted).await, Err(LeftOutReason::NoContact));

    let before = app.count("messages").await;
    let mut conn = app.conn().await;
    let selection = resend::Selection::new(today(&app)).unwrap();
    assert_eq!(
        resend::candidates(&mut conn, &selection).await.unwrap().len(),
        1,
        "only the message with error 30036"
    );
    let preview = resend::preview(&mut conn, &selection).await.unwrap();
    assert_eq!((preview.eligible(), preview.left_out()), (1, 6), "{preview:#?}");
    let ineligible = [delivered, undelivered, unconfirmed, stopped, deleted];
    let now = app.clock.now();
    let composed = db::transaction(&mut conn, async |tx| {
        let (composed, _) = resend::resend_messages(tx, &ineligible, now).await?;
        Ok::<_, Error>(composed)
    })
    .await
    .unwrap();
    assert_eq!((composed.len(), app.count("messages").await), (0, before));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_with_an_unanswered_first_attempt_is_not_resent_even_if_the_second_was_refused() {
    let app = with_short_timeout().await;
    let connections = app.api().get("/connections").await.ok();
    let connection = connections["data"][0]["id"].as_str().unwrap();
    app.api()
        .patch(&format!("/connections/{connection}"), json!({ "unconfirmed_policy": "resend" }))
        .await
        .ok();
    app.simulator.inject(Rule::next(1, Fault::Timeout));
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.simulator.inject(Rule::always(Fault::Refuse { code: 21408 }));
    for _ in 0..8 {
        app.advance(hours(1)).await;
    }
    let message = app.message_to(HANDSET).await;
    assert_eq!(message.status, MessageStatus::Failed);
    assert_eq!(
        resend::check_eligibility(&mut *app.conn().await, message.id).await.unwrap(),
        Err(LeftOutReason::MayHaveArrived)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_page_shows_the_counts_and_confirms_a_resend() {
    let app = with_short_timeout().await;
    fail(&app, HANDSET, Fault::Refuse { code: 21408 }).await;
    fail(&app, OTHER_HANDSET, Fault::Undelivered { code: 30003 }).await;
    fold(&app).await;
    let site = app.sign_in_as(Role::Marketer).await;
    let page = site.open("/ledger").await.ok();
    assert!(page.html.contains("Adds up") && page.html.contains("outcome=failed"), "{}", page.html);
    let checked = site.open("/ledger?check=true").await.ok();
    assert!(checked.says("Every number agrees"), "{}", checked.html);

    let confirmation = site.open("/ledger/retry").await.ok();
    assert!(
        confirmation.html.contains("Resend 1 message")
            && confirmation.html.contains("21408")
            && confirmation.html.contains("may have arrived"),
        "{}",
        confirmation.html
    );
    assert_eq!(app.messages_to(HANDSET).await.len(), 1, "the confirmation page sends nothing");
    let sent = site.send(&confirmation.form("/ledger/retry")).await.ok();
    assert!(sent.html.contains("Resending 1 message."), "{}", sent.html);
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["failed", "delivered"]);
    assert_eq!(app.statuses_to(OTHER_HANDSET).await, ["undelivered"]);

    let listed =
        site.open("/messages?outcome=retried&from_day=2026-11-14&to_day=2026-11-14").await.ok();
    assert!(
        listed.html.contains("data-status=\"failed\"")
            && !listed.html.contains("data-status=\"undelivered\""),
        "{}",
        listed.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_is_sent_again_from_its_page() {
    let app = with_short_timeout().await;
    let failed = fail(&app, HANDSET, Fault::Refuse { code: 21408 }).await;
    let path = format!("/messages/{failed}");
    let site = app.sign_in_as(Role::Marketer).await;
    let form = site.open(&path).await.ok().form(&format!("{path}/retry"));
    let page = site.send(&form).await.ok();
    assert!(page.html.contains("Sends again") && page.path != path, "{}", page.path);
    let again = site.send(&form).await.ok();
    assert!(again.html.contains("sent again already"), "{}", again.html);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_see_the_ledger_and_cannot_send_again() {
    let app = with_short_timeout().await;
    let failed = fail(&app, HANDSET, Fault::Refuse { code: 21408 }).await;
    let site = app.sign_in_as(Role::Viewer).await;
    let page = site.open("/ledger").await.ok();
    assert!(!page.html.contains("/ledger/retry"));
    assert_eq!(site.open("/ledger/retry").await.status, 403);
    assert!(!site.open(&format!("/messages/{failed}")).await.ok().html.contains("/retry"));
    let api = app.api_as(Role::Viewer).await;
    api.get("/ledger").await.ok();
    api.post("/ledger/retry", json!({})).await.refused(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_groups_the_ledger_by_day_automation_and_sender() {
    let app = with_short_timeout().await;
    fail(&app, HANDSET, Fault::Refuse { code: 21408 }).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let automation = app.messages_to(HANDSET).await[0].automation_id.unwrap();
    let by = async |query: &str| app.api().get(&format!("/ledger?{query}")).await.ok();
    let day = by("").await;
    assert_eq!(
        (&day["adds_up"], &day["totals"]["recipients"], &day["totals"]["failed"]),
        (&json!(true), &json!(2), &json!(1)),
        "{day:#}"
    );
    assert_eq!(day["rows"][0]["day"], json!("2026-11-14"));
    assert_eq!(
        (&day["causes"][0]["error_code"], &day["causes"][0]["count"]),
        (&json!(21408), &json!(1))
    );
    let automations = by(&format!("group_by=automation&automation_id={automation}")).await;
    assert_eq!(automations["rows"][0]["automation_id"], json!(automation.to_string()));
    let none = by("group_by=sender&automation_id=none").await;
    assert_eq!((&none["totals"]["recipients"], &none["rows"]), (&json!(0), &json!([])));
    let early = by("from=2026-01-01&to=2026-01-31").await;
    assert_eq!(early["totals"]["recipients"], json!(0));
    app.api().get("/ledger?from=soon").await.refused(422);
    app.api().get("/ledger?group_by=moon").await.refused(422);
    app.api()
        .post("/ledger/retry", json!({ "from": "2026-01-01", "to": "2026-11-30" }))
        .await
        .refused(422);
    let checked = app.api().get("/ledger/check").await.ok();
    assert_eq!(checked["differences"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automations_page_shows_its_ledger() {
    let app = with_short_timeout().await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let automation: AutomationId = app.message_to(HANDSET).await.automation_id.unwrap();
    let page = app.sign_in().await.open(&format!("/automations/{automation}")).await.ok();
    assert!(page.html.contains(&format!("/ledger?automation_id={automation}")), "{}", page.html);
    let mut conn = app.conn().await;
    let filter =
        LedgerFilter { origin: Some(MessageOrigin::Automation(automation)), ..today(&app) };
    let ledger = ledger::read(&mut conn, &filter, Grouping::Day).await.unwrap();
    assert_eq!(ledger.rows[0].key, LedgerKey::Day(app.clock.now().date_naive()));
}
