//! The dry run of an automation for one contact: the effect and time of each step, without sending
//! or writing anything.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::condition::Condition;
use super::definition::Definition;
use super::enrollment::{Enrollment, EnrollmentStatus};
use super::step::Step;
use super::step_runner::{Resources, RunEnd, RunInput, run};
use super::trigger::Trigger;
use crate::consent::{Reason, suppression};
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::Result;
use crate::events::EventName;
use crate::messages::compose::{Draft, DraftOrigin};
use crate::senders::{self, Sender};
use crate::templates::{self, Renderer};
use crate::types::id::{AutomationId, EnrollmentId, SenderId, SourceId};
use crate::types::phone::PhoneNumber;
use crate::users::organization::Organization;

/// Result of a dry run.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// Whether the automation would start.
    pub start: Start,
    /// Outcome of each step in order, as if it had started.
    pub outcomes: Vec<StepOutcome>,
    /// When the last step would be finished.
    pub ends_at: DateTime<Utc>,
}

/// The event for a dry run.
#[derive(Debug, Clone, Copy)]
pub struct TriedEvent<'a> {
    /// Its name; `None` for a sample event, which matches any trigger.
    pub name: Option<&'a EventName>,
    /// The source that reported it; not compared for a sample event.
    pub source_id: Option<SourceId>,
    /// Its properties: an object.
    pub properties: &'a Value,
}

/// Whether the trigger would enroll the contact.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// The contact would be enrolled.
    Yes,
    /// The trigger needs an event, and none is given.
    NoEvent,
    /// The event has a name other than this one.
    OtherEvent(EventName),
    /// The event was reported by another source than the one that the trigger is limited to.
    OtherSource,
    /// These conditions do not hold for the event.
    Unmet(Vec<Condition>),
    /// The trigger is incomplete.
    Incomplete,
}

/// Outcome of one step.
#[derive(Debug, Clone)]
pub struct StepOutcome {
    /// Its index, from 0.
    pub step: usize,
    /// When it would run.
    pub at: DateTime<Utc>,
    /// Its effect.
    pub effect: StepEffect,
}

/// Effect of a step.
#[derive(Debug, Clone)]
pub enum StepEffect {
    /// Sends a message.
    Send {
        /// Recipient.
        to: PhoneNumber,
        /// The rendered text.
        text: String,
        /// Media such as images.
        media_urls: Vec<String>,
        /// The sender.
        sender: Box<Sender>,
        /// Why the recipient is currently suppressed.
        suppressed: Option<Reason>,
        /// Whether the message would be held, because the sender or the connection is currently not
        /// sending.
        held: bool,
    },
    /// No message can be sent, for this reason; the next step follows.
    NotSent(String),
    /// Waits until this time.
    Wait(DateTime<Utc>),
    /// The enrollment fails here, for this reason.
    Fail(String),
}

/// Runs all steps for a contact from `now` on, skipping every wait.
pub async fn dry_run(
    conn: &mut Conn,
    renderer: &Renderer,
    organization: &Organization,
    definition: &Definition,
    contact: &Contact,
    event: Option<TriedEvent<'_>>,
    now: DateTime<Utc>,
) -> Result<DryRun> {
    let (template_ids, sender_ids) = definition.refers_to();
    let templates = templates::find_many(conn, &template_ids).await?;
    let senders = senders::find_many(conn, &sender_ids).await?;
    let resources = Resources {
        templates: &templates,
        senders: &senders,
        renderer,
        organization: &organization.name,
        default_country: organization.default_country,
    };
    let usable = senders::usable_ids(conn).await?;
    let mut enrollment = hypothetical_enrollment(contact, now);
    let mut dry = DryRun {
        start: evaluate_trigger(&definition.trigger, event),
        outcomes: Vec::new(),
        ends_at: now,
    };
    loop {
        let input = RunInput {
            enrollment: &enrollment,
            definition,
            contact,
            event: event.map(|event| event.properties),
        };
        let result = run(&input, &resources, dry.ends_at);
        for draft in result.drafts {
            let step = match &draft.origin {
                DraftOrigin::Automation { step, .. } => usize::try_from(*step).unwrap_or_default(),
                DraftOrigin::Resend { .. } | DraftOrigin::OneOff { .. } => 0,
            };
            let effect = send_effect(conn, definition, step, draft, &resources, &usable).await?;
            dry.outcomes.push(StepOutcome { step, at: dry.ends_at, effect });
        }
        match result.end {
            RunEnd::Waiting { step, due_at } => {
                let waited = usize::try_from(step - 1).unwrap_or_default();
                dry.outcomes.push(StepOutcome {
                    step: waited,
                    at: dry.ends_at,
                    effect: StepEffect::Wait(due_at),
                });
                dry.ends_at = due_at;
                enrollment.step = step;
            }
            RunEnd::Failed { step, reason } => {
                let step = usize::try_from(step).unwrap_or_default();
                let lacks_sender = matches!(
                    definition.steps.get(step),
                    Some(Step::SendSms { sender_id: None, .. })
                );
                let reason = if lacks_sender { "No sender chosen yet.".to_owned() } else { reason };
                dry.outcomes.push(StepOutcome {
                    step,
                    at: dry.ends_at,
                    effect: StepEffect::Fail(reason),
                });
                return Ok(dry);
            }
            RunEnd::Completed { .. } => return Ok(dry),
        }
    }
}

