//! The form of the editor, with all input as typed, so that no button loses any.
//!
//! The fields have the names that the slice uses for errors (`trigger.name`,
//! `steps.0.template_id`), so that each error is shown beside its field.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::step_form::StepForm;
use super::time_units::{UNITS, in_longest_unit};
use crate::automations::condition::{Condition, ConditionOperator, Conditions};
use crate::automations::{self, Automation, AutomationName, Definition, MAX_STEPS, Step, Trigger};
use crate::contacts::tags::TagName;
use crate::error::FieldErrors;
use crate::events::EventName;
use crate::types::mistake;

/// The operator of the form for a missing property.
pub(super) const IS_MISSING: &str = "missing";

/// The input of the editor.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct AutomationForm {
    /// The saved version that it was made from; blank for a new automation.
    pub(super) version: String,
    pub(super) name: String,
    pub(super) trigger: TriggerForm,
    pub(super) steps: Vec<StepForm>,
}

/// The trigger as typed, with the fields of all kinds, so that switching the kind loses nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct TriggerForm {
    pub(super) kind: String,
    pub(super) name: String,
    pub(super) tag: String,
    /// The source whose events alone start it; blank for all.
    pub(super) source_id: String,
    pub(super) conditions: Vec<ConditionForm>,
    /// The largest age of an event; blank means one day.
    pub(super) max_age: String,
    pub(super) max_age_unit: String,
}

/// A condition as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct ConditionForm {
    pub(super) property: String,
    pub(super) op: String,
    pub(super) value: String,
}

impl AutomationForm {
    /// The form of a new automation: an event with one SMS.
    pub(super) fn blank() -> Self {
        let trigger = TriggerForm {
            kind: "event".to_owned(),
            max_age_unit: "days".to_owned(),
            ..TriggerForm::default()
        };
        Self { trigger, steps: vec![StepForm::sms()], ..Self::default() }
    }

    /// The form of a saved automation.
    pub(super) fn of(automation: &Automation) -> Self {
        let definition = &automation.definition;
        Self {
            version: automation.version.to_string(),
            name: automation.name.clone(),
            trigger: TriggerForm::of(&definition.trigger),
            steps: definition.steps.iter().map(StepForm::of).collect(),
        }
    }

