//! Tests of the events that messages report, and of what is refused.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::*;
use crate::sources::Description;

#[test]
fn track_of_the_python_client_is_an_event() {
    let item = parsed(&json!({
        "timestamp": "2026-11-14T10:00:00.000123+00:00",
        "integrations": {},
        "anonymousId": null,
        "context": { "library": { "name": "analytics-python", "version": "2.4.0" } },
        "type": "track",
        "event": "Order Completed",
        "userId": "u-1",
        "properties": { "order_id": "4711", "total": 49.9 },
        "messageId": "7c9e6679-7425-40de-944b-e07fc1f90ae7"
    }));
    let event = item.event.unwrap();
    assert_eq!(event.name.as_str(), "Order Completed");
    assert_eq!(event.properties.value(), &json!({ "order_id": "4711", "total": 49.9 }));
    assert_eq!(
        event.client_id.unwrap().as_str(),
        "00000000000000000000000000000007:7c9e6679-7425-40de-944b-e07fc1f90ae7"
    );
    assert_eq!(item.description, Description::default());
}

#[test]
fn ids_may_be_numbers() {
    let item = parsed(&json!({ "type": "track", "event": "x", "userId": 42, "messageId": 7 }));
    assert_eq!(item.person.user_id.unwrap().as_str(), "42");
    assert!(item.event.unwrap().client_id.unwrap().as_str().ends_with(":7"));
}

#[test]
fn page_and_screen_are_events_with_their_names() {
    for call in ["page", "screen"] {
        let item = parsed(&json!({
            "type": call, "userId": "u", "name": "Pricing", "category": "Docs",
            "properties": { "url": "https://example.com", "category": "own" }
        }));
        let event = item.event.unwrap();
        assert_eq!(event.name.as_str(), call);
        assert_eq!(
            event.properties.value(),
            &json!({ "url": "https://example.com", "name": "Pricing", "category": "own" })
        );
    }
    let bare = parsed(&json!({ "type": "page", "anonymousId": "a", "name": null }));
    assert_eq!(bare.event.unwrap().properties.value(), &json!({}));
}

#[test]
fn what_has_no_call_or_no_event_is_refused() {
    for (message, fields) in [
        (json!(7), &["message"][..]),
        (json!([]), &["message"]),
        (json!({ "userId": "u" }), &["type"]),
        (json!({ "type": "Track", "userId": "u" }), &["type"]),
        (json!({ "type": 1, "userId": "u" }), &["type"]),
        (json!({ "type": "track", "userId": "u" }), &["event"]),
        (json!({ "type": "track", "userId": "u", "event": " " }), &["event"]),
        (json!({ "type": "track", "userId": "u", "event": 5 }), &["event"]),
        (json!({ "type": "track", "userId": "u", "event": "x".repeat(121) }), &["event"]),
        (
            json!({ "type": "track", "userId": "u", "event": "x", "properties": "y" }),
            &["properties"],
        ),
        (
            json!({ "type": "track", "userId": "u", "event": "x", "properties": { "a": "\u{0}" } }),
            &["properties"],
        ),
        (json!({ "type": "track", "userId": "u", "event": "x", "timestamp": "?" }), &["timestamp"]),
        (json!({ "type": "identify", "userId": "u", "traits": "x" }), &["traits"]),
        (json!({ "type": "track", "traits": [1] }), &["event", "traits", "userId"]),
    ] {
        assert_eq!(refused(&message), fields, "{message}");
    }
    let long = json!({ "type": "x".repeat(500), "userId": "u" });
    assert!(parse(&long).unwrap_err().to_string().len() < 200);
}

#[test]
fn the_address_of_a_single_call_counts_more_than_its_type() {
    let message = json!({ "type": "identify", "event": "x", "userId": "u" });
    let item = parse_item(&message, Some(SegmentCall::Track), &context()).unwrap();
    assert_eq!(item.event.unwrap().name.as_str(), "x");
}

#[test]
fn php_writes_empty_objects_as_lists() {
    let track = json!({ "type": "track", "event": "x", "userId": "u", "properties": [] });
    assert_eq!(parsed(&track).event.unwrap().properties.value(), &json!({}));
    let with_context = json!({ "type": "identify", "userId": "u", "traits": [], "context": [] });
    assert_eq!(attributes(&parsed(&with_context)), json!({}));
}

#[test]
fn a_long_or_strange_message_id_is_hashed() {
    let client_id = |message_id: Value| {
        let message =
            json!({ "type": "track", "event": "x", "userId": "u", "messageId": message_id });
        parsed(&message).event.unwrap().client_id.map(|id| id.as_str().to_owned())
    };
    let kept = "m".repeat(160);
    assert!(client_id(json!(kept)).unwrap().ends_with(&format!(":{kept}")));
    let long = client_id(json!("m".repeat(161))).unwrap();
    assert_eq!(
        (long.len(), Some(&long)),
        (32 + 1 + 43, client_id(json!("m".repeat(161))).as_ref())
    );
    assert_ne!(Some(long), client_id(json!("m".repeat(162))));
    assert_eq!(client_id(json!("a\nb")).unwrap().len(), 32 + 1 + 43);
    for none in [json!(null), json!(" "), json!({})] {
        assert_eq!(client_id(none), None);
    }
}

#[test]
fn a_message_in_error_prevents_no_other() {
    let body = json!({
        "batch": [
            { "type": "track", "event": "x", "userId": "u" },
            { "type": "nothing" },
            7,
            { "type": "identify", "userId": "u" }
        ],
        "sentAt": (now() - TimeDelta::hours(1)).to_rfc3339(),
    });
    let envelope = Envelope::parse(body, 100, None).unwrap();
    let items = envelope.parse_items(&context());
    assert_eq!(items.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, false, true]);
}

#[test]
fn the_envelope_says_when_its_messages_were_sent() {
    let ago = |minutes: i64| (now() - TimeDelta::minutes(minutes)).to_rfc3339();
    let track = json!({ "type": "track", "event": "x", "userId": "u", "timestamp": ago(63) });
    let envelope = Envelope::parse(json!({ "batch": [track], "sentAt": ago(60) }), 100, None);
    let items = envelope.unwrap().parse_items(&context());
    assert_eq!(items[0].as_ref().unwrap().at, Some(now() - TimeDelta::minutes(3)));
}
