//! Tests of the conditions on an event's properties.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use serde_json::{Value, json};

use super::{Condition, ConditionOperator, Conditions, lookup};
use crate::error::FieldErrors;

fn conditions(wanted: &Value) -> Conditions {
    let mut errors = FieldErrors::default();
    let conditions = Conditions::parse("where", wanted, &mut errors);
    assert!(errors.is_empty(), "{errors}");
    conditions
}

fn problems(wanted: &Value) -> String {
    let mut errors = FieldErrors::default();
    Conditions::parse("where", wanted, &mut errors);
    errors.to_string()
}

fn holds(wanted: &Value, properties: &Value) -> bool {
    conditions(wanted).hold(properties)
}

#[test]
fn all_conditions_must_hold() {
    let wanted = json!({"country": "DE", "total": {"op": "gte", "value": 100}});
    assert!(holds(&wanted, &json!({"country": "DE", "total": 100, "more": null})));
    assert!(!holds(&wanted, &json!({"country": "DE", "total": 99.99})));
    assert!(!holds(&wanted, &json!({"country": "FR", "total": 100})));
    assert!(!holds(&wanted, &json!({})));
}

#[test]
fn no_conditions_hold_always() {
    assert!(holds(&json!({}), &json!({})));
}

#[test]
fn several_comparisons_of_one_property_make_a_range() {
    let wanted = json!({"total": [{"op": "gte", "value": 10}, {"op": "lt", "value": 20}]});
    assert!(holds(&wanted, &json!({"total": 10})));
    assert!(holds(&wanted, &json!({"total": 19.99})));
    assert!(!holds(&wanted, &json!({"total": 20})));
    assert_eq!(serde_json::to_value(conditions(&wanted)).unwrap(), wanted);
}

#[test]
fn numbers_are_equal_by_value_in_every_notation() {
    assert!(holds(&json!({"total": 10}), &json!({"total": 10.0})));
    assert!(holds(&json!({"total": "49.90"}), &json!({"total": 49.9})));
    assert!(holds(&json!({"total": 49.9}), &json!({"total": "49.90"})));
    assert!(!holds(&json!({"zip": "00123"}), &json!({"zip": "123"})));
    assert!(!holds(&json!({"total": 1}), &json!({"total": true})));
}

#[test]
fn large_ids_are_not_rounded() {
    assert!(!holds(
        &json!({"id": 9_007_199_254_740_993_u64}),
        &json!({"id": 9_007_199_254_740_992_u64})
    ));
    assert!(holds(&json!({"id": u64::MAX}), &json!({"id": u64::MAX.to_string()})));
}

#[test]
fn truth_values_may_be_written_as_text() {
    assert!(holds(&json!({"vip": "true"}), &json!({"vip": true})));
    assert!(holds(&json!({"vip": false}), &json!({"vip": "false"})));
    assert!(!holds(&json!({"vip": "yes"}), &json!({"vip": true})));
}

#[test]
fn an_absent_property_is_unequal_and_neither_greater_nor_less() {
    assert!(holds(&json!({"country": {"op": "ne", "value": "US"}}), &json!({})));
    for operator in ["gt", "gte", "lt", "lte", "contains"] {
        assert!(!holds(&json!({"a": {"op": operator, "value": "1"}}), &json!({})), "{operator}");
        assert!(
            !holds(&json!({"a": {"op": operator, "value": "1"}}), &json!({"a": null})),
            "{operator}"
        );
    }
}

#[test]
fn null_means_that_the_property_is_not_there() {
    assert!(holds(&json!({"coupon": null}), &json!({})));
    assert!(holds(&json!({"coupon": null}), &json!({"coupon": null})));
    assert!(!holds(&json!({"coupon": null}), &json!({"coupon": "X"})));
}

#[test]
fn exists_works_in_both_directions() {
    assert!(holds(&json!({"coupon": {"op": "exists"}}), &json!({"coupon": 0})));
    assert!(!holds(&json!({"coupon": {"op": "exists"}}), &json!({"coupon": null})));
    assert!(holds(&json!({"coupon": {"op": "exists", "value": false}}), &json!({})));
}

#[test]
fn contains_searches_text_and_lists() {
    assert!(holds(
        &json!({"sku": {"op": "contains", "value": "TEA"}}),
        &json!({"sku": "GREEN-TEA-50"})
    ));
    assert!(holds(&json!({"tags": {"op": "contains", "value": 7}}), &json!({"tags": ["a", "7"]})));
    assert!(!holds(
        &json!({"tags": {"op": "contains", "value": "tea"}}),
        &json!({"tags": ["teapot"]})
    ));
    assert!(!holds(&json!({"total": {"op": "contains", "value": 1}}), &json!({"total": 100})));
}

#[test]
fn times_compare_by_time_across_zones() {
    let wanted = json!({"at": {"op": "gt", "value": "2026-11-21T10:00:00+02:00"}});
    assert!(holds(&wanted, &json!({"at": "2026-11-21T08:30:00Z"})));
    assert!(!holds(&wanted, &json!({"at": "2026-11-21T09:30:00+02:00"})));
    assert!(holds(
        &json!({"day": {"op": "lte", "value": "2026-11-21"}}),
        &json!({"day": "2026-02-01"})
    ));
}

#[test]
fn what_cannot_be_compared_does_not_match() {
    assert!(!holds(&json!({"total": {"op": "gt", "value": 1}}), &json!({"total": "n/a"})));
    assert!(!holds(&json!({"total": {"op": "lt", "value": 1}}), &json!({"total": "n/a"})));
    assert!(!holds(&json!({"total": {"op": "gt", "value": 1}}), &json!({"total": {"net": 2}})));
}

