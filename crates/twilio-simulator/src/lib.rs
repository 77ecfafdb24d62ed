//! A local Twilio for demos and tests: the messaging API, signed webhooks, and a page with one
//! phone per number. All communication is over HTTP.
//!
//! Start with [`Simulator`], the handle. [`SimulatorOptions`] define the accounts, the numbers and
//! the speed of the network; a [`Rule`] enables a [`Fault`]. The README lists what is simulated.
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
//! The implementation follows Twilio's documentation and shares no code with the clients it tests.

mod account_api;
mod api_middleware;
mod auth;
mod clock;
mod control_api;
mod default_resources;
mod delivery;
mod delivery_plan;
mod fault_switches;
mod faults;
mod form;
mod inbound;
mod message;
mod message_checks;
mod message_log;
mod messages_api;
mod numbers_api;
mod opt_out_keywords;
mod opt_outs;
mod options;
mod page_files;
mod page_views;
mod paging;
mod parameters;
mod parts;
mod phone_pages;
mod refusal;
mod registrations_api;
mod resources;
mod response_faults;
mod server;
mod services_api;
mod shared_state;
mod signature;
mod simulator;
#[cfg(test)]
mod tests;
mod twiml;
mod webhook_client;
mod world;

pub use clock::Clock;
pub use default_resources::{
    ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, EMPTY_SERVICE_SID, LONG_CODE,
    SERVICE_NUMBER_1, SERVICE_NUMBER_2, SERVICE_SID, SHORT_CODE, SUSPENDED_ACCOUNT_SID,
    SUSPENDED_AUTH_TOKEN, TEST_ACCOUNT_SID, TEST_AUTH_TOKEN, TOLL_FREE, TRIAL_ACCOUNT_SID,
    TRIAL_AUTH_TOKEN, TRIAL_NUMBER, TRIAL_VERIFIED_NUMBER, VOICE_ONLY, WHATSAPP,
};
pub use faults::{Extent, Fault, Reach, Rule, RuleId};
pub use inbound::{InboundError, InboundResult};
pub use message::{Direction, Message, Status};
pub use opt_outs::OptOut;
pub use options::SimulatorOptions;
pub use resources::{
    Account, AccountKind, AccountStatus, ApiKey, Capabilities, Method, Number, NumberKind,
    Registration, Service,
};
pub use signature::sign;
pub use simulator::{RunningSimulator, Simulator};
pub use world::{CallbackAttempt, Counts, SendRequest};
