//! A local Twilio for demos and tests: its API for messages, signed webhooks, and a page with a
//! phone per number. It talks HTTP only.
//!
//! Begin with [`Simulator`], its handle. [`SimulatorOptions`] say which accounts and numbers exist
//! and how fast the network is; a [`Rule`] switches a [`Fault`] on. The README says what is
//! simulated and what is not.
//!
//! ```no_run
//! # async fn demo() -> std::io::Result<()> {
//! use twilio_simulator::{Fault, Rule, Simulator, SimulatorOptions};
//! let running = Simulator::new(SimulatorOptions::default()).start("127.0.0.1:8090").await?;
//! println!("Twilio is at {}, the phones are at the same address", running.url);
//! running.simulator.inject(Rule::next(3, Fault::TimeoutRecorded));
//! running.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! It is written from Twilio's description, and shares no code with any client that it tests.

mod answer;
mod auth;
mod clock;
mod control;
mod create;
mod delivery;
mod faults;
mod form;
mod handset;
mod inbound;
mod log;
mod message;
mod messages;
mod network;
mod numbers;
mod options;
mod pages;
mod paging;
mod parts;
mod plan;
mod registrations;
mod server;
mod services;
mod shared;
mod signature;
mod switches;
#[cfg(test)]
mod tests;
mod trouble;
mod view;
mod world;

use std::net::SocketAddr;
use std::sync::Arc;

pub use clock::Clock;
pub use faults::{Extent, Fault, Reach, Rule, RuleId};
pub use inbound::{Reply, ReplyError};
pub use message::{Direction, Message, Status};
pub use options::{
    ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, Account, AccountKind, AccountStatus,
    ApiKey, Capabilities, EMPTY_SERVICE_SID, LONG_CODE, Method, Number, NumberKind, Registration,
    SERVICE_NUMBER_1, SERVICE_NUMBER_2, SERVICE_SID, SHORT_CODE, SUSPENDED_ACCOUNT_SID,
    SUSPENDED_AUTH_TOKEN, Service, SimulatorOptions, TEST_ACCOUNT_SID, TEST_AUTH_TOKEN, TOLL_FREE,
    TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN, TRIAL_NUMBER, TRIAL_VERIFIED_NUMBER, VOICE_ONLY, WHATSAPP,
};
pub use signature::sign;
pub use world::{CallbackAttempt, Counts, OptOut, SendRequest};

use shared::Shared;

/// A handle on a simulated Twilio; clones are the same Twilio.
#[derive(Clone)]
pub struct Simulator {
    shared: Arc<Shared>,
}

/// A simulator that listens.
pub struct RunningSimulator {
    /// The API and, in a browser, the phones: `http://127.0.0.1:8090`.
    pub url: String,
    /// Where it listens.
    pub addr: SocketAddr,
    /// The handle for tests and the demo.
    pub simulator: Simulator,
    server: server::Server,
}

impl RunningSimulator {
    /// Stops listening; requests that are held open are cut.
    pub async fn stop(self) {
        self.simulator.shared.let_go.notify_waiters();
        self.server.stop().await;
    }

    /// Waits until the server ends, e.g. by [`RunningSimulator::stop`] in another task or a crash.
    ///
    /// # Errors
    /// What ended the server, if it was not asked to end.
    pub async fn wait(self) -> std::io::Result<()> {
        self.server.wait().await
    }
}

impl Simulator {
    /// Builds a simulator; it does not listen yet.
    #[must_use]
    pub fn new(options: SimulatorOptions) -> Self {
        Self { shared: Arc::new(Shared::new(options)) }
    }

