//! Triggers, conditions, steps and causes of enrollments as sentences for marketers.

use std::collections::HashMap;

use serde_json::Value;

use crate::automations::condition::{Condition, ConditionOperator};
use crate::automations::{Step, Trigger};
use crate::senders::Sender;
use crate::templates::Template;
use crate::types::id::{SenderId, TemplateId};
use crate::web::quantities::duration;

/// A sentence about a trigger: “When order_completed is reported and total is at least 100”.
pub(super) fn trigger(trigger: &Trigger) -> String {
    match trigger {
        Trigger::Event { name: None, .. } => "When an event is reported (not named yet)".to_owned(),
        Trigger::Event { name: Some(name), source_id, conditions, max_age_seconds } => {
            let by = if source_id.is_some() { " by one source" } else { "" };
            let conditions: Vec<String> = conditions.0.iter().map(condition).collect();
            let when = if conditions.is_empty() { "" } else { " and " };
            let age = max_age_seconds
                .map(|seconds| format!(", up to {} after it happened", duration(seconds)))
                .unwrap_or_default();
            let conditions = conditions.join(" and ");
            format!("When the event “{name}” is reported{by}{age}{when}{conditions}")
        }
        Trigger::TagAdded { tag: None } => "When a tag is added (not named yet)".to_owned(),
        Trigger::TagAdded { tag: Some(tag) } => {
            format!("When the tag “{tag}” is added to a contact")
        }
        Trigger::ContactCreated => "When a contact is created".to_owned(),
    }
}

/// The text of an operator, between a property and a value.
pub(super) const fn operator(operator: ConditionOperator) -> &'static str {
    match operator {
        ConditionOperator::Eq => "is",
        ConditionOperator::Ne => "is not",
        ConditionOperator::Gt => "is more than",
        ConditionOperator::Gte => "is at least",
        ConditionOperator::Lt => "is less than",
        ConditionOperator::Lte => "is at most",
        ConditionOperator::Contains => "contains",
        ConditionOperator::Exists => "is there",
    }
}

/// A condition as text: “total is at least 100”.
pub(super) fn condition(condition: &Condition) -> String {
    let property = &condition.property;
    match (condition.operator, &condition.value) {
        (ConditionOperator::Eq, Value::Null) | (ConditionOperator::Exists, Value::Bool(false)) => {
            format!("{property} is missing")
        }
        (ConditionOperator::Ne, Value::Null) | (ConditionOperator::Exists, _) => {
            format!("{property} is there")
        }
        (compared, Value::String(text)) => format!("{property} {} “{text}”", operator(compared)),
        (compared, value) => format!("{property} {} {value}", operator(compared)),
    }
}

/// A sentence about a step, with the names of its template and sender.
pub(super) fn step(
    step: &Step,
    templates: &HashMap<TemplateId, Template>,
    senders: &HashMap<SenderId, Sender>,
) -> String {
    match step {
        Step::Wait { seconds } => format!("Wait {}", duration(*seconds)),
        Step::SendSms { template_id, sender_id, to } => {
            let template = template_id
                .and_then(|id| templates.get(&id))
                .map(|template| format!("“{}”", template.name));
            let template = template.unwrap_or_else(|| "a template (not chosen yet)".to_owned());
            let sender = sender_id.and_then(|id| senders.get(&id)).map(Sender::label);
            let sender = sender.unwrap_or_else(|| "a sender (not chosen yet)".to_owned());
            match to.event_property() {
                None => format!("Send {template} to the contact, from {sender}"),
                Some(property) => {
                    format!(
                        "Send {template} to the number in the event’s “{property}”, from {sender}"
                    )
                }
            }
        }
    }
}

/// The result of a dry run: “Ada would get 2 texts”.
pub(super) fn dry_run_result(contact: &str, starts: bool, texts: usize) -> String {
    match (starts, texts) {
        (false, _) => format!("{contact} would not enter"),
        (true, 0) => format!("{contact} would get no text"),
        (true, 1) => format!("{contact} would get 1 text"),
        (true, many) => format!("{contact} would get {many} texts"),
    }
}

/// A sentence about the cause of an enrollment.
pub(super) fn cause(cause: &str) -> &'static str {
    match cause.split_once(':').map(|(kind, _)| kind) {
        Some("event") => "An event was reported",
        Some("tag") => "A tag was added",
        Some("contact") => "The contact was created",
        _ => "Unknown",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::FieldErrors;
    use crate::types::id::SourceId;

    #[test]
    fn a_trigger_is_described_by_a_sentence() {
        let read = |value: Value| {
            trigger(&Trigger::parse("trigger", &value, &mut FieldErrors::default()).unwrap())
        };
        let where_ = json!({"country": "DE", "total": {"op": "gte", "value": 100}, "coupon": null});
        let sentence = read(json!({"type": "event", "name": "order", "where": where_}));
        assert!(sentence.starts_with("When the event “order” is reported and "), "{sentence}");
        for part in ["country is “DE”", "total is at least 100", "coupon is missing"] {
            assert!(sentence.contains(part), "{part} is not in {sentence}");
        }
        let with_max_age =
            read(json!({"type": "event", "name": "order", "max_age_seconds": 172_800}));
        assert_eq!(
            with_max_age,
            "When the event “order” is reported, up to 2 days after it happened"
        );
        let source_id = SourceId::new();
        assert_eq!(
            read(json!({"type": "event", "name": "order", "source_id": source_id})),
            "When the event “order” is reported by one source"
        );
        assert_eq!(
            read(json!({"type": "tag_added", "tag": "VIP"})),
            "When the tag “VIP” is added to a contact"
        );
    }
}
