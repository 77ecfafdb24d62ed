//! What happens to a message after it was recorded: its statuses, one after the other, and their
//! callbacks.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

use super::message::{Message, Status, bare, new_sid};
use super::network::Call;
use super::options::Method;
use super::parts;
use super::plan::{Manner, Pace, Plan, Step, plan};
use super::shared::Shared;
use super::world::World;

/// Sends a message on its way, in the background.
pub(super) fn launch(shared: &Arc<Shared>, place: usize, plan: Plan) {
    let busy = shared.busy();
    let traveller = Arc::clone(shared);
    shared.runtime().spawn(async move {
        let shared = traveller;
        let (calls, queue) = mpsc::unbounded_channel();
        // Of the message's own, so that it does not depend on what else is under way.
        let mut rng = StdRng::seed_from_u64(shared.options.seed.wrapping_add(place as u64));
        let order = rng.random();
        let travel = async {
            for step in plan.path {
                shared.pause(hop(&shared, plan.pace, &mut rng)).await;
                if let Some(call) = advance(&mut shared.world(), place, step) {
                    // The receiver lives as long as this future.
                    let _ = calls.send(call);
                }
            }
            drop(calls);
        };
        tokio::join!(travel, report(&shared, queue, plan.manner, order));
        drop(busy);
    });
}

/// Waits for a scheduled message's time, then sends it on its way.
pub(super) fn schedule(shared: &Arc<Shared>, place: usize, wait: Duration) {
    let waiter = Arc::clone(shared);
    shared.runtime().spawn(async move {
        tokio::time::sleep(wait).await;
        release(&waiter, place);
    });
}

/// Sends a scheduled message now, unless it was canceled or sent before.
pub(super) fn release(shared: &Arc<Shared>, place: usize) {
    let plan = {
        let mut world = shared.world();
        let Some(message) =
            world.log.get(place).filter(|message| message.status == Status::Scheduled).cloned()
        else {
            return;
        };
        world.log.change(place, |message| message.status = Status::Accepted);
        plan(&mut world, &message)
    };
    launch(shared, place, plan);
}

/// Cancels a scheduled message; its status callback is sent. False when it is not scheduled.
pub(super) fn cancel(shared: &Arc<Shared>, place: usize) -> bool {
    let call = {
        let mut world = shared.world();
        if world.log.get(place).is_none_or(|message| message.status != Status::Scheduled) {
            return false;
        }
        advance(&mut world, place, Step { status: Status::Canceled, error_code: None })
    };
    if let Some(call) = call {
        let busy = shared.busy();
        let caller = Arc::clone(shared);
        shared.runtime().spawn(async move {
            caller.call(&call).await;
            drop(busy);
        });
    }
    true
}

/// Makes the calls that come in; `order` decides how they are shuffled, if they are.
async fn report(
    shared: &Arc<Shared>,
    mut queue: mpsc::UnboundedReceiver<Call>,
    manner: Manner,
    order: u64,
) {
    match manner {
        Manner::InOrder => {
            while let Some(call) = queue.recv().await {
                shared.call(&call).await;
            }
        }
        Manner::Twice => {
            while let Some(call) = queue.recv().await {
                shared.call(&call).await;
                shared.call(&call).await;
            }
        }
        Manner::Shuffled => {
            let mut calls = Vec::new();
            while let Some(call) = queue.recv().await {
                calls.push(call);
            }
            // A shuffle may by chance be the right order; the last first never is.
            let last = calls.pop();
            calls.shuffle(&mut StdRng::seed_from_u64(order));
            for call in last.iter().chain(&calls) {
                shared.call(call).await;
            }
        }
        Manner::Lost => while queue.recv().await.is_some() {},
    }
}

fn hop(shared: &Shared, pace: Pace, rng: &mut StdRng) -> Duration {
    match pace {
        Pace::Slow => shared.options.slow_hop,
        Pace::Normal => {
            let (least, most) = (*shared.options.hop.start(), *shared.options.hop.end());
            least + most.saturating_sub(least).mul_f64(rng.random())
        }
    }
}

/// Moves a message to its next status; returns the callback that reports it, if one is wanted.
fn advance(world: &mut World, place: usize, step: Step) -> Option<Call> {
    let chosen = {
        let message = world.log.get(place)?;
        match (&message.service_sid, &message.from) {
            (Some(sid), None) => {
                let service = world.service(sid)?;
                world
                    .choose_sender(service, message.handset())
                    .map(|number| number.phone_number.clone())
            }
            _ => None,
        }
    };
    let now = world.clock.now();
    let message = world.log.change(place, |message| {
        message.status = step.status;
        message.error_code = step.error_code;
        message.updated = now;
        if step.status == Status::Sent {
            message.sent = Some(now);
        }
        if message.service_sid.is_some() && step.status == Status::Queued {
            message.parts = parts::count(&message.body);
            if chosen.is_some() {
                message.from = chosen;
            }
        }
    })?;
    let url = message.status_callback.clone()?;
    let params = callback_params(message);
    let (message_sid, status, account_sid) =
        (message.sid.clone(), step.status.as_str(), message.account_sid.clone());
    let auth_token = world.account(&account_sid)?.auth_token.clone();
    let idempotency_token = new_sid("");
    Some(Call {
        url,
        method: Method::Post,
        params,
        auth_token,
        message_sid,
        idempotency_token,
        status,
    })
}

fn callback_params(message: &Message) -> Vec<(String, String)> {
    let status = message.status.as_str();
    let mut params = vec![
        ("AccountSid", message.account_sid.clone()),
        ("ApiVersion", "2010-04-01".into()),
        ("MessageSid", message.sid.clone()),
        ("MessageStatus", status.into()),
        ("SmsSid", message.sid.clone()),
        ("SmsStatus", status.into()),
        ("To", message.to.clone()),
    ];
    if let Some(from) = &message.from {
        params.push(("From", from.clone()));
    }
    if let Some(service) = &message.service_sid {
        params.push(("MessagingServiceSid", service.clone()));
    }
    if let Some(code) = message.error_code {
        params.push(("ErrorCode", code.to_string()));
    }
    if message.to != bare(&message.to) {
        params.push(("ChannelPrefix", "whatsapp".into()));
        params.push(("ChannelInstallSid", format!("XE{:032x}", 0xca41)));
        if message.status == Status::Read {
            params.push(("EventType", "READ".into()));
        }
    } else if matches!(message.status, Status::Delivered | Status::Undelivered) {
        params.push(("RawDlrDoneDate", message.updated.format("%y%m%d%H%M").to_string()));
    }
    params.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}
