//! Limits of what strangers may attempt, such as logging in. Attempts that come too fast are queued
//! (leaky bucket): each has its turn, by the email address and the network that it is about.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use crate::db::Conn;
use crate::db::schema::login_failures;
use crate::error::Result;
use crate::types::network::Network;

/// How long after the last attempt the attempts expire.
const EXPIRE_AFTER: TimeDelta = TimeDelta::hours(1);

/// The rate limit of one kind of subject.
#[derive(Debug, Clone, Copy)]
pub(super) struct RateLimit {
    /// The number of attempts before the first wait.
    pub(super) free_attempts: i32,
    /// The interval between two attempts after that.
    pub(super) first_interval: TimeDelta,
    /// The longest interval; until then, every five attempts double it.
    pub(super) max_interval: TimeDelta,
}

/// What attempts are counted by, such as an email address, with the limit of its kind.
#[derive(Debug, Clone)]
pub(super) struct LimitedSubject {
    pub(super) hash: Vec<u8>,
    pub(super) limit: RateLimit,
}

/// The next free turn is too far away: after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooFarAway(pub(super) TimeDelta);

/// Reserves the next free turn of all subjects, unless it is further away than `max_wait`;
/// `last_failed_at` is the last reserved turn, which may be in the future. Locks every row,
/// including new ones, in the order of the subjects, so that no two attempts deadlock.
pub(super) async fn reserve_turn(
    conn: &mut Conn,
    subjects: &[&LimitedSubject],
    max_wait: TimeDelta,
    now: DateTime<Utc>,
) -> Result<std::result::Result<DateTime<Utc>, TooFarAway>> {
    let mut turn = now;
    let mut counted = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let (attempts, last): (i32, DateTime<Utc>) = diesel::insert_into(login_failures::table)
            .values((
                login_failures::subject_hash.eq(&subject.hash),
                login_failures::failures.eq(0),
                login_failures::last_failed_at.eq(now),
            ))
            .on_conflict(login_failures::subject_hash)
            .do_update()
            .set(login_failures::failures.eq(login_failures::failures))
            .returning((login_failures::failures, login_failures::last_failed_at))
            .get_result(conn)
            .await?;
        let attempts = if now - last >= EXPIRE_AFTER { 0 } else { attempts };
        turn = turn.max(subject.limit.next(attempts, last, now));
        counted.push(attempts + 1);
    }
    if turn - now > max_wait {
        return Ok(Err(TooFarAway(turn - now)));
    }
    for (subject, attempts) in subjects.iter().zip(counted) {
        diesel::update(login_failures::table.find(&subject.hash))
            .set((login_failures::failures.eq(attempts), login_failures::last_failed_at.eq(turn)))
            .execute(conn)
            .await?;
    }
    Ok(Ok(turn))
}

/// Deletes attempts that have expired.
pub async fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(
        login_failures::table.filter(login_failures::last_failed_at.lt(now - EXPIRE_AFTER)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

impl RateLimit {
    /// When the next attempt may be made, after this many attempts, the last of them at `last`.
    pub(super) fn next(
        self,
        attempts: i32,
        last: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        if attempts < self.free_attempts {
            return now;
        }
        let doublings =
            u32::try_from((attempts - self.free_attempts) / 5).unwrap_or_default().min(10);
        last + (self.first_interval * 2_i32.pow(doublings)).min(self.max_interval)
    }
}

impl LimitedSubject {
    pub(super) fn new(kind: &str, value: &str, limit: RateLimit) -> Self {
        Self { hash: Sha256::digest(format!("{kind}:{value}")).to_vec(), limit }
    }
}

/// The network of a client, as attempts are counted by it.
pub(super) fn network(address: Option<IpAddr>) -> String {
    address.map_or_else(|| "unknown".to_owned(), |address| Network::from(address).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_different_kinds_are_counted_separately() {
        let limit = RateLimit {
            free_attempts: 1,
            first_interval: TimeDelta::seconds(1),
            max_interval: TimeDelta::seconds(1),
        };
        let hash = |kind: &str, value: &str| LimitedSubject::new(kind, value, limit).hash;
        assert_ne!(hash("email", "::1"), hash("network", "::1"));
        let of = |address: &str| network(Some(address.parse().unwrap()));
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:9"), "one line of a provider");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
