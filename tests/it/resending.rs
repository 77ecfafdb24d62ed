//! Resending: pages offer to send a message again only if it certainly reached no recipient.

use carillon::users::Role;
use twilio_simulator::{Fault, Rule};

use crate::harness::browser::Browser;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};
use crate::message_log::{contact, send};

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_offers_a_resend_only_if_some_message_may_be_sent_again() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let site = app.sign_in_as(Role::Marketer).await;
    for (handset, code, offered) in [(HANDSET, 21211, false), (OTHER_HANDSET, 21408, true)] {
        app.simulator.inject(Rule::always(Fault::Refuse { code }).for_handset(handset));
        send(&app, handset, "Hello", &twilio).await;
        app.run_until_idle().await;
        let page = site.open("/ledger").await.ok();
        page.must_say(&code.to_string());
        assert_eq!(page.html.contains("/ledger/retry"), offered, "{}", page.text());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_resent_only_if_that_is_safe_and_its_page_says_why_not() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    contact(&app, HANDSET, "Ann", "Moreno").await;
    contact(&app, OTHER_HANDSET, "Ben", "Osei").await;
    app.simulator
        .inject(Rule::always(Fault::Undelivered { code: 30003 }).for_handset(OTHER_HANDSET));
    let arrived = send(&app, HANDSET, "Arrived", &twilio).await;
    let doubtful = send(&app, OTHER_HANDSET, "Doubtful", &twilio).await;
    app.run_until_idle().await;
    let never = send(&app, HANDSET, "Never", &twilio).await;
    app.run_sql(&format!(
        "UPDATE messages SET status = 'expired', reason = 'Too late.' WHERE id = '{never}'"
    ))
    .await;
    let site = app.sign_in_as(Role::Marketer).await;
    let page = site.open(&format!("/messages/{arrived}")).await.ok();
    assert!(!page.says("Send again") && !page.says("Can’t be sent again"));
    let page = site.open(&format!("/messages/{doubtful}")).await.ok();
    page.must_say("Can’t be sent again. It may have arrived");
    assert!(!page.says("Send again"));
    let page = site.open(&format!("/messages/{never}")).await.ok();
    page.must_say("It reached no recipient.");
    let page = site.send(&page.form(&format!("/messages/{never}/retry"))).await.ok();
    page.must_say("Resent as this message.");
    let page = site.open(&format!("/messages/{never}")).await.ok();
    page.must_say("Sent again as The new message");
    assert!(!page.says("Send again"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_mouse_finds_a_failed_message_saves_the_view_and_resends_it() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    contact(&app, HANDSET, "Ann", "Moreno").await;
    send(&app, OTHER_HANDSET, "It arrives", &twilio).await;
    app.simulator.inject(Rule::next(1, Fault::Refuse { code: 21408 }).for_handset(HANDSET));
    send(&app, HANDSET, "It fails at first", &twilio).await;
    app.run_until_idle().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.tab_to("Messages").await;
    browser.must_say("It arrives").await;
    browser.tab_to("Filter").await;
    browser.run("document.querySelector('[name=outcome]').focus()").await;
    browser.type_keys("Not delivered").await;
    browser.run("document.querySelector('[name=error_code]').focus()").await;
    browser.type_keys("21408").await;
    browser.tab_to("Apply filters").await;
    browser.must_say("21408").await;
    assert_eq!(
        browser.run("return document.querySelectorAll('tbody tr:not(.group)').length").await,
        1
    );
    browser.tab_to("Save view").await;
    browser.fill("name", "To look after").await;
    browser.tab_to("Save").await;
    browser.must_say("View saved. Your whole team sees it above the list.").await;
    browser.tab_to("To look after 1").await;
    browser.must_say("It fails at first").await;
    assert_eq!(
        browser.run("return document.querySelector('nav.tabs [aria-current] bdi').innerText").await,
        "To look after"
    );

    browser.tab_to("It fails at first").await;
    browser.must_say("It reached no recipient.").await;
    browser.tab_to("Send again…").await;
    browser.must_say("Carillon sends this text again").await;
    browser.tab_to("Send again").await;
    browser.must_say("Resent as this message.").await;
    app.run_until_idle().await;
    browser.must_say("Delivered").await;
    assert_eq!(app.received(HANDSET), ["It fails at first"]);
}
