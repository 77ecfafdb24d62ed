//! Rejected forms keep all typed values, show each error beside its field, and begin the page title
//! with “Error:”. Error pages say what to do and keep the navigation.

use carillon::users::Role;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::browser::Browser;
use crate::harness::fixtures::PASSWORD;
use crate::harness::scriptless_browser::{Page, Site};
use crate::harness::{HANDSET, TestApp};
use crate::settings::{invite, path_of};

/// Submits a form with typed values; the server must reject it and show all values again.
#[track_caller]
fn rejected_with_values<'s>(
    site: &'s Site,
    path: &'s str,
    action: &'s str,
    typed: &'s [(&'s str, &'s str)],
) -> impl Future<Output = Page> + 's {
    rejected(site, path, action, typed, typed)
}

/// Submits a form that the server must reject, and checks that the values `again` are shown again;
/// passwords are not.
async fn rejected(
    site: &Site,
    path: &str,
    action: &str,
    typed: &[(&str, &str)],
    again: &[(&str, &str)],
) -> Page {
    let form = site.open(path).await.ok().form(action);
    let form = typed.iter().fold(form, |form, (name, value)| form.with(name, value));
    let page = site.send(&form).await;
    assert_eq!(page.status, 422, "{action}: {}", page.text());
    assert!(
        page.html.contains("<title>Error: "),
        "{action}: the title does not begin with “Error:”"
    );
    assert!(
        page.html.contains("aria-invalid=\"true\"")
            || page.html.contains("role=\"alert\" tabindex=\"-1\""),
        "{action}: no field is marked"
    );
    let shown = page.form(action);
    for (name, value) in again {
        assert_eq!(shown.value(name), Some(*value), "{action}: {name}");
    }
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_before_sign_in_keep_typed_values() {
    let app = TestApp::start().await;
    let stranger = app.site();
    let typed = [
        ("code", "ABCD-EFGH-JKLM"),
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("organization", "Bells"),
        ("time_zone", "UTC"),
    ];
    rejected_with_values(&stranger, "/setup", "/setup", &typed).await;
    let admin = app.sign_in().await;
    let wrong = [("email", "admin@example.com"), ("password", "wrong")];
    rejected(&app.site(), "/login", "/login", &wrong, &wrong[..1])
        .await
        .must_say("Incorrect email or password");
    let link = invite(&admin, "ben@example.com").await;
    let typed = [("name", "Ben Osei"), ("password", "short")];
    rejected(&app.site(), path_of(&link), "/join", &typed, &typed[..1])
        .await
        .must_say("At least 10 characters");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_settings_forms_keep_typed_values() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    rejected_with_values(
        &admin,
        "/account",
        "/account/profile",
        &[("name", " "), ("time_zone", "Europe/Berlin"), ("theme", "dark")],
    )
    .await;
    let passwords = [("current_password", "wrong"), ("new_password", "four other unrelated words")];
    rejected(&admin, "/account", "/account/password", &passwords, &[])
        .await
        .must_say("Incorrect current password.");
    rejected_with_values(
        &admin,
        "/settings/users/invite",
        "/settings/users/invite",
        &[("email", "ben"), ("role", "viewer")],
    )
    .await;
    rejected_with_values(
        &admin,
        "/settings/keys/new",
        "/settings/keys/new",
        &[("name", " "), ("role", "viewer")],
    )
    .await;
    let organization =
        [("organization", ""), ("default_country", "DE"), ("time_zone", "Asia/Tokyo")];
    rejected_with_values(&admin, "/settings/organization", "/settings/organization", &organization)
        .await;
    let id = app.texts("SELECT id::text AS text FROM users").await.remove(0);
    let user = format!("/settings/users/{id}");
    rejected_with_values(&admin, &user, &format!("{user}/role"), &[("role", "viewer")])
        .await
        .must_say("is the only admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contact_forms_keep_typed_values() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let typed = [
        ("phone", "12"),
        ("first_name", "Ann"),
        ("email", "ann"),
        ("attribute_name", "city"),
        ("attribute_value", "Köln"),
    ];
    rejected_with_values(&admin, "/contacts/new", "/contacts", &typed).await;
    rejected_with_values(&admin, &format!("{contact}/edit"), &format!("{contact}/edit"), &typed)
        .await;
    let (tag, note) = ("x".repeat(81), "y".repeat(501));
    rejected_with_values(&admin, &contact, &format!("{contact}/tags"), &[("tag", &tag)]).await;
    rejected_with_values(
        &admin,
        &contact,
        &format!("{contact}/suppress"),
        &[("suppress_note", &note)],
    )
    .await
    .must_say("at most 500 characters");
    let form = admin
        .open(&contact)
        .await
        .ok()
        .form(&format!("{contact}/suppress"))
        .with("suppress_note", "Asked on the phone.");
    admin.send(&form).await.ok();
    rejected_with_values(&admin, &contact, &format!("{contact}/lift"), &[("lift_note", &note)])
        .await;
    app.connect_twilio().await;
    app.text(HANDSET, LONG_CODE, "STOP").await;
    rejected_with_values(
        &admin,
        &contact,
        &format!("{contact}/lift-stop"),
        &[("stop_note", &note)],
    )
    .await;
    let bulk = "/contacts/tag?action=add&name=VIP&all=true";
    rejected_with_values(&admin, bulk, "/contacts/tag", &[("name", "Twilio-Message-stop")])
        .await
        .must_say("This tag marks an opt-out.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_template_and_automation_forms_keep_typed_values() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let failed = "/messages?status=failed";
    let page =
        rejected_with_values(&admin, failed, "/messages/views", &[("name", &"x".repeat(61))]).await;
    admin.send(&page.form("/messages/views").with("name", "Failed")).await.ok();
    let page = rejected_with_values(
        &admin,
        "/messages?status=sent",
        "/messages/views",
        &[("name", "Failed")],
    )
    .await;
    admin.send(&page.form("/messages/views").with("name", "Sent")).await.ok();
    let id =
        app.texts("SELECT id::text AS text FROM message_views WHERE name = 'Sent'").await.remove(0);
    rejected_with_values(
        &admin,
        "/messages/views",
        &format!("/messages/views/{id}"),
        &[("name", "Failed")],
    )
    .await;

    rejected_with_values(
        &admin,
        "/templates/new",
        "/templates/new",
        &[("name", "Thanks"), ("body", "Hi {{"), ("media_urls", "nowhere")],
    )
    .await;
    let template = format!("/templates/{}", app.template("Hi").await);
    rejected_with_values(
        &admin,
        &template,
        &template,
        &[("name", ""), ("body", "Hi {{ contact.nickname }}")],
    )
    .await;
    let typed = [
        ("name", ""),
        ("trigger.name", "order_completed"),
        ("steps.0.to", "event"),
        ("steps.0.property", "phone"),
    ];
    rejected_with_values(&admin, "/automations/new", "/automations/new", &typed)
        .await
        .must_say("Not saved yet");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_connection_forms_keep_typed_values() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let typed = [
        ("account_sid", "AC1"),
        ("method", "auth_token"),
        ("sender", "+1 500 555 0006"),
        ("name", "Shop"),
    ];
    rejected_with_values(&admin, "/connections/new", "/connections", &typed).await;
    let twilio = app.connect_twilio().await;
    let connection = format!("/connections/{}", twilio.connection_id);
    let typed = [("name", ""), ("unconfirmed_policy", "resend"), ("max_concurrency", "many")];
    rejected_with_values(&admin, &format!("{connection}/advanced"), &connection, &typed).await;
    let sender = format!("/senders/{}", twilio.sender_id);
    rejected_with_values(
        &admin,
        &format!("{connection}/senders"),
        &format!("{sender}/name"),
        &[("name", &"x".repeat(101))],
    )
    .await;
    let typed = [("parts_per_second", "fast"), ("validity_minutes", "none")];
    rejected_with_values(&admin, &format!("{sender}/limits"), &format!("{sender}/limits"), &typed)
        .await;
    rejected_with_values(
        &admin,
        &format!("{connection}/senders/new"),
        &format!("{connection}/senders"),
        &[("sender", "12")],
    )
    .await;
    rejected_with_values(
        &admin,
        &format!("{connection}/keys"),
        &format!("{connection}/keys"),
        &[("method", "api_key"), ("api_key_sid", "SK1")],
    )
    .await;
    let typed = [("to", "12"), ("text", "Is it you?"), ("sender_id", twilio.sender_id.as_str())];
    rejected_with_values(
        &admin,
        &format!("{connection}/test"),
        &format!("{connection}/test-message"),
        &typed,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_wrong_field_has_the_focus() {
    let app = TestApp::start().await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/contacts/new", app.url)).await;
    browser.fill("phone", "+1 206 555 0111").await;
    browser.fill("email", "nobody").await;
    browser.press("Create contact").await;
    browser.must_say("email").await;
    let focused = browser.run(
        "return [document.title.slice(0, 6), document.activeElement.name, document.activeElement.value];"
    ).await;
    assert_eq!(focused, json!(["Error:", "email", "nobody"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_page_says_what_to_do_and_keeps_the_navigation() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let viewer = app.sign_in_as(Role::Viewer).await;
    let unknown_id = uuid::Uuid::new_v4();
    let with_navigation = |page: &Page| {
        page.html.contains("aria-label=\"Main\"") && page.html.contains("/account/sign-out")
    };

    let missing = admin.open(&format!("/contacts/{unknown_id}")).await;
    assert_eq!(missing.status, 404);
    missing.must_say("Contact not found");
    missing.must_say("Show all contacts");
    assert!(with_navigation(&missing));
    let forbidden = viewer.open("/settings/users").await;
    assert_eq!(forbidden.status, 403);
    forbidden.must_say("It needs the role admin. Ask an admin");
    assert!(
        with_navigation(&forbidden) && !forbidden.html.contains("/settings/users\""),
        "a forbidden page is not linked"
    );
    let form = admin.open("/contacts/new").await.ok().form("/contacts").with("csrf", "wrong");
    let expired = admin.send(&form).await;
    assert_eq!(expired.status, 403);
    expired.must_say("Nothing was changed. Send the form again");
    assert!(with_navigation(&expired));

    let stranger = app.site().open("/nowhere").await;
    assert_eq!(stranger.status, 404);
    assert!(!with_navigation(&stranger) && stranger.says("Go to Home"));

    app.run_sql("ALTER TABLE message_views RENAME TO elsewhere").await;
    let broken = admin.open("/messages/views").await;
    assert_eq!(broken.status, 500);
    broken.must_say("Something went wrong on our side");
    assert!(
        with_navigation(&broken) && !broken.says("message_views"),
        "the cause is only in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_sent_after_the_session_ended_is_offered_again_to_the_same_user() {
    let app = TestApp::start().await;
    let contact = app.contact(HANDSET).await;
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    let edit = format!("{}/contacts/{contact}/edit", app.url);
    browser.go(&edit).await;
    browser.fill("first_name", "Zoë").await;
    app.run_sql("DELETE FROM sessions").await;
    browser.press("Save contact").await;
    browser.must_say("Sign in").await;
    assert_eq!(app.count("contacts WHERE first_name IS NOT NULL").await, 0);
    // The same user signs in, and is back on the page of the form.
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.must_say("Carillon didn’t get what you sent last. It is still here.").await;
    assert_eq!(browser.path().await, format!("/contacts/{contact}/edit"));
    browser.press("Send it now").await;
    browser.must_say("Contact saved.").await;
    browser.must_say("Zoë").await;
    browser.go(&edit).await;
    assert_eq!(
        browser.run("return sessionStorage.length").await,
        0,
        "the form is offered only once"
    );

    // Another user does not see the form, and passwords are not stored.
    browser.fill("first_name", "Ann").await;
    app.run_sql("DELETE FROM sessions").await;
    browser.press("Save contact").await;
    app.user("ben@example.com", Role::Admin).await;
    browser.fill("email", "ben@example.com").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Sign in").await;
    browser.must_say("Edit contact").await;
    assert_eq!(
        browser
            .run("return [sessionStorage.length, document.body.innerText.includes('still here')]")
            .await,
        json!([0, false])
    );
    browser.go(&format!("{}/account", app.url)).await;
    browser.fill("current_password", PASSWORD).await;
    browser.fill("new_password", "four other unrelated words").await;
    app.run_sql("DELETE FROM sessions").await;
    browser.run("document.querySelector('[name=new_password]').form.requestSubmit()").await;
    browser.must_say("Sign in").await;
    assert_eq!(browser.run("return sessionStorage.length").await, 0);
}
