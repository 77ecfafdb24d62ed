//! Consistent numbers: every rate has one definition, days are in the zone of the organization, and
//! all pages, exports and API answers agree about a message.

use carillon::db;
use carillon::ledger::outcome::Outcome;
use carillon::ledger::{self, ZoneChange};
use carillon::users::{Role, organization};
use chrono::{DateTime, Utc};
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::{Value, json};

use crate::harness::fixtures::{Twilio, send_sms};
use crate::harness::scriptless_browser::Site;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// How many messages each status has in the story that covers every outcome; one failed message
/// with a resend is added.
const EVERY_OUTCOME: [(&str, u32); 8] = [
    ("delivered", 8),
    ("read", 1),
    ("sent", 2),
    ("undelivered", 3),
    ("suppressed", 4),
    ("skipped", 1),
    ("unconfirmed", 1),
    ("pending", 1),
];

/// SQL: inserts messages of a status that were composed at a time, with UUIDv7 ids of that time.
fn insert_messages_sql(
    twilio: &Twilio,
    automation: Option<&str>,
    (status, count): (&str, u32),
    at: &str,
) -> String {
    let automation = automation.map_or_else(|| "NULL".to_owned(), |id| format!("'{id}'"));
    format!(
        "INSERT INTO messages (id, connection_id, created_at, status_at, parts, status, direction,
            encoding, to_address, sender_id, automation_id,
             error_code, reason, body)
         SELECT (lpad(to_hex((extract(epoch FROM '{at}'::timestamptz) * 1000)::bigint), 12,
             '0') || '7' || substr(md5(random()::text), 1, 3)
             || '8' || substr(md5(random()::text), 1, 15))::uuid,
             '{}', '{at}', '{at}', 1, '{status}', 'outbound', 'gsm7', '+12065550' || lpad(n::text,
                 3, '0'), '{}', {automation},
             CASE WHEN '{status}' = 'undelivered' THEN 30003 END,
                 CASE WHEN '{status}' IN ('suppressed', 'skipped') THEN 'stop' END, 'Hello'
         FROM generate_series(1, {count}) AS n",
        twilio.connection_id, twilio.sender_id
    )
}

async fn insert_messages(
    app: &TestApp,
    twilio: &Twilio,
    automation: Option<&str>,
    of_status: (&str, u32),
    at: &str,
) {
    app.run_sql(&insert_messages_sql(twilio, automation, of_status, at)).await;
}

async fn set_time_zone(admin: &Site, zone: &str) {
    let form = admin.open("/settings/organization").await.ok().form("/settings/organization");
    admin.send(&form.with("time_zone", zone)).await.ok().must_say("Settings saved.");
}

async fn fold(app: &TestApp) {
    let now = app.clock.now();
    let mut conn = app.conn().await;
    db::transaction(&mut conn, async |tx| ledger::fold(tx, now).await).await.unwrap();
}

/// The days of the ledger from the API, newest first, with their recipients.
async fn days(app: &TestApp, query: &str) -> Vec<(String, i64)> {
    let answer = app.api().get(&format!("/ledger{query}")).await.ok();
    assert_eq!(answer["adds_up"], true);
    let row = |row: &Value| {
        (row["day"].as_str().unwrap().to_owned(), row["recipients"].as_i64().unwrap())
    };
    answer["rows"].as_array().unwrap().iter().map(row).collect()
}