    /// Reads the fields of a request, and ignores unknown ones.
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let mut form = Self::default();
        let mut conditions: BTreeMap<usize, ConditionForm> = BTreeMap::new();
        let mut steps: BTreeMap<usize, StepForm> = BTreeMap::new();
        for (name, value) in pairs {
            let value = value.clone();
            match name.as_str() {
                "version" => form.version = value,
                "name" => form.name = value,
                "trigger.type" => form.trigger.kind = value,
                "trigger.name" => form.trigger.name = value,
                "trigger.tag" => form.trigger.tag = value,
                "trigger.source_id" => form.trigger.source_id = value,
                "trigger.max_age_seconds" => form.trigger.max_age = value,
                "trigger.max_age_unit" => form.trigger.max_age_unit = value,
                other => {
                    if let Some((index, field)) = indexed(other, "trigger.where.") {
                        conditions.entry(index).or_default().set(field, value);
                    } else if let Some((index, field)) = indexed(other, "steps.") {
                        steps.entry(index).or_default().set(field, value);
                    }
                }
            }
        }
        form.trigger.conditions = conditions.into_values().collect();
        // One step more than allowed is read, so that `parse` can report that there are too many.
        form.steps = steps.into_values().take(MAX_STEPS + 1).collect();
        form
    }

    /// The form as a query string, from which `from_pairs` restores it.
    pub(super) fn to_query(&self) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        let trigger = &self.trigger;
        query.append_pair("version", &self.version).append_pair("name", &self.name);
        query.append_pair("trigger.type", &trigger.kind);
        query.append_pair("trigger.name", &trigger.name).append_pair("trigger.tag", &trigger.tag);
        query.append_pair("trigger.source_id", &trigger.source_id);
        query
            .append_pair("trigger.max_age_seconds", &trigger.max_age)
            .append_pair("trigger.max_age_unit", &trigger.max_age_unit);
        for (index, condition) in trigger.conditions.iter().enumerate() {
            for (field, value) in [
                ("property", &condition.property),
                ("op", &condition.op),
                ("value", &condition.value),
            ] {
                query.append_pair(&format!("trigger.where.{index}.{field}"), value);
            }
        }
        for (index, step) in self.steps.iter().enumerate() {
            for (field, value) in step.fields().into_iter().filter(|(_, value)| !value.is_empty()) {
                query.append_pair(&format!("steps.{index}.{field}"), value);
            }
        }
        query.finish()
    }

    /// Chooses a sender for the steps that have none.
    pub(super) fn preset_sender(&mut self, sender_id: &str) {
        let without = |step: &&mut StepForm| step.kind == "send_sms" && step.sender_id.is_empty();
        for step in self.steps.iter_mut().filter(without) {
            sender_id.clone_into(&mut step.sender_id);
        }
    }

    /// Whether it differs from what is saved, apart from a sender that was chosen for it.
    pub(super) fn is_unsaved(&self, saved: &Self, only_sender: Option<&str>) -> bool {
        let with_sender = |form: &Self| {
            let mut form = form.clone();
            if let Some(only) = only_sender {
                form.preset_sender(only);
            }
            form
        };
        with_sender(self) != with_sender(saved)
    }

    /// Parses name and definition, or returns the errors of each field. Fields left open are no
    /// errors here: the slice decides whether they are needed.
    pub(super) fn parse(&self) -> Result<(AutomationName, Definition), FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", AutomationName::parse(&self.name));
        let trigger = self.trigger.parse(&mut errors);
        if self.steps.len() > MAX_STEPS {
            errors.add("steps", format!("An automation has at most {MAX_STEPS} steps."));
        }
        let steps: Vec<Option<Step>> = self
            .steps
            .iter()
            .enumerate()
            .map(|(index, step)| step.parse(&format!("steps.{index}"), &mut errors))
            .collect();
        match (name, trigger) {
            (Some(name), Some(trigger)) if errors.is_empty() => {
                Ok((name, Definition { trigger, steps: steps.into_iter().flatten().collect() }))
            }
            _ => Err(errors),
        }
    }
}

impl TriggerForm {
    fn of(trigger: &Trigger) -> Self {
        let kind = |kind: &str| Self {
            kind: kind.to_owned(),
            max_age_unit: "days".to_owned(),
            ..Self::default()
        };
        match trigger {
            Trigger::Event { name, source_id, conditions, max_age_seconds } => {
                let (max_age, max_age_unit) =
                    max_age_seconds.map_or_else(|| (String::new(), "days"), in_longest_unit);
                Self {
                    name: name.as_ref().map(ToString::to_string).unwrap_or_default(),
                    source_id: source_id.map(|id| id.to_string()).unwrap_or_default(),
                    conditions: conditions.0.iter().map(ConditionForm::of).collect(),
                    max_age,
                    max_age_unit: max_age_unit.to_owned(),
                    ..kind("event")
                }
            }
            Trigger::TagAdded { tag } => Self {
                tag: tag.as_ref().map(ToString::to_string).unwrap_or_default(),
                ..kind("tag_added")
            },
            Trigger::ContactCreated => kind("contact_created"),
        }
    }

