//! The home page: the getting-started list, the figures of a period against the one before, recent
//! replies, what to do next, and what needs the user.

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
        "See its first message delivered",
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

    // A test message shows nothing of the automation: the last step stays open.
    let message = json!({ "to": HANDSET, "body": "A test.", "sender_id": twilio.sender_id });
    app.api().post("/messages", message).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered"]);
    let home = site.open("/").await.ok();
    home.must_say("See its first message delivered");
    assert_eq!(home.text().matches("(done)").count(), 4);

    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    assert_eq!(app.statuses_to(HANDSET).await, ["delivered", "delivered"]);
    let home = site.open("/").await.ok();
    assert!(!home.says("Getting started"), "all steps are done");
    for words in
        ["Messages 2", "Delivered 100.0 % 2 of 2", "Opt-outs 0", "Waiting now 0", "Messages by day"]
    {
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
    home.must_say("An admin does this");
    home.must_say("A marketer or an admin does this");
    assert!(
        !home.html.contains(">Connect Twilio</a>") && !home.html.contains(">Write template</a>"),
        "{}",
        home.html
    );
    let home = app.sign_in_as(Role::Marketer).await.open("/").await.ok();
    assert!(home.html.contains(">Write template</a>"));
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
    for words in ["Messages 2", "Delivered 50.0 % 1 of 2", "Replies 1", "Opt-outs 1", "Suppressed"]
    {
        assert!(home.says(words), "{words}: {}", home.text());
    }
    app.advance(days(31)).await;
    let later = app.sign_in_as(Role::Viewer).await;
    let home = later.open("/").await.ok();
    for words in [
        "Messages 0 2 before",
        "Replies 0 1 before",
        "Opt-outs 0 1 before",
        "No messages in the last 30 days",
    ] {
        assert!(home.says(words), "{words}: {}", home.text());
    }
    app.event("signed_up", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    later.open("/").await.ok().must_say("Messages 1");
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
    let senders = format!("{connection}/senders");
    site.open("/").await.ok().must_say(&format!("Waiting now {waiting} Gone at "));
    site.open(&senders).await.ok().must_say("The last one goes in ");

    // The page of its senders shows the same, whichever of the two is disabled.
    for (path, off) in [(&sender, "the sender"), (&connection, "the connection")] {
        app.api().patch(path, json!({ "disabled": true })).await.ok();
        let home = site.open("/").await.ok();
        home.must_say(&format!("Waiting now {waiting} All held: sender is off"));
        assert!(!home.says("Gone at"), "{}", home.text());
        site.open(&senders).await.ok().must_say(&format!("Enable {off} to send them"));
        app.api().patch(path, json!({ "disabled": false })).await.ok();
    }
    site.open("/").await.ok().must_say("Gone at ");
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
    home.must_say("Waiting now 1");
    assert!(!home.says("one at ") && !home.says("held"), "{}", home.text());
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
    site.open("/")
        .await
        .ok()
        .must_say(&format!("Waiting now {waiting} 1 held: sender is off, the others gone at "));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_needs_attention_is_shown_with_a_link() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let site = app.sign_in().await;
    assert!(!site.open("/").await.ok().says("Needs you"));

    let hook = format!("{}/hooks/twilio/{}/inbound", app.url, twilio.connection_id);
    assert_eq!(app.http.post(&hook).form(&[("Body", "hi")]).send().await.unwrap().status(), 403);
    app.run_sql("UPDATE senders SET webhook_error = 'Twilio refused it.'").await;
    let home = site.open("/").await.ok();
    for words in [
        "Needs you 2",
        "Carillon rejected a webhook of",
        "Twilio reports them elsewhere, a STOP too.",
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
            .says("Carillon rejected a webhook")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_steps_lead_to_a_chart_with_a_table_of_its_numbers() {
    let app = TestApp::with_worker().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.follow("Connect Twilio").await;
    assert_eq!(browser.path().await, "/connections/new");
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

    // The chart is in the page, and a key press shows the numbers.
    for screen in [Screen::Wide, Screen::Phone] {
        browser.set_screen(screen).await;
        browser.reload_until_says(&app.url, "1 of 1").await;
        let drawn = "const bar = document.querySelector('.chart-frame rect.of-delivered');
                     return bar.getBoundingClientRect().height > 100";
        assert_eq!(browser.run(drawn).await, true, "{screen:?}");
        let shown = "return document.getElementById('by-day-numbers').checkVisibility()";
        assert_eq!(browser.run(shown).await, false, "{screen:?}");
        browser.run("document.querySelector('details.numbers summary').focus()").await;
        browser.type_keys("\u{e007}").await;
        assert_eq!(browser.run(shown).await, true, "{screen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_are_compared_with_the_period_before() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("signed_up", &twilio, "Welcome.").await;
    let send = async |count: usize| {
        for _ in 0..count {
            app.event("signed_up", HANDSET, json!({})).await;
        }
        app.run_until_idle().await;
    };
    send(2).await;
    app.text(HANDSET, &twilio.sender, "Thank you").await;
    let site = app.sign_in().await;
    assert!(!site.open("/").await.ok().says("Compared with"), "there was nothing before");
    app.advance(days(7)).await;
    send(3).await;

    let site = app.sign_in_as(Role::Viewer).await;
    let week = site.open("/?days=7").await.ok();
    for words in [
        "Compared with 8 to 14 Nov",
        "Messages 3 50.0 % more",
        "Delivered 100.0 % Same as before 3 of 3",
        "Replies 0 1 before",
    ] {
        week.must_say(words);
    }
    assert!(week.html.contains("href=\"/?days=7\" aria-current=\"true\""), "{}", week.html);
    let month = site.open("/").await.ok();
    month.must_say("Messages 5");
    assert!(!month.says("Compared with"), "{}", month.text());
    for days in ["8", "-1", "x"] {
        site.open(&format!("/?days={days}")).await.ok().must_say("Messages 5");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recent_replies_lead_to_their_contacts() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    app.sms_on("signed_up", &twilio, "Welcome.").await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    site.open("/").await.ok().must_say("No replies yet.");
    for text in ["First question", "Second question"] {
        app.text(HANDSET, &twilio.sender, text).await;
        app.clock.advance(chrono::TimeDelta::minutes(3));
    }
    let home = site.open("/").await.ok();
    home.must_say("+1 206 555 0111 3 min Second question");
    home.must_say("+1 206 555 0111 6 min First question");
    let contact = app.contact_of(HANDSET).await["id"].as_str().unwrap().to_owned();
    assert!(home.html.contains(&format!("href=\"/contacts/{contact}\"")), "{}", home.html);
    let day = app.clock.now().date_naive();
    let answer = app.api().get(&format!("/messages?direction=inbound&to_day={day}")).await.ok();
    assert_eq!(answer["data"].as_array().unwrap().len(), 2, "as many as Home counts");
    home.must_say("Replies 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn home_suggests_what_to_do_next() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let automation = app.sms_on("signed_up", &twilio, "Welcome.").await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let site = app.sign_in_as(Role::Marketer).await;
    site.open("/").await.ok().must_say("Try next Welcome");
    let pause = json!({ "status": "paused" });
    app.api().patch(&format!("/automations/{automation}"), pause).await.ok();
    site.open("/").await.ok().must_say("All automations are paused");
    assert!(!app.sign_in_as(Role::Viewer).await.open("/").await.ok().says("Try next"));
}
