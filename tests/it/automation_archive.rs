//! Automations are duplicated, archived, and deleted while no contact has entered them.

use serde_json::json;

use crate::harness::fixtures::{id, send_sms, wait};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days};

#[tokio::test(flavor = "multi_thread")]
async fn an_archived_automation_pauses_and_is_not_listed() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("order", &twilio, "Thanks").await;
    let path = format!("/automations/{automation}");
    let site = app.sign_in().await;
    let archive = format!("{path}/archive");
    let page = site.send(&site.open(&path).await.ok().form(&archive)).await.ok();
    page.must_say("Automation paused and archived.");
    page.must_say("Archived");
    let listed = |list: &str| list.contains(&format!("href=\"{path}\""));
    assert!(!listed(&site.open("/automations").await.ok().html));
    assert!(listed(&site.open("/automations?archived=true").await.ok().html));
    app.event("order", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.count("enrollments").await, 0, "an archived automation enrolls no contact");
    app.api().patch(&path, json!({ "status": "active" })).await.refused(422);

    let unarchive = format!("{path}/unarchive");
    let page = site.send(&page.form(&unarchive)).await.ok();
    page.must_say("Automation unarchived. It is not switched on.");
    assert!(listed(&site.open("/automations").await.ok().html));
    app.api().patch(&path, json!({ "status": "active" })).await.ok();
    let log = site.open("/settings/log").await.ok();
    log.must_say("archived the automation");
    log.must_say("unarchived the automation");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_a_draft_with_the_same_steps() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let steps = json!([wait(60), send_sms(&template, &twilio)]);
    let automation = app.automation(json!({ "type": "event", "name": "hello" }), steps).await;
    let path = format!("/automations/{automation}");
    let site = app.sign_in().await;
    let duplicate = format!("{path}/duplicate");
    for _ in 0..2 {
        let page = site.send(&site.open(&path).await.ok().form(&duplicate)).await.ok();
        page.must_say("It is a draft.");
    }
    assert_eq!(app.count("automations WHERE status = 'draft' AND name LIKE 'Copy of %'").await, 2);
    let distinct = "SELECT DISTINCT (trigger, steps)::text AS text FROM automation_versions";
    assert_eq!(app.texts(distinct).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_does_not_reverse_the_sentence_around_it() {
    let app = TestApp::start().await;
    let new = json!(
        {
            "name": "Order\u{202e}\u{2067}s",
            "trigger": { "type": "contact_created" },
            "steps": [wait(60)]
        }
    );
    let automation = id(&app.api().post("/automations", new).await.ok());
    let path = format!("/automations/{automation}");
    let site = app.sign_in().await;
    let page = site.send(&site.open(&path).await.ok().form(&format!("{path}/duplicate"))).await;
    let page = page.ok();
    page.must_say("This is the copy: “Copy of Orders”. It is a draft.");
    assert_eq!(page.form(&page.path).value("name"), Some("Copy of Order\u{202e}\u{2067}s"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_automation_that_no_contact_has_entered_is_deleted() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let entered = format!("/automations/{}", app.sms_on("order", &twilio, "Thanks").await);
    let empty = format!("/automations/{}", app.sms_on("visit", &twilio, "Hello").await);
    app.event("order", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    let delete = format!("{empty}/delete");
    assert!(!site.open(&empty).await.ok().html.contains(&delete), "it is switched on");
    for path in [&entered, &empty] {
        app.api().patch(path, json!({ "status": "paused" })).await.ok();
    }
    app.advance(days(1)).await;
    assert!(!site.open(&entered).await.ok().html.contains(&format!("{entered}/delete")));
    let page = site.send(&site.open(&empty).await.ok().form(&delete)).await.ok();
    page.must_say("Automation deleted.");
    assert_eq!(site.open(&empty).await.status, 404);
    assert_eq!((app.count("automations").await, app.count("automation_versions").await), (1, 1));
    site.open("/settings/log").await.ok().must_say("deleted the automation");
}
