//! The time of an event: which notations are accepted, and which events are too old or too far in
//! the future to start anything.

use carillon::users::Role;
use chrono::TimeDelta;
use serde_json::json;

use crate::harness::fixtures::send_sms;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours};

#[tokio::test(flavor = "multi_thread")]
async fn too_old_and_future_events_are_recorded_and_start_nothing() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("order_completed", &twilio, "Thank you.").await;
    let now = app.clock.now();
    let event = |phone: &str, age: TimeDelta| {
        json!(
            {
                "name": "order_completed",
                "contact": { "phone": phone },
                "occurred_at": (now - age).to_rfc3339()
            }
        )
    };

    let events = json!([
        event(HANDSET, hours(24) + TimeDelta::seconds(1)),
        event(HANDSET, days(400)),
        event(HANDSET, TimeDelta::minutes(-6)),
        event(HANDSET, days(-30)),
        event(OTHER_HANDSET, hours(23)),
        event(OTHER_HANDSET, TimeDelta::minutes(-4)),
    ]);
    let answer = app.api().post("/events", json!({ "events": events })).await.ok();
    let results = answer["results"].as_array().unwrap();
    let timings: Vec<_> = results
        .iter()
        .map(|one| {
            (one["status"].as_str().unwrap(), one["timing"].as_str(), one["enrollments"].as_u64())
        })
        .collect();
    assert_eq!(
        timings,
        [
            ("recorded", Some("too_old"), Some(0)),
            ("recorded", Some("too_old"), Some(0)),
            ("recorded", Some("in_future"), Some(0)),
            ("recorded", Some("in_future"), Some(0)),
            ("recorded", None, Some(1)),
            ("recorded", None, Some(1)),
        ]
    );
    let alone = app.api().post("/events", event(HANDSET, days(2))).await.ok();
    assert_eq!(
        (alone["timing"].as_str(), alone["enrollments"].as_u64()),
        (Some("too_old"), Some(0))
    );
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (0, 2));
    assert_eq!(app.count("events").await, 7);
    // A future event does not become current when its time comes.
    app.advance(days(30)).await;
    assert_eq!(app.received(HANDSET).len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_can_allow_older_events_in_the_api_and_in_the_builder() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Thank you.").await;
    let trigger =
        json!({ "type": "event", "name": "order_completed", "max_age_seconds": 7 * 86_400 });
    let automation = app.automation(trigger.clone(), json!([send_sms(&template, &twilio)])).await;
    assert_eq!(app.api().get(&format!("/automations/{automation}")).await.ok()["trigger"], trigger);
    let report = async |phone: &str, age: TimeDelta| {
        let at = app.clock.now() - age;
        app.api()
            .post(
                "/events",
                json!(
                    {
                        "name": "order_completed",
                        "contact": { "phone": phone },
                        "occurred_at": at.timestamp_millis()
                    }
                ),
            )
            .await
            .ok()
    };
    let old = report(HANDSET, days(6)).await;
    assert_eq!((old["timing"].as_str(), old["enrollments"].as_u64()), (Some("too_old"), Some(1)));
    assert_eq!(report(OTHER_HANDSET, days(8)).await["enrollments"], 0);
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 0));

    let refused = app
        .api()
        .patch(
            &format!("/automations/{automation}"),
            json!({ "trigger": { "type": "event", "name": "x", "max_age_seconds": 0 } }),
        )
        .await;
    assert!(refused.field("trigger.max_age_seconds").contains("from 1 to 315,360,000"));

    let site = app.sign_in_as(Role::Marketer).await;
    let path = format!("/automations/{automation}/edit");
    let form = site.open(&path).await.ok().form(&path);
    assert_eq!(
        (form.value("trigger.max_age_seconds"), form.value("trigger.max_age_unit")),
        (Some("7"), Some("days"))
    );
    let wrong = site
        .send(&form.clone().with("trigger.max_age_seconds", "soon").pressing("do", "save"))
        .await;
    assert_eq!(wrong.status, 422);
    wrong.must_say("Enter a whole number of at most ten years.");
    site.send(&form.with("trigger.max_age_seconds", "9").pressing("do", "save"))
        .await
        .ok()
        .must_say("up to 9 days after it happened");
    assert_eq!(report(OTHER_HANDSET, days(8)).await["enrollments"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_an_event_is_accepted_in_every_common_format() {
    let app = TestApp::start().await;
    let at = app.clock.now();
    let forms = [
        json!(at.to_rfc3339()),
        json!(at.format("%Y-%m-%dT%H:%M:%S+0000").to_string()),
        json!(at.format("%Y-%m-%d %H:%M+00").to_string()),
        json!(at.to_rfc2822()),
        json!(at.timestamp()),
        json!(at.timestamp_millis()),
        json!(at.timestamp_micros()),
        json!(at.timestamp().to_string()),
    ];
    for form in &forms {
        let event = json!({ "name": "seen", "contact": { "phone": HANDSET }, "occurred_at": form });
        assert_eq!(app.api().post("/events", event).await.ok()["status"], "recorded", "{form}");
    }
    assert_eq!(app.texts("SELECT DISTINCT occurred_at::text AS text FROM events").await.len(), 1);
    let wrong = json!(
        { "name": "seen", "contact": { "phone": HANDSET }, "occurred_at": 32_503_680_000_i64 }
    );
    assert!(
        app.api()
            .post("/events", wrong)
            .await
            .field("occurred_at")
            .contains("the year 3000 is outside 1900 to 2200")
    );
}
