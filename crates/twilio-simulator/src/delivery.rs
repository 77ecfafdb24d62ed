//! The delivery of a recorded message: its statuses, one after the other, and their callbacks.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc;

use super::delivery_plan::{CallbackDelivery, Pace, Plan, Step, plan};
use super::message::{Message, Status, new_sid, without_channel};
use super::parts;
use super::resources::Method;
use super::shared_state::Shared;
use super::webhook_client::Call;
use super::world::World;

/// Runs the delivery of a message in the background.
pub(super) fn launch(shared: &Arc<Shared>, index: usize, plan: Plan) {
    let busy = shared.busy();
    let task_shared = Arc::clone(shared);
    shared.runtime().spawn(async move {
        let shared = task_shared;
        let (calls, queue) = mpsc::unbounded_channel();
        // Seeded per message, so that its delays do not depend on concurrent messages.
        let mut rng = StdRng::seed_from_u64(shared.options.seed.wrapping_add(index as u64));
        let shuffle_seed = rng.random();
        let progress = async {
            for step in plan.steps {
                shared.pause(step_delay(&shared, plan.pace, &mut rng)).await;
                if let Some(call) = advance(&mut shared.world(), index, step) {
                    // Sending cannot fail: the receiver lives as long as this future.
                    let _ = calls.send(call);
                }
            }
            drop(calls);
        };
        tokio::join!(
            progress,
            send_callbacks(&shared, queue, plan.callback_delivery, shuffle_seed)
        );
        drop(busy);
    });
}

/// Releases a scheduled message after a delay.
pub(super) fn schedule(shared: &Arc<Shared>, index: usize, wait: Duration) {
    let task_shared = Arc::clone(shared);
    shared.runtime().spawn(async move {
        tokio::time::sleep(wait).await;
        release(&task_shared, index);
    });
}

/// Starts the delivery of a scheduled message, unless it was canceled or released before.
pub(super) fn release(shared: &Arc<Shared>, index: usize) {
    let plan = {
        let mut world = shared.world();
        let Some(message) =
            world.log.get(index).filter(|message| message.status == Status::Scheduled).cloned()
        else {
            return;
        };
        world.log.change(index, |message| message.status = Status::Accepted);
        plan(&mut world, &message)
    };
    launch(shared, index, plan);
}

/// Cancels a scheduled message and reports the status; returns false if it is not scheduled.
pub(super) fn cancel(shared: &Arc<Shared>, index: usize) -> bool {
    let call = {
        let mut world = shared.world();
        if world.log.get(index).is_none_or(|message| message.status != Status::Scheduled) {
            return false;
        }
        advance(&mut world, index, Step { status: Status::Canceled, error_code: None })
    };
    if let Some(call) = call {
        let busy = shared.busy();
        let task_shared = Arc::clone(shared);
        shared.runtime().spawn(async move {
            task_shared.call(&call).await;
            drop(busy);
        });
    }
    true
}

/// Makes the callbacks as they arrive in the queue; `shuffle_seed` seeds the shuffle, if any.
async fn send_callbacks(
    shared: &Arc<Shared>,
    mut queue: mpsc::UnboundedReceiver<Call>,
    callback_delivery: CallbackDelivery,
    shuffle_seed: u64,
) {
    match callback_delivery {
        CallbackDelivery::InOrder => {
            while let Some(call) = queue.recv().await {
                shared.call(&call).await;
            }
        }
        CallbackDelivery::Twice => {
            while let Some(call) = queue.recv().await {
                shared.call(&call).await;
                shared.call(&call).await;
            }
        }
        CallbackDelivery::Shuffled => {
            let mut calls = Vec::new();
            while let Some(call) = queue.recv().await {
                calls.push(call);
            }
            // A shuffle may keep the order by chance; with the last callback first, it cannot.
            let last = calls.pop();
            calls.shuffle(&mut StdRng::seed_from_u64(shuffle_seed));
            for call in last.iter().chain(&calls) {
                shared.call(call).await;
            }
        }
        CallbackDelivery::Lost => while queue.recv().await.is_some() {},
    }
}

fn step_delay(shared: &Shared, pace: Pace, rng: &mut StdRng) -> Duration {
    match pace {
        Pace::Slow => shared.options.slow_hop,
        Pace::Normal => {
            let (min, max) = (*shared.options.hop.start(), *shared.options.hop.end());
            min + max.saturating_sub(min).mul_f64(rng.random())
        }
    }
}

/// Moves a message to its next status; returns the callback for it, if the message has a callback
/// URL.
fn advance(world: &mut World, index: usize, step: Step) -> Option<Call> {
    let chosen_sender = {
        let message = world.log.get(index)?;
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
    let message = world.log.change(index, |message| {
        message.status = step.status;
        message.error_code = step.error_code;
        message.updated = now;
        if step.status == Status::Sent {
            message.sent = Some(now);
        }
        if message.service_sid.is_some() && step.status == Status::Queued {
            message.parts = parts::count(&message.body);
            if chosen_sender.is_some() {
                message.from = chosen_sender;
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
    if message.to != without_channel(&message.to) {
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
