//! What will become of a message: its statuses, how fast they follow, how callbacks travel.

use chrono::TimeDelta;

use super::faults::{Aspect, Fault, Reach};
use super::message::{Direction, Message, Status};
use super::world::World;

/// What will become of a message.
pub(super) struct Plan {
    pub(super) path: Vec<Step>,
    pub(super) pace: Pace,
    pub(super) manner: Manner,
}

/// A status to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) status: Status,
    pub(super) error_code: Option<u32>,
}

/// How long each step takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Normal,
    Slow,
}

/// How status callbacks travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    InOrder,
    Shuffled,
    Twice,
    Lost,
}

/// What the network will do to a message, by the rules that are switched on.
pub(super) fn plan(world: &mut World, message: &Message) -> Plan {
    let handset = message.handset();
    let step = |status| Step { status, error_code: None };
    let failed = |code| vec![Step { status: Status::Failed, error_code: Some(code) }];
    let mut path = Vec::with_capacity(5);
    if let Some(service) = &message.service_sid {
        if world.opt_outs.blocks(service, handset) {
            path = failed(21610);
        } else {
            path.push(step(Status::Queued));
        }
    } else if message.to != handset && !window_is_open(world, message) {
        path = failed(63016);
    }
    if path.first().is_none_or(|first| first.status != Status::Failed) {
        path.push(step(Status::Sending));
        match world.faults.meet(Aspect::Outcome, Reach::Sends, handset) {
            Some(Fault::Failed { code }) => path.extend(failed(code)),
            Some(Fault::Undelivered { code }) => {
                path.push(step(Status::Sent));
                path.push(Step { status: Status::Undelivered, error_code: Some(code) });
            }
            _ => {
                path.push(step(Status::Sent));
                path.push(step(Status::Delivered));
                if message.to != handset {
                    path.push(step(Status::Read));
                }
            }
        }
    }
    let pace = match world.faults.meet(Aspect::Pace, Reach::Sends, handset) {
        Some(_) => Pace::Slow,
        None => Pace::Normal,
    };
    let manner = match world.faults.meet(Aspect::Callbacks, Reach::Sends, handset) {
        Some(Fault::Shuffle) => Manner::Shuffled,
        Some(Fault::Repeat) => Manner::Twice,
        Some(Fault::DropCallbacks) => Manner::Lost,
        _ => Manner::InOrder,
    };
    Plan { path, pace, manner }
}

/// Whether the person wrote on WhatsApp within the last 24 hours.
fn window_is_open(world: &World, message: &Message) -> bool {
    world
        .log
        .of_handset(message.handset())
        .rev()
        .take_while(|earlier| message.created - earlier.created < TimeDelta::hours(24))
        .any(|earlier| {
            earlier.direction == Direction::Inbound && Some(&earlier.to) == message.from.as_ref()
        })
}
