//! The keys of people: devices, earlier ids, and ids and numbers that go to another contact.

use carillon::sources::ItemOutcome;
use serde_json::{Value, json};

use super::{Sending, describe, is_accepted, report};
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, OTHER_HANDSET};

impl Sending {
    /// Creates a contact with a number and an external id.
    async fn contact(&self, phone: &str, external_id: &str) -> String {
        let new = json!({ "phone": phone, "external_id": external_id });
        let created = self.app.api().post("/contacts", new).await.ok();
        id(&created)
    }

    /// The number of the contact for whom an event with these keys counts.
    async fn number_of(&self, keys: Value) -> Option<String> {
        let client_id = uuid::Uuid::new_v4().to_string();
        let outcome = self.send_one(report(&keys, "asked", &client_id)).await;
        let numbers = self.events("asked").await;
        is_accepted(&outcome).then(|| numbers.last().unwrap().clone())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_known_by_its_user_once_they_are_known() {
    let sending = Sending::start().await;
    let device = || json!({ "anonymous_id": "device" });
    sending.send_one(describe(&device(), json!({ "city": "Bonn" }))).await;
    let user = json!({ "anonymous_id": "device", "user_id": "8" });
    assert_eq!(sending.send_one(report(&user, "signed_in", "1")).await, ItemOutcome::Unreachable);
    sending.send_one(describe(&json!({ "user_id": "8", "phone": HANDSET }), json!({}))).await;
    assert_eq!(sending.contacts().await, [format!(r#"{HANDSET} 8 {{"city": "Bonn"}}"#)]);
    assert_eq!(sending.number_of(device()).await.as_deref(), Some(HANDSET));
    assert_eq!(sending.app.count("profiles").await, 1);

    // Another user at the same device is another person.
    let next = json!({ "anonymous_id": "device", "user_id": "9", "phone": OTHER_HANDSET });
    sending.send_one(describe(&next, json!({}))).await;
    assert_eq!(sending.number_of(json!({ "user_id": "8" })).await.as_deref(), Some(HANDSET));
    assert_eq!(sending.number_of(device()).await.as_deref(), Some(OTHER_HANDSET));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_joins_what_two_ids_were_told() {
    let sending = Sending::start().await;
    let former = json!({ "anonymous_id": "before", "email": "ann@example.com" });
    sending.send_one(describe(&former, json!({ "city": "Bonn" }))).await;
    sending.send_one(describe(&json!({ "user_id": "8" }), json!({ "first_name": "Ann" }))).await;
    assert_eq!(sending.app.count("profiles").await, 2);
    let alias = || describe(&json!({ "user_id": "8", "previous_id": "before" }), json!({}));
    assert_eq!(sending.send_one(alias()).await, ItemOutcome::Unreachable);
    assert_eq!(sending.send_one(alias()).await, ItemOutcome::Unreachable, "twice is fine");
    assert_eq!(sending.app.count("profiles").await, 1);
    sending
        .send_one(describe(&json!({ "email": "Ann@Example.com", "phone": HANDSET }), json!({})))
        .await;
    let ann = format!(r#"{HANDSET} 8 Ann Ann@Example.com {{"city": "Bonn"}}"#);
    assert_eq!(sending.contacts().await, [ann]);
    for keys in [json!({ "anonymous_id": "before" }), json!({ "user_id": "8" })] {
        assert_eq!(sending.number_of(keys).await.as_deref(), Some(HANDSET));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_renames_a_contact_and_the_old_id_still_names_it() {
    let sending = Sending::start().await;
    sending.contact(HANDSET, "old").await;
    let alias = json!({ "user_id": "new", "previous_id": "old" });
    assert!(is_accepted(&sending.send_one(describe(&alias, json!({}))).await));
    assert_eq!(sending.contacts().await, [format!("{HANDSET} new {{}}")]);
    for id in ["old", "new"] {
        let number = sending.number_of(json!({ "user_id": id })).await;
        assert_eq!(number.as_deref(), Some(HANDSET), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_of_two_contacts_lets_both_ids_name_the_newer_one() {
    let sending = Sending::start().await;
    sending.contact(HANDSET, "old").await;
    sending.contact(OTHER_HANDSET, "new").await;
    let alias = json!({ "user_id": "new", "previous_id": "old" });
    sending.send_one(describe(&alias, json!({}))).await;
    for id in ["old", "new"] {
        let number = sending.number_of(json!({ "user_id": id })).await;
        assert_eq!(number.as_deref(), Some(OTHER_HANDSET), "{id}");
    }
    let both = [format!("{HANDSET} - {{}}"), format!("{OTHER_HANDSET} new {{}}")];
    assert_eq!(sending.contacts().await, both);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_external_id_goes_to_the_contact_who_has_the_persons_number() {
    let sending = Sending::start().await;
    sending.contact(HANDSET, "8").await;
    sending.app.contact(OTHER_HANDSET).await;
    let moved = || describe(&json!({ "user_id": "8", "phone": OTHER_HANDSET }), json!({ "a": 1 }));
    assert!(is_accepted(&sending.send_one(moved()).await));
    assert!(is_accepted(&sending.send_one(moved()).await));
    let both = [format!("{HANDSET} - {{}}"), format!(r#"{OTHER_HANDSET} 8 {{"a": 1}}"#)];
    assert_eq!(sending.contacts().await, both);
    assert_eq!(sending.number_of(json!({ "user_id": "8" })).await.as_deref(), Some(OTHER_HANDSET));

    // A second user with that number: the contact keeps its id, and either one names it.
    let second = json!({ "user_id": "9", "phone": OTHER_HANDSET });
    assert!(is_accepted(&sending.send_one(describe(&second, json!({}))).await));
    assert_eq!(sending.contacts().await, both);
    assert_eq!(sending.number_of(json!({ "user_id": "9" })).await.as_deref(), Some(OTHER_HANDSET));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_described_number_changes_and_that_of_a_bare_event_does_not() {
    let sending = Sending::start().await;
    let contact = sending.contact(HANDSET, "8").await;
    let gift = json!({ "user_id": "8", "phone": OTHER_HANDSET });
    assert_eq!(sending.number_of(gift.clone()).await.as_deref(), Some(HANDSET));
    assert!(is_accepted(&sending.send_one(describe(&gift, json!({}))).await));
    assert_eq!(sending.contacts().await, [format!("{OTHER_HANDSET} 8 {{}}")]);
    let now = sending.app.contact_of(OTHER_HANDSET).await;
    assert_eq!(id(&now), contact, "it is the same contact");
    // The number is free for another person.
    let next = json!({ "user_id": "9", "phone": HANDSET });
    sending.send_one(describe(&next, json!({}))).await;
    assert_eq!(sending.number_of(json!({ "user_id": "9" })).await.as_deref(), Some(HANDSET));
}

#[tokio::test(flavor = "multi_thread")]
async fn either_form_of_an_argentine_number_is_the_same_contact() {
    let sending = Sending::start().await;
    let written = json!({ "user_id": "8", "phone": "+5491123456789" });
    sending.send_one(describe(&written, json!({}))).await;
    let other = json!({ "user_id": "8", "phone": "+541123456789" });
    assert!(is_accepted(&sending.send_one(describe(&other, json!({}))).await));
    let bare = json!({ "phone": "+541123456789" });
    assert_eq!(sending.number_of(bare).await.as_deref(), Some("+5491123456789"));
    assert_eq!(sending.app.count("contacts").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_contact_is_forgotten_until_their_number_is_sent_again() {
    let sending = Sending::start().await;
    let ann = || json!({ "user_id": "8", "anonymous_id": "device" });
    let with_number = json!({ "user_id": "8", "anonymous_id": "device", "phone": HANDSET });
    sending.send_one(describe(&with_number.clone(), json!({ "first_name": "Ann" }))).await;
    let contact = id(&sending.app.contact_of(HANDSET).await);
    assert_eq!(sending.app.api().delete(&format!("/contacts/{contact}")).await.status, 204);
    assert_eq!(sending.app.count("profiles").await + sending.app.count("profile_keys").await, 0);
    assert_eq!(sending.number_of(ann()).await, None);
    sending.send_one(describe(&with_number, json!({}))).await;
    assert_eq!(sending.contacts().await, [format!("{HANDSET} 8 {{}}")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_email_address_of_two_contacts_names_neither() {
    let sending = Sending::start().await;
    let family = |phone: &str| json!({ "phone": phone, "email": "family@example.com" });
    sending.send_one(describe(&family(HANDSET), json!({}))).await;
    let email = || json!({ "email": "Family@example.com" });
    assert_eq!(sending.number_of(email()).await.as_deref(), Some(HANDSET));
    sending.app.api().post("/contacts", family(OTHER_HANDSET)).await.ok();
    assert_eq!(sending.number_of(email()).await, None);
}
