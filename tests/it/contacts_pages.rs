//! The pages of contacts, as a browser uses them.

use carillon::db::schema::messages;
use carillon::users::Role;
use diesel::QueryDsl;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::json;

use crate::harness;

const PHONE: (&str, &str) = ("phone", "+1 415 555 0123");

#[tokio::test]
async fn a_contact_is_made_and_changed_with_forms() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let rows = [("attribute_name", "visits"), ("attribute_kind", "number"), ("attribute_value", "many")];
    let (status, html) = marketer.post("/contacts/new", "/contacts", &[&[PHONE, ("first_name", "<Ann>")], rows.as_slice()].concat()).await;
    assert_eq!(status, 422);
    assert!(html.contains("This is not a number") && html.contains("value=\"&lt;Ann&gt;\"") && html.contains("value=\"many\""), "{html}");
    let rows = [("attribute_name", "visits"), ("attribute_kind", "number"), ("attribute_value", "3")];
    let (status, contact) =
        marketer.post("/contacts/new", "/contacts", &[&[PHONE, ("first_name", "<Ann>")], rows.as_slice()].concat()).await;
    assert_eq!(status, 303);
    let (status, html) = marketer.get(&contact).await;
    assert!(
        status == 200 && html.contains("&lt;Ann&gt;") && html.contains("+1 415 555 0123") && html.contains("<code>visits</code>"),
        "{html}"
    );
    let (status, html) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    assert!(status == 422 && html.contains("already a contact"));
    let edit = format!("{contact}/edit");
    let (status, _) = marketer.post(&edit, &edit, &[PHONE, ("last_name", "O'Hara")]).await;
    assert_eq!(status, 303);
    let (_, html) = marketer.get("/contacts?q=o%27hara").await;
    assert!(html.contains("O&#x27;Hara") || html.contains("O&#39;Hara") || html.contains("O'Hara"), "{html}");
    assert!(!marketer.get(&contact).await.1.contains("<code>visits</code>"), "an attribute that was left out is gone");
}

#[tokio::test]
async fn tags_are_added_and_removed_on_the_page() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    let tags = format!("{contact}/tags");
    assert_eq!(marketer.post(&contact, &tags, &[("tag", "VIP & co")]).await.0, 303);
    assert!(marketer.get(&contact).await.1.contains("Remove the tag VIP &amp; co"));
    assert!(marketer.get("/contacts?tag=vip%20%26%20co").await.1.contains("+1 415 555 0123"));
    let (status, html) = marketer.post(&contact, &tags, &[("tag", " ")]).await;
    assert!(status == 422 && html.contains("Enter a tag."));
    assert_eq!(marketer.post(&contact, &format!("{tags}/remove"), &[("tag", "vip & CO")]).await.0, 303);
    assert!(!marketer.get(&contact).await.1.contains("Remove the tag"));
}

#[tokio::test]
async fn a_number_is_suppressed_by_hand_and_lifted_with_written_reasons() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    let suppress = format!("{contact}/suppress");
    let (status, html) = marketer.post(&contact, &suppress, &[("suppress_note", "")]).await;
    assert!(status == 422 && html.contains("Write down why"));
    assert_eq!(marketer.post(&contact, &suppress, &[("suppress_note", "asked on the phone")]).await.0, 303);
    let (_, html) = marketer.get(&contact).await;
    assert!(
        html.contains("This number is not texted") && html.contains("Suppressed by marketer@example.com: asked on the phone"),
        "{html}"
    );
    assert!(marketer.get("/contacts").await.1.contains("Suppressed by hand"));
    assert_eq!(marketer.post(&contact, &format!("{contact}/lift"), &[("lift_note", "asked to be back")]).await.0, 303);
    let (_, html) = marketer.get(&contact).await;
    assert!(
        !html.contains("This number is not texted")
            && html.contains("Suppression by hand lifted by marketer@example.com: asked to be back"),
        "{html}"
    );
}

#[tokio::test]
async fn only_an_admin_lifts_a_stop() {
    let site = harness::site().await;
    let (_, created) = site.api("POST", "/contacts", json!({ "phone": "+14155550123" })).await;
    crate::contacts_api::stop(&site, "+14155550123").await;
    let contact = format!("/contacts/{}", created["id"].as_str().unwrap());
    let lift = format!("{contact}/lift-stop");
    let (marketer, admin) = (site.sign_in(Role::Marketer).await, site.sign_in(Role::Admin).await);
    assert_eq!(marketer.post(&contact, &lift, &[("stop_note", "I want to")]).await.0, 403);
    assert_eq!(marketer.post(&contact, &format!("{contact}/lift"), &[("lift_note", "I want to")]).await.0, 303);
    let (_, html) = marketer.get(&contact).await;
    assert!(html.contains("This number is not texted") && html.contains("Texted “STOP”"), "{html}");
    assert_eq!(admin.post(&contact, &lift, &[("stop_note", "")]).await.0, 422);
    assert_eq!(admin.post(&contact, &lift, &[("stop_note", "Signed a form on 3 May")]).await.0, 303);
    let (_, html) = admin.get(&contact).await;
    assert!(
        !html.contains("This number is not texted") && html.contains("STOP lifted by admin@example.com: Signed a form on 3 May"),
        "{html}"
    );
}

