//! The handle of the simulator, with which a program controls it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::faults::{Fault, Reach, Rule, RuleId};
use super::inbound::{InboundError, InboundResult};
use super::message::{Direction, Message};
use super::opt_outs::OptOut;
use super::options::SimulatorOptions;
use super::resources::{Account, Number, Service};
use super::server::Server;
use super::shared_state::Shared;
use super::world::{CallbackAttempt, Counts, SendRequest};
use super::{delivery, inbound};

/// A handle to a simulated Twilio; clones share its state.
#[derive(Clone)]
pub struct Simulator {
    pub(super) shared: Arc<Shared>,
}

/// A simulator that is listening for requests.
pub struct RunningSimulator {
    /// The base URL of the API and of the phone pages: `http://127.0.0.1:8090`.
    pub url: String,
    /// The address and port that the server is bound to.
    pub addr: SocketAddr,
    /// The handle that controls the simulator.
    pub simulator: Simulator,
    server: Server,
}

impl RunningSimulator {
    /// Stops the server and closes requests that are held open.
    pub async fn stop(self) {
        self.simulator.shared.release_stalled.notify_waiters();
        self.server.stop().await;
    }

    /// Waits until the server stops or fails.
    ///
    /// # Errors
    /// The error that ended the server, if it did not stop on request.
    pub async fn wait(self) -> std::io::Result<()> {
        self.server.wait().await
    }
}

