//! The contact pages, in a browser without and with scripts.

use carillon::users::Role;
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use serde_json::json;

use crate::harness::browser::Browser;
use crate::harness::fixtures::{id, send_sms};
use crate::harness::scriptless_browser::{Page, Site};
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

const ANN: &str = "+14155550123";

/// Opens a page and submits one of its forms with fields filled in.
async fn send(site: &Site, page: &str, action: &str, fields: &[(&str, &str)]) -> Page {
    let form = site.open(page).await.ok().form(action);
    let filled = fields.iter().fold(form, |form, (name, value)| form.with(name, value));
    site.send(&filled).await
}

/// Creates a contact and returns the path of its page.
async fn ann(app: &TestApp) -> String {
    format!("/contacts/{}", app.contact(ANN).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_created_and_changed_with_forms() {
    let app = TestApp::start().await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let typed = [
        ("phone", ANN),
        ("first_name", "<Ann>"),
        ("attribute_name", "visits"),
        ("attribute_kind", "number"),
        ("attribute_value", "many"),
    ];
    let refused = send(&marketer, "/contacts/new", "/contacts", &typed).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Not a number"));
    let again = refused.form("/contacts");
    assert_eq!(
        (again.value("first_name"), again.value("attribute_value")),
        (Some("<Ann>"), Some("many"))
    );

    let contact = marketer.send(&again.with("attribute_value", "3")).await.ok();
    assert!(
        contact.html.contains("&lt;Ann&gt;") && contact.html.contains("<bdi>visits</bdi>"),
        "{}",
        contact.html
    );
    let twice = send(&marketer, "/contacts/new", "/contacts", &[("phone", ANN)]).await;
    assert!(twice.status == 422 && twice.text().contains("This number is already a contact."));

    let edit = format!("{}/edit", contact.path);
    let changed = send(
        &marketer,
        &edit,
        &edit,
        &[("last_name", "O'Hara"), ("attribute_name", ""), ("attribute_value", "")],
    )
    .await
    .ok();
    assert!(!changed.html.contains("<bdi>visits</bdi>"), "an emptied attribute is removed");
    assert!(marketer.open("/contacts?q=o%27hara").await.ok().text().contains("+1 415 555 0123"));
    assert!(marketer.open("/contacts?q=nobody").await.ok().text().contains("No contacts found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_removed_on_the_page() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let tags = format!("{contact}/tags");
    assert!(
        send(&marketer, &contact, &tags, &[("tag", "VIP & co")])
            .await
            .ok()
            .html
            .contains("Remove the tag VIP &amp; co")
    );
    assert!(
        marketer.open("/contacts?tag=vip%20%26%20co").await.ok().text().contains("+1 415 555 0123")
    );
    let blank = send(&marketer, &contact, &tags, &[("tag", " ")]).await;
    assert!(blank.status == 422 && blank.text().contains("Enter a tag."));
    assert!(
        !send(&marketer, &contact, &format!("{tags}/remove"), &[])
            .await
            .ok()
            .html
            .contains("Remove the tag")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_suppressed_by_hand_and_lifted_each_with_a_reason() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let (suppress, lift) = (format!("{contact}/suppress"), format!("{contact}/lift"));
    let silent = send(&marketer, &contact, &suppress, &[]).await;
    assert!(silent.status == 422 && silent.text().contains("Write why"));
    let suppressed =
        send(&marketer, &contact, &suppress, &[("suppress_note", "asked on the phone")])
            .await
            .ok()
            .text();
    assert!(suppressed.contains("Can’t be texted"), "{suppressed}");
    assert!(
        suppressed.contains("Suppressed by marketer@example.com: asked on the phone"),
        "{suppressed}"
    );
    assert!(marketer.open("/contacts").await.ok().text().contains("Suppressed by hand"));
    let lifted =
        send(&marketer, &contact, &lift, &[("lift_note", "asked to be back")]).await.ok().text();
    assert!(!lifted.contains("Can’t be texted"), "{lifted}");
    assert!(
        lifted.contains("Suppression by hand lifted by marketer@example.com: asked to be back"),
        "{lifted}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_lifts_a_stop() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    let twilio = app.connect_twilio().await;
    app.text(ANN, &twilio.sender, "STOP").await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let lift_stop = format!("{contact}/lift-stop");
    let form = marketer.open(&contact).await.ok().form(&format!("{contact}/suppress"));
    assert_eq!(
        marketer.send(&form.clone().to(&lift_stop).and("stop_note", "I want to")).await.status,
        403
    );
    marketer.send(&form.to(&format!("{contact}/lift")).and("lift_note", "I want to")).await.ok();
    let still = marketer.open(&contact).await.ok().text();
    assert!(still.contains("Can’t be texted") && still.contains("Texted “STOP” to +1"), "{still}");

    let admin = app.sign_in().await;
    assert_eq!(send(&admin, &contact, &lift_stop, &[]).await.status, 422);
    let lifted = send(&admin, &contact, &lift_stop, &[("stop_note", "Signed a form on 3 May")])
        .await
        .ok()
        .text();
    assert!(!lifted.contains("Can’t be texted"), "{lifted}");
    assert!(
        lifted.contains("STOP lifted by admin@example.com: Signed a form on 3 May"),
        "{lifted}"
    );
    assert!(!lifted.contains("Remove Twilio-Message-stop"), "{lifted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_shows_added_and_removed_tags() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    send(&marketer, &contact, &format!("{contact}/tags"), &[("tag", "VIP")]).await.ok();
    app.advance(TimeDelta::hours(1)).await;
    let page = marketer.open(&contact).await.ok();
    page.must_say("Got the tag “VIP”");
    let lost = marketer.send(&page.form(&format!("{contact}/tags/remove"))).await.ok();
    lost.must_say("Got the tag “VIP”");
    lost.must_say("Lost the tag “VIP”");
    // An impossible time is not a server error.
    for until in ["0", "-8000000000000000000", "8000000000000000000"] {
        marketer.open(&format!("{contact}?until={until}")).await.ok();
    }
    assert_eq!(app.count("contact_tags").await, 0);
    // After the tag is added again, the timeline has two additions and one removal. Deleting the
    // contact deletes its history.
    let again =
        send(&marketer, &contact, &format!("{contact}/tags"), &[("tag", "vip")]).await.ok().text();
    assert_eq!(
        (again.matches("Got the tag “VIP”").count(), again.matches("Lost the tag “VIP”").count()),
        (2, 1),
        "{again}"
    );
    send(&marketer, &format!("{contact}/delete"), &format!("{contact}/delete"), &[]).await.ok();
    assert_eq!(app.count("removed_tags").await, 0);
}

/// Stores a pending message to every contact. The id begins with the time, as all ids of messages
/// do: the timeline finds messages by ranges of ids.
const PENDING: &str = "WITH c AS (
    INSERT INTO connections (id, name, account_sid, account_name, auth_token, verified_at,
        created_at)
    VALUES (gen_random_uuid(), 'Shop', 'AC' || repeat('0', 32), 'Shop', '', now(), now())
        RETURNING id)
    INSERT INTO messages (id, direction, connection_id, contact_id, to_address, body, parts,
        encoding, status, created_at, status_at)
    SELECT overlay(gen_random_uuid()::text PLACING '019b0000-0000-7' FROM 1 FOR 15)::uuid,
        'outbound', c.id, contacts.id, contacts.phone, 'Hello', 1, 'gsm7',
        'pending', now(), now() FROM c, contacts";

#[tokio::test(flavor = "multi_thread")]
async fn suppressing_a_number_by_hand_suppresses_its_pending_messages() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    app.conn().await.batch_execute(PENDING).await.unwrap();
    let marketer = app.sign_in_as(Role::Marketer).await;
    assert!(marketer.open(&contact).await.ok().html.contains("data-status=\"pending\""));
    let suppressed = send(
        &marketer,
        &contact,
        &format!("{contact}/suppress"),
        &[("suppress_note", "asked on the phone")],
    )
    .await
    .ok();
    assert!(
        !suppressed.html.contains("data-status=\"pending\"")
            && suppressed.html.contains("data-status=\"suppressed\""),
        "{}",
        suppressed.html
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_is_never_texted() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    app.conn().await.batch_execute(PENDING).await.unwrap();
    let marketer = app.sign_in_as(Role::Marketer).await;
    let delete = format!("{contact}/delete");
    assert!(marketer.open(&delete).await.ok().text().contains("Delete this contact?"));
    assert_eq!(marketer.open(&contact).await.status, 200, "the confirmation page deletes nothing");
    assert_eq!(send(&marketer, &delete, &delete, &[]).await.ok().path, "/contacts");
    assert_eq!(marketer.open(&contact).await.status, 404);
    assert_eq!(
        app.texts("SELECT status || ': ' || reason AS text FROM messages").await,
        ["skipped: The contact was deleted."]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_added_on_the_page_starts_the_automations_that_wait_for_it() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome!").await;
    app.automation(
        json!({ "type": "tag_added", "tag": "vip" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    let contact = ann(&app).await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    assert!(!marketer.open(&contact).await.ok().text().contains("Entered the automation"));
    assert!(
        send(&marketer, &contact, &format!("{contact}/tags"), &[("tag", "VIP")])
            .await
            .ok()
            .text()
            .contains("Entered the automation")
    );
    Box::pin(app.run_until_idle()).await;
    assert_eq!(app.received(ANN), ["Welcome!"]);
    assert!(marketer.open(&contact).await.ok().html.contains("data-status=\"delivered\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let app = TestApp::start().await;
    let contact = ann(&app).await;
    app.api().post(&format!("{contact}/tags"), json!({ "name": "VIP" })).await.ok();
    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.open(&contact).await.ok();
    assert!(page.text().contains("VIP"));
    assert!(
        !page.html.contains("/edit")
            && !page.html.contains("/tags/remove")
            && !page.html.contains("/suppress")
    );
    for path in ["/contacts/new", &format!("{contact}/edit"), &format!("{contact}/delete")] {
        assert_eq!(viewer.open(path).await.status, 403, "{path}");
    }
    let forged = page.form("/account/sign-out").to(&format!("{contact}/tags")).and("tag", "x");
    assert_eq!(viewer.send(&forged).await.status, 403);
    assert_eq!(viewer.open("/contacts/00000000-0000-7000-8000-000000000000").await.status, 404);
    assert_eq!(viewer.open("/contacts/7").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_contacts_are_tagged_at_once_after_a_confirmation_with_their_number() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let template = app.template("Welcome.").await;
    app.automation(
        json!({ "type": "tag_added", "tag": "vip" }),
        json!([send_sms(&template, &twilio)]),
    )
    .await;
    let ann = id(&app
        .api()
        .post("/contacts", json!({ "phone": HANDSET, "first_name": "Ann", "tags": ["shop"] }))
        .await
        .ok());
    let ben = id(&app
        .api()
        .post("/contacts", json!({ "phone": OTHER_HANDSET, "first_name": "Ben" }))
        .await
        .ok());
    app.run_sql(
        "INSERT INTO contacts (id, phone, first_name, created_at, updated_at)
         SELECT md5(n::text)::uuid, '+1206556' || lpad(n::text, 4, '0'), 'Many', now(), now()
             FROM generate_series(1, 1200) AS n",
    )
    .await;
    let site = app.sign_in_as(Role::Marketer).await;
    let tagged = async |tag: &str| {
        app.count(&format!("contact_tags c JOIN tags t ON t.id = c.tag_id WHERE t.name = '{tag}'"))
            .await
    };

    // Selected contacts; the confirmation names the automations that will start.
    let page = site.open("/contacts?q=ann").await.ok();
    assert!(page.html.contains(&format!("name=\"id\" value=\"{ann}\" form=\"bulk\"")));
    let confirmation =
        site.open(&format!("/contacts/tag?action=add&name=vip&q=ann&id={ann}&id={ben}")).await.ok();
    confirmation.must_say("2 contacts chosen");
    confirmation.must_say("This starts “Automation");
    assert_eq!(tagged("vip").await, 0, "the confirmation page changes nothing");
    let done = site.send(&confirmation.form("/contacts/tag")).await.ok();
    assert_eq!(done.path, "/contacts?q=ann");
    done.must_say("Added “vip” to 2 contacts.");
    app.run_until_idle().await;
    assert_eq!((app.received(HANDSET).len(), app.received(OTHER_HANDSET).len()), (1, 1));

    // All contacts of a filter, over several transactions; a contact with the tag gets no second
    // message.
    let confirmation = site.open("/contacts/tag?action=add&name=Vip&all=true").await.ok();
    confirmation.must_say("All 1,202 contacts");
    site.send(&confirmation.form("/contacts/tag"))
        .await
        .ok()
        .must_say("to 1,200 contacts. 2 contacts had it already.");
    assert_eq!(tagged("vip").await, 1_202);
    let confirmation = site.open("/contacts/tag?action=remove&name=VIP&all=true&q=many").await.ok();
    confirmation.must_say("1,200 contacts match “many”");
    site.send(&confirmation.form("/contacts/tag"))
        .await
        .ok()
        .must_say("Removed “VIP” from 1,200 contacts.");
    assert_eq!(tagged("vip").await, 2);
    app.run_until_idle().await;
    assert_eq!(app.received(HANDSET).len(), 1);

    // Invalid requests. Ignoring the unreadable tag would select all contacts.
    let unreadable = "x".repeat(81);
    for path in ["/contacts?", "/contacts/tag?action=add&name=vip&all=true&"] {
        assert_eq!(site.open(&format!("{path}tag={unreadable}")).await.status, 400, "{path}");
    }
    site.open("/contacts/tag?action=add&name=vip").await.ok().must_say("No contacts chosen.");
    let confirmation = site
        .open(&format!("/contacts/tag?action=add&name=twilio-message-STOP&id={ann}"))
        .await
        .ok();
    confirmation.must_say("This tag marks an opt-out");
    let refused = site.send(&confirmation.form("/contacts/tag")).await;
    assert_eq!((refused.status, tagged("Twilio-Message-stop").await), (422, 0));
    let viewer = app.sign_in_as(Role::Viewer).await;
    assert!(!viewer.open("/contacts").await.ok().html.contains("form=\"bulk\""));
    assert_eq!(
        viewer.open(&format!("/contacts/tag?action=add&name=vip&id={ann}")).await.status,
        403
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_marketer_finds_and_tags_contacts_and_suppresses_one_with_a_reason() {
    let app = TestApp::start().await;
    for (phone, name) in [(ANN, "Ann"), (HANDSET, "Anna"), (OTHER_HANDSET, "Ben")] {
        app.api().post("/contacts", json!({ "phone": phone, "first_name": name })).await.ok();
    }
    let browser = Browser::open().await;
    browser.sign_in(&app).await;
    browser.go(&format!("{}/contacts", app.url)).await;
    browser.fill("q", "ann").await;
    browser.press("Search").await;
    browser.must_say("Anna").await;
    assert_eq!(browser.run("return document.querySelectorAll('tbody tr').length").await, 2);

    // One checkbox selects both.
    browser.run("document.querySelector('[data-mark-all]').click()").await;
    browser.run("document.querySelector('details.many').open = true").await;
    browser.fill("name", "regulars").await;
    browser.press("Add tag…").await;
    browser.must_say("2 contacts chosen").await;
    browser.press("Add tag").await;
    browser.must_say("Added “regulars” to 2 contacts.").await;

    browser.follow("Ann").await;
    browser.must_say("Got the tag “regulars”").await;
    browser.press("Remove").await;
    browser.must_say("Lost the tag “regulars”").await;
    browser
        .run("document.querySelector('[name=suppress_note]').closest('details').open = true")
        .await;
    browser.fill("suppress_note", "asked on the phone").await;
    browser.press("Suppress number").await;
    browser.must_say("Can’t be texted").await;
    browser.must_say("Suppressed by ada@example.com: asked on the phone").await;
    browser.run("document.querySelector('[name=lift_note]').closest('details').open = true").await;
    browser.fill("lift_note", "wants it again").await;
    browser.press("Lift suppression").await;
    browser.must_say("Can be texted").await;
}
