//! Steps: the actions of an automation for each contact, one after the other.

use serde::{Serialize, Serializer};
use serde_json::Value;
use utoipa::ToSchema;

use super::condition::check_property;
use super::foreign_recipient::ForeignRecipient;
use crate::error::FieldErrors;
use crate::types::id::{SenderId, TemplateId};
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::{self, Mistake};

/// Maximum number of steps per automation.
pub const MAX_STEPS: usize = 50;
/// Longest wait in seconds: 365 days.
pub const MAX_WAIT_SECONDS: u32 = 365 * 24 * 60 * 60;

/// One step; template and sender are none only in a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Step {
    /// Sends a template by SMS. A message that fails or is suppressed does not end the flow: the
    /// next step follows.
    SendSms {
        /// The template; its newest version at the time of sending is used.
        #[schema(value_type = Option<String>, format = "uuid")]
        template_id: Option<TemplateId>,
        /// What it is sent from.
        #[schema(value_type = Option<String>, format = "uuid")]
        sender_id: Option<SenderId>,
        /// `contact.phone` (default), or `event.` and a property of the event that has a phone
        /// number; also Segment's `$.traits.phone`, or `$.properties.` and a property.
        #[schema(value_type = String)]
        to: Recipient,
    },
    /// Waits, counted from when the step before it was done.
    Wait {
        /// 1 to 31,536,000 (365 days).
        #[schema(minimum = 1, maximum = 31_536_000)]
        seconds: u32,
    },
}

/// Where a step gets the recipient's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recipient {
    /// The contact's own number.
    #[default]
    ContactPhone,
    /// A property of the event that started the enrollment; dots lead into nested objects.
    EventProperty(String),
    /// Either of them, as Segment writes it.
    Foreign(ForeignRecipient),
}

impl Step {
    /// Parses a list of steps; errors are added under `path` and `path.<index>`.
    pub fn parse_all(path: &str, steps: &Value, errors: &mut FieldErrors) -> Vec<Self> {
        let Value::Array(steps) = steps else {
            errors.add(path, Mistake::WrongType("a list"));
            return Vec::new();
        };
        if steps.len() > MAX_STEPS {
            errors.add(path, Mistake::TooMany(MAX_STEPS, "steps"));
            return Vec::new();
        }
        let parse = |(index, step)| Self::parse(&format!("{path}.{index}"), step, errors);
        steps.iter().enumerate().filter_map(parse).collect()
    }

    /// Parses the JSON form; errors are added under `path`. Omitted fields become `None`; see
    /// [`Self::note_missing`].
    pub fn parse(path: &str, value: &Value, errors: &mut FieldErrors) -> Option<Self> {
        let mut reader =
            ObjectReader::open(path, value, "{\"type\": \"wait\", \"seconds\": 3600}", errors)?;
        match reader.kind("type", &["send_sms", "wait"])? {
            "send_sms" => {
                reader.only(&["type", "template_id", "sender_id", "to"]);
                let template_id = reader.text("template_id", |text| mistake::id(text, "template"));
                let sender_id = reader.text("sender_id", |text| mistake::id(text, "sender"));
                let to = reader.text("to", Recipient::parse).unwrap_or_default();
                Some(Self::SendSms { template_id, sender_id, to })
            }
            _ => {
                reader.only(&["type", "seconds"]);
                let seconds = match reader.value("seconds") {
                    None => Err(Mistake::Missing.into()),
                    Some(seconds) => seconds
                        .as_i64()
                        .ok_or_else(|| Mistake::WrongType("a whole number").to_string()),
                };
                let step = seconds.and_then(|seconds| Self::wait(seconds).map_err(str::to_owned));
                step.map_err(|message| reader.wrong("seconds", message)).ok()
            }
        }
    }

    /// A wait of `seconds`; the error names the allowed range.
    pub fn wait(seconds: i64) -> Result<Self, &'static str> {
        match u32::try_from(seconds) {
            Ok(seconds @ 1..=MAX_WAIT_SECONDS) => Ok(Self::Wait { seconds }),
            _ => Err("Wait from 1 second to 365 days (31,536,000 seconds)."),
        }
    }

    /// Adds errors for what only a draft may omit.
    pub fn note_missing(&self, path: &str, errors: &mut FieldErrors) {
        if let Self::SendSms { template_id, sender_id, .. } = self {
            if template_id.is_none() {
                errors.add(
                    &format!("{path}.template_id"),
                    Mistake::Missing.with_hint("Choose a template."),
                );
            }
            if sender_id.is_none() {
                errors.add(
                    &format!("{path}.sender_id"),
                    Mistake::Missing.with_hint("Choose a sender."),
                );
            }
        }
    }
}

