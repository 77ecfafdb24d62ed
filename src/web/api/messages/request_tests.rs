//! Tests of the parsing of `POST /messages` bodies.

use serde_json::{Value, json};

use super::{Error, MessageContent, MessageRecipient, MessageRequest, OneOffRequest};
use crate::types::country::Country;

const ID: &str = "01980d3c-9b5a-7000-8000-000000000000";

fn parse(body: Value) -> Result<OneOffRequest, Error> {
    serde_json::from_value::<MessageRequest>(body).unwrap().parse(None)
}

fn fields(body: Value) -> Vec<String> {
    let Err(Error::Invalid(fields)) = parse(body) else { panic!("it was accepted") };
    fields.iter().map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn a_message_needs_a_recipient_a_content_and_a_sender() {
    assert_eq!(fields(json!({})), ["body", "sender_id", "to"]);
    let wanted = parse(json!({"to": "+1 415 555 0123", "body": "Hi", "sender_id": ID})).unwrap();
    assert!(
        matches!(wanted.recipient, MessageRecipient::Number(phone) if phone.as_str() == "+14155550123")
    );
    assert!(matches!(wanted.content, MessageContent::Text(text) if text == "Hi"));
    let wanted = parse(json!({"contact_id": ID, "template_id": ID, "sender_id": ID})).unwrap();
    assert!(matches!(
        (wanted.recipient, wanted.content),
        (MessageRecipient::Contact(_), MessageContent::Template(_))
    ));
}

#[test]
fn a_recipient_or_content_given_in_two_ways_is_refused() {
    let both = json!(
        {"to": "+14155550123", "contact_id": ID, "body": "Hi", "template_id": ID, "sender_id": ID}
    );
    assert_eq!(fields(both), ["body", "to"]);
}

#[test]
fn invalid_identifiers_and_numbers_are_named() {
    let body = json!(
        {
            "contact_id": "7",
            "template_id": "x",
            "sender_id": "",
            "media_urls": ["ftp://example.com"]
        }
    );
    assert_eq!(fields(body), ["contact_id", "media_urls.0", "sender_id", "template_id"]);
    assert_eq!(fields(json!({"to": "0171 1234567", "body": "Hi", "sender_id": ID})), ["to"]);
    let german = serde_json::from_value::<MessageRequest>(
        json!({"to": "0171 1234567", "body": "Hi", "sender_id": ID}),
    )
    .unwrap();
    assert!(german.parse(Country::parse("DE").ok()).is_ok());
}

#[test]
fn a_text_has_one_to_1600_characters_unless_there_are_pictures() {
    let body = |text: &str| json!({"to": "+14155550123", "body": text, "sender_id": ID});
    assert!(parse(body(&"x".repeat(1_600))).is_ok());
    for bad in ["", " \n", &"x".repeat(1_601), &"🔔".repeat(801), "a\0b"] {
        assert_eq!(fields(body(bad)), ["body"]);
    }
    let picture = |body: Value| {
        json!(
            {
                "to": "+14155550123",
                "body": body,
                "sender_id": ID,
                "media_urls": ["https://example.com/a.jpg"]
            }
        )
    };
    assert!(parse(picture(json!(""))).is_ok() && parse(picture(Value::Null)).is_ok());
}
