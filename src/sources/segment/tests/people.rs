//! Tests of what messages say about people.

use serde_json::{Value, json};

use super::*;
use crate::contacts::{ExternalId, Name};
use crate::types::phone::PhoneNumber;

/// First and last name.
fn names(item: &Item) -> (Option<&str>, Option<&str>) {
    let (first, last) = (&item.description.first_name, &item.description.last_name);
    (first.as_ref().map(Name::as_str), last.as_ref().map(Name::as_str))
}

fn phone(item: &Item) -> Option<&str> {
    item.person.phone.as_ref().map(PhoneNumber::as_str)
}

fn identify(traits: &Value) -> Value {
    json!({ "type": "identify", "userId": "u-1", "traits": traits })
}

#[test]
fn identify_of_the_node_client_says_who_a_person_is() {
    let item = parsed(&json!({
        "timestamp": "2026-11-14T09:59:58.123Z",
        "integrations": {},
        "type": "identify",
        "userId": "u-1",
        "traits": {
            "firstName": "Ada", "lastName": "Lovelace", "email": "ada@example.com",
            "phone": "(415) 555-0123", "plan": "pro", "address": { "city": "London" }
        },
        "context": { "library": { "name": "@segment/analytics-node", "version": "3.1.0" } },
        "messageId": "node-next-1794650398123-7c9e6679-7425-40de-944b-e07fc1f90ae7",
        "_metadata": { "nodeVersion": "22.0.0", "jsRuntime": "node" }
    }));
    assert_eq!(item.person.user_id.as_ref().map(ExternalId::as_str), Some("u-1"));
    assert_eq!(item.person.anonymous_id, None);
    assert_eq!(item.person.email.as_ref().unwrap().as_str(), "ada@example.com");
    assert_eq!(phone(&item), Some(PHONE));
    assert_eq!(names(&item), (Some("Ada"), Some("Lovelace")));
    assert_eq!(attributes(&item), json!({ "plan": "pro", "address_city": "London" }));
    assert!(item.event.is_none() && item.previous_id.is_none());
    assert_eq!(item.at.unwrap().timestamp_millis(), 1_794_650_398_123);
}

#[test]
fn identify_of_the_rudder_client_has_its_traits_in_the_context() {
    let item = parsed(&json!({
        "type": "identify", "channel": "server", "userId": "u-1",
        "context": { "traits": { "name": "Ada King Lovelace", "phone": PHONE, "age": 36 } },
        "traits": { "age": 37 },
        "originalTimestamp": "2026-11-14T09:59:58Z", "sentAt": "2026-11-14T10:00:00Z"
    }));
    assert_eq!(names(&item), (Some("Ada"), Some("King Lovelace")));
    assert_eq!(phone(&item), Some(PHONE));
    assert_eq!(attributes(&item), json!({ "age": 37 }), "the traits themselves count first");
}

#[test]
fn names_come_in_several_forms() {
    for (traits, expected) in [
        (json!({ "first_name": "Ada", "last_name": "Lovelace" }), (Some("Ada"), Some("Lovelace"))),
        (json!({ "firstName": "Ada", "name": "Ada Lovelace" }), (Some("Ada"), None)),
        (json!({ "name": " Ada  Lovelace " }), (Some("Ada"), Some("Lovelace"))),
        (json!({ "name": "Ada" }), (Some("Ada"), None)),
        (json!({ "firstName": "", "lastName": null, "name": "A B" }), (Some("A"), Some("B"))),
        (json!({ "firstName": "x".repeat(101), "first_name": "Ada" }), (Some("Ada"), None)),
        (json!({ "firstName": 7, "lastName": ["x"], "name": {} }), (None, None)),
        (json!({ "name": "\u{200b} \n" }), (None, None)),
    ] {
        let item = parsed(&identify(&traits));
        assert_eq!(names(&item), expected, "{traits}");
        assert_eq!(attributes(&item), json!({}), "they are no attributes: {traits}");
    }
}

