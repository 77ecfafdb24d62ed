//! The first hour of a new installation: what a new user meets between the set-up page and the first
//! delivered message.

use carillon::users::setup;

use crate::harness::TestApp;
use crate::harness::browser::Browser;
use crate::harness::fixtures::PASSWORD;

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
        "This is not the code.",
        "This is not an email address",
        "Enter a name of up to 100 characters.",
        "Enter it again: it is the only thing that was not kept.",
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
    browser.press("Create my Carillon").await;
    browser.must_say("Enter the code from the log.").await;
    assert_eq!(browser.value("time_zone").await, "Europe/Berlin");

    browser.go(&format!("{}/setup", app.url)).await;
    browser.fill("code", code.expose()).await;
    browser.fill("name", "Ada").await;
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.fill("organization", "Bells").await;
    browser.press("Create my Carillon").await;
    browser.must_say("Hello").await;
    assert_eq!(app.texts("SELECT time_zone AS text FROM organization").await, [zone]);
}
