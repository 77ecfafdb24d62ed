//! The configuration of a simulator: its resources and the speed of the network.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::clock::Clock;
use super::default_resources::{accounts, numbers, services};
use super::resources::{Account, Number, Service};

/// The default business name in the names of accounts, numbers and services.
const BUSINESS: &str = "Acme";

/// The configuration of a simulator. The default suits demos, [`SimulatorOptions::instant`] suits
/// tests.
#[derive(Clone)]
pub struct SimulatorOptions {
    /// The accounts that exist.
    pub accounts: Vec<Account>,
    /// The numbers that the accounts own.
    pub numbers: Vec<Number>,
    /// The Messaging Services of the accounts.
    pub services: Vec<Service>,
    /// The source of time; a test shares the clock of the program under test.
    pub clock: Clock,
    /// The range of the delay between two statuses of a message.
    pub hop: RangeInclusive<Duration>,
    /// The delay between two statuses of a message under [`Fault::Slow`](crate::Fault::Slow).
    pub slow_hop: Duration,
    /// How long a request that is never answered is held open before its connection is closed.
    pub hold: Duration,
    /// The pause before a failed callback is retried.
    pub retry_pause: Duration,
    /// The maximum number of concurrent callbacks.
    pub callback_concurrency: usize,
    /// The maximum number of concurrent API requests; further ones are refused with 429 and 20429.
    pub max_concurrent_requests: Option<usize>,
    /// The number of threads that serve requests.
    pub workers: usize,
    /// The seed of the random network: the delays and the order of shuffled callbacks.
    pub seed: u64,
}

impl Default for SimulatorOptions {
    fn default() -> Self {
        Self {
            accounts: accounts(BUSINESS),
            numbers: numbers(BUSINESS),
            services: services(BUSINESS),
            clock: Clock::system(),
            hop: Duration::from_millis(300)..=Duration::from_millis(700),
            slow_hop: Duration::from_secs(10),
            hold: Duration::from_mins(1),
            retry_pause: Duration::from_millis(100),
            callback_concurrency: 64,
            max_concurrent_requests: None,
            workers: 1,
            seed: rand::random(),
        }
    }
}

impl SimulatorOptions {
    /// The default options without network delays.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            hop: Duration::ZERO..=Duration::ZERO,
            retry_pause: Duration::ZERO,
            ..Self::default()
        }
    }

    /// Replaces accounts, numbers and services with the default ones, named after a business:
    /// `Acme toll-free` becomes `{business} toll-free`.
    #[must_use]
    pub fn of_business(self, business: &str) -> Self {
        Self {
            accounts: accounts(business),
            numbers: numbers(business),
            services: services(business),
            ..self
        }
    }
}
