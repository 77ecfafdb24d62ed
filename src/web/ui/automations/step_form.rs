//! A step of the editor's form, with the fields of all kinds, so that changing the kind loses
//! nothing.

use serde::Serialize;

use super::time_units::{UNITS, in_longest_unit};
use crate::automations::{Recipient, Step};
use crate::error::FieldErrors;

/// A step as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct StepForm {
    pub(super) kind: String,
    pub(super) template_id: String,
    pub(super) sender_id: String,
    pub(super) to: String,
    pub(super) property: String,
    pub(super) amount: String,
    pub(super) unit: String,
}

impl StepForm {
    /// A new SMS step, to the contact's number.
    pub(super) fn sms() -> Self {
        Self { kind: "send_sms".to_owned(), to: "contact.phone".to_owned(), ..Self::default() }
    }

    /// A new wait step of one day.
    pub(super) fn wait() -> Self {
        Self {
            kind: "wait".to_owned(),
            amount: "1".to_owned(),
            unit: "days".to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn of(step: &Step) -> Self {
        match step {
            Step::Wait { seconds } => {
                let (amount, unit) = in_longest_unit(*seconds);
                Self { amount, unit: unit.to_owned(), ..Self::wait() }
            }
            Step::SendSms { template_id, sender_id, to } => {
                let (to, property) = match to {
                    Recipient::ContactPhone => ("contact.phone", String::new()),
                    Recipient::EventProperty(property) => ("event", property.clone()),
                    Recipient::Foreign(foreign) => ("event", foreign.as_str().to_owned()),
                };
                Self {
                    template_id: template_id.map(|id| id.to_string()).unwrap_or_default(),
                    sender_id: sender_id.map(|id| id.to_string()).unwrap_or_default(),
                    to: to.to_owned(),
                    property,
                    ..Self::sms()
                }
            }
        }
    }

    pub(super) fn fields(&self) -> [(&'static str, &String); 7] {
        [
            ("type", &self.kind),
            ("template_id", &self.template_id),
            ("sender_id", &self.sender_id),
            ("to", &self.to),
            ("property", &self.property),
            ("seconds", &self.amount),
            ("unit", &self.unit),
        ]
    }

    pub(super) fn set(&mut self, field: &str, value: String) {
        match field {
            "type" => self.kind = value,
            "template_id" => self.template_id = value,
            "sender_id" => self.sender_id = value,
            "to" => self.to = value,
            "property" => self.property = value,
            "seconds" => self.amount = value,
            "unit" => self.unit = value,
            _ => {}
        }
    }

    pub(super) fn parse(&self, path: &str, errors: &mut FieldErrors) -> Option<Step> {
        match self.kind.as_str() {
            "wait" => {
                let step =
                    self.seconds().and_then(|seconds| Step::wait(seconds).map_err(str::to_owned));
                errors.check(&format!("{path}.seconds"), step)
            }
            "send_sms" => {
                let to = errors.check(&format!("{path}.property"), self.recipient())?;
                let template_id = errors
                    .check(&format!("{path}.template_id"), chosen(&self.template_id, "template"));
                let sender_id =
                    errors.check(&format!("{path}.sender_id"), chosen(&self.sender_id, "sender"));
                Some(Step::SendSms { template_id: template_id?, sender_id: sender_id?, to })
            }
            _ => {
                errors.add(&format!("{path}.type"), "Unknown kind of step.");
                None
            }
        }
    }

    /// Whom it is sent to; a property may be written as Segment does, with `$`.
    pub(super) fn recipient(&self) -> Result<Recipient, String> {
        let property = self.property.trim();
        match self.to.as_str() {
            "event" if property.starts_with(['$', '{']) => Recipient::parse(property),
            "event" => Recipient::parse(&format!("event.{property}")),
            _ => Ok(Recipient::ContactPhone),
        }
    }

    fn seconds(&self) -> Result<i64, String> {
        let amount: i64 = self
            .amount
            .trim()
            .parse()
            .map_err(|_| "Enter a whole number, such as 2.".to_owned())?;
        let unit = UNITS.into_iter().find(|(unit, _)| *unit == self.unit);
        let (_, length) = unit.ok_or_else(|| "Choose minutes, hours or days.".to_owned())?;
        Ok(amount.saturating_mul(i64::from(length)))
    }
}

/// Parses an id from a select box; the empty option means none.
fn chosen<T: std::str::FromStr>(text: &str, noun: &str) -> Result<Option<T>, String> {
    match text.trim() {
        "" => Ok(None),
        id => id.parse().map(Some).map_err(|_| format!("There is no such {noun}.")),
    }
}
