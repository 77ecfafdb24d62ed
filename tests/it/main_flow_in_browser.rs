//! The main flow in a real browser: connect Twilio, write a template while building an automation,
//! see the message delivered, text STOP from the handset, and see that nothing more is sent.

use serde_json::json;
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, LONG_CODE};

use crate::harness::browser::Browser;
use crate::harness::{HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_sends_the_first_message_and_a_stop_ends_it() {
    let app = TestApp::with_worker().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;

    // Connection Center: a wrong token is an error of its field, the right one connects.
    browser.go(&format!("{}/connections/new", app.url)).await;
    browser.fill("account_sid", ACCOUNT_SID).await;
    browser.fill("auth_token", "00000000000000000000000000000000").await;
    browser.fill("sender", LONG_CODE).await;
    browser.fill("name", "My shop").await;
    browser.press("Connect").await;
    browser.must_say("Twilio doesn’t accept this Auth Token").await;
    browser.fill("auth_token", AUTH_TOKEN).await;
    browser.press("Connect").await;
    browser.must_say("My shop").await;
    browser.must_say("Reported here").await;

    // An automation whose template is written from its editor.
    browser.go(&format!("{}/automations/new", app.url)).await;
    browser.fill("name", "Thank buyers").await;
    browser.fill("trigger.name", "order_completed").await;
    browser.follow_first("[value='select.steps.0']").await;
    browser.choose("steps.0.sender_id", "Carillon").await;
    browser.press("Create new SMS template").await;
    browser.must_say("New template").await;
    browser.fill("name", "Thanks").await;
    browser.fill("body", "Thank you for order {{ event.order_id }}!").await;
    browser.press("Save and go back").await;
    browser.must_say("Thanks").await;
    assert_eq!(browser.value("name").await, "Thank buyers", "nothing of the automation was lost");
    assert_eq!(browser.value("trigger.name").await, "order_completed");
    browser.press("Save and switch on…").await;
    browser.must_say("From then on, it texts real people.").await;
    browser.press("Switch on").await;
    browser.must_say("Automation switched on.").await;

    app.event("order_completed", HANDSET, json!({ "order_id": "A-17" })).await;
    app.eventually("the message is delivered", async || {
        (app.statuses_to(HANDSET).await == ["delivered"]).then_some(())
    })
    .await;
    browser.go(&format!("{}/messages", app.url)).await;
    browser.must_say("Thank you for order A-17!").await;
    browser.go(&format!("{}/messages/{}", app.url, app.message_to(HANDSET).await.id)).await;
    for words in ["Thank you for order A-17!", "Delivered", "Thank buyers"] {
        browser.must_say(words).await;
    }
    browser.run("document.getElementById('technical').open = true;").await;
    browser.must_say("My shop").await;

    // The handset has received it, and texts STOP.
    let handset = format!("{}/phones/{HANDSET}", app.twilio_url());
    browser.reload_until_says(&handset, "Thank you for order A-17!").await;
    browser.press("STOP").await;
    browser.must_say("You have successfully been unsubscribed").await;

    let contact = app.contact_of(HANDSET).await;
    let contact = format!("{}/contacts/{}", app.url, contact["id"].as_str().unwrap());
    browser.reload_until_says(&contact, "Twilio-Message-stop").await;
    browser.must_say("Texted STOP").await;

    app.event("order_completed", HANDSET, json!({ "order_id": "A-18" })).await;
    let both = ["delivered", "suppressed"];
    app.eventually("the second message is suppressed", async || {
        (app.statuses_to(HANDSET).await == both).then_some(())
    })
    .await;
    browser.go(&format!("{}/messages/{}", app.url, app.messages_to(HANDSET).await[1].id)).await;
    browser.must_say("Texted STOP").await;
    browser.must_say("Thank you for order A-18!").await;
    assert_eq!(app.received(HANDSET), ["Thank you for order A-17!"]);

    // START resumes the messages.
    browser.go(&handset).await;
    browser.press("START").await;
    browser.must_say("You have successfully been re-subscribed").await;
    // The simulator answers at once; the webhook to Carillon may take longer.
    let start_recorded =
        async || app.contact_of(HANDSET).await["suppression"].is_null().then_some(());
    app.eventually("the number may be texted again", start_recorded).await;
    app.event("order_completed", HANDSET, json!({ "order_id": "A-19" })).await;
    browser.reload_until_says(&handset, "Thank you for order A-19!").await;
}
