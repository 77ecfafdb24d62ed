//! Conditions on the properties of an event: what a trigger's `where` says, and when it holds.

use std::cmp::Ordering;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::Value;

use super::comparison::{contains, equal, number, order, time};
use crate::error::FieldErrors;
use crate::types::json_object::ObjectReader;
use crate::types::mistake::Mistake;
use crate::types::moment::MomentError;
use crate::types::text_enum::text_enum;

/// Conditions that a trigger may have.
pub const MAX_CONDITIONS: usize = 20;
/// Characters that a property's name or the text it is compared with may have.
pub const MAX_CONDITION_TEXT: usize = 200;
text_enum! {
    /// How a property is compared with a value.
    pub enum ConditionOperator {
        /// Equal; text must agree exactly, numbers, truth values and points in time also when the
        /// two sides write them differently.
        Eq = "eq",
        /// Not equal; also holds for a property that the event does not have.
        Ne = "ne",
        /// Greater: numbers by value, dates and times by time however they are written, other text
        /// by alphabet.
        Gt = "gt",
        /// Greater or equal.
        Gte = "gte",
        /// Less.
        Lt = "lt",
        /// Less or equal.
        Lte = "lte",
        /// A text that has the value in it, or a list that has it as an element.
        Contains = "contains",
        /// The event has the property, and it is not null; with the value `false`: it has not.
        Exists = "exists",
    }
}

/// One condition: a property, how to compare it, and with what.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    /// A key of the event's properties; dots lead into objects (`customer.city`).
    pub property: String,
    /// How it is compared.
    pub operator: ConditionOperator,
    /// What it is compared with: text, number, truth value or null.
    pub value: Value,
}

/// The conditions of a trigger: all must hold.
///
/// As JSON: an object of property → value (equal), → `{op, value}`, or → a list of `{op, value}`
/// that must all hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Conditions(pub Vec<Condition>);

impl Conditions {
    /// Whether there are none, so that every event of the name matches.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes each condition that no event can fit; see [`Condition::check_date`].
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

    /// Reads the JSON form; what is wrong is noted under `path`.
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
                    for (index, one) in several.iter().enumerate() {
                        conditions.extend(compared(
                            &format!("{path}.{index}"),
                            property,
                            one,
                            errors,
                        ));
                    }
                }
                Value::Object(_) => conditions.extend(compared(&path, property, wanted, errors)),
                scalar => conditions.extend(checked(
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
    /// Makes a condition, or says why the value cannot be compared in this way.
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

    /// Refuses a date whose year cannot be meant, such as 9999-12-31: no event would ever fit.
    /// Stored conditions may have one.
    pub fn check_date(&self) -> Result<(), String> {
        let is_ordered = matches!(
            self.operator,
            ConditionOperator::Gt
                | ConditionOperator::Gte
                | ConditionOperator::Lt
                | ConditionOperator::Lte
        );
        match time(&self.value) {
            Err(error @ MomentError::Year(_)) if is_ordered && number(&self.value).is_none() => {
                Err(format!("No event can fit: {error}."))
            }
            _ => Ok(()),
        }
    }

    /// Whether it holds for an event's properties.
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

/// Checks the name of a property as a person typed it.
pub(super) fn check_property(name: &str) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err("Name the property of the event.".to_owned());
    }
    check_text(name)
}

/// Text that PostgreSQL can store and a page can show.
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

/// Reads `{op, value}`.
fn compared(
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
    checked(&path, property, operator, value, reader.errors())
}

fn checked(
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
                self.0.iter().filter(|one| one.property == property).collect();
            match of_property.as_slice() {
                [only] if only.operator == ConditionOperator::Eq => {
                    map.serialize_entry(property, &only.value)?;
                }
                [only] => map.serialize_entry(property, &Comparison::of(only))?,
                several => {
                    let several: Vec<Comparison<'_>> =
                        several.iter().map(|one| Comparison::of(one)).collect();
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
