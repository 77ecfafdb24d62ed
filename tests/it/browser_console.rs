//! Console errors of the browser. `accessibility.rs` checks every page and `harness/browser.rs`
//! every story; this file checks that htmx copies no inline styles.

use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::{HANDSET, TestApp};

#[tokio::test(flavor = "multi_thread")]
async fn htmx_copies_no_style_that_the_content_security_policy_forbids() {
    let app = TestApp::with_worker().await;
    app.connect_twilio().await;
    app.api().post("/contacts", json!({ "phone": HANDSET, "first_name": "Ann" })).await.ok();
    let template = app.template("Hi {{ contact.first_name }}").await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/templates/{template}", app.url)).await;
    // Browsers, extensions and tools add inline styles to what they show.
    browser.run(
        "document.querySelectorAll('#preview [id], select').forEach((element) => { element.style.color = 'red'; })"
    ).await;
    browser.fill("body", "Dear {{ contact.first_name }}").await;
    browser.must_say("Dear Ann").await;
    // The out-of-band parts of the same response are swapped in later.
    browser.must_say("1 part").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());

    // A forbidden style does appear in the console.
    browser.run("document.body.setAttribute('style', 'color: red')").await;
    assert_eq!(browser.complaints().await.len(), 1);
}
