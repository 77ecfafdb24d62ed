//! Reads and sets where Twilio reports a sender's incoming messages: HTTP only, no database.

use super::service_pools::{ServicePool, ServicePools};
use crate::connections::{Problem, SenderAddress};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::services::TwilioService;
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::hook_address::{redacted, without_secret};
use crate::types::public_url::PublicUrl;

/// The Twilio resource whose settings decide where a sender's incoming messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundRoute {
    /// The number itself, also if it is in the pool of a service that leaves incoming messages to
    /// its numbers.
    Number {
        /// The number.
        number: TwilioNumber,
        /// The service whose pool it is in.
        service: Option<TwilioService>,
    },
    /// The Messaging Service that is the sender.
    Service(TwilioService),
    /// A Messaging Service that has the number in its pool and handles its incoming messages.
    ServiceOfNumber {
        /// The service.
        service: TwilioService,
        /// The number.
        number: TwilioNumber,
    },
}

/// Why incoming messages do not reach Carillon, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InboundError {
    /// The request did not reach Twilio, or Twilio rejected it.
    Problem(Problem),
    /// The number's Messaging Service reports to another server, which Carillon must not replace.
    ServiceReportsElsewhere {
        /// Its name in Twilio.
        service: String,
        /// Its SID.
        sid: ServiceSid,
        /// Host of its webhook URL.
        host: String,
    },
}

/// Whether two webhook URLs are the same, apart from the fragment, which holds Twilio's retry
/// settings.
pub fn is_same(one: &str, other: &str) -> bool {
    let bare = |url: &str| url.split('#').next().map(str::to_owned);
    bare(one) == bare(other)
}

/// Whether two webhook URLs differ only in their secret, including one without a secret.
pub(super) fn differs_in_secret(one: &str, other: &str) -> bool {
    let plain = |url: &str| without_secret(url).unwrap_or_else(|| url.to_owned());
    one != other && is_same(&plain(one), &plain(other))
}

/// Finds the resource that decides where the sender's incoming messages go: for a number, also
/// among the services that have it in their `pools`.
pub(super) async fn route(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    pools: &ServicePools,
) -> Result<InboundRoute, Problem> {
    match address {
        SenderAddress::MessagingService(sid) => {
            let service =
                client.fetch_service(credentials, sid).await.map_err(|error| match error {
                    TwilioError::NotFound { .. } => Problem::ServiceNotFound(sid.clone()),
                    error => Problem::of(error, credentials),
                })?;
            Ok(InboundRoute::Service(service))
        }
        SenderAddress::PhoneNumber(number) => {
            let found = client
                .find_number(credentials, number)
                .await
                .map_err(|error| Problem::of(error, credentials))?;
            let found = found.ok_or_else(|| Problem::NumberNotInAccount(number.clone()))?;
            Ok(InboundRoute::of_number(found, pools.of(number)))
        }
    }
}

/// Sets the sender's inbound webhook to `url`. A service that is not the sender but has the number
/// in its pool is changed only if it reports nowhere or to a URL below `public_url`.
pub async fn set(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    url: &str,
    public_url: &PublicUrl,
) -> Result<InboundRoute, InboundError> {
    let problem = |error| InboundError::Problem(Problem::of(error, credentials));
    let pools = match address {
        SenderAddress::PhoneNumber(_) => {
            ServicePools::read(client, credentials).await.map_err(problem)?
        }
        SenderAddress::MessagingService(_) => ServicePools::default(),
    };
    match route(client, credentials, address, &pools).await.map_err(InboundError::Problem)? {
        InboundRoute::Number { number, service } => {
            let number =
                client.update_number_webhook(credentials, &number, url).await.map_err(problem)?;
            Ok(InboundRoute::Number { number, service })
        }
        InboundRoute::Service(service) => {
            let changed = client
                .update_service_inbound(credentials, &service.sid, url)
                .await
                .map_err(problem)?;
            Ok(InboundRoute::Service(changed))
        }
        InboundRoute::ServiceOfNumber { service, number } => {
            if let Some(elsewhere) = service
                .inbound_request_url
                .as_deref()
                .filter(|current| !is_ours(current, public_url))
            {
                return Err(InboundError::elsewhere(&service, elsewhere));
            }
            let changed = client
                .update_service_inbound(credentials, &service.sid, url)
                .await
                .map_err(problem)?;
            Ok(InboundRoute::ServiceOfNumber { service: changed, number })
        }
    }
}

impl InboundRoute {
    /// The route of a number that is in this pool, or in none.
    pub(super) fn of_number(number: TwilioNumber, pool: Option<&ServicePool>) -> Self {
        match pool {
            Some(pool) if pool.takes_inbound() => {
                Self::ServiceOfNumber { service: pool.service.clone(), number }
            }
            pool => Self::Number { number, service: pool.map(|pool| pool.service.clone()) },
        }
    }
}

impl InboundError {
    /// Explanation and advice for users, without the secret in the URL.
    pub fn message(&self, url: &str) -> String {
        let url = redacted(url);
        match self {
            Self::Problem(problem) => problem.message(),
            Self::ServiceReportsElsewhere { service, sid, host } => format!(
                "The number is in the Messaging Service “{service}”, which reports incoming \
                 messages to {host}. Add the service ({sid}) as a sender instead. Or remove its \
                 address for incoming messages in Twilio’s console and select “Repair webhook”, \
                 which sets it to {url}."
            ),
        }
    }

    fn elsewhere(service: &TwilioService, current: &str) -> Self {
        Self::ServiceReportsElsewhere {
            service: service.friendly_name.clone(),
            sid: service.sid.clone(),
            host: host_of(current),
        }
    }
}

/// The host of a URL, which shows whose server it is; the rest may contain a password or a token.
pub(super) fn host_of(address: &str) -> String {
    let host = url::Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "another address".to_owned())
}

fn is_ours(current: &str, public_url: &PublicUrl) -> bool {
    current.starts_with(&public_url.join("/hooks/twilio/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::hook_address::HookAddress;
    use crate::types::id::ConnectionId;

    #[test]
    fn an_address_is_ours_with_and_without_twilios_settings() {
        let public_url = PublicUrl::parse("https://sms.example.com/app").unwrap();
        let ours = HookAddress::signed(ConnectionId::new()).inbound(&public_url);
        let (bare, settings) = ours.split_once('#').unwrap();
        assert_eq!(settings, "rc=5&rp=all");
        for address in [ours.as_str(), bare, &format!("{bare}#rc=2")] {
            assert!(is_same(address, &ours) && is_ours(address, &public_url), "{address}");
        }
        assert!(!is_same(&format!("{bare}/"), &ours) && !is_same("", &ours));
        assert!(!is_ours("https://other.example.com/hooks/twilio/", &public_url));
    }
}
