//! The definition of an automation: its trigger and steps, as stored in each version.

use serde_json::Value;

use super::step::Step;
use super::trigger::Trigger;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::{SenderId, TemplateId};

/// A trigger and the steps that follow it.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// Starts the automation.
    pub trigger: Trigger,
    /// Steps in order; at most [`super::MAX_STEPS`].
    pub steps: Vec<Step>,
}

impl Definition {
    /// Parses trigger and steps from JSON; errors are by field (`trigger.…`, `steps.<index>.…`).
    pub fn parse(trigger: &Value, steps: &Value) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let trigger = Trigger::parse("trigger", trigger, &mut errors);
        let steps = Step::parse_all("steps", steps, &mut errors);
        errors.into_result()?;
        let trigger = trigger.ok_or_else(|| Error::field("trigger", "Choose what starts it."))?;
        Ok(Self { trigger, steps })
    }

    /// Parses a definition that this or an older release stored; an error is a bug, not a user's
    /// mistake.
    pub(super) fn stored(trigger: &Value, steps: &Value) -> Result<Self> {
        Self::parse(trigger, steps).map_err(|error| {
            Error::Internal(format!("A stored automation cannot be read: {error}"))
        })
    }

    /// The JSON form of the trigger and of the steps.
    pub(super) fn to_json(&self) -> Result<(Value, Value)> {
        let unwritable = |error: serde_json::Error| {
            Error::Internal(format!("An automation cannot be stored: {error}"))
        };
        let trigger = serde_json::to_value(&self.trigger).map_err(unwritable)?;
        Ok((trigger, serde_json::to_value(&self.steps).map_err(unwritable)?))
    }

    /// The templates and senders that the steps refer to, in order.
    #[must_use]
    pub fn refers_to(&self) -> (Vec<TemplateId>, Vec<SenderId>) {
        let (mut templates, mut senders) = (Vec::new(), Vec::new());
        for step in &self.steps {
            if let Step::SendSms { template_id, sender_id, .. } = step {
                templates.extend(*template_id);
                senders.extend(*sender_id);
            }
        }
        (templates, senders)
    }

    /// Errors for what only a draft may omit: the name of an event or tag, the template or sender
    /// of a step.
    #[must_use]
    pub fn missing(&self) -> FieldErrors {
        let mut errors = FieldErrors::default();
        self.trigger.note_missing("trigger", &mut errors);
        for (index, step) in self.steps.iter().enumerate() {
            step.note_missing(&format!("steps.{index}"), &mut errors);
        }
        errors
    }

    /// Whether any step sends a message.
    #[must_use]
    pub fn sends(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::SendSms { .. }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_errors_come_at_once() {
        let steps = json!([{"type": "wait", "seconds": 0}, {"type": "send_sms", "to": "me"}]);
        let error = Definition::parse(&json!({"type": "later"}), &steps).unwrap_err().to_string();
        for path in ["trigger.type: ", "steps.0.seconds: ", "steps.1.to: "] {
            assert!(error.contains(path), "{path} is not in {error}");
        }
    }

    #[test]
    fn more_than_fifty_steps_are_refused() {
        let steps = |count: usize| Value::Array(vec![json!({"type": "wait", "seconds": 1}); count]);
        let trigger = json!({"type": "contact_created"});
        assert!(Definition::parse(&trigger, &steps(50)).is_ok());
        assert!(
            Definition::parse(&trigger, &steps(51))
                .unwrap_err()
                .to_string()
                .contains("At most 50 steps")
        );
    }

    #[test]
    fn a_definition_survives_being_stored() {
        let steps =
            json!([{"type": "send_sms", "to": "event.phone"}, {"type": "wait", "seconds": 60}]);
        let definition = Definition::parse(&json!({"type": "event"}), &steps).unwrap();
        let (trigger, steps) = definition.to_json().unwrap();
        assert_eq!(Definition::stored(&trigger, &steps).unwrap(), definition);
        assert_eq!(definition.missing().iter().count(), 3);
        assert!(definition.sends());
    }
}
