//! Tests of mapped items: of the presets' examples, and of wrong values.

use chrono::DateTime;
use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::json;

use super::super::kept_headers::KeptHeaders;
use super::super::presets::{WebhookPreset, preset, presets};
use super::super::verification_input::ParsedVerification;
use super::*;

const NO_DEFAULTS: ItemDefaults = ItemDefaults { country: None, zone: Tz::UTC };

fn document(headers: &Value, body: &str) -> Document {
    Document::read(Some("application/json"), KeptHeaders::from_stored(headers), body.as_bytes())
        .unwrap()
}

fn mapped(mapping: &Value, body: &Value) -> Result<MappedItem, FieldErrors> {
    let mapping = WebhookMapping::parse(mapping).unwrap();
    let document = document(&json!({}), &body.to_string());
    map_with_remarks(&mapping, &document, NO_DEFAULTS, SourceId::new())
}

fn reasons(mapping: &Value, body: &Value) -> String {
    mapped(mapping, body).unwrap_err().to_string()
}

fn of_sample(preset: &WebhookPreset) -> Item {
    let mapping = WebhookMapping::parse(&preset.mapping).unwrap();
    let document = document(&preset.sample_headers, preset.sample_body);
    let mapped = map_with_remarks(&mapping, &document, NO_DEFAULTS, SourceId::new()).unwrap();
    assert_eq!(mapped.remarks, Vec::<String>::new(), "{}", preset.id);
    mapped.item
}

#[test]
fn every_presets_example_has_a_contact_and_an_event() {
    for (id, event, at) in [
        ("json", "order_created", "2026-12-01T10:15:30+00:00"),
        ("shopify", "orders/create", "2026-12-01T15:15:30.123456789+00:00"),
        ("woocommerce", "order.created", "2026-12-01T15:15:30+00:00"),
        ("stripe", "checkout.session.completed", "2026-12-01T10:35:30+00:00"),
        ("github", "order_created", "2026-12-01T10:15:30+00:00"),
    ] {
        let preset = preset(id).unwrap();
        let item = of_sample(preset);
        assert_eq!(item.person.phone.unwrap().as_str(), "+14155550123", "{id}");
        assert_eq!(item.person.email.unwrap().as_str(), "ada@example.com", "{id}");
        assert_eq!(item.description.first_name.unwrap().as_str(), "Ada", "{id}");
        assert_eq!(item.at.unwrap().to_rfc3339(), at, "{id}");
        let reported = item.event.unwrap();
        assert_eq!(reported.name.as_str(), event, "{id}");
        assert!(reported.client_id.is_some(), "{id}");
        assert!(reported.properties.value().as_object().unwrap().len() >= 5, "{id}");
        let mut verification = preset.verification.clone();
        if preset.secret_label.is_some() {
            verification["secret"] = "hush".into();
        }
        ParsedVerification::parse(&verification).unwrap();
    }
    assert_eq!(presets().len(), 5);
}

#[test]
fn values_are_read_where_the_mapping_says() {
    let mapping = json!({
        "phone": "$.tel", "country": "$.land", "external_id": "$.no", "name": "$.who", "event": "signed_up",
        "id": "$.no", "time": "$.day",
        "properties": {"plan": "$.plan.name", "tags": "$.tags", "nothing": "$.x"},
        "attributes": {"city": "$.city", "vip": "$.vip", "nothing": "$.x"},
    });
    let body = json!({
        "tel": "0171 1234567", "land": "DE", "no": 7, "who": "Mary Ann Evans", "day": "2026-12-01",
        "plan": {"name": "pro"}, "tags": ["a"], "city": "Köln", "vip": true, "x": null,
    });
    let MappedItem { item, remarks } = mapped(&mapping, &body).unwrap();
    assert_eq!(remarks, Vec::<String>::new());
    assert_eq!(item.person.phone.unwrap().as_str(), "+491711234567");
    assert_eq!(item.person.user_id.unwrap().as_str(), "7");
    assert_eq!(item.description.first_name.unwrap().as_str(), "Mary");
    assert_eq!(item.description.last_name.unwrap().as_str(), "Ann Evans");
    assert_eq!(Value::Object(item.description.attributes), json!({"city": "Köln", "vip": true}));
    assert_eq!(item.at, DateTime::from_timestamp(1_796_083_200, 0));
    let event = item.event.unwrap();
    assert_eq!(event.properties.value(), &json!({"plan": "pro", "tags": ["a"]}));
    assert!(event.client_id.unwrap().as_str().ends_with(":signed_up:7"));
}

#[test]
fn without_an_event_a_request_only_describes_its_contact() {
    let item =
        mapped(&json!({"email": "$.email"}), &json!({"email": "ada@example.com"})).unwrap().item;
    assert!(item.event.is_none() && item.person.phone.is_none());
}