/// Effect of a step that composes this draft.
async fn send_effect(
    conn: &mut Conn,
    definition: &Definition,
    step: usize,
    draft: Draft,
    resources: &Resources<'_>,
    usable: &HashSet<SenderId>,
) -> Result<StepEffect> {
    if matches!(definition.steps.get(step), Some(Step::SendSms { template_id: None, .. })) {
        return Ok(StepEffect::NotSent("No template chosen yet.".to_owned()));
    }
    let (to, text) = match (draft.to, draft.text) {
        (Ok(to), Ok(text)) => (to, text),
        (Err(why), _) | (_, Err(why)) => return Ok(StepEffect::NotSent(why)),
    };
    let Some(sender) = resources.senders.get(&draft.sender_id) else {
        return Ok(StepEffect::NotSent("The sender no longer exists.".to_owned()));
    };
    let suppressed = suppression::active(conn, &to).await?.map(|suppression| suppression.reason);
    let held = !usable.contains(&sender.id);
    Ok(StepEffect::Send {
        to,
        text,
        media_urls: draft.media_urls,
        sender: Box::new(sender.clone()),
        suppressed,
        held,
    })
}

/// Whether the trigger would enroll the contact. Triggers other than events, a tag or a new
/// contact, are assumed to have fired.
fn evaluate_trigger(trigger: &Trigger, event: Option<TriedEvent<'_>>) -> Start {
    match (trigger, event) {
        (Trigger::Event { name: None, .. } | Trigger::TagAdded { tag: None }, _) => {
            Start::Incomplete
        }
        (Trigger::Event { .. }, None) => Start::NoEvent,
        (Trigger::Event { name: Some(wanted), .. }, Some(event))
            if event.name.is_some_and(|name| name != wanted) =>
        {
            Start::OtherEvent(wanted.clone())
        }
        (Trigger::Event { source_id: Some(wanted), .. }, Some(event))
            if event.name.is_some() && event.source_id != Some(*wanted) =>
        {
            Start::OtherSource
        }
        (Trigger::Event { conditions, .. }, Some(event)) => {
            let unmet: Vec<Condition> = conditions
                .0
                .iter()
                .filter(|condition| !condition.holds(event.properties))
                .cloned()
                .collect();
            if unmet.is_empty() { Start::Yes } else { Start::Unmet(unmet) }
        }
        (Trigger::TagAdded { .. } | Trigger::ContactCreated, _) => Start::Yes,
    }
}

/// An enrollment that exists only for the dry run.
fn hypothetical_enrollment(contact: &Contact, now: DateTime<Utc>) -> Enrollment {
    Enrollment {
        id: EnrollmentId::new(),
        automation_id: AutomationId::new(),
        version: 0,
        contact_id: contact.id,
        event_id: None,
        cause: String::new(),
        status: EnrollmentStatus::Active,
        step: 0,
        due_at: now,
        started_at: now,
        finished_at: None,
        reason: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::FieldErrors;

    #[test]
    fn why_it_would_not_start_is_named() {
        let trigger =
            |value: Value| Trigger::parse("trigger", &value, &mut FieldErrors::default()).unwrap();
        let order = EventName::parse("order").unwrap();
        let other = EventName::parse("visit").unwrap();
        let large = trigger(json!(
            {
                "type": "event",
                "name": "order",
                "where": {"total": {"op": "gte", "value": 100}, "vip": true}
            }
        ));
        let tried = |trigger: &Trigger, name, properties: Value| {
            let event = TriedEvent { name, source_id: None, properties: &properties };
            evaluate_trigger(trigger, Some(event))
        };
        assert_eq!(tried(&large, Some(&order), json!({"total": 100, "vip": true})), Start::Yes);
        assert_eq!(tried(&large, None, json!({"total": 100, "vip": true})), Start::Yes);
        assert_eq!(tried(&large, Some(&other), json!({})), Start::OtherEvent(order.clone()));
        assert_eq!(evaluate_trigger(&large, None), Start::NoEvent);
        let source_id = SourceId::new();
        let of_source = trigger(json!({"type": "event", "name": "order", "source_id": source_id}));
        assert_eq!(tried(&of_source, Some(&order), json!({})), Start::OtherSource);
        assert_eq!(tried(&of_source, None, json!({})), Start::Yes);
        let properties = json!({});
        let event =
            TriedEvent { name: Some(&order), source_id: Some(source_id), properties: &properties };
        assert_eq!(evaluate_trigger(&of_source, Some(event)), Start::Yes);
        let Start::Unmet(unmet) = tried(&large, Some(&order), json!({"total": 99, "vip": true}))
        else {
            panic!("it starts")
        };
        assert_eq!(
            unmet.iter().map(|condition| condition.property.as_str()).collect::<Vec<_>>(),
            ["total"]
        );
        assert_eq!(
            tried(&trigger(json!({"type": "event"})), Some(&order), json!({})),
            Start::Incomplete
        );
        assert_eq!(
            evaluate_trigger(&trigger(json!({"type": "contact_created"})), None),
            Start::Yes
        );
    }
}
