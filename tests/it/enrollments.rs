//! Enrollments over time: in automations that are paused, resumed or edited, advanced twice, and
//! once per cause; and which automations can be activated.

use carillon::automations::advance::{self, State};
use carillon::automations::enroll;
use carillon::contacts::ContactChange;
use carillon::contacts::tags::TagName;
use carillon::db;
use carillon::error::Error;
use carillon::messages::compose::SendBy;
use carillon::templates::Renderer;
use carillon::types::id::{ContactId, EnrollmentId};
use diesel_async::AsyncConnection;
use serde_json::{Value, json};

use crate::harness::fixtures::{Twilio, id, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours, seconds};

impl TestApp {
    /// Creates an active automation on `signed_up`: a first SMS, a wait of a day, a second SMS.
    pub(crate) async fn two_texts(&self, twilio: &Twilio) -> String {
        let (first, second) = (self.template("First.").await, self.template("Second.").await);
        let steps = json!([send_sms(&first, twilio), wait(86_400), send_sms(&second, twilio)]);
        self.automation(json!({ "type": "event", "name": "signed_up" }), steps).await
    }

    async fn set_status(&self, automation: &str, status: &str) {
        self.api()
            .patch(&format!("/automations/{automation}"), json!({ "status": status }))
            .await
            .ok();
    }

    pub(crate) async fn enrollment_ids(&self) -> Vec<EnrollmentId> {
        let ids = self.texts("SELECT id::text AS text FROM enrollments ORDER BY id").await;
        ids.iter().map(|id| id.parse().unwrap()).collect()
    }

