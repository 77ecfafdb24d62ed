//! Tests of parsing messages, as clients send them.

mod events;
mod people;

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::*;
use crate::contacts::Attributes;
use crate::error::FieldErrors;
use crate::sources::{Item, ItemDefaults, PersonKeys};
use crate::types::country::Country;
use crate::types::id::SourceId;
use crate::types::storable_text;

const PHONE: &str = "+14155550123";

static DEFAULT_MAPPING: LazyLock<SegmentMapping> = LazyLock::new(SegmentMapping::default);

/// The time at which all requests arrive.
pub(in crate::sources::segment) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_794_650_400, 0).unwrap()
}

/// The context of messages of a source with the default mapping.
pub(in crate::sources::segment) fn context() -> MessageContext<'static> {
    MessageContext {
        mapping: &DEFAULT_MAPPING,
        defaults: ItemDefaults {
            country: Some(Country::parse("US").unwrap()),
            zone: Tz::Europe__Berlin,
        },
        source_id: SourceId(Uuid::from_u128(7)),
        sent_at: None,
        now: now(),
    }
}

/// Any JSON, with the names of the protocol and others.
pub(in crate::sources::segment) fn any_json() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        prop::sample::select(
            &[
                "identify",
                "track",
                "page",
                "screen",
                "group",
                "alias",
                "a@example.com",
                PHONE,
                "4155550123",
                "2026-11-21",
                "2026-11-21T10:00:00Z"
            ][..]
        )
        .prop_map(Value::from),
    ];
    let name = prop_oneof![
        prop::sample::select(
            &[
                "type",
                "userId",
                "anonymousId",
                "traits",
                "context",
                "properties",
                "phone",
                "email",
                "event",
                "groupId",
                "previousId",
                "messageId",
                "timestamp",
                "originalTimestamp",
                "sentAt",
                "name",
                "firstName",
                "batch",
                "address.city",
                "category"
            ][..]
        )
        .prop_map(str::to_owned),
        "\\PC{0,8}",
    ];
    scalar.prop_recursive(4, 60, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..12)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn parse(message: &Value) -> Result<Item, FieldErrors> {
    parse_item(message, None, &context())
}

#[track_caller]
fn parsed(message: &Value) -> Item {
    parse(message).unwrap_or_else(|errors| panic!("{errors}: {message:#}"))
}

/// The fields that are wrong.
#[track_caller]
fn refused(message: &Value) -> Vec<String> {
    let errors = parse(message).unwrap_err();
    errors.iter().map(|(field, _)| field.to_owned()).collect()
}

fn attributes(item: &Item) -> Value {
    Value::Object(item.description.attributes.clone())
}

proptest! {
    #[test]
    fn any_json_is_parsed_or_refused(message in any_json(), call in prop::option::of(
        prop::sample::select(SegmentCall::ALL)
    )) {
        if let Ok(item) = parse_item(&message, call, &context()) {
            prop_assert_ne!(&item.person, &PersonKeys::default());
            for (name, value) in item.description.attributes {
                prop_assert!(Attributes::parse(Map::from_iter([(name, value)])).is_ok());
            }
            if let Some(event) = item.event {
                prop_assert!(storable_text::is_storable_value(event.properties.value()));
            }
        }
        let bytes = message.to_string().len();
        if let Ok(envelope) = Envelope::parse(message, bytes, call) {
            prop_assert_eq!(envelope.parse_items(&context()).len(), envelope.items().len());
        }
    }

    #[test]
    fn a_message_with_a_call_and_a_person_is_parsed_whatever_else_it_has(
        traits in any_json(), message_id in any_json()
    ) {
        prop_assume!(traits.is_object());
        let message = json!({
            "type": "identify", "userId": "u", "traits": traits, "messageId": message_id
        });
        prop_assert!(parse(&message).is_ok());
    }
}
