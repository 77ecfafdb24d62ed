//! Contacts for the samples of several pages.

use chrono::DateTime;

use crate::contacts::Contact;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// Three contacts: with all fields, with only a number, and with an invalid number.
pub(super) fn contacts() -> Vec<Contact> {
    let phone = |text| PhoneNumber::from_e164(text).ok();
    let contact = |phone| Contact {
        id: ContactId::new(),
        phone,
        first_name: None,
        last_name: None,
        email: None,
        external_id: None,
        attributes: serde_json::json!({}),
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
    };
    let known = phone("+4915123456789").map(|phone| Contact {
        first_name: Some("Ann <b>".to_owned()),
        last_name: Some("O’Hara & Söhne".to_owned()),
        email: Some("ann@example.com".to_owned()),
        external_id: Some("customer/7".to_owned()),
        attributes: serde_json::json!({ "city": "Köln <i>", "visits": 3.5, "vip": true }),
        ..contact(phone)
    });
    known
        .into_iter()
        .chain(phone("+14155550123").map(contact))
        .chain(phone("+447700900123").map(contact))
        .collect()
}
