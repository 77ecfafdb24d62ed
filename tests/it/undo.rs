//! Reversible actions offer an *Undo* button; irreversible ones are confirmed first.

use serde_json::json;

use crate::harness::fixtures::send_sms;
use crate::harness::scriptless_browser::{Page, Site};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// Presses *Undo* on the page that confirms an action.
async fn undo(site: &Site, page: &Page, action: &str) -> Page {
    assert!(page.html.contains(">Undo</button>"), "nothing to undo: {}", page.text());
    site.send(&page.form(action)).await.ok()
}

async fn press(site: &Site, path: &str, action: &str) -> Page {
    site.send(&site.open(path).await.ok().form(action)).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_unarchives_a_template_and_restores_a_text() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let template = format!("/templates/{}", app.template("Hi").await);
    let archived = press(&site, &template, &format!("{template}/archive")).await;
    archived.must_say("Template archived");
    undo(&site, &archived, &format!("{template}/unarchive")).await.must_say("Template unarchived.");

    let form = site.open(&template).await.ok().form(&template).with("body", "Hello");
    site.send(&form).await.ok();
    let restored =
        press(&site, &format!("{template}/versions"), &format!("{template}/versions/1/restore"))
            .await;
    restored.must_say("Version 1 is restored, as version 3.");
    undo(&site, &restored, &format!("{template}/versions/2/restore"))
        .await
        .must_say("Version 2 is restored, as version 4.");
    assert_eq!(
        app.texts("SELECT body AS text FROM template_versions ORDER BY version DESC LIMIT 1").await,
        ["Hello"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_restores_a_tag_unless_an_automation_would_start() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let contact = format!("/contacts/{}", app.contact(HANDSET).await);
    let (add, remove) = (format!("{contact}/tags"), format!("{contact}/tags/remove"));
    let tags = async || {
        app.texts(
            "SELECT name AS text FROM contact_tags JOIN tags ON tags.id = tag_id ORDER BY name",
        )
        .await
    };
    let tagged =
        site.send(&site.open(&contact).await.ok().form(&add).with("tag", "VIP")).await.ok();
    tagged.must_say("Tag added.");
    let removed = undo(&site, &tagged, &remove).await;
    removed.must_say("Tag removed.");
    assert!(tags().await.is_empty());
    let back = site
        .send(&removed.forms().into_iter().find(|form| form.value("tag") == Some("VIP")).unwrap())
        .await
        .ok();
    back.must_say("Tag added.");
    assert_eq!(tags().await, ["VIP"]);

    // An automation waits for the tag, so *Undo* is not offered, since it would send a text.
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome!").await;
    app.automation(
        json!({ "type": "tag_added", "tag": "vip" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    let removed = press(&site, &contact, &remove).await;
    removed.must_say("Adding it again starts");
    assert!(!removed.html.contains(">Undo</button>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_of_a_bulk_tag_affects_only_the_changed_contacts() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let (one, other) = (app.contact(HANDSET).await, app.contact(OTHER_HANDSET).await);
    app.api().patch(&format!("/contacts/{one}"), json!({ "tags": ["VIP"] })).await.ok();
    let tagged = async || {
        let query = "SELECT contact_id::text AS text FROM contact_tags JOIN tags
                        ON tags.id = tag_id WHERE name = 'VIP' ORDER BY added_at, 1";
        app.texts(query).await
    };
    let done = press(&site, "/contacts/tag?action=add&name=VIP&all=true", "/contacts/tag").await;
    done.must_say("Added “VIP” to 1 contact. 1 contact had it already.");
    assert_eq!(tagged().await.len(), 2);
    undo(&site, &done, "/contacts/tag").await.must_say("Removed “VIP” from 1 contact.");
    assert_eq!(tagged().await, [one.as_str()], "{other} did not have it before");
    let done = press(&site, "/contacts/tag?action=remove&name=VIP&all=true", "/contacts/tag").await;
    assert!(tagged().await.is_empty());
    undo(&site, &done, "/contacts/tag").await;
    assert_eq!(tagged().await, [one]);
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_restores_a_view_a_sender_and_an_automation() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let view = site
        .open("/messages?status=failed")
        .await
        .ok()
        .form("/messages/views")
        .with("name", "Failed ones");
    site.send(&view).await.ok();
    let id = app.texts("SELECT id::text AS text FROM message_views").await.remove(0);
    let deleted = press(&site, "/messages/views", &format!("/messages/views/{id}/delete")).await;
    assert_eq!(app.count("message_views").await, 0);
    undo(&site, &deleted, "/messages/views").await;
    assert_eq!(
        app.texts("SELECT name || ' ' || query AS text FROM message_views").await,
        ["Failed ones status=failed"]
    );

    let twilio = app.connect_twilio().await;
    let (connection, sender) = (
        format!("/connections/{}/advanced", twilio.connection_id),
        format!("/senders/{}", twilio.sender_id),
    );
    let off = press(&site, &connection, &format!("{sender}/disable")).await;
    assert_eq!(app.count("senders WHERE disabled_at IS NOT NULL").await, 1);
    undo(&site, &off, &format!("{sender}/enable")).await;
    assert_eq!(app.count("senders WHERE disabled_at IS NOT NULL").await, 0);

    let automation = format!("/automations/{}", app.sms_on("order", &twilio, "Thanks").await);
    let paused = press(&site, &format!("{automation}/pause"), &format!("{automation}/pause")).await;
    paused.must_say("Automation paused.");
    undo(&site, &paused, &format!("{automation}/activate"))
        .await
        .must_say("Automation switched on.");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_switches_an_archived_automation_on_again_if_it_was_on() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let twilio = app.connect_twilio().await;
    let automation = format!("/automations/{}", app.sms_on("order", &twilio, "Thanks").await);
    let archive = format!("{automation}/archive");
    let states = async || {
        app.texts("SELECT status || ' ' || (archived_at IS NOT NULL) AS text FROM automations")
            .await
    };
    // The page itself has a button that takes it out of the archive without switching it on.
    let undo_of = |page: &Page| {
        let mut forms = page.forms().into_iter();
        forms.find(|form| form.value("activate") == Some("true"))
    };
    let archived = press(&site, &automation, &archive).await;
    archived.must_say("Automation paused and archived.");
    assert_eq!(states().await, ["paused true"]);
    let restored = site.send(&undo_of(&archived).unwrap()).await.ok();
    restored.must_say("Automation unarchived and switched on again.");
    assert_eq!(states().await, ["active false"]);

    // Switching it on is refused, because its sender is off now.
    let archived = press(&site, &automation, &archive).await;
    let sender = format!("/senders/{}", twilio.sender_id);
    app.api().patch(&sender, json!({ "disabled": true })).await.ok();
    let restored = site.send(&undo_of(&archived).unwrap()).await.ok();
    restored.must_say("It is not switched on. Step 1: The sender");
    assert_eq!(states().await, ["paused false"]);

    let archived = press(&site, &automation, &archive).await;
    archived.must_say("Automation archived.");
    assert!(undo_of(&archived).is_none(), "it was paused already");
}

#[tokio::test(flavor = "multi_thread")]
async fn irreversible_actions_are_confirmed_first_even_without_scripts() {
    let app = TestApp::start().await;
    let site = app.sign_in().await;
    let twilio = app.connect_twilio().await;
    let user = app.texts("SELECT id::text AS text FROM users").await.remove(0);
    let connection = format!("/connections/{}/advanced", twilio.connection_id);
    for (path, action, warning) in [
        ("/settings/keys".to_owned(), "/revoke", "You can’t undo this"),
        (format!("/settings/users/{user}"), "/disable", "is signed out everywhere at once"),
        (connection.clone(), "/disable", "Its 1 sender stops sending."),
        (
            "/account".to_owned(),
            "/account/sign-out-everywhere",
            "You are signed out of 1 browser, including this one.",
        ),
    ] {
        let page = site.open(&path).await.ok();
        page.must_say(warning);
        let form = page.forms().into_iter().find(|form| form.action().ends_with(action)).unwrap();
        let at = page
            .html
            .find(&format!("action=\"{}\"", form.action()))
            .or_else(|| page.html.find(form.action()))
            .unwrap();
        let before = &page.html[..at];
        assert!(
            before.rfind("<details class=\"ask\">") > before.rfind("</details>"),
            "{action} has no confirmation"
        );
    }
}