#[test]
fn dots_lead_into_objects_but_a_whole_name_comes_first() {
    let properties = json!({"customer": {"city": "Oslo", "a.b": 1}, "a.b": 2, "a": {"b": 3}});
    assert_eq!(lookup(&properties, "customer.city"), Some(&json!("Oslo")));
    assert_eq!(lookup(&properties, "customer.a.b"), Some(&json!(1)));
    assert_eq!(lookup(&properties, "a.b"), Some(&json!(2)));
    assert_eq!(lookup(&properties, "customer.street"), None);
    assert_eq!(lookup(&properties, "customer.city.part"), None);
    assert_eq!(lookup(&properties, "."), None);
}

#[test]
fn errors_name_the_path() {
    assert!(problems(&json!([])).starts_with("where: This must be an object"));
    assert!(
        problems(&json!({"a": {"op": "like", "value": 1}}))
            .starts_with("where.a.op: Unknown: “like”.")
    );
    assert!(
        problems(&json!({"a": {"value": 1}}))
            .starts_with("where.a.op: This field is required. Use one of: eq,")
    );
    assert!(
        problems(&json!({"a": {"op": "gt", "value": true}}))
            .starts_with("where.a.value: “gt” compares with a number")
    );
    assert!(
        problems(&json!({"a": {"op": "eq", "vlaue": 1}}))
            .contains("where.a.vlaue: There is no such field. Use one of: op, value.")
    );
    assert!(
        problems(&json!({"a": [{"op": "gt", "value": 1}, 5]}))
            .starts_with("where.a.1: This must be an object")
    );
    assert!(problems(&json!({"": 1})).starts_with("where.: Name the property"));
    assert!(problems(&json!({"a": "x\u{0}"})).contains("control characters"));
}

#[test]
fn more_conditions_than_the_limit_are_refused() {
    let many: serde_json::Map<String, Value> =
        (0..21).map(|n| (format!("p{n}"), json!(n))).collect();
    assert!(problems(&Value::Object(many)).contains("At most 20 conditions"));
}

proptest! {
    #[test]
    fn numbers_compare_as_numbers_do(left in any::<i64>(), right in any::<i64>()) {
        let properties = json!({"n": left});
        let holds = |operator| Condition::new(
            "n",
            operator,
            json!(right)
        ).unwrap().holds(&properties);
        prop_assert_eq!(holds(ConditionOperator::Eq), left == right);
        prop_assert_eq!(holds(ConditionOperator::Ne), left != right);
        prop_assert_eq!(holds(ConditionOperator::Gt), left > right);
        prop_assert_eq!(holds(ConditionOperator::Gte), left >= right);
        prop_assert_eq!(holds(ConditionOperator::Lt), left < right);
        prop_assert_eq!(holds(ConditionOperator::Lte), left <= right);
    }

    #[test]
    fn of_greater_equal_and_less_at_most_one_holds(left in "\\PC{0,12}", right in "\\PC{0,12}") {
        let properties = json!({"t": left});
        let holds = |operator| Condition::new(
            "t",
            operator,
            json!(right)
        ).unwrap().holds(&properties);
        prop_assert!(!(holds(ConditionOperator::Gt) && holds(ConditionOperator::Lt)));
        prop_assert_eq!(holds(ConditionOperator::Eq), left == right);
        prop_assert!(holds(ConditionOperator::Eq) != holds(ConditionOperator::Ne));
    }

    #[test]
    fn conditions_survive_being_stored(
        name in "[a-z][a-z.]{0,8}",
        value in any::<i32>(),
        text in "\\PC{0,20}"
    ) {
        let wanted = Conditions(vec![
            Condition::new(&name, ConditionOperator::Lte, json!(value)).unwrap(),
            Condition::new("text", ConditionOperator::Eq, json!(text)).unwrap(),
        ]);
        let stored = serde_json::to_value(&wanted).unwrap();
        prop_assert_eq!(conditions(&stored).0.len(), wanted.0.len());
        let properties = json!({"text": text});
        prop_assert_eq!(conditions(&stored).hold(&properties), wanted.hold(&properties));
    }
}

#[test]
fn times_are_compared_in_every_notation() {
    let after = json!({"at": {"op": "gt", "value": "2026-03-09T08:00:00Z"}});
    for later in [
        json!("2026-03-09T10:30:00+0200"),
        json!("2026-03-09 08:00:01+00"),
        json!("Mon, 09 Mar 2026 09:00:00 +0000"),
        json!("2026-03-09T08:01Z"),
        json!("1773043201"),
        json!(1_773_043_201),
        json!(1_773_043_200_001_i64),
        json!(1_773_043_200.5),
        json!("2026-03-10"),
    ] {
        assert!(holds(&after, &json!({"at": later})), "{later}");
    }
    for earlier in [
        json!("2026-03-09T09:30:00+0200"),
        json!(1_773_043_199),
        json!("Mon, 09 Mar 2026 03:00:00 -0500"),
        json!("2026-03-09"),
        json!("n/a"),
        json!(true),
    ] {
        assert!(!holds(&after, &json!({"at": earlier})), "{earlier}");
    }
    assert!(!holds(&json!({"total": {"op": "lt", "value": "2026-03-09"}}), &json!({"total": 100})));
    assert!(holds(
        &json!({"at": {"op": "lt", "value": 1_773_043_200}}),
        &json!({"at": "2026-03-09T07:59:59Z"})
    ));
    assert!(holds(
        &json!({"at": "2026-03-09T08:00:00Z"}),
        &json!({"at": "2026-03-09T10:00:00+0200"})
    ));
    assert!(!holds(&json!({"at": "2026-03-09"}), &json!({"at": "2026-03-09T00:00:00Z"})));
    assert!(!holds(&json!({"id": "20260309"}), &json!({"id": "2026-03-09"})));
}
