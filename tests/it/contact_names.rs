//! Names of contacts have one form however they are typed: composed, with single blanks, and
//! visible.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;

use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

/// The first names of the contacts that a search finds.
async fn found(app: &TestApp, text: &str) -> Vec<String> {
    let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let found = app.api().get(&format!("/contacts?q={query}")).await.ok();
    let contacts = found["data"].as_array().unwrap().iter();
    contacts.map(|contact| contact["first_name"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_found_however_it_was_typed() {
    let app = TestApp::start().await;
    for (phone, name) in [(HANDSET, "Zoe\u{308}"), (OTHER_HANDSET, "Mary \u{a0}Ann")] {
        app.api().post("/contacts", json!({ "phone": phone, "first_name": name })).await.ok();
    }
    for text in ["zoë", "ZOË", "zoe\u{308}"] {
        assert_eq!(found(&app, text).await, ["Zoë"], "{text}");
    }
    for text in ["mary ann", "mary  ann", "Mary\u{a0}Ann"] {
        assert_eq!(found(&app, text).await, ["Mary Ann"], "{text}");
    }
    let invisible = json!({ "phone": "+12065550113", "first_name": "\u{200b}" });
    let error = app.api().post("/contacts", invisible).await.field("first_name");
    assert_eq!(error, "This must not be blank.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_composes_the_names_from_before() {
    let app = TestApp::start().await;
    for phone in [HANDSET, OTHER_HANDSET, "+12065550113"] {
        app.contact(phone).await;
    }
    let migration = include_str!("../../migrations/2026-12-01-110000_compose_contact_names/up.sql");
    app.conn()
        .await
        .batch_execute(&format!(
            "UPDATE contacts SET first_name = U&'Zoe\\0308' WHERE phone = '{HANDSET}';
             UPDATE contacts SET first_name = U&'Mary\\00a0  Ann', last_name = U&'\\3000Li'
             WHERE phone = '{OTHER_HANDSET}';
             BEGIN; {migration} COMMIT;"
        ))
        .await
        .unwrap();
    assert_eq!(found(&app, "zoë").await, ["Zoë"]);
    assert_eq!(found(&app, "mary ann").await, ["Mary Ann"]);
    assert_eq!(found(&app, "li").await, ["Mary Ann"]);
    assert_eq!(app.count("contacts WHERE first_name IS NULL AND last_name IS NULL").await, 1);
}
