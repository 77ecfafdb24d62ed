//! Runs one enrollment's steps up to its next wait or its end: pure, without the database.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::condition::lookup;
use super::definition::Definition;
use super::enrollment::Enrollment;
use super::step::{Recipient, Step};
use crate::contacts::Contact;
use crate::messages::compose::{Draft, Origin};
use crate::senders::Sender;
use crate::templates::{Rendered, Renderer, Template, Variables};
use crate::types::country::Country;
use crate::types::id::{SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

/// What the steps of all enrollments of a batch refer to.
pub(super) struct Material<'m> {
    pub(super) templates: &'m HashMap<TemplateId, Template>,
    pub(super) senders: &'m HashMap<SenderId, Sender>,
    pub(super) renderer: &'m Renderer,
    pub(super) organization: &'m str,
    pub(super) default_country: Option<Country>,
}

/// An enrollment with who passes through it and why.
pub(super) struct Passage<'p> {
    pub(super) enrollment: &'p Enrollment,
    pub(super) definition: &'p Definition,
    pub(super) contact: &'p Contact,
    pub(super) event: Option<&'p Value>,
}

/// Where an enrollment stands after its steps have run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// It waits before this step.
    Waiting { step: i16, due_at: DateTime<Utc> },
    /// No step is left.
    Completed { step: i16 },
    /// This step could not be done.
    Failed { step: i16, reason: String },
}

/// What the steps came to: the messages to compose, and where the enrollment stands now.
pub(super) struct Ran {
    pub(super) drafts: Vec<Draft>,
    pub(super) standing: Standing,
}

/// Runs the steps from where the enrollment stands.
///
/// A text or number that is missing makes a failed message, which says why, and the next step
/// follows. Only a step that cannot even leave a message behind, because its sender is gone, fails
/// the enrollment.
pub(super) fn run(passage: &Passage<'_>, material: &Material<'_>, now: DateTime<Utc>) -> Ran {
    let mut drafts = Vec::new();
    let mut step = passage.enrollment.step;
    while let Some(next) =
        usize::try_from(step).ok().and_then(|index| passage.definition.steps.get(index))
    {
        match next {
            Step::Wait { seconds } => {
                // From now, not from when it was due: after an outage the gap between two messages
                // stays as it was meant.
                let due_at = now + TimeDelta::seconds(i64::from(*seconds));
                return Ran { drafts, standing: Standing::Waiting { step: step + 1, due_at } };
            }
            Step::SendSms { template_id, sender_id, to } => {
                let Some(sender) = sender_id.and_then(|id| material.senders.get(&id)) else {
                    let reason =
                        format!("The sender of step {} does not exist any more.", step + 1);
                    return Ran { drafts, standing: Standing::Failed { step, reason } };
                };
                drafts.push(draft(passage, material, step, *template_id, sender.id, to));
            }
        }
        step += 1;
    }
    Ran { drafts, standing: Standing::Completed { step } }
}

fn draft(
    passage: &Passage<'_>,
    material: &Material<'_>,
    step: i16,
    template_id: Option<TemplateId>,
    sender_id: SenderId,
    to: &Recipient,
) -> Draft {
    let template = template_id.and_then(|id| material.templates.get(&id));
    let variables =
        Variables::new(passage.contact, passage.event).with_organization(material.organization);
    let rendered = match template {
        Some(template) => {
            material.renderer.render(template, &variables).map_err(|error| error.to_string())
        }
        None => Err("The template does not exist any more.".to_owned()),
    };
    let (text, media_urls) = match rendered {
        Ok(Rendered { text, media_urls }) => (Ok(text), media_urls),
        Err(reason) => (Err(reason), Vec::new()),
    };
    Draft {
        origin: Origin::Automation {
            automation_id: passage.enrollment.automation_id,
            enrollment_id: passage.enrollment.id,
            step,
        },
        contact_id: Some(passage.contact.id),
        sender_id,
        to: recipient(passage, material.default_country, to),
        text,
        template: template.map(|template| (template.id, template.version)),
        media_urls,
    }
}

/// The number to send to, or why there is none; never with the number itself, since reasons are
/// shown and logged.
fn recipient(
    passage: &Passage<'_>,
    country: Option<Country>,
    to: &Recipient,
) -> Result<PhoneNumber, String> {
    let property = match to {
        Recipient::ContactPhone => return Ok(passage.contact.phone.clone()),
        Recipient::EventProperty(property) => property,
    };
    let event = passage.event.ok_or_else(|| {
        format!("No event started this, so there is no event.{property} to send to.")
    })?;
    let raw = match lookup(event, property) {
        None | Some(Value::Null) => {
            return Err(format!("The event has no property “{property}” to send to."));
        }
        Some(Value::String(text)) => text.clone(),
        // A program may write the digits of a number as a decimal number.
        Some(Value::Number(number)) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 => format!("{whole:.0}"),
            _ => number.to_string(),
        },
        Some(_) => {
            return Err(format!(
                "The event's property “{property}” is not a phone number but a list, an object or \
                 a truth value."
            ));
        }
    };
    PhoneNumber::parse(&raw, country).map_err(|error| {
        let why = error.without_numbers();
        format!("The event's property “{property}” is not a phone number: {why}")
    })
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