impl Simulator {
    /// Creates a simulator that is not listening yet.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> Self {
        Self { shared: Arc::new(Shared::new(options)) }
    }

    /// Listens on `host:port` (port 0 selects a free port) and serves requests in the background of
    /// the current tokio runtime.
    ///
    /// # Errors
    /// The address is malformed, in use or not permitted.
    #[expect(
        clippy::unused_async,
        reason = "spawning needs a runtime, which only async callers are guaranteed to have"
    )]
    pub async fn start(self, bind: &str) -> std::io::Result<RunningSimulator> {
        self.shared.store_runtime();
        let server = Server::start(&self.shared, bind)?;
        let addr = server.addr();
        Ok(RunningSimulator { url: format!("http://{addr}"), addr, simulator: self, server })
    }

    /// The messages created through the API, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.all_messages()
            .into_iter()
            .filter(|message| message.direction == Direction::OutboundApi)
            .collect()
    }

    /// The messages created through the API for one handset, oldest first.
    #[must_use]
    pub fn messages_to(&self, handset: &str) -> Vec<Message> {
        let world = self.shared.world();
        world
            .log
            .of_handset(handset)
            .filter(|message| message.direction == Direction::OutboundApi)
            .cloned()
            .collect()
    }

    /// All messages, oldest first: created through the API, sent by handsets, automatic replies.
    #[must_use]
    pub fn all_messages(&self) -> Vec<Message> {
        self.shared.world().log.all().to_vec()
    }

    /// The message with a SID.
    #[must_use]
    pub fn message(&self, sid: &str) -> Option<Message> {
        let world = self.shared.world();
        world.log.get(world.log.find(sid)?).cloned()
    }

    /// The last 10,000 webhook calls, retries included, oldest first.
    #[must_use]
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        self.shared.world().callbacks().cloned().collect()
    }

    /// All requests to create a message, oldest first, including those that were refused, lost or
    /// answered with an error.
    #[must_use]
    pub fn requests(&self) -> Vec<SendRequest> {
        self.shared.world().requests().to_vec()
    }

    /// The counters since the start or the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.world().counts
    }

    /// All opt-outs, sorted by scope and handset.
    #[must_use]
    pub fn opt_outs(&self) -> Vec<OptOut> {
        self.shared.world().opt_outs.list()
    }

    /// Blocks a handset for a number or a service SID without an inbound message, like a STOP that
    /// the program under test never received.
    pub fn opt_out(&self, scope: &str, handset: &str) {
        self.shared.world().opt_outs.add(scope, handset);
    }

    /// Enables a fault.
    pub fn inject(&self, rule: Rule) -> RuleId {
        self.shared.world().faults.inject(rule)
    }

    /// Disables a fault; returns false if it was not enabled.
    #[must_use]
    pub fn withdraw(&self, id: RuleId) -> bool {
        self.shared.world().faults.withdraw(id)
    }

    /// How many requests of a kind a fault has affected since the start or the last reset.
    /// [`Reach::Sends`] are the requests that create a message.
    #[must_use]
    pub fn fault_count(&self, fault: Fault, reach: Reach) -> u64 {
        self.shared.world().faults.fault_count(fault, reach)
    }

    /// The number of requests that [`Fault::Stall`] and [`Fault::StallRecorded`] currently hold.
    #[must_use]
    pub fn stalled(&self) -> usize {
        self.shared.stalled()
    }

    /// Lets stalled requests continue, and closes those that are held open without a response.
    pub fn release_stalled(&self) {
        self.shared.release_stalled.notify_waiters();
    }

    /// Disables all faults, lets stalled requests continue and closes those that are held open.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
        self.shared.release_stalled.notify_waiters();
    }

    /// Sends a message from a handset to a number and waits for the webhook's response.
    ///
    /// # Errors
    /// The number is unknown or cannot receive messages, or the handset is not a phone number.
    pub async fn reply(
        &self,
        from: &str,
        to: &str,
        body: &str,
    ) -> Result<InboundResult, InboundError> {
        let _busy = self.shared.busy();
        let index = inbound::receive(&self.shared, from, to, body)?;
        inbound::call_webhook(&self.shared, index)
            .await
            .ok_or_else(|| InboundError::UnknownMessage(to.to_owned()))
    }

    /// Calls the webhook for an inbound message again, as Twilio does when a response is lost.
    ///
    /// # Errors
    /// No inbound message has this SID.
    pub async fn redeliver(&self, sid: &str) -> Result<InboundResult, InboundError> {
        let _busy = self.shared.busy();
        let unknown = || InboundError::UnknownMessage(sid.to_owned());
        let index = self.shared.world().log.find(sid).ok_or_else(unknown)?;
        inbound::call_webhook(&self.shared, index).await.ok_or_else(unknown)
    }

    /// Waits until every message has its final status and every webhook call has ended, scheduled
    /// messages aside.
    pub async fn wait_idle(&self) {
        self.shared.wait_idle().await;
    }

    /// Skips all network delays until nothing is in progress.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Sends all scheduled messages now.
    pub fn release_scheduled(&self) {
        let scheduled = self.shared.world().log.scheduled();
        for index in scheduled {
            delivery::release(&self.shared, index);
        }
    }

    /// Changes an account, e.g. suspends it or replaces its token; returns false if it is unknown.
    pub fn change_account(&self, sid: &str, change: impl FnOnce(&mut Account)) -> bool {
        self.shared.world().change_account(sid, change)
    }

    /// Changes a number, e.g. its webhook; returns false if it is unknown.
    pub fn change_number(&self, phone_number: &str, change: impl FnOnce(&mut Number)) -> bool {
        let mut world = self.shared.world();
        let number = world.numbers.iter_mut().find(|number| number.phone_number == phone_number);
        number.map(change).is_some()
    }

    /// Changes a Messaging Service, e.g. enables Advanced Opt-Out; returns false if it is unknown.
    pub fn change_service(&self, sid: &str, change: impl FnOnce(&mut Service)) -> bool {
        let mut world = self.shared.world();
        world.services.iter_mut().find(|service| service.sid == sid).map(change).is_some()
    }

    /// Deletes messages, opt-outs, faults and counts; accounts, numbers and webhooks remain.
    pub fn reset(&self) {
        self.shared.world().reset();
        self.shared.release_stalled.notify_waiters();
    }
}
