//! The Messaging Services of an account with the numbers in them, read once for all that is to be
//! looked at. HTTP only, no database.

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use crate::twilio::services::{ServiceNumber, TwilioService};
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::phone::PhoneNumber;

/// Services with their numbers.
#[derive(Debug, Default)]
pub(super) struct Pools {
    pub(super) pools: Vec<ServicePool>,
    /// How many services were not looked into, because there are so many.
    pub(super) left_out: usize,
}

/// A Messaging Service with the numbers in it.
#[derive(Debug)]
pub(super) struct ServicePool {
    pub(super) service: TwilioService,
    pub(super) numbers: Vec<ServiceNumber>,
}

/// An account can have thousands of services, and each takes a request.
const MAX_SERVICES: usize = 100;

const AT_ONCE: usize = 4;

impl Pools {
    /// Reads the account's services and what is in them.
    pub(super) async fn read(
        client: &Client,
        credentials: &Credentials,
    ) -> Result<Self, TwilioError> {
        let mut services = match client.list_services(credentials).await {
            // An API without Messaging Services, such as a double of Twilio's: then none has a
            // number.
            Err(TwilioError::NotFound { .. }) => Vec::new(),
            services => services?,
        };
        let left_out = services.len().saturating_sub(MAX_SERVICES);
        services.truncate(MAX_SERVICES);
        let asked: Vec<BoxFuture<'_, _>> = services
            .into_iter()
            .map(|service| ServicePool::read(client, credentials, service).boxed())
            .collect();
        Ok(Self { pools: stream::iter(asked).buffered(AT_ONCE).try_collect().await?, left_out })
    }

    /// The service that has the number in its pool, if one has: Twilio allows at most one.
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

    /// Whether one of its numbers is so.
    pub(super) fn any(&self, number: impl Fn(&ServiceNumber) -> bool) -> bool {
        self.numbers.iter().any(number)
    }

    /// Whether what comes in is for the service, and not left to its numbers.
    pub(super) const fn takes_inbound(&self) -> bool {
        !self.service.use_inbound_webhook_on_number
    }
}