    pub(super) fn parse(&self, errors: &mut FieldErrors) -> Option<Trigger> {
        match self.kind.as_str() {
            "event" => {
                let name = match self.name.trim() {
                    "" => None,
                    name => errors.check("trigger.name", EventName::parse(name)),
                };
                let source_id = match self.source_id.trim() {
                    "" => None,
                    id => errors.check("trigger.source_id", mistake::id(id, "source")),
                };
                let typed = self
                    .conditions
                    .iter()
                    .enumerate()
                    .filter(|(_, condition)| !condition.is_blank());
                let conditions = typed
                    .filter_map(|(index, condition)| {
                        condition.parse(&format!("trigger.where.{index}"), errors)
                    })
                    .collect();
                let max_age_seconds = match self.max_age.trim() {
                    "" => None,
                    typed => {
                        let length = UNITS
                            .iter()
                            .find(|(unit, _)| *unit == self.max_age_unit)
                            .map_or(86_400, |(_, length)| u64::from(*length));
                        let seconds =
                            typed.parse::<u64>().ok().and_then(|amount| amount.checked_mul(length));
                        let read = automations::parse_max_age(seconds)
                            .map_err(|_| "Enter a whole number of at most ten years.");
                        errors.check("trigger.max_age_seconds", read)
                    }
                };
                let conditions = Conditions(conditions);
                Some(Trigger::Event { name, source_id, conditions, max_age_seconds })
            }
            "tag_added" => {
                let tag = match self.tag.trim() {
                    "" => None,
                    tag => errors.check("trigger.tag", TagName::parse(tag)),
                };
                Some(Trigger::TagAdded { tag })
            }
            "contact_created" => Some(Trigger::ContactCreated),
            _ => {
                errors.add("trigger.type", "Choose what starts it.");
                None
            }
        }
    }
}

impl ConditionForm {
    fn of(condition: &Condition) -> Self {
        let property = condition.property.clone();
        let (op, value) = match (condition.operator, &condition.value) {
            (ConditionOperator::Eq, Value::Null)
            | (ConditionOperator::Exists, Value::Bool(false)) => (IS_MISSING, String::new()),
            (ConditionOperator::Ne, Value::Null) | (ConditionOperator::Exists, _) => {
                (ConditionOperator::Exists.as_str(), String::new())
            }
            (operator, Value::String(text)) => (operator.as_str(), text.clone()),
            (operator, value) => (operator.as_str(), value.to_string()),
        };
        Self { property, op: op.to_owned(), value }
    }

    fn set(&mut self, field: &str, value: String) {
        match field {
            "property" => self.property = value,
            "op" => self.op = value,
            "value" => self.value = value,
            _ => {}
        }
    }

    fn is_blank(&self) -> bool {
        self.property.trim().is_empty() && self.value.trim().is_empty()
    }

    fn parse(&self, path: &str, errors: &mut FieldErrors) -> Option<Condition> {
        let property = self.property.trim();
        if property.is_empty() {
            errors.add(&format!("{path}.property"), "Name the property of the event.");
            return None;
        }
        let (operator, value) = if self.op == IS_MISSING {
            (ConditionOperator::Exists, Value::Bool(false))
        } else {
            let operator =
                errors.check(&format!("{path}.op"), self.op.parse::<ConditionOperator>())?;
            (
                operator,
                if operator == ConditionOperator::Exists {
                    Value::Bool(true)
                } else {
                    parse_value(self.value.trim())
                },
            )
        };
        let condition = Condition::new(property, operator, value);
        errors.check(
            &format!("{path}.value"),
            condition.and_then(|condition| condition.check_date().map(|()| condition)),
        )
    }
}

/// Splits a field name such as `steps.3.template_id` into its index and the rest.
fn indexed<'n>(name: &'n str, prefix: &str) -> Option<(usize, &'n str)> {
    let (index, field) = name.strip_prefix(prefix)?.split_once('.')?;
    Some((index.parse().ok()?, field))
}

/// Interprets a typed value: a number if it is written in canonical form (not `007`), `true` or
/// `false`, else text.
fn parse_value(text: &str) -> Value {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Bool(truth)) => Value::Bool(truth),
        Ok(Value::Number(number)) if number.to_string() == text => Value::Number(number),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
#[path = "form_tests.rs"]
mod tests;
