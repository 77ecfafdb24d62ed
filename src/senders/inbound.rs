//! Where Twilio reports a sender's incoming messages: looking it up and setting it. HTTP only, no
//! database.

use super::pools::{Pools, ServicePool};
use crate::connections::{Problem, SenderAddress};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::services::TwilioService;
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::hook_address::{redacted, without_secret};
use crate::types::public_url::PublicUrl;

/// What decides where a sender's incoming messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The number itself; also where a service has it in its pool and leaves incoming messages to
    /// its numbers.
    Number {
        /// The number.
        number: TwilioNumber,
        /// The service that has it in its pool.
        service: Option<TwilioService>,
    },
    /// The Messaging Service that is the sender.
    Service(TwilioService),
    /// A Messaging Service that has the number in its pool, and takes what comes in there.
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
    /// Twilio could not be asked, or refused.
    Problem(Problem),
    /// The number's Messaging Service reports to something else, which is not Carillon's to take
    /// over.
    ServiceReportsElsewhere {
        /// Its name in Twilio.
        service: String,
        /// Its SID.
        sid: ServiceSid,
        /// Host of the address that it reports to.
        host: String,
    },
}

/// Whether two addresses lead to the same place; how often Twilio tries again, which the fragment
/// says, does not matter.
pub fn is_same(one: &str, other: &str) -> bool {
    let bare = |url: &str| url.split('#').next().map(str::to_owned);
    bare(one) == bare(other)
}

/// Whether two addresses differ in their secret only: one has another, or none.
pub(super) fn differs_in_secret(one: &str, other: &str) -> bool {
    let plain = |url: &str| without_secret(url).unwrap_or_else(|| url.to_owned());
    one != other && is_same(&plain(one), &plain(other))
}

/// Looks up what decides where the sender's incoming messages go: for a number also the services
/// that have it in their `pools`.
pub(super) async fn route(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    pools: &Pools,
) -> Result<Route, Problem> {
    match address {
        SenderAddress::MessagingService(sid) => {
            let service =
                client.fetch_service(credentials, sid).await.map_err(|error| match error {
                    TwilioError::NotFound { .. } => Problem::ServiceNotFound(sid.clone()),
                    error => Problem::of(error, credentials),
                })?;
            Ok(Route::Service(service))
        }
        SenderAddress::PhoneNumber(number) => {
            let found = client
                .find_number(credentials, number)
                .await
                .map_err(|error| Problem::of(error, credentials))?;
            let found = found.ok_or_else(|| Problem::NumberNotInAccount(number.clone()))?;
            Ok(Route::of_number(found, pools.of(number)))
        }
    }
}

/// Has Twilio report the sender's incoming messages to `url`. A service that was not chosen as
/// sender, but has the number in its pool, is changed only where it reports nowhere or to an
/// address below `public_url`.
pub async fn set(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
    url: &str,
    public_url: &PublicUrl,
) -> Result<Route, InboundError> {
    let problem = |error| InboundError::Problem(Problem::of(error, credentials));
    let pools = match address {
        SenderAddress::PhoneNumber(_) => Pools::read(client, credentials).await.map_err(problem)?,
        SenderAddress::MessagingService(_) => Pools::default(),
    };
    match route(client, credentials, address, &pools).await.map_err(InboundError::Problem)? {
        Route::Number { number, service } => {
            let number =
                client.update_number_webhook(credentials, &number, url).await.map_err(problem)?;
            Ok(Route::Number { number, service })
        }
        Route::Service(service) => {
            let changed = client
                .update_service_inbound(credentials, &service.sid, url)
                .await
                .map_err(problem)?;
            Ok(Route::Service(changed))
        }
        Route::ServiceOfNumber { service, number } => {
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
            Ok(Route::ServiceOfNumber { service: changed, number })
        }
    }
}

impl Route {
    /// What decides about a number that is in this pool, or in none.
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
    /// What is wrong and what to do, for people. The secret of the address stays out of it.
    pub fn message(&self, url: &str) -> String {
        let url = redacted(url);
        match self {
            Self::Problem(problem) => problem.message(),
            Self::ServiceReportsElsewhere { service, sid, host } => format!(
                "The number is in the Messaging Service “{service}”, which reports incoming \
                 messages to {host}. Add the service ({sid}) \
                 as sender instead, or remove its address for incoming messages in Twilio's \
                 console and press “Repair webhook”, which sets \
                 it to {url}."
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

/// The host of an address: the whole can hold a password or a token, and the host tells whose it
/// is.
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