/// Leaves a message waiting to be sent to every contact.
const PENDING: &str = "WITH c AS (
    INSERT INTO connections (id, name, account_sid, account_name, auth_token, verified_at, created_at)
    VALUES (gen_random_uuid(), 'Shop', 'AC' || repeat('0', 32), 'Shop', '', now(), now()) RETURNING id)
    INSERT INTO messages (id, direction, connection_id, contact_id, to_address, body, parts, encoding, status, created_at, status_at)
    SELECT gen_random_uuid(), 'outbound', c.id, contacts.id, contacts.phone, 'Hello', 1, 'gsm7', 'pending', now(), now() FROM c, contacts";

#[tokio::test]
async fn a_pending_message_is_taken_back_when_its_number_is_suppressed_by_hand() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    site.database.conn().await.batch_execute(PENDING).await.unwrap();
    assert!(marketer.get(&contact).await.1.contains("status-pending"));
    marketer.post(&contact, &format!("{contact}/suppress"), &[("suppress_note", "asked on the phone")]).await;
    let (_, html) = marketer.get(&contact).await;
    assert!(!html.contains("status-pending") && html.contains("status-suppressed"), "{html}");
}

#[tokio::test]
async fn nobody_who_was_deleted_is_texted() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    let conn = &mut site.database.conn().await;
    conn.batch_execute(PENDING).await.unwrap();
    let delete = format!("{contact}/delete");
    assert_eq!(marketer.post(&delete, &delete, &[]).await.0, 303);
    let left: Vec<(String, Option<String>)> = messages::table.select((messages::status, messages::reason)).load(conn).await.unwrap();
    assert_eq!(left, [("skipped".to_owned(), Some("The contact was deleted.".to_owned()))]);
}

#[tokio::test]
async fn a_tag_added_on_the_page_starts_the_automations_that_wait_for_it() {
    let site = harness::site().await;
    let sender = "WITH c AS (
        INSERT INTO connections (id, name, account_sid, account_name, auth_token, verified_at, created_at)
        VALUES (gen_random_uuid(), 'Shop', 'AC' || repeat('0', 32), 'Shop', '', now(), now()) RETURNING id)
        INSERT INTO senders (id, connection_id, kind, address, twilio_sid, name, sms_capable, mms_capable, created_at)
        SELECT '00000000-0000-7000-8000-000000000001', id, 'phone_number', '+14155550100', 'PN1', 'Shop', true, false, now() FROM c";
    site.database.conn().await.batch_execute(sender).await.unwrap();
    let (status, template) = site.api("POST", "/templates", json!({ "name": "Welcome", "body": "Welcome!" })).await;
    assert_eq!(status, 201, "{template}");
    let send = json!({ "type": "send_sms", "template_id": template["id"], "sender_id": "00000000-0000-7000-8000-000000000001" });
    let automation =
        json!({ "name": "Welcome & more", "trigger": { "type": "tag_added", "tag": "vip" }, "steps": [send], "status": "active" });
    let (status, answer) = site.api("POST", "/automations", automation).await;
    assert_eq!(status, 201, "{answer}");
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    assert!(!marketer.get(&contact).await.1.contains("Entered the automation"));
    marketer.post(&contact, &format!("{contact}/tags"), &[("tag", "VIP")]).await;
    assert!(marketer.get(&contact).await.1.contains("Entered the automation “Welcome &amp; more”"));
}

#[tokio::test]
async fn a_viewer_sees_everything_and_changes_nothing() {
    let site = harness::site().await;
    let (_, created) = site.api("POST", "/contacts", json!({ "phone": "+14155550123", "tags": ["VIP"] })).await;
    let contact = format!("/contacts/{}", created["id"].as_str().unwrap());
    let viewer = site.sign_in(Role::Viewer).await;
    let (status, html) = viewer.get(&contact).await;
    assert!(status == 200 && html.contains("VIP"));
    assert!(!html.contains("/edit") && !html.contains("/tags/remove") && !html.contains("/suppress"));
    for path in ["/contacts/new", &format!("{contact}/edit"), &format!("{contact}/delete")] {
        assert_eq!(viewer.get(path).await.0, 403, "{path}");
    }
    assert_eq!(viewer.post(&contact, &format!("{contact}/tags"), &[("tag", "x")]).await.0, 403);
    assert_eq!(viewer.get("/contacts/00000000-0000-7000-8000-000000000000").await.0, 404);
    assert_eq!(viewer.get("/contacts/7").await.0, 404);
}

#[tokio::test]
async fn deleting_asks_first() {
    let site = harness::site().await;
    let marketer = site.sign_in(Role::Marketer).await;
    let (_, contact) = marketer.post("/contacts/new", "/contacts", &[PHONE]).await;
    let delete = format!("{contact}/delete");
    assert!(marketer.get(&delete).await.1.contains("Delete this contact?"));
    assert_eq!(marketer.get(&contact).await.0, 200);
    assert_eq!(marketer.post(&delete, &delete, &[]).await, (303, "/contacts".to_owned()));
    assert_eq!(marketer.get(&contact).await.0, 404);
}
