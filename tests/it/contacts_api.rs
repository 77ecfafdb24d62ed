//! The contacts of the JSON API, over HTTP.

use carillon::contacts::suppressions::{self, Evidence, Reason, Source};
use carillon::types::phone::PhoneNumber;
use serde_json::{Value, json};

use crate::harness::{self, Site};

async fn create(site: &Site, contact: Value) -> Value {
    let (status, answer) = site.api("POST", "/contacts", contact).await;
    assert_eq!(status, 201, "{answer}");
    answer
}

pub(crate) async fn stop(site: &Site, phone: &str) {
    let evidence = Evidence {
        phone: PhoneNumber::from_e164(phone).unwrap(),
        reason: Reason::Stop,
        source: Source::Keyword,
        message_id: None,
        user_id: None,
        note: Some("STOP".to_owned()),
    };
    let _ = suppressions::suppress(&mut site.database.conn().await, evidence, site.clock.now()).await.unwrap();
}

fn path(contact: &Value) -> String {
    format!("/contacts/{}", contact["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_contact_is_created_read_changed_and_deleted() {
    let site = harness::site().await;
    let contact = create(
        &site,
        json!({
            "phone": "+1 (415) 555-0123", "first_name": " Ann ", "email": "ann@example.com", "external_id": "7",
            "attributes": { "city": "Köln", "visits": 3, "none": null }, "tags": ["VIP", "vip", "new"],
        }),
    )
    .await;
    assert_eq!(contact["phone"], "+14155550123");
    assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Ann"), &Value::Null));
    assert_eq!(contact["attributes"], json!({ "city": "Köln", "visits": 3 }));
    assert_eq!(contact["tags"], json!(["VIP", "new"]));
    assert_eq!(contact["suppression"], Value::Null);
    assert_eq!(site.api("GET", &path(&contact), Value::Null).await, (200, contact.clone()));

    let patch = json!({ "first_name": null, "last_name": "Smith", "attributes": { "city": null, "age": 40 }, "tags": ["new"] });
    let (status, changed) = site.api("PATCH", &path(&contact), patch).await;
    assert_eq!(status, 200, "{changed}");
    assert_eq!(
        (&changed["first_name"], &changed["last_name"], &changed["email"]),
        (&Value::Null, &json!("Smith"), &json!("ann@example.com"))
    );
    assert_eq!((&changed["attributes"], &changed["tags"]), (&json!({ "visits": 3, "age": 40 }), &json!(["new"])));

    assert_eq!(site.api("DELETE", &path(&contact), Value::Null).await.0, 204);
    assert_eq!(site.api("DELETE", &path(&contact), Value::Null).await.0, 404);
    assert_eq!(site.api("GET", &path(&contact), Value::Null).await.0, 404);
    assert_eq!(site.api("GET", "/contacts/7", Value::Null).await.0, 404);
}

#[tokio::test]
async fn what_cannot_be_accepted_is_named_field_by_field() {
    let site = harness::site().await;
    create(&site, json!({ "phone": "+14155550123", "external_id": "7" })).await;
    for (body, fields) in [
        (json!({ "phone": "+14155550123" }), vec!["phone"]),
        (json!({ "phone": "+14155550199", "external_id": "7" }), vec!["external_id"]),
        (
            json!({ "phone": "415 555 0123", "email": "ann", "attributes": { "a b": 1, "c": [] }, "tags": [""] }),
            vec!["attributes.a b", "attributes.c", "email", "phone", "tags.0"],
        ),
        (json!({ "first_name": "Ann" }), vec!["phone"]),
        (json!({ "phone": "+14155550199", "fist_name": "Ann" }), vec!["fist_name"]),
        (json!({ "phone": 14_155_550_199_u64 }), vec!["phone"]),
    ] {
        let (status, answer) = site.api("POST", "/contacts", body.clone()).await;
        let named: Vec<_> = answer["error"]["fields"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!((status, named), (422, fields), "{body}: {answer}");
    }
    let (_, answer) = site.api("POST", "/contacts", json!({ "phone": "+14155550123" })).await;
    assert_eq!(answer["error"]["fields"]["phone"], json!(["already a contact"]));
}

#[tokio::test]
async fn an_upsert_creates_once_and_then_changes() {
    let site = harness::site().await;
    let put = async |body| site.api("PUT", "/contacts/by-phone/+14155550123", body).await;
    let (first, created) = put(json!({ "first_name": "Ann", "tags": ["new"] })).await;
    let (second, changed) = put(json!({ "last_name": "Smith", "attributes": { "city": "Köln" } })).await;
    assert_eq!((first, second), (201, 200));
    assert_eq!(created["id"], changed["id"]);
    assert_eq!((&changed["first_name"], &changed["last_name"], &changed["tags"]), (&json!("Ann"), &json!("Smith"), &json!(["new"])));
    assert_eq!(site.api("PUT", "/contacts/by-phone/%2B14155550123", json!({})).await.0, 200);
    assert_eq!(put(json!({ "phone": "+14155550199" })).await.0, 422);
    let (status, answer) = site.api("PUT", "/contacts/by-phone/123", json!({})).await;
    assert_eq!((status, answer["error"]["fields"]["phone"].is_array()), (422, true), "{answer}");
}

#[tokio::test]
async fn a_refused_upsert_leaves_no_contact_behind() {
    let site = harness::site().await;
    create(&site, json!({ "phone": "+14155550199", "external_id": "7" })).await;
    assert_eq!(site.api("PUT", "/contacts/by-phone/+14155550123", json!({ "external_id": "7" })).await.0, 422);
    let (_, list) = site.api("GET", "/contacts?phone=%2B14155550123", Value::Null).await;
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn the_list_is_filtered_and_paged() {
    let site = harness::site().await;
    for n in 0..5 {
        let tags = if n % 2 == 0 { json!(["even"]) } else { json!([]) };
        create(&site, json!({ "phone": format!("+1415555010{n}"), "external_id": format!("customer-{n}"), "tags": tags })).await;
    }
    let found = async |query: &str| {
        let (status, list) = site.api("GET", &format!("/contacts{query}"), Value::Null).await;
        assert_eq!(status, 200, "{list}");
        let ids =
            list["data"].as_array().unwrap().iter().map(|contact| contact["external_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        (ids.join(" "), list["next_cursor"].as_str().map(str::to_owned))
    };
    let (first, cursor) = found("?tag=EVEN&limit=2").await;
    assert_eq!(first, "customer-4 customer-2");
    let (second, end) = found(&format!("?tag=EVEN&limit=2&cursor={}", cursor.unwrap())).await;
    assert_eq!((second.as_str(), end), ("customer-0", None));
    assert_eq!(found("?phone=%2B14155550103").await.0, "customer-3");
    assert_eq!(found("?phone=+14155550103").await.0, "customer-3", "a + that was not escaped");
    assert_eq!(found("?external_id=customer-1").await.0, "customer-1");
    assert_eq!(found("?q=customer-&limit=1").await.0, "customer-4");
    assert_eq!(found("?q=550102").await.0, "customer-2");
    for wrong in ["?limit=0", "?cursor=x", "?phone=abc", "?colour=red"] {
        assert_eq!(site.api("GET", &format!("/contacts{wrong}"), Value::Null).await.0, 422, "{wrong}");
    }
}

#[tokio::test]
async fn tags_are_added_and_removed_by_name() {
    let site = harness::site().await;
    let contact = create(&site, json!({ "phone": "+14155550123" })).await;
    let tags = format!("{}/tags", path(&contact));
    let (status, tagged) = site.api("POST", &tags, json!({ "name": "VIP / new" })).await;
    assert_eq!((status, &tagged["tags"]), (200, &json!(["VIP / new"])));
    assert_eq!(site.api("POST", &tags, json!({ "name": "vip / NEW" })).await.1["tags"], json!(["VIP / new"]));
    assert_eq!(site.api("POST", &tags, json!({ "name": " " })).await.0, 422);
    assert_eq!(site.api("DELETE", &format!("{tags}/VIP%20%2F%20new"), Value::Null).await.0, 204);
    assert_eq!(site.api("DELETE", &format!("{tags}/VIP%20%2F%20new"), Value::Null).await.0, 404);
    let unknown = "/contacts/00000000-0000-7000-8000-000000000000/tags";
    assert_eq!(site.api("POST", unknown, json!({ "name": "VIP" })).await.0, 404);
}

#[tokio::test]
async fn a_stop_shows_and_no_tag_removes_it() {
    let site = harness::site().await;
    let contact = create(&site, json!({ "phone": "+14155550123" })).await;
    stop(&site, "+14155550123").await;
    let (_, stopped) = site.api("GET", &path(&contact), Value::Null).await;
    assert_eq!((&stopped["suppression"]["reason"], &stopped["tags"]), (&json!("stop"), &json!(["Twilio-Message-stop"])));
    assert!(stopped["suppression"]["since"].is_string());
    let (_, listed) = site.api("GET", "/contacts?tag=twilio-message-stop", Value::Null).await;
    assert_eq!(listed["data"][0], stopped);

    assert_eq!(site.api("PATCH", &path(&contact), json!({ "tags": [] })).await.1["tags"], json!(["Twilio-Message-stop"]));
    assert_eq!(site.api("DELETE", &format!("{}/tags/Twilio-Message-stop", path(&contact)), Value::Null).await.0, 204);
    let (_, untagged) = site.api("GET", &path(&contact), Value::Null).await;
    assert_eq!((&untagged["suppression"]["reason"], &untagged["tags"]), (&json!("stop"), &json!([])));

    site.api("DELETE", &path(&contact), Value::Null).await;
    let again = create(&site, json!({ "phone": "+14155550123" })).await;
    assert_eq!((&again["suppression"]["reason"], &again["tags"]), (&json!("stop"), &json!(["Twilio-Message-stop"])));
}

#[tokio::test]
async fn adding_the_stop_tag_through_the_api_suppresses_the_number() {
    let site = harness::site().await;
    let contact = create(&site, json!({ "phone": "+14155550123", "tags": ["Twilio-Message-stop"] })).await;
    assert_eq!(contact["suppression"]["reason"], "manual");
}
