//! The Messaging Services of an account and their numbers, read once per inspection. HTTP only, no
//! database.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::twilio::services::{ServiceNumber, TwilioService};
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::phone::PhoneNumber;

/// The services of an account with their numbers.
#[derive(Debug, Default)]
pub(super) struct ServicePools {
    pub(super) pools: Vec<ServicePool>,
    /// Number of services that were not read because of [`MAX_SERVICES`].
    pub(super) left_out: usize,
}

/// A Messaging Service and the numbers in its pool.
#[derive(Debug)]
pub(super) struct ServicePool {
    pub(super) service: TwilioService,
    pub(super) numbers: Vec<ServiceNumber>,
}

/// Maximum number of services to read: an account can have thousands, and each takes a request.
const MAX_SERVICES: usize = 100;

/// Number of services read concurrently.
const MAX_CONCURRENT: usize = 4;

impl ServicePools {
    /// Reads the account's services and their numbers.
    pub(super) async fn read(
        client: &Client,
        credentials: &Credentials,
    ) -> Result<Self, TwilioError> {
        let mut services = match client.list_services(credentials).await {
            // A Twilio-compatible API may lack Messaging Services; then no number is in one.
            Err(TwilioError::NotFound { .. }) => Vec::new(),
            services => services?,
        };
        let left_out = services.len().saturating_sub(MAX_SERVICES);
        services.truncate(MAX_SERVICES);
        let requests: Vec<BoxFuture<'_, _>> = services
            .into_iter()
            .map(|service| ServicePool::read(client, credentials, service).boxed())
            .collect();
        Ok(Self {
            pools: stream::iter(requests).buffered(MAX_CONCURRENT).try_collect().await?,
            left_out,
        })
    }

    /// The service that has the number in its pool, if any; Twilio allows at most one.
    pub(super) fn of(&self, number: &PhoneNumber) -> Option<&ServicePool> {
        self.pools
            .iter()
            .find(|pool| pool.numbers.iter().any(|candidate| candidate.phone_number == *number))
    }
}

impl ServicePool {
    async fn read(
        client: &Client,
        credentials: &Credentials,
        service: TwilioService,
    ) -> Result<Self, TwilioError> {
        let numbers = client.service_numbers(credentials, &service.sid).await?;
        Ok(Self { service, numbers })
    }

    /// Whether any of its numbers satisfies the predicate.
    pub(super) fn any(&self, predicate: impl Fn(&ServiceNumber) -> bool) -> bool {
        self.numbers.iter().any(predicate)
    }

    /// Whether the service handles incoming messages, instead of leaving them to its numbers.
    pub(super) const fn takes_inbound(&self) -> bool {
        !self.service.use_inbound_webhook_on_number
    }
}
