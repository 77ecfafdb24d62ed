//! Requests for a password link by email, which any visitor can make: they are limited, and nothing
//! about them tells who has an account.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};

use super::attempt_limits::{self, LimitedSubject, RateLimit, TooFarAway};
use crate::db::Conn;
use crate::error::Result;

/// One email address, requested from one network.
const PAIR: RateLimit = RateLimit {
    free_attempts: 5,
    first_interval: TimeDelta::minutes(5),
    max_interval: TimeDelta::minutes(10),
};
/// One network, with any email addresses: many people share one behind a proxy or in an office.
const NETWORK: RateLimit = RateLimit {
    free_attempts: 20,
    first_interval: TimeDelta::seconds(30),
    max_interval: TimeDelta::minutes(1),
};
/// One email address, requested from many networks.
const EMAIL: RateLimit = RateLimit {
    free_attempts: 10,
    first_interval: TimeDelta::minutes(1),
    max_interval: TimeDelta::minutes(10),
};

/// Too many requests; the next one is possible after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many requests for a link. Try again in {}.", minutes(.0))]
pub struct TooManyLinkRequests(pub TimeDelta);

/// Counts a request within the caller's transaction, in the same way for each address, with an
/// account or not; refuses it if there were too many.
///
/// `email` is in lower case; `address` is the client's, as reported by trusted proxies.
pub async fn admit(
    conn: &mut Conn,
    email: &str,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<std::result::Result<(), TooManyLinkRequests>> {
    let network = attempt_limits::network(address);
    let pair = LimitedSubject::new("link-pair", &format!("{network} {email}"), PAIR);
    let network = LimitedSubject::new("link-network", &network, NETWORK);
    let email = LimitedSubject::new("link-email", email, EMAIL);
    let subjects = [&pair, &network, &email];
    let turn = attempt_limits::reserve_turn(conn, &subjects, TimeDelta::zero(), now).await?;
    Ok(turn.map(|_| ()).map_err(|TooFarAway(wait)| TooManyLinkRequests(wait)))
}

/// A time in minutes, rounded up.
fn minutes(time: &TimeDelta) -> String {
    match (time.num_seconds() + 59) / 60 {
        ..=1 => "1 minute".to_owned(),
        many => format!("{many} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_says_how_long_to_wait() {
        for (seconds, wait) in [(1, "1 minute"), (60, "1 minute"), (61, "2 minutes")] {
            assert_eq!(
                TooManyLinkRequests(TimeDelta::seconds(seconds)).to_string(),
                format!("Too many requests for a link. Try again in {wait}.")
            );
        }
    }
}
