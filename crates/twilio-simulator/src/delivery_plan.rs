//! The planned delivery of a message: its statuses, their pace and how callbacks are delivered.

use chrono::TimeDelta;

use super::faults::{Aspect, Fault, Reach};
use super::message::{Direction, Message, Status};
use super::world::World;

/// The planned delivery of a message.
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) pace: Pace,
    pub(super) callback_delivery: CallbackDelivery,
}

/// A future status of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) status: Status,
    pub(super) error_code: Option<u32>,
}

/// The delay between two statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Normal,
    Slow,
}

/// How status callbacks are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallbackDelivery {
    InOrder,
    Shuffled,
    Twice,
    Lost,
}

/// Plans the delivery of a message by the enabled fault rules.
pub(super) fn plan(world: &mut World, message: &Message) -> Plan {
    let handset = message.handset();
    let step = |status| Step { status, error_code: None };
    let failed = |code| vec![Step { status: Status::Failed, error_code: Some(code) }];
    let mut steps = Vec::with_capacity(5);
    if let Some(service) = &message.service_sid {
        if world.opt_outs.contains(service, handset) {
            steps = failed(21610);
        } else {
            steps.push(step(Status::Queued));
        }
    } else if message.to != handset && !is_within_whatsapp_window(world, message) {
        steps = failed(63016);
    }
    if steps.first().is_none_or(|first| first.status != Status::Failed) {
        steps.push(step(Status::Sending));
        match world.faults.next_fault(Aspect::Outcome, Reach::Sends, handset) {
            Some(Fault::Failed { code }) => steps.extend(failed(code)),
            Some(Fault::Undelivered { code }) => {
                steps.push(step(Status::Sent));
                steps.push(Step { status: Status::Undelivered, error_code: Some(code) });
            }
            _ => {
                steps.push(step(Status::Sent));
                steps.push(step(Status::Delivered));
                if message.to != handset {
                    steps.push(step(Status::Read));
                }
            }
        }
    }
    let pace = match world.faults.next_fault(Aspect::Pace, Reach::Sends, handset) {
        Some(_) => Pace::Slow,
        None => Pace::Normal,
    };
    let fault = world.faults.next_fault(Aspect::Callbacks, Reach::Sends, handset);
    let callback_delivery = match fault {
        Some(Fault::Shuffle) => CallbackDelivery::Shuffled,
        Some(Fault::Repeat) => CallbackDelivery::Twice,
        Some(Fault::DropCallbacks) => CallbackDelivery::Lost,
        _ => CallbackDelivery::InOrder,
    };
    Plan { steps, pace, callback_delivery }
}

/// Whether the handset sent this sender a WhatsApp message within the last 24 hours.
fn is_within_whatsapp_window(world: &World, message: &Message) -> bool {
    world
        .log
        .of_handset(message.handset())
        .rev()
        .take_while(|earlier| message.created - earlier.created < TimeDelta::hours(24))
        .any(|earlier| {
            earlier.direction == Direction::Inbound && Some(&earlier.to) == message.from.as_ref()
        })
}
