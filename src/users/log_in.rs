//! Logging in: throttled after failures, never locked, and without revealing who has an account.
//!
//! Attempts that come too fast are queued (leaky bucket): each waits for its turn, even with the
//! right password, so that guessing is slow and logging in takes only a little longer. A failure is
//! counted before the password is checked and taken back after success, so that concurrent guesses
//! cannot slip past the counter.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::password::{self, PasswordHash, PasswordQueue};
use crate::db::Conn;
use crate::db::schema::{login_failures, users};
use crate::error::Result;
use crate::types::id::UserId;
use crate::types::network::Network;

/// The rate limit of one kind of subject.
#[derive(Debug, Clone, Copy)]
struct RateLimit {
    /// The number of failures before the first wait.
    free_failures: i32,
    /// The interval between two attempts after that.
    first_interval: TimeDelta,
    /// The longest interval; until then, every five failures double it.
    max_interval: TimeDelta,
}

/// One email address, tried from one network.
const PAIR: RateLimit = RateLimit {
    free_failures: 5,
    first_interval: TimeDelta::seconds(1),
    max_interval: TimeDelta::seconds(2),
};
/// One network, with any email addresses: many people share one behind a proxy or in an office.
const NETWORK: RateLimit = RateLimit {
    free_failures: 30,
    first_interval: TimeDelta::milliseconds(100),
    max_interval: TimeDelta::milliseconds(100),
};
/// One email address, tried from many networks.
const EMAIL: RateLimit = RateLimit {
    free_failures: 50,
    first_interval: TimeDelta::milliseconds(500),
    max_interval: TimeDelta::seconds(1),
};
/// A browser in which its user has logged in before, or is logged in: failures elsewhere do not
/// count.
const KNOWN: RateLimit = RateLimit {
    free_failures: 10,
    first_interval: TimeDelta::seconds(1),
    max_interval: TimeDelta::seconds(2),
};

/// The longest wait; an attempt that would have to wait longer is refused.
pub const MAX_WAIT: TimeDelta = TimeDelta::seconds(30);
/// How long after the last failure the failures expire.
const EXPIRE_AFTER: TimeDelta = TimeDelta::hours(1);

/// A browser in which a user has logged in before, as its cookie proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBrowser {
    /// The user.
    pub user: UserId,
    /// The id of the browser.
    pub browser: String,
}

/// An attempt to log in that is counted, and whose password is not yet checked.
#[derive(Debug)]
pub struct LogInAttempt {
    subjects: Vec<Subject>,
    account: Option<(UserId, PasswordHash)>,
    turn: DateTime<Utc>,
    queue: PasswordQueue,
}

/// A log-in with the right password; consumed by [`succeed`].
#[derive(Debug)]
pub struct VerifiedLogIn {
    subjects: Vec<Subject>,
    user: UserId,
}

/// Too many attempts are waiting; the client may try again after this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[
    error(
        "Too many sign-ins at the moment. Try again in {} seconds.",
        .0.num_seconds()
    )
]
pub struct Throttled(pub TimeDelta);

#[derive(Debug, Clone)]
struct Subject {
    hash: Vec<u8>,
    limit: RateLimit,
    /// Whether a success clears all failures: only if they are the user's own.
    own: bool,
}

/// Begins a log-in within the caller's transaction, which must be committed even if the password
/// turns out to be wrong.
///
/// `email` is in lower case; `address` is the client's, as reported by trusted proxies.
pub async fn begin(
    conn: &mut Conn,
    email: &str,
    address: Option<IpAddr>,
    browsers: &[KnownBrowser],
    now: DateTime<Utc>,
) -> Result<std::result::Result<LogInAttempt, Throttled>> {
    let account: Option<(UserId, PasswordHash)> = users::table
        .filter(users::email.eq(email))
        .filter(users::disabled_at.is_null())
        .select((users::id, users::password_hash))
        .first(conn)
        .await
        .optional()?;
    let known =
        account.as_ref().and_then(|(user, _)| browsers.iter().find(|known| known.user == *user));
    let (subjects, queue) = match known {
        Some(known) => (
            vec![Subject::own("known", &format!("{} {}", known.user, known.browser))],
            PasswordQueue::Known,
        ),
        None => (Subject::of_unknown_browser(email, address), PasswordQueue::Unknown),
    };
    let turn = reserve_turn(conn, &subjects, now).await?;
    Ok(turn.map(|turn| LogInAttempt { subjects, account, turn, queue }))
}

/// Begins to check the password of a user who is logged in, within the caller's transaction.
pub async fn begin_reauthentication(
    conn: &mut Conn,
    user: UserId,
    now: DateTime<Utc>,
) -> Result<std::result::Result<LogInAttempt, Throttled>> {
    let account = users::table
        .find(user)
        .filter(users::disabled_at.is_null())
        .select((users::id, users::password_hash));
    let account = account.first(conn).await.optional()?;
    let subjects = vec![Subject::own("account", &user.to_string())];
    let turn = reserve_turn(conn, &subjects, now).await?;
    Ok(turn.map(|turn| LogInAttempt { subjects, account, turn, queue: PasswordQueue::Known }))
}

impl LogInAttempt {
    /// The time of its turn; the password must not be checked before.
    #[must_use]
    pub fn turn(&self) -> DateTime<Utc> {
        self.turn
    }

