//! The contacts of the JSON API, over HTTP.

use serde_json::{Value, json};

use crate::harness::TestApp;

async fn create(app: &TestApp, contact: Value) -> Value {
    let answer = app.api().post("/contacts", contact).await;
    assert_eq!(answer.status, 201, "{:#}", answer.json);
    answer.json
}

fn path(contact: &Value) -> String {
    format!("/contacts/{}", contact["id"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_is_created_read_changed_and_deleted() {
    let app = TestApp::start().await;
    let contact = create(
        &app,
        json!({
            "phone": "+1 (415) 555-0123", "first_name": " Ann ", "email": "ann@example.com", "external_id": "7",
            "attributes": {
                "city": "Köln",
                "visits": 3,
                "none": null
            }, "tags": ["VIP", "vip", "new"],
        }),
    )
    .await;
    assert_eq!(contact["phone"], "+14155550123");
    assert_eq!((&contact["first_name"], &contact["last_name"]), (&json!("Ann"), &Value::Null));
    assert_eq!(contact["attributes"], json!({ "city": "Köln", "visits": 3 }));
    assert_eq!(contact["tags"], json!(["VIP", "new"]));
    assert_eq!(contact["suppression"], Value::Null);
    assert_eq!(app.api().get(&path(&contact)).await.ok(), contact);

    let patch = json!(
        {
            "first_name": null,
            "last_name": "Smith",
            "attributes": { "city": null, "age": 40 },
            "tags": ["new"]
        }
    );
    let changed = app.api().patch(&path(&contact), patch).await.ok();
    assert_eq!(
        (&changed["first_name"], &changed["last_name"], &changed["email"]),
        (&Value::Null, &json!("Smith"), &json!("ann@example.com"))
    );
    assert_eq!(
        (&changed["attributes"], &changed["tags"]),
        (&json!({ "visits": 3, "age": 40 }), &json!(["new"]))
    );

    assert_eq!(app.api().delete(&path(&contact)).await.status, 204);
    assert_eq!(app.api().delete(&path(&contact)).await.status, 404);
    assert_eq!(app.api().get(&path(&contact)).await.status, 404);
    assert_eq!(app.api().get("/contacts/7").await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_invalid_field_has_its_own_error() {
    let app = TestApp::start().await;
    create(&app, json!({ "phone": "+14155550123", "external_id": "7" })).await;
    for (body, fields) in [
        (json!({ "phone": "+14155550123" }), vec!["phone"]),
        (json!({ "phone": "+14155550199", "external_id": "7" }), vec!["external_id"]),
        (
            json!(
                {
                    "phone": "415 555 0123",
                    "email": "ann",
                    "attributes": { "a b": 1, "c": [] },
                    "tags": [""]
                }
            ),
            vec!["attributes.a b", "attributes.c", "email", "phone", "tags.0"],
        ),
        (json!({ "first_name": "Ann" }), vec!["phone"]),
        (json!({ "phone": "+14155550199", "fist_name": "Ann" }), vec!["fist_name"]),
        (json!({ "phone": 14_155_550_199_u64 }), vec!["phone"]),
    ] {
        let error = app.api().post("/contacts", body.clone()).await.refused(422);
        let named: Vec<_> =
            error["fields"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(named, fields, "{body}: {error}");
    }
    assert_eq!(
        app.api().post("/contacts", json!({ "phone": "+14155550123" })).await.field("phone"),
        "This number is already a contact."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upsert_creates_first_and_updates_afterwards() {
    let app = TestApp::start().await;
    let put = async |body| app.api().put("/contacts/by-phone/+14155550123", body).await;
    let created = put(json!({ "first_name": "Ann", "tags": ["new"] })).await;
    let changed = put(json!({ "last_name": "Smith", "attributes": { "city": "Köln" } })).await;
    assert_eq!((created.status, changed.status), (201, 200));
    let (created, changed) = (created.json, changed.json);
    assert_eq!(created["id"], changed["id"]);
    assert_eq!(
        (&changed["first_name"], &changed["last_name"], &changed["tags"]),
        (&json!("Ann"), &json!("Smith"), &json!(["new"]))
    );
    assert_eq!(app.api().put("/contacts/by-phone/%2B14155550123", json!({})).await.status, 200);
    assert_eq!(put(json!({ "phone": "+14155550199" })).await.status, 422);
    app.api().put("/contacts/by-phone/123", json!({})).await.field("phone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upsert_leaves_no_contact_behind() {
    let app = TestApp::start().await;
    create(&app, json!({ "phone": "+14155550199", "external_id": "7" })).await;
    assert_eq!(
        app.api()
            .put("/contacts/by-phone/+14155550123", json!({ "external_id": "7" }))
            .await
            .status,
        422
    );
    let list = app.api().get("/contacts?phone=%2B14155550123").await.ok();
    assert_eq!(list["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_and_paged() {
    let app = TestApp::start().await;
    for n in 0..5 {
        let tags = if n % 2 == 0 { json!(["even"]) } else { json!([]) };
        create(
            &app,
            json!(
                {
                    "phone": format!("+1415555010{n}"),
                    "external_id": format!("customer-{n}"),
                    "tags": tags
                }
            ),
        )
        .await;
    }
    let found = async |query: &str| {
        let list = app.api().get(&format!("/contacts{query}")).await.ok();
        let ids = list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|contact| contact["external_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>();
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
        assert_eq!(app.api().get(&format!("/contacts{wrong}")).await.status, 422, "{wrong}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_are_added_and_removed_by_name() {
    let app = TestApp::start().await;
    let contact = create(&app, json!({ "phone": "+14155550123" })).await;
    let tags = format!("{}/tags", path(&contact));
    assert_eq!(
        app.api().post(&tags, json!({ "name": "VIP / new" })).await.ok()["tags"],
        json!(["VIP / new"])
    );
    assert_eq!(
        app.api().post(&tags, json!({ "name": "vip / NEW" })).await.ok()["tags"],
        json!(["VIP / new"])
    );
    assert_eq!(app.api().post(&tags, json!({ "name": " " })).await.status, 422);
    assert_eq!(app.api().delete(&format!("{tags}/VIP%20%2F%20new")).await.status, 204);
    assert_eq!(app.api().delete(&format!("{tags}/VIP%20%2F%20new")).await.status, 404);
    let unknown = "/contacts/00000000-0000-7000-8000-000000000000/tags";
    assert_eq!(app.api().post(unknown, json!({ "name": "VIP" })).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_shown_and_removing_its_tag_does_not_lift_it() {
    let app = TestApp::start().await;
    let contact = create(&app, json!({ "phone": "+14155550123" })).await;
    let twilio = app.connect_twilio().await;
    app.text("+14155550123", &twilio.sender, "STOP").await;
    let stopped = app.api().get(&path(&contact)).await.ok();
    assert_eq!(
        (&stopped["suppression"]["reason"], &stopped["tags"]),
        (&json!("stop"), &json!(["Twilio-Message-stop"]))
    );
    assert!(stopped["suppression"]["since"].is_string());
    let listed = app.api().get("/contacts?tag=twilio-message-stop").await.ok();
    assert_eq!(listed["data"][0], stopped);

    assert_eq!(
        app.api().patch(&path(&contact), json!({ "tags": [] })).await.ok()["tags"],
        json!(["Twilio-Message-stop"])
    );
    assert_eq!(
        app.api().delete(&format!("{}/tags/Twilio-Message-stop", path(&contact))).await.status,
        204
    );
    let untagged = app.api().get(&path(&contact)).await.ok();
    assert_eq!(
        (&untagged["suppression"]["reason"], &untagged["tags"]),
        (&json!("stop"), &json!([]))
    );

    assert_eq!(app.api().delete(&path(&contact)).await.status, 204);
    let again = create(&app, json!({ "phone": "+14155550123" })).await;
    assert_eq!(
        (&again["suppression"]["reason"], &again["tags"]),
        (&json!("stop"), &json!(["Twilio-Message-stop"]))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_the_stop_tag_through_the_api_suppresses_the_number() {
    let app = TestApp::start().await;
    let contact =
        create(&app, json!({ "phone": "+14155550123", "tags": ["Twilio-Message-stop"] })).await;
    assert_eq!(contact["suppression"]["reason"], "manual");
}