#[test]
fn a_wrong_detail_is_left_out_while_the_person_is_known() {
    let item = parsed(&identify(&json!({ "email": "none", "phone": "555", "plan": "pro" })));
    assert_eq!((item.person.email.is_none(), phone(&item)), (true, None));
    assert_eq!(attributes(&item), json!({ "plan": "pro" }));
    let item = parsed(&json!({
        "type": "track", "event": "x", "userId": "u".repeat(201), "anonymousId": 12
    }));
    assert_eq!((item.person.user_id, item.person.anonymous_id.as_deref()), (None, Some("12")));
    let item = parsed(&json!({ "type": "identify", "userId": "u", "timestamp": "yesterday" }));
    assert_eq!(item.at, None, "a description needs no time");
}

#[test]
fn a_person_that_cannot_be_known_is_refused_with_the_reasons() {
    assert_eq!(refused(&json!({ "type": "identify", "traits": {} })), ["userId"]);
    let blank = json!({ "type": "track", "event": "x", "userId": " ", "anonymousId": "" });
    assert_eq!(refused(&blank), ["userId"]);
    let wrong = json!({
        "type": "identify", "userId": {}, "anonymousId": "a\nb",
        "traits": { "email": "none", "phone": "12" }, "context": { "traits": { "phone": true } }
    });
    assert_eq!(
        refused(&wrong),
        ["anonymousId", "context.traits.phone", "traits.email", "traits.phone", "userId"]
    );
}

#[test]
fn the_phone_is_found_in_traits_context_and_properties() {
    let track = |rest: Value| {
        let mut message = json!({ "type": "track", "event": "x" });
        message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        parsed(&message)
    };
    for message in [
        json!({ "traits": { "phone": PHONE } }),
        json!({ "context": { "traits": { "phone": PHONE } } }),
        json!({ "properties": { "phone": PHONE } }),
        json!({ "properties": { "phone": 14_155_550_123_u64 } }),
        json!({ "traits": { "phone": "?" }, "properties": { "phone": PHONE } }),
        json!({ "context": { "traits": { "phone": PHONE } }, "properties": { "phone": "5" } }),
    ] {
        assert_eq!(phone(&track(message.clone())), Some(PHONE), "{message}");
    }
    let mapping = SegmentMapping::parse(&json!({ "phone_trait": "contact.mobile" })).unwrap();
    let message = identify(&json!({ "phone": "x", "contact": { "mobile": PHONE, "fax": "1" } }));
    let item =
        parse_item(&message, None, &MessageContext { mapping: &mapping, ..context() }).unwrap();
    assert_eq!(phone(&item), Some(PHONE));
    assert_eq!(attributes(&item), json!({ "phone": "x", "contact_fax": "1" }));
}

#[test]
fn group_describes_the_person_by_the_group() {
    let item = parsed(&json!({
        "type": "group", "userId": "u", "groupId": 17,
        "traits": { "name": "Initech", "phone": PHONE, "email": "info@example.com", "id": 3 },
        "context": { "traits": { "firstName": "Ada", "plan": "pro" } }
    }));
    assert_eq!((phone(&item), item.person.email.is_none()), (None, true), "those of the group");
    assert_eq!(names(&item), (Some("Ada"), None));
    assert_eq!(
        attributes(&item),
        json!({
            "group_id": "17", "group_name": "Initech", "group_phone": PHONE,
            "group_email": "info@example.com", "plan": "pro"
        })
    );
    assert_eq!(refused(&json!({ "type": "group", "userId": "u" })), ["groupId"]);
}

#[test]
fn alias_names_the_earlier_id() {
    let item = parsed(&json!({ "type": "alias", "userId": "u", "previousId": "anon-1" }));
    assert_eq!(item.previous_id.as_deref(), Some("anon-1"));
    assert_eq!(refused(&json!({ "type": "alias", "userId": "u" })), ["previousId"]);
    let long = json!({ "type": "alias", "userId": "u", "previousId": "x".repeat(201) });
    assert_eq!(refused(&long), ["previousId"]);
    let track = json!({ "type": "track", "event": "x", "userId": "u", "previousId": "a" });
    assert_eq!(parsed(&track).previous_id, None);
}
