//! Tests of the parsing of `/events` bodies.

use actix_web::ResponseError;
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{Defaults, read, several};
use crate::events::ContactRef;

const UTC: Defaults = Defaults { country: None, zone: Tz::UTC };

fn fields(event: &Value) -> Vec<String> {
    read(event, UTC).unwrap_err().iter().map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn an_event_needs_a_name_and_a_contact() {
    let event =
        read(&json!({"name": "order", "contact": {"phone": "+14155550123"}}), UTC).unwrap().event;
    assert!(event.client_id.is_none() && event.occurred_at.is_none());
    assert_eq!(event.properties.value(), &json!({}));
    assert_eq!(fields(&json!({})), ["contact", "name"]);
    assert_eq!(fields(&json!({"name": "", "contact": {}})), ["contact", "name"]);
    assert_eq!(fields(&json!([])), ["body"]);
}

#[test]
fn a_contact_is_named_in_exactly_one_way() {
    let event = |contact: Value| json!({"name": "order", "contact": contact});
    let read = |contact| read(&event(contact), UTC).unwrap().event.contact;
    assert!(matches!(
        read(json!({"external_id": "c-7", "phone": null})),
        ContactRef::ExternalId(_)
    ));
    assert!(matches!(
        read(json!({"id": "01980d3c-9b5a-7000-8000-000000000000"})),
        ContactRef::Id(_)
    ));
    assert_eq!(fields(&event(json!({"phone": "+14155550123", "external_id": "7"}))), ["contact"]);
    assert_eq!(fields(&event(json!({"email": "a@example.com"}))), ["contact", "contact.email"]);
    assert_eq!(fields(&event(json!({"id": "7"}))), ["contact.id"]);
    assert_eq!(fields(&event(json!({"external_id": " "}))), ["contact"]);
}

#[test]
fn a_national_number_without_a_default_country_is_refused() {
    let event = json!({"name": "order", "contact": {"phone": "0171 1234567"}});
    assert_eq!(fields(&event), ["contact.phone"]);
    let germany = Defaults { country: crate::types::country::Country::parse("DE").ok(), ..UTC };
    assert!(matches!(
        read(&event, germany).unwrap().event.contact,
        ContactRef::Phone(phone) if phone.as_str() == "+491711234567"
    ));
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let event = json!({
        "id": 7, "name": "a\nb", "contact": {"phone": "+1415555012x"}, "properties": [], "occurred_at": "yesterday", "nme": "x",
    });
    assert_eq!(fields(&event), ["contact.phone", "id", "name", "nme", "occurred_at", "properties"]);
}

#[test]
fn the_time_of_an_event_is_parsed_in_every_format() {
    let time = |value: Value| {
        read(&json!({"name": "order", "contact": {"external_id": "7"}, "occurred_at": value}), UTC)
    };
    for written in [
        json!("2026-03-09T08:00:00Z"),
        json!("2026-03-09T10:00:00+0200"),
        json!("2026-03-09 08:00+00"),
        json!("Mon, 09 Mar 2026 08:00:00 GMT"),
        json!(1_773_043_200),
        json!(1_773_043_200_000_i64),
        json!("1773043200000"),
        json!(1_773_043_200.0),
    ] {
        assert_eq!(
            time(written.clone()).unwrap().event.occurred_at.unwrap().to_rfc3339(),
            "2026-03-09T08:00:00+00:00",
            "{written}"
        );
    }
    assert_eq!(time(json!(" ")).unwrap().event.occurred_at, None);
    let new_york = Defaults { zone: Tz::America__New_York, ..UTC };
    let day =
        json!({"name": "order", "contact": {"external_id": "7"}, "occurred_at": "2026-03-09"});
    assert_eq!(
        read(&day, new_york).unwrap().event.occurred_at.unwrap().to_rfc3339(),
        "2026-03-09T04:00:00+00:00"
    );
    for wrong in [
        json!("2026-03-09T08"),
        json!("9999-12-31T00:00:00Z"),
        json!(true),
        json!(["2026-03-09"]),
        json!(1e300),
    ] {
        let errors = time(wrong.clone()).unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["occurred_at"],
            "{wrong}"
        );
    }
}

#[test]
fn several_events_are_a_list_of_at_most_a_thousand() {
    assert!(several(&json!({"name": "order"})).unwrap().is_none());
    assert_eq!(several(&json!({"events": []})).unwrap().map(<[Value]>::len), Some(0));
    let many = |count: usize| json!({"events": vec![json!({}); count]});
    assert_eq!(several(&many(1_000)).unwrap().map(<[Value]>::len), Some(1_000));
    for bad in [many(1_001), json!({"events": {}}), json!({"events": [], "name": "x"})] {
        assert_eq!(several(&bad).unwrap_err().status_code(), 422);
    }
}
