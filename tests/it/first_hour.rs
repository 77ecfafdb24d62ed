//! The first hour of a new installation: what a new user meets between the set-up page and the
//! first delivered message.

use carillon::users::{Role, setup};
use serde_json::json;
use twilio_simulator as twilio;

use crate::harness::api_client::description;
use crate::harness::browser::Browser;
use crate::harness::fixtures::{PASSWORD, send_sms};
use crate::harness::scriptless_browser::Form;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn the_set_up_page_reports_all_errors_at_once_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    setup::code_if_no_users(&mut *app.conn().await, app.clock.now()).await.unwrap().unwrap();
    let site = app.site();
    let form = site.open("/setup").await.ok().form("/setup");
    let form = form
        .with("code", "AAAA-AAAA-AAAA")
        .with("name", "Ada")
        .with("email", "ada")
        .with("password", PASSWORD)
        .with("default_country", "IN")
        .with("time_zone", "Asia/Calcutta");
    let refused = site.send(&form).await;
    assert_eq!(refused.status, 422);
    for words in [
        "This code is wrong.",
        "Enter an email address such as",
        "Enter a name of up to 100 characters.",
        "Enter it again.",
    ] {
        refused.must_say(words);
    }
    let kept = refused.form("/setup");
    for (field, value) in [
        ("code", "AAAA-AAAA-AAAA"),
        ("name", "Ada"),
        ("email", "ada"),
        ("default_country", "IN"),
        ("time_zone", "Asia/Calcutta"),
        ("password", ""),
    ] {
        assert_eq!(kept.value(field), Some(value), "{field}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_zone_is_the_one_of_the_browser_until_the_user_chooses_another() {
    let app = TestApp::start().await;
    let code =
        setup::code_if_no_users(&mut *app.conn().await, app.clock.now()).await.unwrap().unwrap();
    let browser = Browser::open().await;
    browser.set_time_zone("Asia/Kolkata").await;
    browser.go(&format!("{}/setup", app.url)).await;
    // Chromium knows this zone by its old name.
    let zone = browser.value("time_zone").await;
    assert!(["Asia/Kolkata", "Asia/Calcutta"].contains(&zone.as_str()), "{zone}");

    // A zone that the user has chosen is kept when the form comes back.
    browser.run("document.querySelector('form').noValidate = true").await;
    browser.choose("time_zone", "Europe/Berlin").await;
    browser.press("Create organization").await;
    browser.must_say("Enter the set-up code from the log.").await;
    assert_eq!(browser.value("time_zone").await, "Europe/Berlin");

    browser.go(&format!("{}/setup", app.url)).await;
    browser.fill("code", code.expose()).await;
    browser.fill("name", "Ada").await;
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.fill("organization", "Bells").await;
    browser.press("Create organization").await;
    browser.must_say("Good ").await;
    assert_eq!(app.texts("SELECT time_zone AS text FROM organization").await, [zone]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_sender_keeps_the_keys_and_offers_the_numbers_of_the_account() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let form = site.open("/connections/new").await.ok().form("/connections");
    assert_eq!(form.value("method"), Some("api_key"), "Twilio recommends API keys");
    let form = form
        .with("account_sid", twilio::ACCOUNT_SID)
        .with("api_key_sid", twilio::API_KEY_SID)
        .with("api_key_secret", twilio::API_KEY_SECRET)
        .with("name", "Shop");

    // Wrong keys are not saved, whatever the sender.
    let wrong = form.clone().with("api_key_secret", "wrong").with("sender", "0500 5550006");
    let refused = site.send(&wrong).await;
    assert_eq!((refused.status, app.count("connections").await), (422, 0));
    for field in ["sender-error", "api_key_secret-error"] {
        assert!(refused.html.contains(field), "{field}: {}", refused.text());
    }

    for (index, (sender, reason)) in
        [("0500 5550006", "country code"), ("+12065550177", "is not in this Twilio account")]
            .into_iter()
            .enumerate()
    {
        let page = site.send(&form.clone().with("sender", sender)).await.ok();
        assert!(page.path.contains("/senders/new?"), "{index}: {}", page.path);
        page.must_say("“Shop” is connected, but without a sender.");
        page.must_say(reason);
        assert!(!page.html.contains(twilio::API_KEY_SECRET));
        let action = page.path.split("/new?").next().unwrap().to_owned();
        let choose = page.form(&action);
        assert_eq!(choose.value("sender"), Some(sender), "the typed sender can be corrected");
        assert!(page.html.contains(&format!("value=\"{}\"", twilio::LONG_CODE)));
        let choose = choose.with("sender", "").and("chosen", twilio::LONG_CODE);
        site.send(&choose).await.ok().must_say("(+1 500 555 0006) added");
        assert_eq!(app.count("senders").await, 1);
        app.run_sql("DELETE FROM senders").await;
        app.run_sql("DELETE FROM connections").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_sender_leads_to_a_template_and_the_only_sender_is_chosen_everywhere() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let form = site.open("/connections/new").await.ok().form("/connections");
    let form = form
        .with("account_sid", twilio::ACCOUNT_SID)
        .with("auth_token", twilio::AUTH_TOKEN)
        .with("sender", twilio::LONG_CODE);
    let connected = site.send(&form).await.ok();
    connected.must_say("Next: write a template");
    let sender = app.texts("SELECT id::text AS text FROM senders").await.remove(0);
    let test = site.open(&format!("{}/test", connected.path)).await.ok();
    let test = test.form(&format!("{}/test-message", connected.path));
    assert_eq!(test.value("sender_id"), Some(sender.as_str()));

    let write = site.open("/templates/new").await.ok();
    let form = write.forms().into_iter().find(|form| form.value("body").is_some()).unwrap();
    assert_eq!(form.value("sender_id"), Some(sender.as_str()), "the sender of a test message");
    site.send(&form.with("name", "Welcome").with("body", "Welcome!")).await.ok();
    assert!(!site.open(&connected.path).await.ok().says("Next: write a template"));

    let form = site.open("/automations/new").await.ok().form("/automations/new");
    assert_eq!(form.value("steps.0.sender_id"), Some(sender.as_str()));
    let form = site.send(&form.pressing("do", "add_sms")).await.ok().form("/automations/new");
    assert_eq!(form.value("steps.1.sender_id"), Some(sender.as_str()));

    // With two senders, the user chooses.
    app.connect_sender(twilio::TOLL_FREE).await;
    let form = site.open("/automations/new").await.ok().form("/automations/new");
    assert_eq!(form.value("steps.0.sender_id"), Some(""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_automation_can_be_tried_before_there_is_a_contact() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    app.connect_twilio().await;
    let template = app.template("Hi {{ contact.first_name }}, {{ event.total }} euros.").await;
    let form = site.open("/automations/new").await.ok().form("/automations/new");
    let form = form.with("trigger.name", "order").with("steps.0.template_id", &template);
    let page = site.send(&form.pressing("do", "try")).await.ok();
    page.must_say("Hi Alex, total euros.");
    assert_eq!(page.form("/automations/new").value("try.contact_id"), Some("made_up"));

    // A real contact takes its place, and it can be chosen again.
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" })).await.ok();
    let form = page.form("/automations/new");
    let page = site.send(&form.with("try.find", "Ada").pressing("do", "try")).await.ok();
    page.must_say("Hi Ada, total euros.");
    let form = page.form("/automations/new").with("try.find", "");
    let page = site.send(&form.with("try.contact_id", "made_up").pressing("do", "try")).await.ok();
    page.must_say("Hi Alex, total euros.");
    assert_eq!(app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_starts_an_active_automation_like_a_reported_one() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Thanks for {{ event.total }} euros.").await;
    let trigger = json!(
        { "type": "event", "name": "order", "where": { "total": { "op": "gte", "value": 100 } } }
    );
    let automation = app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    let site = app.sign_in().await;
    let page = site.open(&format!("/automations/{automation}")).await.ok();
    for words in ["Send test event", "/api/v1/events", "YOUR_API_KEY", "\"total\": 100"] {
        page.must_say(words);
    }
    let path = format!("/automations/{automation}/test-event");
    assert!(page.html.contains(&format!("href=\"{path}\"")));

    // Properties that do not start it, and a wrong number, change nothing.
    let form = site.open(&path).await.ok().form(&path).with("to", HANDSET);
    for (field, value, words) in [
        ("to", "206", "country code"),
        ("event", "{\"total\": 20}", "Won’t start it. Required: total is at least 100."),
        ("event", "{total}", "This is not JSON"),
    ] {
        let refused = site.send(&form.clone().with(field, value)).await;
        assert_eq!(refused.status, 422, "{value}");
        refused.must_say(words);
        assert_eq!(refused.form(&path).value(field), Some(value));
    }
    assert_eq!((app.count("events").await, app.count("contacts").await), (0, 0));

    // Submitting it twice reports one event, which is marked as a test.
    let page = site.send(&form).await.ok();
    assert!(page.path.starts_with("/enrollments/"), "{}", page.path);
    site.send(&form).await.ok().must_say("This test event was already sent. It counts once.");
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET), ["Thanks for 100 euros."]);
    assert_eq!(
        app.texts("SELECT left(client_id, 5) AS text FROM events").await,
        ["test-"],
        "one event"
    );
    let form = site.open(&path).await.ok().form(&path);
    assert_eq!(form.value("to"), Some("+1 206 555 0111"), "the number is remembered");

    app.api()
        .patch(&format!("/automations/{automation}"), json!({ "status": "paused" }))
        .await
        .ok();
    let page = site.open(&path).await.ok();
    assert_eq!(page.path, format!("/automations/{automation}"));
    page.must_say("Only an active automation with an event as trigger takes test events.");
    assert!(!page.says("Start it") && !page.says("YOUR_API_KEY"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_event_replaces_the_made_up_number_wherever_a_step_reads_one() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("For you.").await;
    let step = json!(
        {
            "type": "send_sms",
            "template_id": template,
            "sender_id": twilio.sender_id,
            "to": "event.recipient.phone"
        }
    );
    let automation =
        app.automation(json!({ "type": "event", "name": "gift" }), json!([step])).await;
    let site = app.sign_in().await;
    let path = format!("/automations/{automation}/test-event");
    site.send(&site.open(&path).await.ok().form(&path).with("to", OTHER_HANDSET)).await.ok();
    app.run_until_idle().await;
    assert_eq!(app.received(OTHER_HANDSET), ["For you."]);
}

#[tokio::test(flavor = "multi_thread")]
async fn automations_without_an_event_say_how_they_are_started() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let steps = json!([send_sms(&template, &twilio)]);
    let tagged = app.automation(json!({ "type": "tag_added", "tag": "VIP" }), steps.clone()).await;
    let created = app.automation(json!({ "type": "contact_created" }), steps).await;
    let site = app.sign_in().await;
    for (automation, words) in [
        (&tagged, "It starts when a contact gets the tag"),
        (&tagged, "\"tags\":[\"VIP\"]"),
        (&created, "It starts when a contact is created"),
    ] {
        let page = site.open(&format!("/automations/{automation}")).await.ok();
        page.must_say(words);
        assert!(!page.says("Send test event"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_api_key_comes_with_a_command_its_base_url_and_the_reference() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let form = site.open("/settings/keys/new").await.ok().form("/settings/keys/new");
    for (role, call) in [("marketer", "/events'"), ("viewer", "/messages'")] {
        let form = form.clone().with("name", role).with("role", role);
        let page = site.send(&form).await.ok();
        page.must_say(&format!("Base URL {}/api/v1", app.url));
        page.must_say(&format!("curl '{}/api/v1{call}", app.url));
        page.must_say("-H 'Authorization: Bearer ck_");
        assert!(page.html.contains("href=\"/api\""));
    }
    site.open("/api").await.ok().must_say("API reference");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_reference_shows_every_call_to_users_and_leaves_the_api_alone() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    assert!(app.site().open("/api").await.path.starts_with("/login"));
    let page = app.sign_in_as(Role::Viewer).await.open("/api").await.ok();
    for words in [
        "POST /events Records an event, or up to 1,000, and starts the automations that they",
        "PUT /contacts/by-phone/{phone}",
        "Idempotency-Key in the header",
        "page of Message",
        "-d '{\"name\":\"VIP\"}'",
        "The role of the API key does not allow this",
    ] {
        page.must_say(words);
    }
    for operation in description()["paths"].as_object().unwrap().values() {
        for described in operation.as_object().unwrap().values() {
            let id = described["operationId"].as_str().unwrap();
            assert!(page.html.contains(&format!("id=\"{id}\"")), "{id}");
        }
    }

    // Below it, the API answers as before.
    for path in ["/api/", "/api/v2", "/api/v1/nothing"] {
        let answer = app.http.get(format!("{}{path}", app.url)).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/json", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sign_in_page_says_who_helps_with_a_forgotten_password() {
    let app = TestApp::start().await;
    app.user("ada@example.com", Role::Admin).await;
    let stranger = app.site();
    let page = stranger.open("/login").await.ok();
    page.must_say("Forgot password?");
    assert!(page.html.contains("href=\"/login/forgot\""));
    let page = stranger.open("/login/forgot").await.ok();
    page.must_say("Ask an admin for a link");
    page.must_say("carillon user create --email you@example.com --role admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_starter_becomes_a_draft_with_its_templates_that_only_needs_switching_on() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let site = app.sign_in_as(Role::Marketer).await;
    let list = site.open("/automations").await.ok();
    assert!(list.html.contains("href=\"/automations/starters\""));
    let page = site.open("/automations/starters").await.ok();
    for words in ["Welcome", "Order thanks", "Cart reminder", "Win-back", "Review request"] {
        page.must_say(&format!("Use {words}"));
    }
    page.must_say("Start from scratch");
    page.must_say("Thank you for your order 1001, Alex!");
    let forms: Vec<Form> =
        page.forms().into_iter().filter(|form| form.action() == "/automations/starters").collect();
    assert_eq!(forms.len(), 5);

    // Each one twice: names are made unique.
    for form in forms.iter().chain(&forms) {
        let draft = site.send(form).await.ok();
        draft.must_say("Draft created, with its texts as templates.");
        let edit = draft.form(&draft.path);
        let saved = site.send(&edit.pressing("do", "activate")).await.ok();
        assert!(saved.path.ends_with("/activate"), "{}: {}", saved.path, saved.text());
        site.send(&saved.form(&saved.path)).await.ok().must_say("Automation switched on.");
    }
    let names = app.texts("SELECT name AS text FROM automations ORDER BY name").await;
    assert_eq!(names[..2], ["Cart reminder", "Cart reminder 2"]);
    assert_eq!((names.len(), app.count("templates").await), (10, 12));

    // The texts are complete with and without what the event tells.
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ada" })).await.ok();
    app.event("order_completed", HANDSET, json!({ "order_id": "A-1" })).await;
    app.event("order_completed", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let texts = [app.received(HANDSET), app.received(OTHER_HANDSET)].concat();
    for beginning in [
        "Hi Ada, welcome to ",
        "Hi there, welcome to ",
        "Thank you for your order A-1, Ada! ",
        "Thank you for your order, friend! ",
    ] {
        let found = texts.iter().filter(|text| text.starts_with(beginning)).count();
        assert_eq!(found, 2, "{beginning}: {texts:#?}");
    }

    let unknown = forms[0].clone().with("starter", "unknown");
    site.send(&unknown).await.ok().must_say("Choose one of these.");
    assert_eq!(app.count("automations").await, 10);
}
