//! Conditions on the properties of an event: the `where` of a trigger.

use std::cmp::Ordering;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::value_comparison::{contains, equal, number, order, time};
use crate::error::FieldErrors;
use crate::types::date_or_time::DateOrTimeError;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::Mistake;
use crate::types::text_enum::text_enum;

/// Maximum number of conditions per trigger.
pub const MAX_CONDITIONS: usize = 20;
/// Maximum length of a property's name or of the text it is compared with, in characters.
pub const MAX_CONDITION_TEXT: usize = 200;

text_enum! {
    /// Operator that compares a property with a value.
    pub enum ConditionOperator {
        /// Equal: text exactly; numbers, booleans and points in time also if the two sides write
        /// them differently.
        Eq = "eq",
        /// Not equal; also holds if the event lacks the property.
        Ne = "ne",
        /// Greater: numbers by value, dates and times by time in any notation, other text
        /// alphabetically.
        Gt = "gt",
        /// Greater or equal.
        Gte = "gte",
        /// Less.
        Lt = "lt",
        /// Less or equal.
        Lte = "lte",
        /// A text that contains the value, or a list that has it as an element.
        Contains = "contains",
        /// The event has the property, and it is not null; with the value `false`, the opposite.
        Exists = "exists",
    }
}

/// A condition: a property, an operator and a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// A key of the event's properties; dots lead into nested objects (`customer.city`).
    pub property: String,
    /// Operator of the comparison.
    pub operator: ConditionOperator,
    /// Value to compare with: text, number, boolean or null.
    pub value: Value,
}

/// The conditions of a trigger, all of which must hold.
///
/// As JSON: an object of property → value (equal), → `{op, value}`, or → a list of `{op, value}`
/// that must all hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// Whether there are no conditions, so that every event of the name matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds an error for each condition that no event can meet; see [`Condition::check_date`].
    pub(super) fn note_impossible(&self, path: &str, errors: &mut FieldErrors) {
        for condition in &self.0 {
            errors.check(&format!("{path}.{}", condition.property), condition.check_date());
        }
    }

    /// Whether all conditions hold for an event's properties.
    #[must_use]
    pub fn hold(&self, properties: &Value) -> bool {
        self.0.iter().all(|condition| condition.holds(properties))
    }

    /// Parses the JSON form; errors are added under `path`.
    pub(super) fn parse(path: &str, value: &Value, errors: &mut FieldErrors) -> Self {
        let Value::Object(object) = value else {
            errors.add(
                path,
                Mistake::WrongType("an object").with_hint("Write it like {\"country\": \"DE\"}."),
            );
            return Self::default();
        };
        let mut conditions = Vec::new();
        for (property, wanted) in object {
            let path = format!("{path}.{property}");
            if let Err(message) = check_property(property) {
                errors.add(&path, message);
                continue;
            }
            match wanted {
                Value::Array(several) if several.is_empty() => {
                    errors.add(&path, "An empty list says nothing.");
                }
                Value::Array(several) => {
                    for (index, condition) in several.iter().enumerate() {
                        conditions.extend(parse_comparison(
                            &format!("{path}.{index}"),
                            property,
                            condition,
                            errors,
                        ));
                    }
                }
                Value::Object(_) => {
                    conditions.extend(parse_comparison(&path, property, wanted, errors));
                }
                scalar => conditions.extend(checked_condition(
                    &path,
                    property,
                    ConditionOperator::Eq,
                    scalar,
                    errors,
                )),
            }
        }
        if conditions.len() > MAX_CONDITIONS {
            errors.add(path, Mistake::TooMany(MAX_CONDITIONS, "conditions"));
        }
        Self(conditions)
    }
}

impl Condition {
    /// Creates a condition; the error says why the value does not fit the operator.
    pub fn new(property: &str, operator: ConditionOperator, value: Value) -> Result<Self, String> {
        check_property(property)?;
        let fits = match operator {
            ConditionOperator::Eq | ConditionOperator::Ne => {
                !matches!(value, Value::Array(_) | Value::Object(_))
            }
            ConditionOperator::Gt
            | ConditionOperator::Gte
            | ConditionOperator::Lt
            | ConditionOperator::Lte => value.is_number() || value.is_string(),
            ConditionOperator::Contains => {
                value.is_number() || value.is_string() || value.is_boolean()
            }
            ConditionOperator::Exists => value.is_boolean(),
        };
        if !fits {
            return Err(format!("“{operator}” {}", expectation(operator)));
        }
        if let Value::String(text) = &value {
            check_text(text)?;
        }
        Ok(Self { property: property.to_owned(), operator, value })
    }

    /// Refuses a date with an implausible year, such as 9999-12-31, which no event could ever meet.
    /// Conditions that are already stored may have one.
    pub fn check_date(&self) -> Result<(), String> {
        let is_ordered = matches!(
            self.operator,
            ConditionOperator::Gt
                | ConditionOperator::Gte
                | ConditionOperator::Lt
                | ConditionOperator::Lte
        );
        match time(&self.value) {
            Err(error @ DateOrTimeError::Year(_))
                if is_ordered && number(&self.value).is_none() =>
            {
                Err(format!("No event can match: {error}."))
            }
            _ => Ok(()),
        }
    }

