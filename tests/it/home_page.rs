//! The home page: the getting-started list, the delivery statistics, and what needs attention.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::{Fault, LONG_CODE, Reach, Rule, SERVICE_SID};

use crate::harness::browser::{Browser, Screen};
use crate::harness::fixtures::send_sms;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days};

#[tokio::test(flavor = "multi_thread")]
async fn the_getting_started_list_ticks_itself_until_the_first_message_is_delivered() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let home = site.open("/").await.ok();
    for step in [
        "Getting started",
        "Connect Twilio",
        "Write a template",
        "Add a contact",
        "Switch on an automation",
        "See the first message",
    ] {
        assert!(home.says(step), "{step}");
    }
    assert!(!home.says("(done)") && !home.says("Messages by day"));

    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome.").await;
    app.contact(HANDSET).await;
    app.automation(
        json!({ "type": "event", "name": "signed_up" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    let home = site.open("/").await.ok();
    assert_eq!(home.text().matches("(done)").count(), 4);

    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    let home = site.open("/").await.ok();
    assert!(!home.says("Getting started"), "all steps are done");
    for words in [
        "1 message in 30 days",
        "100.0 % delivered: 1 of 1 message",
        "0 opt-outs",
        "0 in the queue",
        "Messages by day",
    ] {
        assert!(home.says(words), "{words}: {}", home.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_first_step_stays_done() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("signed_up", &twilio, "Welcome.").await;
    let site = app.sign_in().await;
    let ticks = async || site.open("/").await.ok().text().matches("(done)").count();
    assert_eq!(ticks().await, 3, "no contact, and no message yet");
    let pause = json!({ "status": "paused" });
    app.api().patch(&format!("/automations/{automation}"), pause.clone()).await.ok();
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    assert_eq!(ticks().await, 3);

    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": false }))
        .await
        .ok();
    app.api()
        .patch(&format!("/automations/{automation}"), json!({ "status": "active" }))
        .await
        .ok();
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.api().patch(&format!("/automations/{automation}"), pause).await.ok();
    app.run_sql("UPDATE templates SET archived_at = now()").await;
    app.run_sql("DELETE FROM contacts").await;
    assert!(
        !site.open("/").await.ok().says("Getting started"),
        "the list does not come back once it is complete"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_see_which_role_does_the_first_steps() {
    let app = TestApp::start().await;
    let home = app.sign_in_as(Role::Viewer).await.open("/").await.ok();
    home.must_say("An admin does this.");
    home.must_say("A marketer or an admin does this.");
    assert!(
        !home.html.contains(">Connect</a>") && !home.html.contains(">Write</a>"),
        "{}",
        home.html
    );
    assert!(app.sign_in_as(Role::Marketer).await.open("/").await.ok().html.contains(">Write</a>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_counts_the_messages_of_thirty_days_by_outcome() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("signed_up", &twilio, "Welcome.").await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.text(HANDSET, &twilio.sender, "STOP").await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;

    let site = app.sign_in().await;
    let home = site.open("/").await.ok();
    for words in [
        "2 messages in 30 days",
        "50.0 % delivered: 1 of 2 messages",
        "1 opt-out in 30 days",
        "Suppressed",
    ] {
        assert!(home.says(words), "{words}: {}", home.text());
    }
    app.advance(days(31)).await;
    let later = app.sign_in_as(Role::Viewer).await;
    let home = later.open("/").await.ok();
    for words in
        ["0 messages in 30 days", "0 opt-outs in 30 days", "Nothing was sent in the last 30 days"]
    {
        assert!(home.says(words), "{words}: {}", home.text());
    }
    app.event("signed_up", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert!(later.open("/").await.ok().says("1 message in 30 days"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_home_page_shows_when_the_queue_will_be_empty_unless_its_sender_is_off() {
    let app = TestApp::start().await;
    let twilio = app.connect_throttled(LONG_CODE).await;
    app.sms_on("signed_up", &twilio, "Welcome.").await;
    for _ in 0..4 {
        app.event("signed_up", HANDSET, json!({})).await;
    }
    app.run_until_idle().await;
    let waiting = app.count("queued_sends WHERE released_at IS NULL").await;
    assert!(waiting > 0, "the rate is one part per second");
    let site = app.sign_in().await;
    let (sender, connection) = (
        format!("/senders/{}", twilio.sender_id),
        format!("/connections/{}", twilio.connection_id),
    );
    site.open("/").await.ok().must_say(&format!("{waiting} in the queue, empty at "));
    site.open(&connection).await.ok().must_say("The last goes in ");

    // The page of the connection shows the same, whichever of the two is disabled.
    for (path, off) in [(&sender, "the sender"), (&connection, "the connection")] {
        app.api().patch(path, json!({ "disabled": true })).await.ok();
        let home = site.open("/").await.ok();
        home.must_say(&format!("{waiting} in the queue, standing still"));
        assert!(!home.says("empty at"), "{}", home.text());
        site.open(&connection).await.ok().must_say(&format!("stand still until {off} is enabled"));
        app.api().patch(path, json!({ "disabled": false })).await.ok();
    }
    site.open("/").await.ok().must_say("in the queue, empty at ");
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_a_service_are_in_the_queue_without_an_end_time() {
    let app = TestApp::start().await;
    let (number, service) =
        (app.connect_throttled(LONG_CODE).await, app.connect_throttled(SERVICE_SID).await);
    app.sms_on("signed_up", &service, "Welcome.").await;
    app.sms_on("ordered", &number, "Thank you.").await;
    app.simulator.inject(Rule::next(1, Fault::TooManyRequests).reaching(Reach::Sends));
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["pending"], "Twilio was too busy for it");
    let site = app.sign_in().await;
    let home = site.open("/").await.ok();
    home.must_say("1 in the queue");
    assert!(!home.says("empty at") && !home.says("standing still"), "{}", home.text());
    assert!(home.html.contains("/messages?outcome=pending"));
    site.open("/messages?outcome=pending").await.ok().must_say("Welcome.");

    for _ in 0..4 {
        app.event("ordered", OTHER_HANDSET, json!({})).await;
    }
    app.run_until_idle().await;
    let waiting = app.count("messages WHERE status = 'pending'").await;
    app.api()
        .patch(&format!("/senders/{}", service.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    site.open("/").await.ok().must_say(&format!(
        "{waiting} in the queue, 1 of them standing still, the others gone at "
    ));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_attention_is_shown_with_a_link() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let site = app.sign_in().await;
    assert!(!site.open("/").await.ok().says("Needs attention"));

    let hook = format!("{}/hooks/twilio/{}/inbound", app.url, twilio.connection_id);
    assert_eq!(app.http.post(&hook).form(&[("Body", "hi")]).send().await.unwrap().status(), 403);
    app.run_sql("UPDATE senders SET webhook_error = 'Twilio refused it.'").await;
    let home = site.open("/").await.ok();
    for words in [
        "Needs attention",
        "was rejected within the last day",
        "are not reported here: a STOP is found late",
    ] {
        assert!(home.says(words), "{words}: {}", home.text());
    }
    assert!(home.html.contains(&format!("/connections/{}", twilio.connection_id)));
    app.advance(days(2)).await;
    assert!(
        !app.sign_in_as(Role::Viewer)
            .await
            .open("/")
            .await
            .ok()
            .says("was rejected within the last day")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_steps_lead_to_a_chart_with_a_table_of_its_numbers() {
    let app = TestApp::with_worker().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.follow("Connect").await;
    assert_eq!(browser.path().await, "/connections");
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome.").await;
    app.automation(
        json!({ "type": "event", "name": "signed_up" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    browser.go(&app.url).await;
    assert_eq!(browser.run("return document.querySelectorAll('.steps .done').length").await, 3);
    app.event("signed_up", HANDSET, json!({})).await;
    app.eventually("the message is delivered", async || {
        (app.statuses_to(HANDSET).await == ["delivered"]).then_some(())
    })
    .await;

    // The chart is drawn in either colour scheme, and a key press shows the numbers.
    for screen in [Screen::Wide, Screen::Phone] {
        browser.set_screen(screen).await;
        browser.reload_until_says(&app.url, "message in 30 days").await;
        let drawn = "const canvas = document.querySelector('figure.chart canvas');
                     return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value > 0)";
        assert_eq!(browser.run(drawn).await, true, "{screen:?}");
        let shown = "return document.getElementById('by-day-numbers').checkVisibility()";
        assert_eq!(browser.run(shown).await, false, "{screen:?}");
        browser.run("document.querySelector('details.numbers summary').focus()").await;
        browser.type_keys("\u{e007}").await;
        assert_eq!(browser.run(shown).await, true, "{screen:?}");
    }
}