impl Recipient {
    /// Parses `contact.phone`, `event.<property>`, `$.traits.phone` or `$.properties.<property>`,
    /// also within `{{ }}`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let within = text.strip_prefix("{{").and_then(|text| text.strip_suffix("}}"));
        let text = within.unwrap_or(text).trim();
        if text.starts_with('$') {
            return ForeignRecipient::parse(text).map(Self::Foreign);
        }
        match text.strip_prefix("event.") {
            Some(property) => {
                check_property(property)?;
                Ok(Self::EventProperty(property.to_owned()))
            }
            None if text == "contact.phone" => Ok(Self::ContactPhone),
            None => Err("Use contact.phone, or a property of the event such as \
                         event.recipient_phone."
                .to_owned()),
        }
    }

    /// The property of the event that has the number; none if it is the contact's own.
    pub fn event_property(&self) -> Option<&str> {
        match self {
            Self::ContactPhone => None,
            Self::EventProperty(property) => Some(property),
            Self::Foreign(foreign) => foreign.property(),
        }
    }

    /// The property of this event that has the number; none if it is the contact's own.
    pub(super) fn property_in(&self, event: Option<&Value>) -> Option<&str> {
        match self {
            Self::ContactPhone | Self::EventProperty(_) => self.event_property(),
            Self::Foreign(foreign) => foreign.property_in(event),
        }
    }
}

impl std::fmt::Display for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ContactPhone => f.write_str("contact.phone"),
            Self::EventProperty(property) => write!(f, "event.{property}"),
            Self::Foreign(foreign) => f.write_str(foreign.as_str()),
        }
    }
}

impl Serialize for Recipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<Step, String> {
        let mut errors = FieldErrors::default();
        let step = Step::parse("steps.0", value, &mut errors);
        if errors.is_empty() { Ok(step.unwrap()) } else { Err(errors.to_string()) }
    }

    #[test]
    fn each_kind_survives_a_round_trip() {
        let (template, sender) = (TemplateId::new(), SenderId::new());
        for value in [
            json!(
                {
                    "type": "send_sms",
                    "template_id": template,
                    "sender_id": sender,
                    "to": "contact.phone"
                }
            ),
            json!(
                {
                    "type": "send_sms",
                    "template_id": template,
                    "sender_id": sender,
                    "to": "event.customer.phone"
                }
            ),
            json!(
                {
                    "type": "send_sms",
                    "template_id": template,
                    "sender_id": sender,
                    "to": "$.properties.customer.phone"
                }
            ),
            json!({"type": "wait", "seconds": 86400}),
        ] {
            assert_eq!(serde_json::to_value(parse(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn the_contact_is_the_recipient_unless_another_is_named() {
        let step = parse(&json!({"type": "send_sms", "template_id": null})).unwrap();
        assert_eq!(
            step,
            Step::SendSms { template_id: None, sender_id: None, to: Recipient::ContactPhone }
        );
        let mut errors = FieldErrors::default();
        step.note_missing("steps.0", &mut errors);
        let fields: Vec<&str> = errors.iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["steps.0.sender_id", "steps.0.template_id"]);
    }

    #[test]
    fn a_recipient_may_be_pasted_with_its_braces() {
        for (typed, kept) in [
            ("{{$.properties.phone}}", "$.properties.phone"),
            (" {{ $.traits.phone }} ", "$.traits.phone"),
            ("{{ event.phone }}", "event.phone"),
            ("{{contact.phone}}", "contact.phone"),
        ] {
            assert_eq!(Recipient::parse(typed).unwrap().to_string(), kept);
        }
    }

    #[test]
    fn a_wait_lasts_from_a_second_to_a_year() {
        assert!(parse(&json!({"type": "wait", "seconds": 1})).is_ok());
        assert!(parse(&json!({"type": "wait", "seconds": MAX_WAIT_SECONDS})).is_ok());
        for seconds in [
            json!(0),
            json!(-1),
            json!(u64::from(MAX_WAIT_SECONDS) + 1),
            json!(1.5),
            json!("60"),
            json!(null),
        ] {
            let error = parse(&json!({"type": "wait", "seconds": seconds})).unwrap_err();
            assert!(error.starts_with("steps.0.seconds: "), "{error}");
        }
    }

    #[test]
    fn errors_name_the_path_and_what_is_possible() {
        assert!(parse(&json!([])).unwrap_err().starts_with("steps.0: This must be an object"));
        assert!(
            parse(&json!({}))
                .unwrap_err()
                .starts_with("steps.0.type: This field is required. Use one of: send_sms,")
        );
        assert!(
            parse(&json!({"type": "email"}))
                .unwrap_err()
                .starts_with("steps.0.type: Unknown: “email”. Use one of: send_sms,")
        );
        let misspelt = json!({"type": "send_sms", "templat_id": "x"});
        assert!(
            parse(&misspelt)
                .unwrap_err()
                .starts_with("steps.0.templat_id: There is no such field. Use one of: type,")
        );
        let bad_id = json!({"type": "send_sms", "template_id": "7"});
        assert!(
            parse(&bad_id)
                .unwrap_err()
                .starts_with("steps.0.template_id: This is not the id of a template")
        );
        for to in ["contact.email", "event.", "+14155550123", "$.traits.email", "{{ x }}"] {
            let error = parse(&json!({"type": "send_sms", "to": to})).unwrap_err();
            assert!(error.starts_with("steps.0.to: "), "{error}");
        }
    }
}