#[test]
fn a_reason_names_the_place_and_what_was_found_there() {
    let mapping =
        json!({"phone": "$.phone", "event": "$.type", "time": "$.at", "properties": "$.data"});
    let of = |body: Value| reasons(&mapping, &body);
    assert_eq!(
        of(json!({"phone": "call me", "type": "a"})),
        "phone: Found “call me” at $.phone. This is not a phone number: 'c' doesn’t belong in one."
    );
    assert!(reasons(&json!({}), &json!({})).contains("Map this source, then replay this."));
    assert_eq!(of(json!({"type": "a"})), "phone: There is nothing at $.phone.");
    assert_eq!(of(json!({"phone": "+14155550123"})), "event: There is nothing at $.type.");
    assert_eq!(
        of(json!({"phone": {"home": 1}, "type": ["a"], "at": "soon", "data": "x"})),
        "event: Found a list at $.type. An event’s name is a text.; \
         phone: Found an object at $.phone. It must be a text.; \
         properties: Found “x” at $.data. Properties are an object.; \
         time: Found “soon” at $.at. This is not a date or time, such as 2026-11-21T10:00:00Z, 2026-11-21 or \
         seconds since 1970."
    );
}

#[test]
fn a_wrong_value_is_left_out_if_the_contact_is_known_otherwise() {
    let mapping = json!({
        "phone": "$.phone", "email": "$.email", "first_name": "$.name", "event": "a", "properties": "$.data",
        "attributes": {"list": "$.list"},
    });
    let body = json!({"phone": "0171", "email": "ada@example.com", "name": {}, "list": [1]});
    let MappedItem { item, remarks } = mapped(&mapping, &body).unwrap();
    assert!(item.person.phone.is_none() && item.person.email.is_some());
    assert!(item.description.first_name.is_none() && item.description.attributes.is_empty());
    assert_eq!(remarks.len(), 4, "{remarks:?}");
    assert!(remarks[0].starts_with("phone is left out: Found “0171” at $.phone."), "{remarks:?}");
}

#[test]
fn properties_that_are_too_large_lose_their_largest_ones() {
    let mapping = json!({"phone": "$.phone", "event": "a", "properties": "$"});
    let lines = vec![json!({"title": "x".repeat(100)}); 400];
    let body = json!({"phone": "+14155550123", "note": "n".repeat(20_000), "line_items": lines, "total": 5});
    let MappedItem { item, remarks } = mapped(&mapping, &body).unwrap();
    let properties = item.event.unwrap().properties;
    let names: Vec<&String> = properties.value().as_object().unwrap().keys().collect();
    assert_eq!(names, ["note", "phone", "total"]);
    assert!(remarks[0].ends_with(": line_items"), "{remarks:?}");
}

#[test]
fn the_same_id_is_another_event_under_another_name_or_source() {
    let (one, other) = (SourceId::new(), SourceId::new());
    let name = |text| EventName::parse(text).unwrap();
    let id = |source, text| client_id(source, &name(text), "7").unwrap();
    assert_eq!(id(one, "created"), id(one, "created"));
    assert_ne!(id(one, "created"), id(one, "paid"));
    assert_ne!(id(one, "created"), id(other, "created"));
    let long = client_id(one, &name("created"), &"x".repeat(1_000)).unwrap();
    assert!(long.as_str().len() <= 160);
    assert_ne!(Some(long), client_id(one, &name("created"), &"x".repeat(999)));
}

#[test]
fn the_organizations_settings_are_needed_for_national_numbers_and_dates_only() {
    let needs = |phone: &str, time: &str| {
        let mapping =
            WebhookMapping::parse(&json!({"phone": "$.phone", "time": "$.time"})).unwrap();
        let body = json!({"phone": phone, "time": time}).to_string();
        needs_defaults(&mapping, &document(&json!({}), &body))
    };
    assert!(!needs("+14155550123", "2026-12-01T10:00:00Z"));
    assert!(needs("0171 1234567", "2026-12-01T10:00:00Z"));
    assert!(needs("+14155550123", "2026-12-01"));
}

proptest! {
    #[test]
    fn any_bytes_and_any_mapping_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..60),
        texts in proptest::collection::vec(".{0,12}", 4),
        place in r"(\$(\.[a-d*]|\.\.[a-d]|\[[0-9]\]){0,3}|header:[a-c]|body|.{0,8})( \|\| \$\.[a-d])?",
        fields in proptest::collection::vec("phone|country|external_id|email|first_name|last_name|name|event|id|time", 1..6)
    ) {
        let mut mapping = json!({"phone": "$.a", "properties": "$", "attributes": {"x": "$.b"}});
        for field in fields {
            mapping[field] = place.clone().into();
        }
        let like = json!({"a": texts[0], "b": texts[1], "c": [texts[2], {"a": 1.5}], "d": {"a": texts[3]}});
        let Ok(mapping) = WebhookMapping::parse(&mapping) else { return Ok(()) };
        let form = Some("application/x-www-form-urlencoded");
        let like = like.to_string().into_bytes();
        for (kind, body) in [(None, bytes.clone()), (form, bytes), (None, like)] {
            let document = Document::read(kind, KeptHeaders::default(), &body);
            let Ok(document) = document else { continue };
            let _ = needs_defaults(&mapping, &document);
            let mapped = map_with_remarks(&mapping, &document, NO_DEFAULTS, SourceId::new());
            if let Ok(mapped) = mapped {
                prop_assert_ne!(mapped.item.person, PersonKeys::default());
            }
        }
    }
}
