//! Logging in: slowed down after failures, never locked, and silent about who has an account.
//!
//! Tries that come too fast line up: each waits until it is its turn (a leaky bucket as a queue),
//! the right password as well, so that guessing is slow and logging in only takes a little longer.
//! A failure is counted before the password is looked at and taken back after success, so that
//! guesses sent at the same time cannot slip past the counter.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::password::{self, PasswordHash, PasswordLane};
use crate::db::Conn;
use crate::db::schema::{login_failures, users};
use crate::error::Result;
use crate::types::id::UserId;
use crate::types::network::Network;

/// How one kind of subject is slowed down.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Failures before the first wait.
    free: i32,
    /// Between two tries after that.
    first: TimeDelta,
    /// Between two tries at last: doubled with every five failures until then.
    last: TimeDelta,
}

/// One email address, tried from one network.
const PAIR: Pace = Pace { free: 5, first: TimeDelta::seconds(1), last: TimeDelta::seconds(2) };
/// One network, whatever addresses it tries: many people where a proxy or an office is one network.
const NETWORK: Pace =
    Pace { free: 30, first: TimeDelta::milliseconds(100), last: TimeDelta::milliseconds(100) };
/// One email address, tried from many networks.
const EMAIL: Pace =
    Pace { free: 50, first: TimeDelta::milliseconds(500), last: TimeDelta::seconds(1) };
/// A browser that its user has logged in with before, or is logged in with: nobody else's failures
/// count.
const KNOWN: Pace = Pace { free: 10, first: TimeDelta::seconds(1), last: TimeDelta::seconds(2) };

/// Who would have to wait longer than this is told to come again instead.
pub const MAX_WAIT: TimeDelta = TimeDelta::seconds(30);
/// Failures are forgotten after this time without a further one.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

/// A browser that a user has logged in with before, as its cookie proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownBrowser {
    /// Who.
    pub user: UserId,
    /// Which of their browsers.
    pub browser: String,
}

/// Somebody who wants to log in, counted, with the password not yet looked at.
#[derive(Debug)]
pub struct LogInAttempt {
    subjects: Vec<Subject>,
    account: Option<(UserId, PasswordHash)>,
    turn: DateTime<Utc>,
    queue: PasswordLane,
}

/// Somebody whose password was right; consumed by [`succeed`].
#[derive(Debug)]
pub struct VerifiedLogIn {
    subjects: Vec<Subject>,
    user: UserId,
}

/// So many try at once that nothing is looked at for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[
    error(
        "Too many people try to sign in at this moment. Try again in {} seconds.",
        .0.num_seconds()
    )
]
pub struct Throttled(pub TimeDelta);

#[derive(Debug, Clone)]
struct Subject {
    hash: Vec<u8>,
    pace: Pace,
    /// Whether a success wipes out all failures: only where they are the user's own.
    own: bool,
}

/// Begins a log-in within the caller's transaction, which must be committed also when the password
/// turns out wrong.
///
/// `email` in lower case; `address` is the caller's, as the trusted proxies say.
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
            PasswordLane::Known,
        ),
        None => (Subject::of_stranger(email, address), PasswordLane::Stranger),
    };
    let turn = line_up(conn, &subjects, now).await?;
    Ok(turn.map(|turn| LogInAttempt { subjects, account, turn, queue }))
}

/// Begins to check the password of somebody who is logged in, within the caller's transaction.
pub async fn begin_again(
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
    let turn = line_up(conn, &subjects, now).await?;
    Ok(turn.map(|turn| LogInAttempt { subjects, account, turn, queue: PasswordLane::Known }))
}

impl LogInAttempt {
    /// When it is its turn: the password must not be looked at before.
    #[must_use]
    pub fn turn(&self) -> DateTime<Utc> {
        self.turn
    }

    /// Looks at the password (slow on purpose; hold no connection meanwhile); `None` when it is
    /// wrong or nobody has this email address.
    pub async fn verify(self, password: SecretString) -> Result<Option<VerifiedLogIn>> {
        let (user, hash) = self.account.unzip();
        let right = password::verify(password, hash, self.queue).await?;
        Ok(user.filter(|_| right).map(|user| VerifiedLogIn { subjects: self.subjects, user }))
    }
}

/// Takes the counted failure back and gives the user, who may now be signed in.
pub async fn succeed(conn: &mut Conn, verified: VerifiedLogIn) -> Result<UserId> {
    for subject in verified.subjects {
        let row = login_failures::table.find(subject.hash);
        if subject.own {
            diesel::delete(row).execute(conn).await?;
        } else {
            // Only its own: else an attacker with an account of their own could reset the counter
            // of their network.
            diesel::update(row.filter(login_failures::failures.gt(0)))
                .set(login_failures::failures.eq(login_failures::failures - 1))
                .execute(conn)
                .await?;
        }
    }
    Ok(verified.user)
}

/// Forgets failures that count no more.
pub async fn forget_old(conn: &mut Conn, now: DateTime<Utc>) -> Result<()> {
    diesel::delete(
        login_failures::table.filter(login_failures::last_failed_at.lt(now - FORGOTTEN_AFTER)),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Finds the next free turn of all subjects and takes it; `last_failed_at` is the last turn that
/// was taken, which may be still to come.
///
/// Every row is locked, also one that is made only now, and always in the order of the subjects, so
/// that no two tries deadlock.
async fn line_up(
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
        let failures = if now - last >= FORGOTTEN_AFTER { 0 } else { failures };
        turn = turn.max(subject.pace.next(failures, last, now));
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

impl Pace {
    /// When the next try may be looked at, after so many failures, the last of them at `last`.
    fn next(self, failures: i32, last: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
        if failures < self.free {
            return now;
        }
        let doublings = u32::try_from((failures - self.free) / 5).unwrap_or_default().min(10);
        last + (self.first * 2_i32.pow(doublings)).min(self.last)
    }
}

impl Subject {
    fn of_stranger(email: &str, address: Option<IpAddr>) -> Vec<Self> {
        let network = address
            .map_or_else(|| "unknown".to_owned(), |address| Network::from(address).to_string());
        vec![
            Self { hash: hash("pair", &format!("{network} {email}")), pace: PAIR, own: true },
            Self { hash: hash("network", &network), pace: NETWORK, own: false },
            Self { hash: hash("email", email), pace: EMAIL, own: false },
        ]
    }

    fn own(kind: &str, value: &str) -> Self {
        Self { hash: hash(kind, value), pace: KNOWN, own: true }
    }
}

fn hash(kind: &str, value: &str) -> Vec<u8> {
    Sha256::digest(format!("{kind}:{value}")).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tries_are_free_and_the_others_line_up_slower_and_slower() {
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
        for pace in [PAIR, NETWORK, EMAIL, KNOWN] {
            assert!(
                pace.first <= pace.last && pace.last * 10 <= MAX_WAIT,
                "there is room for ten to wait: {pace:?}"
            );
        }
    }

    #[test]
    fn the_refusal_says_how_long_to_wait() {
        assert_eq!(
            Throttled(MAX_WAIT).to_string(),
            "Too many people try to sign in at this moment. Try again in 30 seconds."
        );
    }

    #[test]
    fn what_has_the_same_text_is_counted_apart() {
        assert_ne!(hash("email", "::1"), hash("network", "::1"));
        let of = |address: &str| {
            Subject::of_stranger("ada@example.com", Some(address.parse().unwrap())).remove(0).hash
        };
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:9"), "one line of a provider");
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
