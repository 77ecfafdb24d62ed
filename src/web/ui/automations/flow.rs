//! The cards of a flow: the trigger and each step in one line, with the text that it sends.

use std::collections::HashMap;

use serde::Serialize;

use super::form::AutomationForm;
use super::sentences;
use super::step_form::StepForm;
use crate::automations::{Step, Trigger};
use crate::error::FieldErrors;
use crate::senders::Sender;
use crate::templates::{BodyPiece, Template, body_pieces};
use crate::types::id::{SenderId, TemplateId};
use crate::web::quantities::duration;
use crate::web::ui::Choice;

/// A card of the flow. Its title reads “When *order_completed* arrives”: verb, name, rest.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FlowCard {
    /// The kind: `trigger`, `send` or `wait`.
    kind: &'static str,
    verb: &'static str,
    name: String,
    rest: &'static str,
    /// What else it says, in smaller type.
    detail: Option<String>,
    /// The text that it sends.
    pieces: Vec<BodyPiece>,
    /// What is wrong with its fields.
    problem: Option<String>,
}

impl FlowCard {
    /// The card of a trigger; none while it is not valid.
    pub(super) fn of_trigger(trigger: Option<&Trigger>) -> Self {
        let card = |verb, name: &str, rest| Self { verb, rest, ..Self::new("trigger", name) };
        match trigger {
            None => card("When", "something", "happens"),
            Some(Trigger::Event { name: None, .. }) => {
                let detail = Some("No event chosen yet".to_owned());
                Self { detail, ..card("When", "an event", "arrives") }
            }
            Some(Trigger::Event { name: Some(name), source_id, conditions, max_age_seconds }) => {
                let mut details: Vec<String> =
                    conditions.0.iter().map(sentences::condition).collect();
                details.extend(source_id.map(|_| "from one source".to_owned()));
                details.extend(
                    max_age_seconds
                        .map(|seconds| format!("up to {} after it happened", duration(seconds))),
                );
                let detail = Some(details.join(", ")).filter(|detail| !detail.is_empty());
                Self { detail, ..card("When", name.as_str(), "arrives") }
            }
            Some(Trigger::TagAdded { tag: None }) => {
                let detail = Some("No tag chosen yet".to_owned());
                Self { detail, ..card("When", "a tag", "is added") }
            }
            Some(Trigger::TagAdded { tag: Some(tag) }) => {
                card("When tag", &tag.to_string(), "is added")
            }
            Some(Trigger::ContactCreated) => card("When", "a contact", "is created"),
        }
    }

    /// The card of a step.
    pub(super) fn of_step(
        step: &Step,
        templates: &HashMap<TemplateId, Template>,
        senders: &HashMap<SenderId, Sender>,
    ) -> Self {
        match step {
            Step::Wait { seconds } => Self::wait(&duration(*seconds)),
            Step::SendSms { template_id, sender_id, to } => {
                let template = template_id.and_then(|id| templates.get(&id));
                let sender = sender_id.and_then(|id| senders.get(&id)).map(Sender::label);
                let name = template.map(|template| template.name.as_str());
                let body = template.map(|template| template.body.as_str());
                Self::send(name, body, sender.as_deref(), to.event_property())
            }
        }
    }

    /// The cards of a form as typed: the trigger's, and one per step.
    pub(super) fn of_form(
        form: &AutomationForm,
        templates: &[Choice],
        bodies: &HashMap<String, String>,
        senders: &[Choice],
        errors: &FieldErrors,
    ) -> (Self, Vec<Self>) {
        let mut unread = FieldErrors::default();
        let trigger = Self::of_trigger(form.trigger.parse(&mut unread).as_ref());
        let label = |choices: &[Choice], value: &str| {
            choices.iter().find(|choice| choice.value == value).map(|choice| choice.label.clone())
        };
        let card = |(index, step): (usize, &StepForm)| {
            let card = if step.kind == "wait" {
                match step.parse("", &mut FieldErrors::default()) {
                    Some(Step::Wait { seconds }) => Self::wait(&duration(seconds)),
                    _ => Self::wait("some time"),
                }
            } else {
                let property = match &step.recipient() {
                    Ok(recipient) => recipient.event_property().map(str::to_owned),
                    Err(_) => Some(step.property.trim().to_owned()),
                };
                Self::send(
                    label(templates, &step.template_id).as_deref(),
                    bodies.get(&step.template_id).map(String::as_str),
                    label(senders, &step.sender_id).as_deref(),
                    property.as_deref(),
                )
            };
            Self { problem: problem(errors, &format!("steps.{index}.")), ..card }
        };
        let steps = form.steps.iter().enumerate().map(card).collect();
        (Self { problem: problem(errors, "trigger."), ..trigger }, steps)
    }

    fn wait(length: &str) -> Self {
        Self { verb: "Wait", ..Self::new("wait", length) }
    }

    fn send(
        template: Option<&str>,
        body: Option<&str>,
        sender: Option<&str>,
        property: Option<&str>,
    ) -> Self {
        let from = sender
            .map_or_else(|| "No sender chosen yet".to_owned(), |sender| format!("From {sender}"));
        let detail = match property {
            Some("") => format!("{from}, to a number of the event"),
            Some(property) => format!("{from}, to the event’s {property}"),
            None => from,
        };
        Self {
            verb: "Send",
            detail: Some(detail),
            pieces: body.map(body_pieces).unwrap_or_default(),
            ..Self::new("send", template.unwrap_or("a text"))
        }
    }

    fn new(kind: &'static str, name: &str) -> Self {
        Self {
            kind,
            verb: "",
            name: name.to_owned(),
            rest: "",
            detail: None,
            pieces: Vec::new(),
            problem: None,
        }
    }
}

/// The first error of the fields whose names begin so.
fn problem(errors: &FieldErrors, start: &str) -> Option<String> {
    let (_, sentences) = errors.iter().find(|(field, _)| field.starts_with(start))?;
    sentences.first().map(ToString::to_string)
}

#[cfg(debug_assertions)]
#[path = "samples/flow.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_says_in_one_line_what_a_step_does() {
        let mut form = AutomationForm::blank();
        form.trigger.name = "order_completed".to_owned();
        form.steps.push(StepForm::wait());
        form.steps[0].template_id = "t".to_owned();
        let bodies = HashMap::from([("t".to_owned(), "Hi {{ contact.first_name }}!".to_owned())]);
        let errors = FieldErrors::default().with("steps.1.seconds", "Write a whole number.");
        let (trigger, steps) =
            FlowCard::of_form(&form, &[Choice::new("t", "Thanks")], &bodies, &[], &errors);
        let title = |card: &FlowCard| {
            format!("{} {} {}", card.verb, card.name, card.rest).trim_end().to_owned()
        };
        assert_eq!(title(&trigger), "When order_completed arrives");
        assert_eq!(title(&steps[0]), "Send Thanks");
        assert_eq!(steps[0].pieces.len(), 3);
        assert_eq!(steps[0].detail.as_deref(), Some("No sender chosen yet"));
        assert_eq!(title(&steps[1]), "Wait 1 day");
        assert_eq!(steps[1].problem.as_deref(), Some("Write a whole number."));
    }
}
