//! A forgotten password: a link by email sets a new one. Strangers learn nothing, and cannot send
//! many emails.

use carillon::users::Role;
use chrono::TimeDelta;

use crate::harness::fixtures::PASSWORD;
use crate::harness::mailbox::{Mailbox, ReceivedEmail};
use crate::harness::scriptless_browser::{Page, Site};
use crate::harness::{TestApp, TestOptions};
use crate::settings::{NEW_PASSWORD, id_of};

const ADA: &str = "ada@example.com";

/// What the page answers, whatever the address.
const REQUESTED: &str =
    "If this address has an account, a link is on its way. It is valid for 1 hour.";

async fn app_with(settings: Vec<(&'static str, String)>) -> TestApp {
    TestApp::with(TestOptions { settings, ..TestOptions::default() }).await
}

/// Requests a link for an address.
async fn request(site: &Site, email: &str) -> Page {
    let form = site.open("/login/forgot").await.ok().form("/login/forgot");
    site.send(&form.with("email", email)).await
}

/// The path of the link in an email, which must lead to the public address.
fn path_in<'e>(email: &'e ReceivedEmail, app: &TestApp) -> &'e str {
    let path = email.link().strip_prefix(app.url.as_str());
    path.unwrap_or_else(|| panic!("the link leads elsewhere: {}", email.source))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_by_email_sets_a_new_password_and_ends_the_other_sessions() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Marketer).await;
    let elsewhere = app.sign_in_with(ADA).await;
    let site = app.site();
    request(&site, " Ada@Example.com ").await.ok().must_say(REQUESTED);

    let email = mailbox.emails(1).await.remove(0);
    assert_eq!(email.from, "carillon@example.com");
    assert_eq!(email.to, [ADA]);
    assert_eq!(email.header("To"), Some(ADA));
    assert_eq!(email.header("From"), Some("Carillon <carillon@example.com>"));
    assert_eq!(email.header("Subject"), Some("Reset your Carillon password"));
    assert!(email.text().contains("If it was not you, ignore this email."), "{}", email.source);

    let link = path_in(&email, &app);
    assert_eq!(elsewhere.open("/contacts").await.ok().path, "/contacts");
    let form = site.open(link).await.ok().form("/reset");
    assert_eq!(site.send(&form.with("password", NEW_PASSWORD)).await.ok().path, "/");
    assert!(
        elsewhere.open("/contacts").await.path.starts_with("/login"),
        "earlier sessions have ended"
    );
    assert_eq!(app.site().open(link).await.status, 410, "the link was used");
    let login = elsewhere.open("/login").await.form("/login").with("email", ADA);
    assert_eq!(elsewhere.send(&login.clone().with("password", PASSWORD)).await.status, 422);
    elsewhere.send(&login.with("password", NEW_PASSWORD)).await.ok();
    assert_eq!(
        app.texts("SELECT summary AS text FROM audit_log WHERE kind = 'user' ORDER BY id").await,
        ["asked for a password reset link by email", "chose a new password by link"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_an_active_account_gets_the_same_page_and_no_email() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Admin).await;
    app.user("ben@example.com", Role::Viewer).await;
    app.run_sql("UPDATE users SET disabled_at = now() WHERE email = 'ben@example.com'").await;
    let unknown = request(&app.site(), "eve@example.com").await.ok().text();
    let disabled = request(&app.site(), "ben@example.com").await.ok().text();
    let known = request(&app.site(), ADA).await.ok();
    known.must_say(REQUESTED);
    assert_eq!((unknown, disabled), (known.text(), known.text()));
    assert_eq!(mailbox.emails(1).await[0].to, [ADA]);
    assert_eq!(app.count("password_resets").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_link_replaces_the_one_before_and_is_valid_for_an_hour() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Viewer).await;
    request(&app.site(), ADA).await.ok();
    let first = mailbox.emails(1).await.remove(0);
    app.site().open(path_in(&first, &app)).await.ok();
    request(&app.site(), ADA).await.ok();
    let second = mailbox.emails(2).await.remove(1);
    assert_eq!(app.site().open(path_in(&first, &app)).await.status, 410, "replaced");

    app.clock.advance(TimeDelta::minutes(59));
    app.site().open(path_in(&second, &app)).await.ok();
    app.clock.advance(TimeDelta::minutes(2));
    let expired = app.site().open(path_in(&second, &app)).await;
    assert_eq!(expired.status, 410);
    expired.must_say("it has expired");
    assert!(expired.html.contains("href=\"/login/forgot\""), "{}", expired.html);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_for_an_address_are_refused_with_and_without_an_account() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Viewer).await;
    let site = app.site();
    for count in 1..=5 {
        request(&site, ADA).await.ok();
        mailbox.emails(count).await;
        request(&site, "eve@example.com").await.ok();
    }
    for email in [ADA, "eve@example.com"] {
        let refused = request(&site, email).await;
        assert_eq!(refused.status, 429, "{email}");
        refused.must_say("Too many requests for a link. Try again in 5 minutes.");
        assert_eq!(refused.form("/login/forgot").value("email"), Some(email));
    }
    request(&site, "ben@example.com").await.ok().must_say(REQUESTED);
    app.clock.advance(TimeDelta::minutes(5));
    request(&site, ADA).await.ok().must_say(REQUESTED);
    mailbox.emails(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_requests_from_one_network_are_refused_and_not_those_from_others() {
    let mailbox = Mailbox::open().await;
    let mut settings = mailbox.settings();
    settings.push(("CARILLON_TRUSTED_PROXIES", "127.0.0.1".to_owned()));
    let app = app_with(settings).await;
    app.user(ADA, Role::Viewer).await;
    let flood = app.site_from("192.0.2.1");
    for number in 0..20 {
        request(&flood, &format!("invented{number}@example.com")).await.ok();
    }
    let refused = request(&flood, ADA).await;
    assert_eq!(refused.status, 429);
    refused.must_say("Too many requests for a link. Try again in 1 minute.");
    request(&app.site_from("198.51.100.1"), ADA).await.ok().must_say(REQUESTED);
    mailbox.emails(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_of_the_request_change_nothing_in_the_link() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Viewer).await;
    let poisoned = app.site_with(&[
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ]);
    request(&poisoned, ADA).await.ok().must_say(REQUESTED);
    let email = mailbox.emails(1).await.remove(0);
    app.site().open(path_in(&email, &app)).await.ok();
    assert!(!email.source.contains("evil"), "{}", email.source);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_with_another_header_in_it_is_refused() {
    let mailbox = Mailbox::open().await;
    let app = app_with(mailbox.settings()).await;
    app.user(ADA, Role::Viewer).await;
    for email in [
        "a@b.c\r\nBcc: eve@example.com",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\nRCPT TO:<eve@example.com>",
        "ada@example.com, eve@example.com",
        "ada",
        "",
    ] {
        let refused = request(&app.site(), email).await;
        assert_eq!(refused.status, 422, "{email}");
        refused.must_say("Enter an email address");
    }
    assert_eq!(app.count("password_resets").await, 0);
    request(&app.site(), ADA).await.ok();
    assert_eq!(mailbox.emails(1).await[0].to, [ADA]);
}

#[tokio::test(flavor = "multi_thread")]
async fn if_the_mail_server_is_down_the_page_is_the_same_and_admins_see_the_reason() {
    let app = app_with(Mailbox::settings_of_none().await).await;
    app.user(ADA, Role::Viewer).await;
    let admin = app.sign_in().await;
    request(&app.site(), ADA).await.ok().must_say(REQUESTED);
    app.eventually("the failure is stored", async || {
        let failures = app.count("password_resets WHERE email_error IS NOT NULL").await;
        (failures == 1).then_some(())
    })
    .await;

    let home = admin.open("/").await.ok();
    home.must_say(
        "A password link wasn’t emailed The mail server can’t be reached: Connection refused",
    );
    let user = format!("/settings/users/{}", id_of(&app, ADA).await);
    assert!(home.html.contains(&format!("href=\"{user}\"")), "{}", home.html);
    let page = admin.open(&user).await.ok();
    page.must_say("The last password link wasn’t emailed");
    page.must_say("The mail server can’t be reached: Connection refused");
    let system = admin.open("/admin/system").await.ok();
    system.must_say("smtp://carillon:…@127.0.0.1:");
    assert!(!system.html.contains("hunter2"), "{}", system.html);

    admin.send(&page.form(&format!("{user}/reset"))).await.ok();
    assert!(!admin.open("/").await.ok().says("wasn’t emailed"), "an admin created another link");
    assert!(!admin.open(&user).await.ok().says("wasn’t emailed"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_mail_server_no_link_can_be_requested() {
    let app = TestApp::start().await;
    app.user(ADA, Role::Admin).await;
    let site = app.site();
    site.open("/login/forgot").await.ok().must_say("Ask an admin for a link");
    let form = site.open("/login").await.ok().form("/login").to("/login/forgot");
    assert_eq!(site.send(&form.with("email", ADA)).await.status, 404);
    assert_eq!(app.count("password_resets").await, 0);
}
