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

use super::attempt_limits::{self, LimitedSubject, RateLimit};
use super::password::{self, PasswordHash, PasswordQueue};
use crate::db::Conn;
use crate::db::schema::{login_failures, users};
use crate::error::Result;
use crate::types::id::UserId;

/// One email address, tried from one network.
const PAIR: RateLimit = RateLimit {
    free_attempts: 5,
    first_interval: TimeDelta::seconds(1),
    max_interval: TimeDelta::seconds(2),
};
/// One network, with any email addresses: many people share one behind a proxy or in an office.
const NETWORK: RateLimit = RateLimit {
    free_attempts: 30,
    first_interval: TimeDelta::milliseconds(100),
    max_interval: TimeDelta::milliseconds(100),
};
/// One email address, tried from many networks.
const EMAIL: RateLimit = RateLimit {
    free_attempts: 50,
    first_interval: TimeDelta::milliseconds(500),
    max_interval: TimeDelta::seconds(1),
};
/// A browser in which its user has logged in before, or is logged in: failures elsewhere do not
/// count.
const KNOWN: RateLimit = RateLimit {
    free_attempts: 10,
    first_interval: TimeDelta::seconds(1),
    max_interval: TimeDelta::seconds(2),
};

/// The longest wait; an attempt that would have to wait longer is refused.
pub const MAX_WAIT: TimeDelta = TimeDelta::seconds(30);

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
    limited: LimitedSubject,
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
        let row = login_failures::table.find(subject.limited.hash);
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

/// Reserves the next free turn of all subjects, unless it is too far away.
async fn reserve_turn(
    conn: &mut Conn,
    subjects: &[Subject],
    now: DateTime<Utc>,
) -> Result<std::result::Result<DateTime<Utc>, Throttled>> {
    let limited: Vec<&LimitedSubject> = subjects.iter().map(|subject| &subject.limited).collect();
    let turn = attempt_limits::reserve_turn(conn, &limited, MAX_WAIT, now).await?;
    Ok(turn.map_err(|_| Throttled(MAX_WAIT)))
}

impl Subject {
    fn of_unknown_browser(email: &str, address: Option<IpAddr>) -> Vec<Self> {
        let network = attempt_limits::network(address);
        let pair = format!("{network} {email}");
        vec![
            Self { limited: LimitedSubject::new("pair", &pair, PAIR), own: true },
            Self { limited: LimitedSubject::new("network", &network, NETWORK), own: false },
            Self { limited: LimitedSubject::new("email", email, EMAIL), own: false },
        ]
    }

    fn own(kind: &str, value: &str) -> Self {
        Self { limited: LimitedSubject::new(kind, value, KNOWN), own: true }
    }
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
}
