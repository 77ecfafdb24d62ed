//! Generates a sample event that starts an automation and has the properties that its steps read.

use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::{Map, Value, json};

use super::condition::{Condition, Conditions};
use super::definition::Definition;
use super::step::Step;
use super::trigger::Trigger;
use crate::db::Conn;
use crate::error::Result;
use crate::templates;
use crate::types::phone::PhoneNumber;

/// Generates the properties of an event that meets the trigger's conditions, if possible, and has
/// all properties that the templates use. `phone` is used wherever a step reads a number.
pub async fn sample_event(
    conn: &mut Conn,
    definition: &Definition,
    phone: &PhoneNumber,
) -> Result<Value> {
    let (template_ids, _) = definition.refers_to();
    let templates = templates::find_many(conn, &template_ids).await?;
    let texts: Vec<Value> =
        template_ids.iter().filter_map(|id| templates.get(id)?.sample_event()).collect();
    Ok(sample(definition, texts, phone))
}

/// Combines the properties that templates, recipients and conditions use; later ones override
/// earlier ones.
fn sample(definition: &Definition, texts: Vec<Value>, phone: &PhoneNumber) -> Value {
    let mut event = texts.into_iter().fold(Value::Object(Map::new()), merge);
    for step in &definition.steps {
        if let Step::SendSms { to, .. } = step
            && let Some(property) = to.event_property()
        {
            set_property(&mut event, property, Value::from(phone.as_str()));
        }
    }
    if let Trigger::Event { conditions, .. } = &definition.trigger {
        satisfy(&mut event, conditions);
    }
    event
}

/// Merges two values: objects and lists recursively, otherwise the first wins.
fn merge(first: Value, second: Value) -> Value {
    match (first, second) {
        (Value::Null, second) => second,
        (Value::Object(mut fields), Value::Object(others)) => {
            for (name, other) in others {
                let own = fields.remove(&name).unwrap_or_default();
                fields.insert(name, merge(own, other));
            }
            Value::Object(fields)
        }
        (Value::Array(elements), Value::Array(others)) => {
            let length = elements.len().max(others.len());
            let (mut elements, mut others) = (elements.into_iter(), others.into_iter());
            let both = (0..length).map(|_| {
                merge(elements.next().unwrap_or_default(), others.next().unwrap_or_default())
            });
            Value::Array(both.collect())
        }
        (first, _) => first,
    }
}

/// Sets each property that violates its conditions to a value near the compared ones that meets
/// them, if there is one.
fn satisfy(event: &mut Value, conditions: &Conditions) {
    for condition in &conditions.0 {
        let property = &condition.property;
        let of_property: Vec<&Condition> =
            conditions.0.iter().filter(|other| other.property == *property).collect();
        let hold = |event: &Value| of_property.iter().all(|condition| condition.holds(event));
        if hold(event) {
            continue;
        }
        let near = of_property.iter().flat_map(|condition| neighbours(&condition.value));
        let candidates = near.chain([Value::from(property.as_str()), Value::Null]);
        let fitting =
            candidates.into_iter().find(|value| hold(&json!({ (property.as_str()): value })));
        if let Some(value) = fitting {
            set_property(event, property, value);
        }
    }
}

/// Candidates near a value: itself, its successor and predecessor, and its text form.
fn neighbours(value: &Value) -> Vec<Value> {
    let (value, text) = (value.clone(), Value::from(value.to_string()));
    match &value {
        Value::Bool(truth) => vec![Value::from(*truth), Value::from(!truth), text],
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => vec![
                value,
                Value::from(integer.saturating_add(1)),
                Value::from(integer.saturating_sub(1)),
                text,
            ],
            (None, Some(float)) => {
                vec![value, Value::from(float + 1.0), Value::from(float - 1.0), text]
            }
            (None, None) => vec![value, text],
        },
        Value::String(wanted) => match DateTime::parse_from_rfc3339(wanted) {
            Ok(time) => {
                let shifted = |seconds| {
                    (time + TimeDelta::seconds(seconds))
                        .to_rfc3339_opts(SecondsFormat::AutoSi, true)
                };
                vec![value, Value::from(shifted(1)), Value::from(shifted(-1))]
            }
            Err(_) => [wanted.clone(), format!("{wanted}a"), String::new()].map(Value::from).into(),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => Vec::new(),
    }
}

/// Sets a property: the one with this exact name if it exists, as conditions look it up, else the
/// nested one.
fn set_property(event: &mut Value, property: &str, value: Value) {
    let names: Vec<&str> =
        if event.get(property).is_some() { vec![property] } else { property.split('.').collect() };
    let mut place = event;
    for name in names {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[name];
    }
    *place = value;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> PhoneNumber {
        PhoneNumber::from_e164("+14155550123").unwrap()
    }

    fn generate(conditions: &Value, texts: Vec<Value>) -> (bool, Value) {
        let trigger = json!({ "type": "event", "name": "order", "where": conditions });
        let steps =
            json!([{ "type": "send_sms", "to": "event.customer.phone" }, { "type": "send_sms" }]);
        let definition = Definition::parse(&trigger, &steps).unwrap();
        let event = sample(&definition, texts, &phone());
        let Trigger::Event { conditions, .. } = &definition.trigger else {
            panic!("it is an event")
        };
        (conditions.hold(&event), event)
    }

    #[test]
    fn a_sample_event_has_what_texts_recipients_and_conditions_name() {
        let texts = vec![
            json!({ "total": "total", "items": [null, { "sku": "sku" }] }),
            json!({ "items": [{ "name": "name" }] }),
        ];
        let (starts, event) = generate(
            &json!({ "total": { "op": "gt", "value": 99 }, "customer.country": "DE" }),
            texts,
        );
        assert!(starts);
        let customer = json!({ "phone": "+14155550123", "country": "DE" });
        assert_eq!(
            event,
            json!(
                {
                    "total": 100,
                    "items": [{ "name": "name" }, { "sku": "sku" }],
                    "customer": customer
                }
            )
        );
    }

    #[test]
    fn a_sample_event_meets_any_conditions_that_can_be_met() {
        for conditions in [
            json!({ "total": [{ "op": "gt", "value": 10 }, { "op": "lt", "value": 12 }] }),
            json!({ "total": { "op": "lt", "value": 0.5 }, "vip": { "op": "ne", "value": true } }),
            json!(
                {
                    "at": { "op": "gt", "value": "2026-11-22T10:00:00Z" },
                    "name": { "op": "lt", "value": "m" }
                }
            ),
            json!(
                {
                    "coupon": { "op": "exists", "value": true },
                    "returned": { "op": "exists", "value": false }
                }
            ),
            json!(
                {
                    "note": { "op": "contains", "value": 7 },
                    "country": { "op": "ne", "value": "DE" },
                    "parent": null
                }
            ),
        ] {
            let texts = vec![
                json!({ "returned": "returned", "country": "DE", "parent": "parent", "vip": true }),
            ];
            let (starts, event) = generate(&conditions, texts);
            assert!(starts, "{event} does not meet {conditions}");
        }
        let (starts, _) = generate(
            &json!({ "total": [{ "op": "gt", "value": 1 }, { "op": "lt", "value": 1 }] }),
            Vec::new(),
        );
        assert!(!starts, "nothing meets that");
    }
}
