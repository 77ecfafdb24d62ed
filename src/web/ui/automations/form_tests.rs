//! Tests of the form of the editor.

use serde_json::json;

use super::{AutomationForm, parse_value};
use crate::automations::{Automation, AutomationStatus, Definition};
use crate::types::id::{AutomationId, SenderId, SourceId, TemplateId};

fn pairs(query: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

fn automation(definition: Definition) -> Automation {
    Automation {
        id: AutomationId::new(),
        name: "Thank you & more".to_owned(),
        status: AutomationStatus::Draft,
        version: 1,
        definition,
        created_at: chrono::DateTime::UNIX_EPOCH,
        updated_at: chrono::DateTime::UNIX_EPOCH,
        archived_at: None,
    }
}

fn definition() -> Definition {
    let trigger = json!({"type": "event", "name": "order_completed", "where": {
        "total": [
            {"op": "gte", "value": 10},
            {"op": "lt", "value": 20.5}
        ], "country": "DE", "coupon": {"op": "exists", "value": false},
    }, "max_age_seconds": 604_800, "source_id": SourceId::new()});
    let steps = json!([
        {
            "type": "send_sms",
            "template_id": TemplateId::new(),
            "sender_id": SenderId::new(),
            "to": "event.customer.phone"
        },
        {"type": "wait", "seconds": 5400},
        {"type": "send_sms", "to": "$.properties.phone"},
        {"type": "send_sms", "to": "$.traits.phone"},
        {"type": "send_sms", "template_id": null, "sender_id": null},
    ]);
    Definition::parse(&trigger, &steps).unwrap()
}

#[test]
fn a_saved_automation_survives_the_form_and_the_query_string() {
    let saved = automation(definition());
    let form = AutomationForm::of(&saved);
    assert_eq!(form.parse().unwrap().1, saved.definition);
    assert_eq!(AutomationForm::from_pairs(&pairs(&form.to_query())), form);
}

#[test]
fn a_wait_is_shown_in_the_longest_unit_that_fits() {
    let form = AutomationForm::of(&automation(definition()));
    assert_eq!((form.steps[1].amount.as_str(), form.steps[1].unit.as_str()), ("90", "minutes"));
}

#[test]
fn fields_left_open_make_a_draft_and_no_error() {
    let form = AutomationForm { name: "A".to_owned(), ..AutomationForm::blank() };
    let (_, definition) = form.parse().unwrap();
    let open: Vec<_> = definition.missing().iter().map(|(field, _)| field.to_owned()).collect();
    assert_eq!(open, ["steps.0.sender_id", "steps.0.template_id", "trigger.name"]);
}

#[test]
fn every_wrong_field_is_named() {
    let query = "name=&trigger.type=event&trigger.name=a&trigger.where.0.property=&trigger.where.0.op=eq&trigger.where.0.value=x\
        &steps.0.type=wait&steps.0.seconds=soon&steps.0.unit=days&steps.1.type=wait&steps.1.seconds=400&steps.1.unit=days\
        &steps.2.type=send_sms&steps.2.to=event&steps.2.property=&steps.3.type=send_sms&steps.3.template_id=7&trigger.source_id=7";
    let errors = AutomationForm::from_pairs(&pairs(query)).parse().unwrap_err();
    let fields: Vec<_> = errors.iter().map(|(field, _)| field.to_owned()).collect();
    assert_eq!(
        fields,
        [
            "name",
            "steps.0.seconds",
            "steps.1.seconds",
            "steps.2.property",
            "steps.3.template_id",
            "trigger.source_id",
            "trigger.where.0.property"
        ]
    );
}

#[test]
fn blank_rows_of_conditions_are_ignored() {
    let query = "name=A&trigger.type=event&trigger.name=order&trigger.where.0.property=&trigger.where.0.op=gt&trigger.where.0.value=";
    let (_, definition) = AutomationForm::from_pairs(&pairs(query)).parse().unwrap();
    let expected = json!({"type": "event", "name": "order"});
    assert_eq!(serde_json::to_value(definition.trigger).unwrap(), expected);
}

#[test]
fn an_impossible_date_is_an_error_on_its_field() {
    let query = |value: &str| {
        format!(
            "name=A&trigger.type=event&trigger.name=a&trigger.where.0.property=ends_at&trigger.where.0.op=lt&trigger.where.0.value={value}"
        )
    };
    let parse = |value: &str| AutomationForm::from_pairs(&pairs(&query(value))).parse();
    for value in ["9999-12-31", "0001-01-01T00:00:00Z"] {
        let errors = parse(value).unwrap_err().to_string();
        assert!(
            errors.starts_with("trigger.where.0.value: No event can match: the year "),
            "{errors}"
        );
    }
    for value in ["2026-12-31", "9999", "soon"] {
        assert!(parse(value).is_ok(), "{value}");
    }
}

#[test]
fn steps_with_gaps_in_their_numbers_keep_their_order() {
    let form = AutomationForm::from_pairs(&pairs(
        "steps.10.type=wait&steps.2.type=send_sms&steps.x.type=wait&steps=1",
    ));
    let kinds: Vec<_> = form.steps.iter().map(|step| step.kind.as_str()).collect();
    assert_eq!(kinds, ["send_sms", "wait"]);
}

#[test]
fn a_value_is_a_number_only_in_canonical_form() {
    assert_eq!(parse_value("49.9"), json!(49.9));
    assert_eq!(parse_value("true"), json!(true));
    for text in ["007", "1e3", "+1", "49.90", "null", "[1]", "", "DE"] {
        assert_eq!(parse_value(text), json!(text));
    }
}