    /// Listens on `host:port` (port 0: any free one) and serves in the background of the current
    /// tokio runtime.
    ///
    /// # Errors
    /// The address is in use, not allowed, or not an address.
    #[expect(
        clippy::unused_async,
        reason = "it needs a runtime to spawn on, which only async code is sure to have"
    )]
    pub async fn start(self, bind: &str) -> std::io::Result<RunningSimulator> {
        self.shared.adopt_runtime();
        let server = server::Server::start(&self.shared, bind)?;
        let addr = server.addr();
        Ok(RunningSimulator { url: format!("http://{addr}"), addr, simulator: self, server })
    }

    /// Every POST that was recorded as a message, in order.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.all_messages()
            .into_iter()
            .filter(|message| message.direction == Direction::OutboundApi)
            .collect()
    }

    /// The recorded messages to one handset, in order.
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

    /// All messages: sent by the API, from handsets, automatic answers.
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

    /// The last 10,000 calls of webhooks, repeats included, oldest first.
    #[must_use]
    pub fn callbacks(&self) -> Vec<CallbackAttempt> {
        self.shared.world().callbacks().cloned().collect()
    }

    /// Every request to create a message in the order in which they arrived, also those that were
    /// refused, lost or answered with an error.
    #[must_use]
    pub fn requests(&self) -> Vec<SendRequest> {
        self.shared.world().requests().to_vec()
    }

    /// How often what happened.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.world().counts
    }

    /// Who has opted out of what.
    #[must_use]
    pub fn opt_outs(&self) -> Vec<OptOut> {
        self.shared.world().opt_outs.list()
    }

    /// Blocks a handset for a number or a service (its SID) without any message, as a STOP that was
    /// missed.
    pub fn opt_out(&self, scope: &str, handset: &str) {
        self.shared.world().opt_outs.block(scope, handset);
    }

    /// Switches a fault on.
    pub fn inject(&self, rule: Rule) -> RuleId {
        self.shared.world().faults.inject(rule)
    }

    /// Switches a fault off; false when it was off already.
    #[must_use]
    pub fn withdraw(&self, id: RuleId) -> bool {
        self.shared.world().faults.withdraw(id)
    }

    /// How many requests of this kind have met a fault since the start or the last reset;
    /// [`Reach::Sends`] create a message.
    #[must_use]
    pub fn met(&self, fault: Fault, reach: Reach) -> u64 {
        self.shared.world().faults.met(fault, reach)
    }

    /// How many requests are stuck by [`Fault::Stall`] and [`Fault::StallRecorded`].
    #[must_use]
    pub fn stalled(&self) -> usize {
        self.shared.stalled()
    }

    /// Lets stuck requests go on, and cuts those that are held open.
    pub fn let_go(&self) {
        self.shared.let_go.notify_waiters();
    }

    /// Switches all faults off and cuts the requests that are held open.
    pub fn clear_faults(&self) {
        self.shared.world().faults.clear();
        self.shared.let_go.notify_waiters();
    }

    /// Sends a message from a handset to a number and waits for the webhook's answer.
    ///
    /// # Errors
    /// The number is unknown or cannot receive, or the handset is no phone number.
    pub async fn reply(&self, from: &str, to: &str, body: &str) -> Result<Reply, ReplyError> {
        let _busy = self.shared.busy();
        let place = inbound::receive(&self.shared, from, to, body)?;
        inbound::deliver(&self.shared, place)
            .await
            .ok_or_else(|| ReplyError::UnknownMessage(to.to_owned()))
    }

    /// Calls the webhook for an inbound message again, as Twilio does when an answer got lost.
    ///
    /// # Errors
    /// There is no such inbound message.
    pub async fn redeliver(&self, sid: &str) -> Result<Reply, ReplyError> {
        let _busy = self.shared.busy();
        let unknown = || ReplyError::UnknownMessage(sid.to_owned());
        let place = self.shared.world().log.find(sid).ok_or_else(unknown)?;
        inbound::deliver(&self.shared, place).await.ok_or_else(unknown)
    }

    /// Waits until every message has its last status and every webhook its answer. Scheduled
    /// messages do not count.
    pub async fn wait_idle(&self) {
        self.shared.wait_idle().await;
    }

    /// Makes the network hurry until nothing is under way.
    pub async fn flush(&self) {
        self.shared.flush().await;
    }

    /// Sends all scheduled messages now.
    pub fn release_scheduled(&self) {
        let scheduled = self.shared.world().log.scheduled();
        for place in scheduled {
            delivery::release(&self.shared, place);
        }
    }

    /// Changes an account, e.g. suspends it or replaces its token; false when there is none.
    pub fn change_account(&self, sid: &str, change: impl FnOnce(&mut Account)) -> bool {
        self.shared.world().change_account(sid, change)
    }

    /// Changes a number, e.g. its webhook; false when there is none.
    pub fn change_number(&self, phone_number: &str, change: impl FnOnce(&mut Number)) -> bool {
        let mut world = self.shared.world();
        let number = world.numbers.iter_mut().find(|number| number.phone_number == phone_number);
        number.map(change).is_some()
    }

    /// Changes a Messaging Service, e.g. switches Advanced Opt-Out on; false when there is none.
    pub fn change_service(&self, sid: &str, change: impl FnOnce(&mut Service)) -> bool {
        let mut world = self.shared.world();
        world.services.iter_mut().find(|service| service.sid == sid).map(change).is_some()
    }

    /// Forgets messages, opt-outs, faults and counts; accounts, numbers and webhooks stay.
    pub fn reset(&self) {
        self.shared.world().reset();
        self.shared.let_go.notify_waiters();
    }
}
