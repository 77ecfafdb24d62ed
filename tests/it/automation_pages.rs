//! The pages of an automation: dry runs, the contacts at each step, and the effects of pausing and
//! activating.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::fixtures::{Twilio, send_sms, wait};
use crate::harness::scriptless_browser::Page;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp, days, hours};

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_every_step_with_its_text_and_time_and_sends_nothing() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let (first, second) = (
        app.template("Thank you for {{ event.total }} euros.").await,
        app.template("Come back, {{ contact.first_name }}.").await,
    );
    let trigger = json!(
        { "type": "event", "name": "order", "where": { "total": { "op": "gte", "value": 100 } } }
    );
    let automation = app
        .automation(
            trigger,
            json!([send_sms(&first, &twilio), wait(86_400), send_sms(&second, &twilio)]),
        )
        .await;
    let site = app.sign_in().await;
    let trying = format!("/automations/{automation}/try");
    // Without contacts, it is tried with a made-up one.
    let page = site.open(&trying).await.ok();
    for words in ["Thank you for 100 euros.", "Come back, Alex.", "To +1 415 555 0100"] {
        page.must_say(words);
    }

    app.api()
        .post(
            "/contacts",
            json!({ "phone": HANDSET, "first_name": "Ada", "last_name": "Lovelace" }),
        )
        .await
        .ok();
    app.contact(OTHER_HANDSET).await;
    let page = site.open(&format!("{trying}?find=Ada")).await.ok();
    page.must_say("The trigger fits. This event is made up.");
    page.must_say("Thank you for 100 euros.");
    app.event("order", HANDSET, json!({ "total": 250 })).await;
    app.run_until_idle().await;
    app.event("order", HANDSET, json!({ "total": 5 })).await;
    let sent = app.received(HANDSET).len();

    let page = site.open(&format!("{trying}?find=Ada")).await.ok();
    for words in [
        "The trigger fits.",
        "Ada Lovelace would get 2 texts",
        "Thank you for 250 euros.",
        "Wait 1 day",
        "Come back, Ada.",
        "nothing is sent or saved",
    ] {
        page.must_say(words);
    }
    let small = app.texts("SELECT id::text AS text FROM events ORDER BY id DESC").await[0].clone();
    let page = site.open(&format!("{trying}?find=Ada&event_id={small}")).await.ok();
    page.must_say("Ada Lovelace would not enter");
    page.must_say("Required: total is at least 100.");
    page.must_say("Thank you for 5 euros.");
    site.open(&format!("{trying}?find=Nobody"))
        .await
        .ok()
        .must_say("No contact matches. Enter a name, number or email.");

    app.text(HANDSET, LONG_CODE, "STOP").await;
    let page = site.open(&format!("{trying}?find=Ada")).await.ok();
    page.must_say("Suppressed");
    page.must_say("Ada Lovelace would get no text");
    assert_eq!(app.received(HANDSET).len(), sent, "a dry run sends nothing");
    assert_eq!(app.count("enrollments").await, 1, "a dry run enrolls no contact");
}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_event_a_dry_run_uses_a_handwritten_one() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template =
        app.template("Thank you for {{ event.total }} euros, {{ event.customer.name }}.").await;
    let trigger = json!(
        { "type": "event", "name": "order", "where": { "total": { "op": "gte", "value": 100 } } }
    );
    let automation = app.automation(trigger, json!([send_sms(&template, &twilio)])).await;
    app.contact(HANDSET).await;
    let site = app.sign_in().await;

    let with = |event: &str| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("event_id", "written")
            .append_pair("event", event)
            .finish();
        format!("/automations/{automation}/try?{query}")
    };
    let page = site.open(&with("")).await.ok();
    assert!(
        page.html.contains("&quot;total&quot;: 100"),
        "the handwritten event starts with the properties of the conditions: {}",
        page.html
    );
    page.must_say("Thank you for 100 euros, name.");
    let page = site.open(&with(r#"{"total": 7.5, "customer": {"name": "Ada"}}"#)).await.ok();
    page.must_say("Required: total is at least 100.");
    page.must_say("Thank you for 7.5 euros, Ada.");
    site.open(&with(r#"{"total": 200}"#)).await.ok().must_say("event.customer.name is not set");
    let page = site.open(&with("{total}")).await.ok();
    page.must_say("This is not JSON: ");
    page.must_say("No result yet.");
    assert!(
        page.html.contains("aria-invalid=\"true\" aria-describedby=\"event-help event-error\""),
        "{}",
        page.html
    );

    // In the editor, a sample event follows the conditions; a handwritten event stays unchanged.
    let edit = format!("/automations/{automation}/edit");
    let form = site.open(&edit).await.ok().form(&edit).pressing("do", "try");
    let page = site.send(&form).await.ok();
    page.must_say("Thank you for 100 euros, name.");
    let form = page.form(&edit).with("trigger.where.0.value", "300").pressing("do", "try");
    assert_eq!(form.value("try.event_id"), Some("sample"));
    let page = site.send(&form).await.ok();
    page.must_say("Thank you for 300 euros, name.");
    let form = page
        .form(&edit)
        .with("try.event_id", "written")
        .with("try.event", r#"{"total": 301, "customer": {"name": "Bo"}}"#);
    let page = site.send(&form.pressing("do", "try")).await.ok();
    page.must_say("Thank you for 301 euros, Bo.");
    let page = site.send(&page.form(&edit).pressing("do", "add_wait")).await.ok();
    let page = site.send(&page.form(&edit).pressing("do", "try")).await.ok();
    page.must_say("Thank you for 301 euros, Bo.");
    let page = site
        .send(&page.form(&edit).with("trigger.where.0.value", "400").pressing("do", "try"))
        .await
        .ok();
    page.must_say("Required: total is at least 400.");
    let page = site.send(&page.form(&edit).with("try.event", "[301]").pressing("do", "try")).await;
    assert_eq!(page.status, 422);
    page.must_say("Write the properties as a JSON object");
    assert_eq!(page.form(&edit).value("try.event"), Some("[301]"));
    assert!(
        app.received(HANDSET).is_empty()
            && app.count("events").await == 0
            && app.count("automation_versions").await == 1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_shows_how_many_contacts_wait_and_have_passed() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let steps = json!([send_sms(&template, &twilio), wait(3_600), send_sms(&template, &twilio)]);
    let automation = app.automation(json!({ "type": "event", "name": "hello" }), steps).await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.advance(hours(2)).await;
    app.event("hello", OTHER_HANDSET, json!({})).await;
    app.run_until_idle().await;
    let site = app.sign_in().await;
    let page = site.open(&format!("/automations/{automation}")).await.ok();
    let text = page.text();
    let at = |step: &str| {
        let from = text.find(step).unwrap_or_else(|| panic!("{step}: {text}"));
        text[from..].split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert!(
        at("Step 1: Send").contains(
            "2 sent 2 delivered 0 not delivered 0 suppressed 0 waiting Step 2: Wait 1 hour 1 \
             waiting 1 passed Step 3: Send"
        ),
        "{text}"
    );
    assert!(
        at("Step 3: Send").contains("1 sent 1 delivered 0 not delivered 0 suppressed 0 waiting"),
        "{text}"
    );

    let list = format!("/automations/{automation}/enrollments");
    let all = site.open(&list).await.ok();
    all.must_say("Inside");
    all.must_say("Finished");
    let one = site.open(&format!("{list}?q={}&status=active", &OTHER_HANDSET[8..])).await.ok();
    assert!(
        one.says("step 3")
            && !one
                .html
                .contains(&app.contact_of(HANDSET).await["id"].as_str().unwrap().to_owned()),
        "{}",
        one.text()
    );
    site.open(&format!("{list}?status=failed"))
        .await
        .ok()
        .must_say("No enrollment matches these filters.");
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_in_a_former_version_are_still_shown() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let automation = app
        .automation(
            json!({ "type": "event", "name": "hello" }),
            json!([wait(3_600), send_sms(&template, &twilio)]),
        )
        .await;
    for phone in [HANDSET, OTHER_HANDSET] {
        app.event("hello", phone, json!({})).await;
    }
    let path = format!("/automations/{automation}");
    let longer = json!([wait(7_200), send_sms(&template, &twilio)]);
    app.api().patch(&path, json!({ "steps": longer })).await.ok();
    app.event("hello", HANDSET, json!({})).await;
    let site = app.sign_in().await;
    let page = site.open(&path).await.ok();
    page.must_say("1 waiting 0 passed Step 2: Send");
    page.must_say("2 go on in version 1");
    page.must_say("Inside 3 ");
    let former = format!("{path}/enrollments?status=active&version=1");
    assert!(page.html.contains(&former.replace('&', "&amp;")), "{}", page.html);
    let list = site.open(&former).await.ok();
    assert_eq!(list.text().matches("step 2 of version 1").count(), 2, "{}", list.text());
    assert!(!list.says("of version 2"), "{}", list.text());
    let searched =
        site.open(&format!("{path}/enrollments?version=2&q={}", &HANDSET[8..])).await.ok();
    assert!(searched.says("of version 2") && !searched.says("of version 1"), "{}", searched.text());

    app.advance(hours(1)).await;
    app.run_until_idle().await;
    let page = site.open(&path).await.ok();
    assert!(!page.says("go on in version"), "{}", page.text());
    site.open(&former).await.ok().must_say("No enrollment matches these filters.");
}

/// Creates an automation that waits before it sends, and enrolls two contacts.
async fn with_two_enrolled(app: &TestApp) -> (Twilio, String) {
    let twilio = app.connect_twilio().await;
    let template = app.template("Hello.").await;
    let steps = json!([wait(3_600), send_sms(&template, &twilio)]);
    let automation = app.automation(json!({ "type": "event", "name": "hello" }), steps).await;
    for phone in [HANDSET, OTHER_HANDSET] {
        app.event("hello", phone, json!({})).await;
    }
    (twilio, automation)
}

#[tokio::test(flavor = "multi_thread")]
async fn pausing_and_activating_first_show_how_many_contacts_are_affected() {
    let app = TestApp::start().await;
    let (twilio, automation) = with_two_enrolled(&app).await;
    let site = app.sign_in().await;
    let (path, pause, activate) = (
        format!("/automations/{automation}"),
        format!("/automations/{automation}/pause"),
        format!("/automations/{automation}/activate"),
    );
    let confirmation = site.open(&pause).await.ok();
    confirmation.must_say("2 contacts inside wait");
    let paused = site.send(&confirmation.form(&pause)).await.ok();
    assert_eq!(paused.path, path);
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    let confirmation = site.open(&activate).await.ok();
    confirmation.must_say("2 contacts inside continue where they stopped");
    confirmation.must_say("can’t send now");
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": false }))
        .await
        .ok();
    site.send(&confirmation.form(&activate)).await.ok().must_say("Automation switched on.");
    assert_eq!(
        site.open(&activate).await.ok().path,
        path,
        "an active automation cannot be activated again"
    );
    app.advance(days(1)).await;
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn activating_from_the_editor_first_shows_how_many_contacts_go_on() {
    let app = TestApp::start().await;
    let (twilio, automation) = with_two_enrolled(&app).await;
    let (path, edit) =
        (format!("/automations/{automation}"), format!("/automations/{automation}/edit"));
    app.api().patch(&path, json!({ "status": "paused" })).await.ok();
    let site = app.sign_in().await;
    let page = site.open(&edit).await.ok();
    page.must_say("Save and switch on…");
    let form = page.form(&edit).with("name", "Hello again").with("steps.0.seconds", "2");

    let confirmation = site.send(&form.clone().pressing("do", "activate")).await.ok();
    assert_eq!(confirmation.path, format!("{path}/activate"));
    for words in [
        "Automation saved. It is not switched on yet.",
        "Hello again",
        "2 contacts inside continue",
        "Wait 2 hours",
    ] {
        confirmation.must_say(words);
    }
    app.advance(days(1)).await;
    assert!(app.received(HANDSET).is_empty(), "nothing is sent before the user confirms");
    site.send(&confirmation.form(&confirmation.path))
        .await
        .ok()
        .must_say("Automation switched on.");
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 1));

    // An activation that fails shows its error beside the field and saves nothing.
    app.api().patch(&path, json!({ "status": "paused" })).await.ok();
    app.api()
        .patch(&format!("/senders/{}", twilio.sender_id), json!({ "disabled": true }))
        .await
        .ok();
    let refused = site.send(&form.with("name", "Not now").pressing("do", "activate")).await;
    assert_eq!(refused.status, 422);
    refused.must_say("is disabled. Choose another one, or enable it in the Connection Center.");
    assert_eq!(app.texts("SELECT name AS text FROM automations").await, ["Hello again"]);
}

/// The numbers at the end of the names of the automations on a page of the list.
fn listed_numbers(page: &Page) -> Vec<u32> {
    let links = page.html.split("class=\"row-link link\"").skip(1);
    let names = links.filter_map(|link| link.split("<bdi>").nth(1)?.split("</bdi>").next());
    names.filter_map(|name| name.rsplit(' ').next()?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_automations_is_ordered_by_age_or_by_name() {
    let app = TestApp::start().await;
    for number in 0..60 {
        let name = format!("{} {number:02}", if number % 2 == 0 { "Order" } else { "order" });
        let new = json!({ "name": name, "trigger": { "type": "contact_created" } });
        app.api().post("/automations", new).await.ok();
    }
    let site = app.sign_in_as(Role::Viewer).await;
    let newest = site.open("/automations").await.ok();
    newest.must_say("In use 60 Archived 0");
    assert_eq!(listed_numbers(&newest), (10..60).rev().collect::<Vec<_>>());
    let by_name = site.open("/automations?sort=name").await.ok();
    assert_eq!(listed_numbers(&by_name), (0..50).collect::<Vec<_>>());
    assert!(by_name.html.contains("aria-sort=\"ascending\""), "{}", by_name.html);
    let next = by_name.html.split("rel=\"next\" href=\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().replace("&amp;", "&");
    let last = site.open(&next).await.ok();
    assert_eq!(listed_numbers(&last), (50..60).collect::<Vec<_>>());
}