    async fn advance_now(&self, ids: &[EnrollmentId]) -> Vec<State> {
        let (now, renderer) = (self.clock.now(), Renderer::default());
        let mut conn = self.conn().await;
        let advanced = db::transaction(&mut conn, async |tx| {
            let (advanced, ..) =
                advance::advance(tx, now, ids, &renderer, SendBy::AnyWorker).await?;
            Ok::<_, Error>(advanced)
        });
        advanced.await.unwrap().into_iter().map(|one| one.state).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_in_a_paused_automation_wait_and_go_on_when_it_is_active_again() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.set_status(&automation, "paused").await;
    app.advance(days(2)).await;
    assert_eq!(app.received(HANDSET), ["First."]);
    assert_eq!(
        app.event("signed_up", OTHER_HANDSET, json!({})).await["enrollments"],
        0,
        "no contact is enrolled while it is paused"
    );
    app.set_status(&automation, "active").await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["First.", "Second."]);
    assert!(app.received(OTHER_HANDSET).is_empty());
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_during_a_wait_and_resuming_before_its_end_sends_once_and_on_time() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    for _ in 0..3 {
        app.set_status(&automation, "paused").await;
        app.advance(hours(1)).await;
        app.set_status(&automation, "active").await;
        app.run_until_idle().await;
    }
    assert_eq!(app.received(HANDSET), ["First."]);
    app.advance(hours(21) - seconds(1)).await;
    assert_eq!(app.received(HANDSET), ["First."]);
    app.advance(seconds(1)).await;
    assert_eq!(app.received(HANDSET), ["First.", "Second."]);
    app.advance(days(30)).await;
    assert_eq!(app.received(HANDSET).len(), 2);
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_composed_before_a_pause_waits_until_the_pause_ends() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    assert!(matches!(app.advance_now(&app.enrollment_ids().await).await[..], [State::Waiting(_)]));
    app.set_status(&automation, "paused").await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"]);
    app.set_status(&automation, "active").await;
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["First."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_runs_twice_or_concurrently_sends_once() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.event("signed_up", OTHER_HANDSET, json!({})).await;
    let ids = app.enrollment_ids().await;
    let backwards: Vec<EnrollmentId> = ids.iter().rev().copied().collect();
    futures::join!(
        app.advance_now(&ids),
        app.advance_now(&backwards),
        app.advance_now(&ids),
        app.advance_now(&ids[..1])
    );
    assert!(app.advance_now(&ids).await.iter().all(|state| matches!(state, State::Waiting(_))));
    assert_eq!(app.count("messages").await, 2);
    app.run_until_idle().await;
    assert_eq!(
        (app.received(HANDSET), app.received(OTHER_HANDSET)),
        (vec!["First.".to_owned()], vec!["First.".to_owned()])
    );
    app.advance(days(1)).await;
    assert_eq!(app.count("messages").await, 4);
    assert_eq!(app.advance_now(&ids).await, [State::Gone, State::Gone]);
    assert_eq!(app.count("jobs").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cause_enrolls_once_per_automation_and_a_tag_added_again_is_a_new_cause() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome.").await;
    for trigger in
        [json!({ "type": "tag_added", "tag": "vip" }), json!({ "type": "contact_created" })]
    {
        app.automation(trigger.clone(), json!([send_sms(&template, &twilio)])).await;
        app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    }
    let contact_id = ContactId::new();
    let now = app.clock.now();
    let tagged = |added_at| ContactChange::TagAdded {
        contact_id,
        tag: TagName::parse("VIP").unwrap(),
        added_at,
    };
    let changes = [tagged(now), ContactChange::ContactCreated(contact_id)];
    let react = async |changes: &[ContactChange]| {
        let mut conn = app.conn().await;
        conn.transaction(async |conn| enroll::react(conn, now, changes).await).await.unwrap().len()
    };
    assert_eq!(react(&changes).await, 4);
    assert_eq!(react(&changes).await, 0);
    assert_eq!(react(&[tagged(now + seconds(1))]).await, 2);
    assert_eq!(app.count("enrollments").await, 6);
    assert_eq!(app.count("jobs").await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_affects_only_contacts_who_enter_after_it() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let other = app.template("Other.").await;
    let edit = json!({ "steps": [wait(86_400), send_sms(&other, &twilio)] });
    let edited = app.api().patch(&format!("/automations/{automation}"), edit.clone()).await.ok();
    assert_eq!(edited["version"], 2);
    let same = app.api().patch(&format!("/automations/{automation}"), edit).await.ok();
    assert_eq!(same["version"], 2, "an edit that changes nothing creates no version");
    app.event("signed_up", OTHER_HANDSET, json!({})).await;
    app.advance(days(1)).await;
    app.advance(days(1)).await;
    assert_eq!(
        (app.received(HANDSET), app.received(OTHER_HANDSET)),
        (vec!["First.".to_owned(), "Second.".to_owned()], vec!["Other.".to_owned()])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_leaves_no_enrollment_and_no_failed_job() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.two_texts(&twilio).await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let contact = id(&app.contact_of(HANDSET).await);
    app.api().delete(&format!("/contacts/{contact}")).await.ok();
    app.advance(days(1)).await;
    assert_eq!((app.count("enrollments").await, app.count("jobs").await), (0, 0));
    assert_eq!(app.received(HANDSET), ["First."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_automation_that_can_send_can_be_activated() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let new = |status: &str, steps: Value| {
        json!(
            {
                "name": "Hello",
                "trigger": { "type": "event", "name": "hello" },
                "steps": steps,
                "status": status
            }
        )
    };
    app.api().post("/automations", new("active", json!([wait(5)]))).await.field("steps");
    let lost = json!(
        [{ "type": "send_sms", "template_id": twilio.sender_id, "sender_id": twilio.sender_id }]
    );
    assert_eq!(
        app.api().post("/automations", new("draft", lost)).await.field("steps.0.template_id"),
        "There is no such template."
    );
    let draft = id(&app
        .api()
        .post("/automations", new("draft", json!([send_sms(&template, &twilio)])))
        .await
        .ok());
    app.api().post("/automations", new("draft", json!([]))).await.field("name");
    let path = format!("/automations/{draft}");
    app.api().patch(&path, json!({ "status": "paused" })).await.field("status");
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    assert!(
        app.api()
            .patch(&path, json!({ "status": "active" }))
            .await
            .field("steps.0.sender_id")
            .contains("is disabled")
    );
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": false }))
        .await
        .ok();
    app.set_status(&draft, "active").await;
    app.api().patch(&path, json!({ "status": "draft" })).await.field("status");
    app.api().patch(&path, json!({ "steps": [] })).await.field("steps");
}
