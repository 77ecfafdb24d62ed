//! Starter automations: drafts with their templates, as a beginning for a marketer to change.

use chrono::{DateTime, Utc};

use super::automation::{Automation, AutomationName, AutomationStatus, names_starting_with};
use super::change::{NewAutomation, create};
use super::condition::Conditions;
use super::definition::Definition;
use super::step::{Recipient, Step};
use super::trigger::Trigger;
use crate::contacts::tags::TagName;
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::events::EventName;
use crate::templates::{self, NewTemplate};
use crate::types::free_name::free_name;
use crate::types::id::SenderId;
use crate::users::audit::Actor;

/// An automation to begin with.
#[derive(Debug)]
pub struct Starter {
    /// Its name in forms.
    pub key: &'static str,
    /// The name of its draft.
    pub name: &'static str,
    /// What it is for, in a sentence.
    pub purpose: &'static str,
    trigger: StarterTrigger,
    /// Its steps.
    pub steps: &'static [StarterStep],
}

/// What starts the automation.
#[derive(Debug, Clone, Copy)]
enum StarterTrigger {
    ContactCreated,
    TagAdded(&'static str),
    Event(&'static str),
}

/// A step of a starter.
#[derive(Debug, Clone, Copy)]
pub enum StarterStep {
    /// Sends a template of its own.
    Send {
        /// The name of the template.
        name: &'static str,
        /// Its text.
        body: &'static str,
    },
    /// Waits for some seconds.
    Wait(u32),
}

const HOUR: u32 = 60 * 60;
const DAY: u32 = 24 * HOUR;

/// All starters, the most common first.
pub static STARTERS: [Starter; 5] = [
    Starter {
        key: "welcome",
        name: "Welcome",
        purpose: "Greets every new contact. Only for lists whose contacts agreed to texts.",
        trigger: StarterTrigger::ContactCreated,
        steps: &[StarterStep::Send {
            name: "Welcome",
            body: "Hi {{ contact.first_name | default(value=\"there\") }}, welcome to \
                   {{ organization.name }}! We text you news and offers now and then. Reply STOP \
                   to opt out.",
        }],
    },
    Starter {
        key: "order_thanks",
        name: "Order thanks",
        purpose: "Thanks for each order as soon as your shop reports it.",
        trigger: StarterTrigger::Event("order_completed"),
        steps: &[StarterStep::Send {
            name: "Order thanks",
            body: "Thank you for your order{% if event.order_id %} {{ event.order_id }}\
                   {% endif %}, {{ contact.first_name | default(value=\"friend\") }}! \
                   {{ organization.name }} is getting it ready. Reply STOP to opt out.",
        }],
    },
    Starter {
        key: "reminder",
        name: "Cart reminder",
        purpose: "Reminds contacts of a full cart after an hour.",
        trigger: StarterTrigger::Event("cart_abandoned"),
        steps: &[
            StarterStep::Wait(HOUR),
            StarterStep::Send {
                name: "Cart reminder",
                body: "Hi {{ contact.first_name | default(value=\"there\") }}, you left something \
                       in your cart at {{ organization.name }}.{% if event.cart_url %} Finish \
                       your order: {{ event.cart_url }}{% endif %} Reply STOP to opt out.",
            },
        ],
    },
    Starter {
        key: "win_back",
        name: "Win-back",
        purpose: "Invites contacts back whom you tag as inactive, and reminds them after a week.",
        trigger: StarterTrigger::TagAdded("Inactive"),
        steps: &[
            StarterStep::Send {
                name: "Win-back",
                body: "Hi {{ contact.first_name | default(value=\"there\") }}, we miss you at \
                       {{ organization.name }}! Come back within two weeks for 10% off. Reply \
                       STOP to opt out.",
            },
            StarterStep::Wait(7 * DAY),
            StarterStep::Send {
                name: "Win-back reminder",
                body: "Hi {{ contact.first_name | default(value=\"there\") }}, your 10% off at \
                       {{ organization.name }} ends next week. Reply STOP to opt out.",
            },
        ],
    },
    Starter {
        key: "review_request",
        name: "Review request",
        purpose: "Asks for a review three days after the delivery.",
        trigger: StarterTrigger::Event("order_delivered"),
        steps: &[
            StarterStep::Wait(3 * DAY),
            StarterStep::Send {
                name: "Review request",
                body: "Hi {{ contact.first_name | default(value=\"there\") }}, how do you like \
                       your order from {{ organization.name }}? A short review would help us.\
                       {% if event.review_url %} {{ event.review_url }}{% endif %} Reply STOP to \
                       opt out.",
            },
        ],
    },
];

/// Creates the draft of a starter and its templates, under free names; its steps send from
/// `sender_id`. Must run in the caller's transaction.
pub async fn create_starter(
    conn: &mut Conn,
    actor: &Actor,
    starter: &Starter,
    sender_id: Option<SenderId>,
    now: DateTime<Utc>,
) -> Result<Automation> {
    let mut steps = Vec::with_capacity(starter.steps.len());
    for step in starter.steps {
        steps.push(match *step {
            StarterStep::Wait(seconds) => Step::Wait { seconds },
            StarterStep::Send { name, body } => {
                let name = free_name(name, &templates::names_starting_with(conn, name).await?);
                let new = NewTemplate::parse(&name, body, &[]).map_err(Error::Invalid)?;
                let template = templates::create(conn, actor, new, now).await?;
                let (template_id, to) = (Some(template.id), Recipient::ContactPhone);
                Step::SendSms { template_id, sender_id, to }
            }
        });
    }
    let name = free_name(starter.name, &names_starting_with(conn, starter.name).await?);
    let name = AutomationName::parse(&name).map_err(|error| Error::field("name", error))?;
    let definition = Definition { trigger: starter.trigger()?, steps };
    create(conn, actor, NewAutomation { name, definition, status: AutomationStatus::Draft }, now)
        .await
}

impl Starter {
    /// What starts it.
    pub fn trigger(&self) -> Result<Trigger> {
        Ok(match self.trigger {
            StarterTrigger::ContactCreated => Trigger::ContactCreated,
            StarterTrigger::TagAdded(tag) => {
                let tag = TagName::parse(tag)
                    .map_err(|error| Error::field("trigger.tag", error.to_string()))?;
                Trigger::TagAdded { tag: Some(tag) }
            }
            StarterTrigger::Event(name) => {
                let name =
                    EventName::parse(name).map_err(|error| Error::field("trigger.name", error))?;
                Trigger::Event {
                    name: Some(name),
                    source_id: None,
                    conditions: Conditions::default(),
                    max_age_seconds: None,
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::parts::{self, Encoding};

    #[test]
    fn every_text_is_a_valid_template_that_names_stop() {
        for starter in &STARTERS {
            assert!(starter.trigger().is_ok(), "{}", starter.key);
            for step in starter.steps {
                let StarterStep::Send { name, body } = step else { continue };
                let template = NewTemplate::parse(name, body, &[]).unwrap();
                assert_eq!(template.warnings(), [""; 0], "{name}");
                assert!(body.ends_with(" Reply STOP to opt out."), "{name}: {body}");
                assert!(!body.contains("  "), "{name}: {body}");
                assert_eq!(parts::count(body).encoding, Encoding::Gsm7, "{name}");
            }
        }
    }

    #[test]
    fn every_key_and_name_is_unique() {
        let fields: [fn(&Starter) -> &'static str; 2] =
            [|starter| starter.key, |starter| starter.name];
        for field in fields {
            let mut names: Vec<&str> = STARTERS.iter().map(field).collect();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), STARTERS.len());
        }
    }
}