    /// Whether the condition holds for an event's properties.
    #[must_use]
    pub fn holds(&self, properties: &Value) -> bool {
        let actual = lookup(properties, &self.property).filter(|value| !value.is_null());
        match (self.operator, actual) {
            (ConditionOperator::Exists, actual) => {
                actual.is_some() == (self.value == Value::Bool(true))
            }
            (ConditionOperator::Eq, None) => self.value.is_null(),
            (ConditionOperator::Ne, None) => !self.value.is_null(),
            (_, None) => false,
            (ConditionOperator::Eq, Some(actual)) => equal(actual, &self.value),
            (ConditionOperator::Ne, Some(actual)) => !equal(actual, &self.value),
            (ConditionOperator::Contains, Some(actual)) => contains(actual, &self.value),
            (ConditionOperator::Gt, Some(actual)) => {
                order(actual, &self.value) == Some(Ordering::Greater)
            }
            (ConditionOperator::Gte, Some(actual)) => {
                order(actual, &self.value).is_some_and(Ordering::is_ge)
            }
            (ConditionOperator::Lt, Some(actual)) => {
                order(actual, &self.value) == Some(Ordering::Less)
            }
            (ConditionOperator::Lte, Some(actual)) => {
                order(actual, &self.value).is_some_and(Ordering::is_le)
            }
        }
    }
}

/// Finds a property: by the whole name first, else by following its dots into objects.
#[must_use]
pub fn lookup<'v>(properties: &'v Value, name: &str) -> Option<&'v Value> {
    let object = properties.as_object()?;
    object.get(name).or_else(|| {
        let mut dots = name.match_indices('.');
        dots.find_map(|(at, _)| lookup(object.get(name.get(..at)?)?, name.get(at + 1..)?))
    })
}

/// Checks the name of a property as a user entered it.
pub(super) fn check_property(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("Name the property of the event.".to_owned());
    }
    check_text(name)
}

/// Checks that PostgreSQL can store the text and a page can show it.
fn check_text(text: &str) -> Result<(), String> {
    if text.chars().count() > MAX_CONDITION_TEXT {
        return Err(Mistake::TooLong(MAX_CONDITION_TEXT).into());
    }
    if text.chars().any(char::is_control) {
        return Err(Mistake::ControlCharacter.into());
    }
    Ok(())
}

const fn expectation(operator: ConditionOperator) -> &'static str {
    match operator {
        ConditionOperator::Eq | ConditionOperator::Ne => {
            "compares with text, a number, true, false or null."
        }
        ConditionOperator::Gt
        | ConditionOperator::Gte
        | ConditionOperator::Lt
        | ConditionOperator::Lte => "compares with a number, or with text such as a date.",
        ConditionOperator::Contains => "looks for text, a number, true or false.",
        ConditionOperator::Exists => "takes true or false.",
    }
}

/// Parses `{op, value}`.
fn parse_comparison(
    path: &str,
    property: &str,
    value: &Value,
    errors: &mut FieldErrors,
) -> Option<Condition> {
    let mut reader = ObjectReader::open(path, value, "{\"op\": \"gte\", \"value\": 100}", errors)?;
    reader.only(&["op", "value"]);
    let known: Vec<&'static str> =
        ConditionOperator::ALL.iter().map(|operator| operator.as_str()).collect();
    let operator: ConditionOperator = reader.kind("op", &known)?.parse().ok()?;
    let default =
        if operator == ConditionOperator::Exists { Value::Bool(true) } else { Value::Null };
    let value = reader.value("value").unwrap_or(&default);
    let path = reader.path_of("value");
    checked_condition(&path, property, operator, value, reader.errors())
}

fn checked_condition(
    path: &str,
    property: &str,
    operator: ConditionOperator,
    value: &Value,
    errors: &mut FieldErrors,
) -> Option<Condition> {
    errors.check(path, Condition::new(property, operator, value.clone()))
}

impl Serialize for Conditions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut properties: Vec<&str> = Vec::new();
        for condition in &self.0 {
            if !properties.contains(&condition.property.as_str()) {
                properties.push(&condition.property);
            }
        }
        let mut map = serializer.serialize_map(Some(properties.len()))?;
        for property in properties {
            let of_property: Vec<&Condition> =
                self.0.iter().filter(|condition| condition.property == property).collect();
            match of_property.as_slice() {
                [only] if only.operator == ConditionOperator::Eq => {
                    map.serialize_entry(property, &only.value)?;
                }
                [only] => map.serialize_entry(property, &Comparison::of(only))?,
                several => {
                    let several: Vec<Comparison<'_>> =
                        several.iter().map(|condition| Comparison::of(condition)).collect();
                    map.serialize_entry(property, &several)?;
                }
            }
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Comparison<'c> {
    op: ConditionOperator,
    value: &'c Value,
}

impl<'c> Comparison<'c> {
    fn of(condition: &'c Condition) -> Self {
        Self { op: condition.operator, value: &condition.value }
    }
}

#[cfg(test)]
#[path = "condition_tests.rs"]
mod tests;
