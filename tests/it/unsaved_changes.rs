//! Before what was typed is lost with its page, the browser asks.

use crate::harness::browser::Browser;
use crate::harness::{HANDSET, TestApp};

/// Whether the browser would ask, once the user has pressed a key on the page (End).
async fn asks(browser: &Browser) -> bool {
    browser.type_keys("\u{e010}").await;
    let leave = "const leaving = new Event('beforeunload', { cancelable: true });
        window.dispatchEvent(leaving);
        return leaving.defaultPrevented;";
    browser.run(leave).await.as_bool().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_not_left_unsent_unasked() {
    let app = TestApp::start().await;
    app.connect_twilio().await;
    let contact = app.contact(HANDSET).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/contacts/{contact}", app.url)).await;
    assert!(!asks(&browser).await);
    browser.fill("text", "Half a text").await;
    assert!(asks(&browser).await);
    browser.press("Send").await;
    browser.must_say("Message on its way.").await;
    assert!(!asks(&browser).await);

    // Without a recipient, the server returns the form, and the text is not sent yet.
    browser.go(&format!("{}/messages/new", app.url)).await;
    assert!(!asks(&browser).await);
    browser.fill("to", "Zoe").await;
    browser.fill("body", "Half a text").await;
    browser.press("Send message").await;
    browser.must_say("No contact matches.").await;
    assert!(asks(&browser).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_steps_are_not_left_unsaved_unasked() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/automations/new", app.url)).await;
    assert!(!asks(&browser).await);
    browser.run("document.querySelector('[value=\"add_wait.1\"]').click()").await;
    browser.must_say("Step 2: Wait").await;
    assert!(asks(&browser).await);
    browser.fill("name", "Two steps").await;
    browser.press("Save draft").await;
    browser.must_say("Automation saved.").await;
    assert!(!asks(&browser).await);

    // What the server returns is unsaved only if it was changed.
    browser.go(&format!("{}{}/edit", app.url, browser.path().await)).await;
    browser.press("Try it").await;
    browser.must_say("Show what would happen").await;
    assert!(!asks(&browser).await);
    browser.fill("name", "Two more").await;
    browser.run("window.stays = true").await;
    browser.press("Show what would happen").await;
    app.eventually("the form is returned", async || {
        (browser.run("return window.stays ?? false").await == false).then_some(())
    })
    .await;
    assert!(asks(&browser).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_kept_as_a_draft_may_be_left() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/templates/new", app.url)).await;
    browser.run("window.fetch = () => new Promise(() => {})").await;
    browser.fill("body", "Dear customer").await;
    assert!(asks(&browser).await, "the draft is not stored yet");
    browser.go(&format!("{}/templates/new", app.url)).await;
    browser.fill("body", "Dear customer").await;
    browser.must_say("what you type is kept as a draft").await;
    app.eventually("all is stored", async || (!asks(&browser).await).then_some(())).await;
}
