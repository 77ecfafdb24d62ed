//! The dry run: what an automation would do for one contact, step by step, with its times. It sends
//! nothing and writes nothing.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::condition::Condition;
use super::definition::Definition;
use super::enrollment::{Enrollment, EnrollmentStatus};
use super::run::{Material, Passage, Standing, run};
use super::step::Step;
use super::trigger::Trigger;
use crate::consent::{Reason, suppression};
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::Result;
use crate::events::EventName;
use crate::messages::compose::{Draft, Origin};
use crate::senders::{self, Sender};
use crate::templates::{self, Renderer};
use crate::types::id::{AutomationId, EnrollmentId, SenderId};
use crate::types::phone::PhoneNumber;
use crate::users::organization::Organization;

/// What an automation would do.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// Whether it would start at all.
    pub start: Start,
    /// What each step would come to, in order, as if it had started.
    pub outcomes: Vec<StepOutcome>,
    /// When the last step would be done.
    pub ends_at: DateTime<Utc>,
}

/// An event to try it with.
#[derive(Debug, Clone, Copy)]
pub struct TriedEvent<'a> {
    /// What it is called; none for a made-up one, which is called whatever is waited for.
    pub name: Option<&'a EventName>,
    /// Its properties: an object.
    pub properties: &'a Value,
}

/// Whether the trigger lets the contact in.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// It does.
    Yes,
    /// It waits for an event, and none is given.
    NoEvent,
    /// The event has another name than this.
    OtherEvent(EventName),
    /// These conditions do not hold for the event.
    Unmet(Vec<Condition>),
    /// The trigger is not complete yet.
    Open,
}

/// What one step would come to.
#[derive(Debug, Clone)]
pub struct StepOutcome {
    /// Its index, from 0.
    pub step: usize,
    /// When it would be its turn.
    pub at: DateTime<Utc>,
    /// What would happen.
    pub what: StepEffect,
}

/// What would happen at a step.
#[derive(Debug, Clone)]
pub enum StepEffect {
    /// This text would be sent.
    Send {
        /// To whom.
        to: PhoneNumber,
        /// The text, filled in.
        text: String,
        /// Pictures and the like.
        media_urls: Vec<String>,
        /// What it is sent from.
        sender: Box<Sender>,
        /// Why the number gets nothing at present.
        suppressed: Option<Reason>,
        /// Whether it would wait, since sender or connection do not send at present.
        held: bool,
    },
    /// Nothing can be sent, and the next step follows: why, in words.
    NotSent(String),
    /// It waits until then.
    Wait(DateTime<Utc>),
    /// The passage would end here as failed: why, in words.
    Fail(String),
}

/// Runs all steps for a contact, from `now` on, with every wait skipped over.
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
    let material = Material {
        templates: &templates,
        senders: &senders,
        renderer,
        organization: &organization.name,
        default_country: organization.default_country,
    };
    let usable = senders::usable_ids(conn).await?;
    let mut enrollment = would_be(contact, now);
    let mut dry =
        DryRun { start: start(&definition.trigger, event), outcomes: Vec::new(), ends_at: now };
    loop {
        let passage = Passage {
            enrollment: &enrollment,
            definition,
            contact,
            event: event.map(|event| event.properties),
        };
        let ran = run(&passage, &material, dry.ends_at);
        for draft in ran.drafts {
            let step = match &draft.origin {
                Origin::Automation { step, .. } => usize::try_from(*step).unwrap_or_default(),
                Origin::Retry { .. } | Origin::OneOff { .. } => 0,
            };
            let what = sending(conn, definition, step, draft, &material, &usable).await?;
            dry.outcomes.push(StepOutcome { step, at: dry.ends_at, what });
        }
        match ran.standing {
            Standing::Waiting { step, due_at } => {
                let waited = usize::try_from(step - 1).unwrap_or_default();
                dry.outcomes.push(StepOutcome {
                    step: waited,
                    at: dry.ends_at,
                    what: StepEffect::Wait(due_at),
                });
                dry.ends_at = due_at;
                enrollment.step = step;
            }
            Standing::Failed { step, reason } => {
                let step = usize::try_from(step).unwrap_or_default();
                let open = matches!(
                    definition.steps.get(step),
                    Some(Step::SendSms { sender_id: None, .. })
                );
                let reason = if open { "No sender is chosen yet.".to_owned() } else { reason };
                dry.outcomes.push(StepOutcome {
                    step,
                    at: dry.ends_at,
                    what: StepEffect::Fail(reason),
                });
                return Ok(dry);
            }
            Standing::Completed { .. } => return Ok(dry),
        }
    }
}

/// What becomes of a message that a step would make.
async fn sending(
    conn: &mut Conn,
    definition: &Definition,
    step: usize,
    draft: Draft,
    material: &Material<'_>,
    usable: &HashSet<SenderId>,
) -> Result<StepEffect> {
    if matches!(definition.steps.get(step), Some(Step::SendSms { template_id: None, .. })) {
        return Ok(StepEffect::NotSent("No template is chosen yet.".to_owned()));
    }
    let (to, text) = match (draft.to, draft.text) {
        (Ok(to), Ok(text)) => (to, text),
        (Err(why), _) | (_, Err(why)) => return Ok(StepEffect::NotSent(why)),
    };
    let Some(sender) = material.senders.get(&draft.sender_id) else {
        return Ok(StepEffect::NotSent("The sender does not exist any more.".to_owned()));
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

/// Whether the trigger would let somebody in. What is no event, a tag or a new contact, is taken to
/// have happened.
fn start(trigger: &Trigger, event: Option<TriedEvent<'_>>) -> Start {
    match (trigger, event) {
        (Trigger::Event { name: None, .. } | Trigger::TagAdded { tag: None }, _) => Start::Open,
        (Trigger::Event { .. }, None) => Start::NoEvent,
        (Trigger::Event { name: Some(wanted), .. }, Some(event))
            if event.name.is_some_and(|name| name != wanted) =>
        {
            Start::OtherEvent(wanted.clone())
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

/// An enrollment that exists nowhere.
fn would_be(contact: &Contact, now: DateTime<Utc>) -> Enrollment {
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
            start(trigger, Some(TriedEvent { name, properties: &properties }))
        };
        assert_eq!(tried(&large, Some(&order), json!({"total": 100, "vip": true})), Start::Yes);
        assert_eq!(tried(&large, None, json!({"total": 100, "vip": true})), Start::Yes);
        assert_eq!(tried(&large, Some(&other), json!({})), Start::OtherEvent(order.clone()));
        assert_eq!(start(&large, None), Start::NoEvent);
        let Start::Unmet(unmet) = tried(&large, Some(&order), json!({"total": 99, "vip": true}))
        else {
            panic!("it starts")
        };
        assert_eq!(
            unmet.iter().map(|condition| condition.property.as_str()).collect::<Vec<_>>(),
            ["total"]
        );
        assert_eq!(tried(&trigger(json!({"type": "event"})), Some(&order), json!({})), Start::Open);
        assert_eq!(start(&trigger(json!({"type": "contact_created"})), None), Start::Yes);
    }
}