/// The number of messages that the API lists for a day.
async fn count_listed(app: &TestApp, day: &str) -> usize {
    let answer =
        app.api().get(&format!("/messages?from_day={day}&to_day={day}&limit=500")).await.ok();
    answer["data"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_api_agree_on_every_outcome() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("hello", &twilio, "Hello.").await;
    let now = app.clock.now().to_rfc3339();
    for of_status in EVERY_OUTCOME {
        insert_messages(&app, &twilio, Some(&automation), of_status, &now).await;
    }
    insert_messages(&app, &twilio, Some(&automation), ("failed", 1), &now).await;
    app.run_sql("UPDATE messages SET retried_at = now() WHERE status = 'failed'").await;

    let totals = app.api().get("/ledger").await.ok()["totals"].clone();
    for outcome in Outcome::ALL {
        assert!(totals[outcome.as_str()].as_i64().unwrap() > 0, "{outcome} is missing in {totals}");
    }
    // 22 recipients are 21 messages, since one is a resend.
    let shares = (
        &totals["recipients"],
        &totals["messages"],
        &totals["delivered"],
        &totals["delivered_share"],
    );
    assert_eq!(shares, (&json!(22), &json!(21), &json!(9), &json!(0.4286)));
    for grouping in ["sender", "automation", "day"] {
        let row =
            app.api().get(&format!("/ledger?group_by={grouping}")).await.ok()["rows"][0].clone();
        assert_eq!(
            (&row["messages"], &row["delivered_share"]),
            (&totals["messages"], &totals["delivered_share"]),
            "by {grouping}"
        );
    }
    let counts = app.api().get(&format!("/automations/{automation}")).await.ok()["counts"].clone();
    assert_eq!(
        (&counts["messages"]["delivered"], &counts["delivered_share"]),
        (&json!(9), &json!(0.4286))
    );

    let site = app.sign_in_as(Role::Viewer).await;
    let home = site.open("/").await.ok();
    // 22 recipients are 21 messages: see above.
    home.must_say("Messages 21 1 sent again, counted once");
    home.must_say("Delivered 42.9 % 9 of 21");
    // The rate is shown in total, by automation, and for all of them; 3 of the same 21 failed.
    assert_eq!(home.text().matches("42.9 %").count(), 3, "{}", home.text());
    assert_eq!(home.text().matches("21 42.9 % 2 3").count(), 2, "{}", home.text());
    home.must_say("Why 3 were not delivered");
    for path in [
        "/ledger".to_owned(),
        format!("/ledger?automation_id={automation}"),
        format!("/automations/{automation}"),
    ] {
        let page = site.open(&path).await.ok();
        page.must_say("Delivered: 42.9 % , 9 of 21 messages (1 sent again, counted once)");
        page.must_say("Delivered 9 42.9 %");
        page.must_say("Not delivered 3 14.3 %");
        page.must_say("Suppressed 4 19.0 %");
    }
    app.ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_are_in_the_time_zone_of_the_organization() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    // Midnight in Kathmandu is at 18:15 UTC, in Los Angeles at 08:00.
    let today = app.clock.now().date_naive();
    let day = |ago: i64| today - chrono::TimeDelta::days(ago);
    for (at, count) in [("07:59:59", 1), ("08:00:00", 2), ("18:14:59", 4), ("18:15:00", 8)] {
        insert_messages(&app, &twilio, None, ("delivered", count), &format!("{}T{at}Z", day(2)))
            .await;
    }
    let utc = vec![(day(2).to_string(), 15)];
    let kathmandu = vec![(day(1).to_string(), 8), (day(2).to_string(), 7)];
    let los_angeles = vec![(day(2).to_string(), 14), (day(3).to_string(), 1)];
    assert_eq!(days(&app, "").await, utc);
    let (admin, site) = (app.sign_in().await, app.sign_in_as(Role::Viewer).await);
    for (zone, expected) in [
        ("Asia/Kathmandu", &kathmandu),
        ("America/Los_Angeles", &los_angeles),
        ("UTC", &utc),
        ("Asia/Kathmandu", &kathmandu),
    ] {
        set_time_zone(&admin, zone).await;
        assert_eq!(&days(&app, "").await, expected, "{zone}");
        for (day, count) in expected {
            assert_eq!(
                count_listed(&app, day).await,
                usize::try_from(*count).unwrap(),
                "{day} in {zone}"
            );
            assert_eq!(
                days(&app, &format!("?from={day}&to={day}")).await,
                [(day.clone(), *count)],
                "{zone}"
            );
            assert_eq!(
                site.open(&format!("/messages/export?from_day={day}&to_day={day}"))
                    .await
                    .ok()
                    .html
                    .lines()
                    .count(),
                count_listed(&app, day).await + 1
            );
        }
        // Later changes and folded ones belong to the same zone.
        insert_messages(&app, &twilio, None, ("pending", 1), &format!("{}T18:15:00Z", day(2)))
            .await;
        app.run_sql("DELETE FROM messages WHERE status = 'pending'").await;
        fold(&app).await;
        assert_eq!(&days(&app, "").await, expected, "{zone}, folded");
        app.ledger().await;
        let answer = app.api().get("/ledger").await.ok();
        assert_eq!(answer["time_zone"], zone);
        assert_eq!(
            app.api().get(&format!("/messages?from_day={}", day(2))).await.ok()["time_zone"],
            zone
        );
        assert_eq!(
            app.api().get("/ledger/check").await.ok(),
            json!({ "time_zone": zone, "differences": [] })
        );
        site.open("/").await.ok().must_say(&format!("Day ({zone})"));
        site.open("/ledger")
            .await
            .ok()
            .must_say(&format!("By the day in {zone} on which a message was composed."));
        site.open("/messages").await.ok().must_say(&format!("Days start at midnight in {zone}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn days_of_23_and_25_hours_contain_the_messages_sent_on_them() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    set_time_zone(&app.sign_in().await, "Europe/Berlin").await;
    // One message per hour, around both clock changes.
    for (from, to) in
        [("2026-03-28T22:30Z", "2026-03-29T22:30Z"), ("2026-10-24T21:30Z", "2026-10-25T23:30Z")]
    {
        let hours: Vec<String> = app
            .texts(&format!(
                "SELECT h::text AS text FROM generate_series('{from}'::timestamptz, '{to}',
                        '1 hour') AS h"
            ))
            .await;
        for hour in hours {
            insert_messages(&app, &twilio, None, ("delivered", 1), &hour).await;
        }
    }
    for _ in ["not folded", "folded"] {
        let spring = days(&app, "?from=2026-03-28&to=2026-03-30").await;
        assert_eq!(
            spring,
            [("2026-03-30", 1), ("2026-03-29", 23), ("2026-03-28", 1)]
                .map(|(day, count)| (day.to_owned(), count))
        );
        let autumn = days(&app, "?from=2026-10-24&to=2026-10-26").await;
        assert_eq!(
            autumn,
            [("2026-10-26", 1), ("2026-10-25", 25), ("2026-10-24", 1)]
                .map(|(day, count)| (day.to_owned(), count))
        );
        assert_eq!(
            (count_listed(&app, "2026-03-29").await, count_listed(&app, "2026-10-25").await),
            (23, 25)
        );
        fold(&app).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_ledger_keeps_its_old_days_until_it_is_recounted_and_loses_nothing() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let now = app.clock.now();
    let evening: DateTime<Utc> =
        format!("{}T20:00:00Z", now.date_naive() - chrono::TimeDelta::days(3)).parse().unwrap();
    insert_messages(&app, &twilio, None, ("delivered", 3), &evening.to_rfc3339()).await;
    fold(&app).await;
    app.run_sql("UPDATE organization SET time_zone = 'Asia/Tokyo'").await;
    let mut conn = app.conn().await;
    let following =
        db::transaction(&mut conn, async |tx| ledger::follow_zone(tx, 2, now).await).await.unwrap();
    assert_eq!(following, ZoneChange::Deferred);
    let zone = async || organization::find(&*app.conn().await).await.unwrap().day_zone.name();
    assert_eq!(
        (zone().await, app.api().get("/ledger").await.ok()["time_zone"].as_str()),
        ("UTC", Some("UTC"))
    );
    assert_eq!(days(&app, "").await, [(evening.date_naive().to_string(), 3)]);
    assert_eq!(count_listed(&app, &evening.date_naive().to_string()).await, 3);

    // A writer does not wait for the recount, and what it commits afterwards is counted once.
    let mut writer = app.conn().await;
    writer
        .transaction(async |writer| {
            let added = insert_messages_sql(&twilio, None, ("delivered", 2), &evening.to_rfc3339());
            diesel::sql_query(added).execute(writer).await?;
            fold(&app).await;
            Ok::<_, diesel::result::Error>(())
        })
        .await
        .unwrap();
    assert_eq!(zone().await, "Asia/Tokyo");
    let tomorrow = evening.date_naive() + chrono::TimeDelta::days(1);
    assert_eq!(days(&app, "").await, [(tomorrow.to_string(), 5)]);
    assert_eq!(count_listed(&app, &tomorrow.to_string()).await, 5);
    fold(&app).await;
    app.ledger().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_an_automation_show_the_outcomes_of_their_messages() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (first, second) =
        (app.template("Hello.").await, app.template("Order {{ event.order_id }}.").await);
    let trigger = json!({ "type": "event", "name": "hello" });
    let automation = app
        .automation(trigger, json!([send_sms(&first, &twilio), send_sms(&second, &twilio)]))
        .await;
    app.text(OTHER_HANDSET, &twilio.sender, "STOP").await;
    for (phone, event) in [
        (HANDSET, json!({ "order_id": "A-1" })),
        (OTHER_HANDSET, json!({ "order_id": "A-2" })),
        ("+12065550177", json!({})),
    ] {
        app.event("hello", phone, event).await;
    }
    app.run_until_idle().await;
    let page =
        app.sign_in_as(Role::Viewer).await.open(&format!("/automations/{automation}")).await.ok();
    page.must_say("2 sent 2 delivered 0 not delivered 1 suppressed 0 waiting");
    page.must_say("2 sent 1 delivered 1 not delivered 1 suppressed 0 waiting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_a_former_number_of_its_contact_shows_that_number() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Hello.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let contact = app.contact_of(HANDSET).await["id"].as_str().unwrap().to_owned();
    let message = app.message_to(HANDSET).await.id;
    let site = app.sign_in_as(Role::Viewer).await;
    let pages =
        [format!("/contacts/{contact}"), "/messages".to_owned(), format!("/messages/{message}")];
    app.api().patch(&format!("/contacts/{contact}"), json!({ "first_name": "Ann" })).await.ok();
    for path in &pages[1..] {
        assert!(
            !site.open(path).await.ok().says("to +1 206 555 0111"),
            "{path} shows the number although it is that of the contact"
        );
    }
    app.api().patch(&format!("/contacts/{contact}"), json!({ "phone": "+12065550199" })).await.ok();
    site.open(&pages[0]).await.ok().must_say("to +1 206 555 0111");
    site.open(&pages[1]).await.ok().must_say("Ann to +1 206 555 0111");
    let page = site.open(&pages[2]).await.ok();
    page.must_say("Message to Ann, +1 206 555 0111");
    page.must_say("Not the contact’s number now: +1 206 555 0199");
    assert_eq!(app.api().get(&format!("/messages/{message}")).await.ok()["to"], HANDSET);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delivered_message_has_no_error_and_its_history_keeps_the_reported_codes() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    insert_messages(&app, &twilio, None, ("queued", 2), &app.clock.now().to_rfc3339()).await;
    app.run_sql("UPDATE messages SET twilio_sid = 'SM' || lpad(right(to_address, 3), 32, '0')")
        .await;
    let messages = app
        .texts("SELECT id::text || ' ' || twilio_sid AS text FROM messages ORDER BY to_address")
        .await;
    for (at, message) in messages.iter().enumerate() {
        let (id, sid) = message.split_once(' ').unwrap();
        let path = format!("/hooks/twilio/{}/status/{id}", twilio.connection_id);
        // For the second message, the delivery report itself carries the code.
        let reports = if at == 0 {
            [("sent", "30005"), ("delivered", "")]
        } else {
            [("sent", ""), ("delivered", "30005")]
        };
        for (status, code) in reports {
            let params = [("MessageSid", sid), ("MessageStatus", status), ("ErrorCode", code)];
            assert_eq!(app.signed_call(&path, &params).send().await.unwrap().status(), 204);
        }
        let answer = app.api().get(&format!("/messages/{id}")).await.ok();
        assert_eq!(
            (&answer["status"], &answer["error_code"]),
            (&json!("delivered"), &Value::Null),
            "{at}"
        );
        let codes: Vec<&Value> =
            answer["events"].as_array().unwrap().iter().map(|event| &event["error_code"]).collect();
        assert!(codes.contains(&&json!(30005)), "the history has the code: {answer}");
    }
    assert_eq!(app.api().get("/messages?error_code=30005").await.ok()["data"], json!([]));
    let site = app.sign_in_as(Role::Viewer).await;
    assert!(!site.open("/messages").await.ok().html.contains("<bdi>30005"));
    assert!(!site.open("/messages/export").await.ok().html.contains("30005"));
    assert_eq!(app.api().get("/ledger").await.ok()["causes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_without_text_has_no_encoding() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("hello", &twilio, "Order {{ event.order_id }}.").await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await;
    let answer = app.api().get(&format!("/messages/{}", message.id)).await.ok();
    assert_eq!(
        (&answer["status"], &answer["parts"], &answer["encoding"]),
        (&json!("failed"), &json!(0), &Value::Null)
    );
    let site = app.sign_in_as(Role::Viewer).await;
    let page = site.open(&format!("/messages/{}", message.id)).await.ok();
    assert!(
        page.says("No text") && !page.says("GSM-7") && !page.says("0 parts"),
        "{}",
        page.text()
    );
    let file = site.open("/messages/export").await.ok();
    assert!(!file.html.contains("gsm7"), "{}", file.html);
}
