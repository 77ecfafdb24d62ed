//! Runs the steps of one enrollment up to its next wait or its end: a pure function, without the
//! database.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::condition::lookup;
use super::definition::Definition;
use super::enrollment::Enrollment;
use super::step::{Recipient, Step};
use crate::contacts::Contact;
use crate::messages::compose::{Draft, DraftOrigin};
use crate::senders::Sender;
use crate::templates::{Rendered, Renderer, Template, Variables};
use crate::types::country::Country;
use crate::types::id::{SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

/// The templates, senders and settings that the steps of a batch refer to.
pub(super) struct Resources<'m> {
    pub(super) templates: &'m HashMap<TemplateId, Template>,
    pub(super) senders: &'m HashMap<SenderId, Sender>,
    pub(super) renderer: &'m Renderer,
    pub(super) organization: &'m str,
    pub(super) default_country: Option<Country>,
}

/// An enrollment with its definition, contact and event.
pub(super) struct RunInput<'p> {
    pub(super) enrollment: &'p Enrollment,
    pub(super) definition: &'p Definition,
    pub(super) contact: &'p Contact,
    pub(super) event: Option<&'p Value>,
}

/// Where an enrollment stopped after its steps ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunEnd {
    /// Waits before this step.
    Waiting { step: i16, due_at: DateTime<Utc> },
    /// No steps are left.
    Completed { step: i16 },
    /// This step failed.
    Failed { step: i16, reason: String },
}

/// The result of running steps: the messages to compose, and where the enrollment stopped.
pub(super) struct RunResult {
    pub(super) drafts: Vec<Draft>,
    pub(super) end: RunEnd,
}

/// Runs the steps from the enrollment's current one.
///
/// A missing text or number results in a failed message with a reason, and the next step follows.
/// Only a step whose sender is gone, so that it cannot even create a failed message, fails the
/// enrollment.
pub(super) fn run(
    input: &RunInput<'_>,
    resources: &Resources<'_>,
    now: DateTime<Utc>,
) -> RunResult {
    let mut drafts = Vec::new();
    let mut step = input.enrollment.step;
    while let Some(next) =
        usize::try_from(step).ok().and_then(|index| input.definition.steps.get(index))
    {
        match next {
            Step::Wait { seconds } => {
                // Counted from now instead of the due time: after an outage, the gap between two
                // messages stays as intended.
                let due_at = now + TimeDelta::seconds(i64::from(*seconds));
                return RunResult { drafts, end: RunEnd::Waiting { step: step + 1, due_at } };
            }
            Step::SendSms { template_id, sender_id, to } => {
                let Some(sender) = sender_id.and_then(|id| resources.senders.get(&id)) else {
                    let reason = format!("The sender of step {} no longer exists.", step + 1);
                    return RunResult { drafts, end: RunEnd::Failed { step, reason } };
                };
                drafts.push(draft(input, resources, step, *template_id, sender.id, to));
            }
        }
        step += 1;
    }
    RunResult { drafts, end: RunEnd::Completed { step } }
}

fn draft(
    input: &RunInput<'_>,
    resources: &Resources<'_>,
    step: i16,
    template_id: Option<TemplateId>,
    sender_id: SenderId,
    to: &Recipient,
) -> Draft {
    let template = template_id.and_then(|id| resources.templates.get(&id));
    let variables =
        Variables::new(input.contact, input.event).with_organization(resources.organization);
    let rendered = match template {
        Some(template) => {
            resources.renderer.render(template, &variables).map_err(|error| error.to_string())
        }
        None => Err("The template no longer exists.".to_owned()),
    };
    let (text, media_urls) = match rendered {
        Ok(Rendered { text, media_urls }) => (Ok(text), media_urls),
        Err(reason) => (Err(reason), Vec::new()),
    };
    Draft {
        origin: DraftOrigin::Automation {
            automation_id: input.enrollment.automation_id,
            enrollment_id: input.enrollment.id,
            step,
        },
        contact_id: Some(input.contact.id),
        sender_id,
        to: recipient(input, resources.default_country, to),
        text,
        template: template.map(|template| (template.id, template.version)),
        media_urls,
    }
}

/// The number to send to, or why there is none. The reason never contains the number itself,
/// because reasons are shown and logged.
fn recipient(
    input: &RunInput<'_>,
    country: Option<Country>,
    to: &Recipient,
) -> Result<PhoneNumber, String> {
    let Some(property) = to.property_in(input.event) else {
        return Ok(input.contact.phone.clone());
    };
    let event = input
        .event
        .ok_or_else(|| format!("No event started this, so event.{property} has no number."))?;
    // Other tools write `event.properties.phone` for the event's property `phone`.
    let inner = || lookup(event, property.strip_prefix("properties.")?);
    let raw = match lookup(event, property).or_else(inner) {
        None | Some(Value::Null) => {
            return Err(format!("The event has no property “{property}” to send to."));
        }
        Some(Value::String(text)) => text.clone(),
        // Some programs send a phone number as a JSON float.
        Some(Value::Number(number)) => match number.as_f64() {
            Some(whole) if number.is_f64() && whole.fract() == 0.0 => format!("{whole:.0}"),
            _ => number.to_string(),
        },
        Some(_) => {
            return Err(format!(
                "The event’s property “{property}” is a list, an object or true/false, not a \
                 phone number."
            ));
        }
    };
    PhoneNumber::parse(&raw, country).map_err(|error| {
        let why = error.without_numbers();
        format!("The event’s property “{property}” is not a phone number: {why}")
    })
}

#[cfg(test)]
#[path = "step_runner_tests.rs"]
mod tests;