    /// Checks the password (slow on purpose; hold no connection during it); `None` if it is wrong
    /// or no user has this email address.
    pub async fn verify(self, password: SecretString) -> Result<Option<VerifiedLogIn>> {
        let (user, hash) = self.account.unzip();
        let right = password::verify(password, hash, self.queue).await?;
        Ok(user.filter(|_| right).map(|user| VerifiedLogIn { subjects: self.subjects, user }))
    }
}

/// Takes the counted failure back, and returns the user, who may now be signed in.
pub async fn succeed(conn: &mut Conn, verified: VerifiedLogIn) -> Result<UserId> {
    for subject in verified.subjects {
        let row = login_failures::table.find(subject.hash);
        if subject.own {
            diesel::delete(row).execute(conn).await?;
        } else {
            // Only the failure of this attempt: otherwise, an attacker with an account could reset
            // the counter of their network.
            diesel::update(row.filter(login_failures::failures.gt(0)))
                .set(login_failures::failures.eq(login_failures::failures - 1))
                .execute(conn)
                .await?;
        }
    }
    Ok(verified.user)
}

/// Deletes failures that have expired.
pub async fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(
        login_failures::table.filter(login_failures::last_failed_at.lt(now - EXPIRE_AFTER)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Reserves the next free turn of all subjects; `last_failed_at` is the last reserved turn, which
/// may be in the future. Locks every row, including new ones, in the order of the subjects, so that
/// no two attempts deadlock.
async fn reserve_turn(
    conn: &mut Conn,
    subjects: &[Subject],
    now: DateTime<Utc>,
) -> Result<std::result::Result<DateTime<Utc>, Throttled>> {
    let mut turn = now;
    let mut counted = Vec::with_capacity(subjects.len());
    for subject in subjects {
        let (failures, last): (i32, DateTime<Utc>) = diesel::insert_into(login_failures::table)
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
        let failures = if now - last >= EXPIRE_AFTER { 0 } else { failures };
        turn = turn.max(subject.limit.next(failures, last, now));
        counted.push(failures + 1);
    }
    if turn - now > MAX_WAIT {
        return Ok(Err(Throttled(MAX_WAIT)));
    }
    for (subject, failures) in subjects.iter().zip(counted) {
        diesel::update(login_failures::table.find(&subject.hash))
            .set((login_failures::failures.eq(failures), login_failures::last_failed_at.eq(turn)))
            .execute(conn)
            .await?;
    }
    Ok(Ok(turn))
}

impl RateLimit {
    /// When the next attempt may be checked, after this many failures, the last of them at `last`.
    fn next(self, failures: i32, last: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        if failures < self.free_failures {
            return now;
        }
        let doublings =
            u32::try_from((failures - self.free_failures) / 5).unwrap_or_default().min(10);
        last + (self.first_interval * 2_i32.pow(doublings)).min(self.max_interval)
    }
}

impl Subject {
    fn of_unknown_browser(email: &str, address: Option<IpAddr>) -> Vec<Self> {
        let network = address
            .map_or_else(|| "unknown".to_owned(), |address| Network::from(address).to_string());
        vec![
            Self { hash: hash("pair", &format!("{network} {email}")), limit: PAIR, own: true },
            Self { hash: hash("network", &network), limit: NETWORK, own: false },
            Self { hash: hash("email", email), limit: EMAIL, own: false },
        ]
    }

    fn own(kind: &str, value: &str) -> Self {
        Self { hash: hash(kind, value), limit: KNOWN, own: true }
    }
}

fn hash(kind: &str, value: &str) -> Vec<u8> {
    Sha256::digest(format!("{kind}:{value}")).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_attempts_are_free_and_later_ones_wait_longer_and_longer() {
        let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let wait = |failures, since: i64| {
            (PAIR.next(failures, now - TimeDelta::milliseconds(since), now) - now)
                .num_milliseconds()
                .max(0)
        };
        assert_eq!((wait(0, 0), wait(4, 0)), (0, 0));
        assert_eq!((wait(5, 0), wait(9, 0), wait(5, 400), wait(5, 5_000)), (1_000, 1_000, 600, 0));
        assert_eq!((wait(10, 0), wait(15, 0), wait(100_000, 0)), (2_000, 2_000, 2_000));
        assert_eq!(wait(5, -3_000), 4_000, "behind the one whose turn is in three seconds");
        for limit in [PAIR, NETWORK, EMAIL, KNOWN] {
            assert!(
                limit.first_interval <= limit.max_interval && limit.max_interval * 10 <= MAX_WAIT,
                "ten attempts can wait: {limit:?}"
            );
        }
    }

    #[test]
    fn the_refusal_says_how_long_to_wait() {
        assert_eq!(
            Throttled(MAX_WAIT).to_string(),
            "Too many sign-ins at the moment. Try again in 30 seconds."
        );
    }

    #[test]
    fn subjects_of_different_kinds_are_counted_separately() {
        assert_ne!(hash("email", "::1"), hash("network", "::1"));
        let of = |address: &str| {
            Subject::of_unknown_browser("ada@example.com", Some(address.parse().unwrap()))
                .remove(0)
                .hash
        };
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:9"), "one line of a provider");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
