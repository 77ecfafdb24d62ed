//! Logging in: throttled per email address and per client address, and silent about who has an account.
//!
//! A failure is counted before the password is looked at and taken back after success, so that guesses sent at the same
//! time cannot slip past the counter.

use std::net::IpAddr;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use super::password::{self, PasswordHash};
use crate::db::Conn;
use crate::db::schema::{login_failures, users};
use crate::error::Result;
use crate::types::id::UserId;

/// Tries for one email address before the first delay.
const FREE_BY_EMAIL: i32 = 5;
/// Tries from one client address before the first delay: more, since an office or a reverse proxy is one address for many people.
const FREE_BY_ADDRESS: i32 = 20;
const FIRST_DELAY: TimeDelta = TimeDelta::seconds(10);
const LONGEST_DELAY: TimeDelta = TimeDelta::minutes(15);
/// Failures are forgotten after this time without a further one.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::hours(1);

/// Somebody who wants to log in, counted, with the password not yet looked at.
#[derive(Debug)]
pub struct Attempt {
    subjects: [Subject; 2],
    account: Option<(UserId, PasswordHash)>,
}

/// Somebody whose password was right; consumed by [`succeed`].
#[derive(Debug)]
pub struct Verified {
    subjects: [Subject; 2],
    user: UserId,
}

/// Too many failures: nothing is looked at before the time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Too many failed attempts. Try again in {}.", in_words(*.0))]
pub struct Throttled(pub TimeDelta);

#[derive(Debug, Clone)]
struct Subject {
    hash: Vec<u8>,
    free: i32,
}

/// Begins a log-in within the caller's transaction, which must be committed also when the password turns out wrong.
///
/// `email` in lower case; `address` is that of the TCP peer (headers such as `X-Forwarded-For` can be forged).
pub async fn begin(
    conn: &mut Conn,
    email: &str,
    address: Option<IpAddr>,
    now: DateTime<Utc>,
) -> Result<std::result::Result<Attempt, Throttled>> {
    let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
    let subjects = [subject("email", email, FREE_BY_EMAIL), subject("address", &address, FREE_BY_ADDRESS)];
    for subject in &subjects {
        if let Some(throttled) = delayed(conn, subject, now).await? {
            return Ok(Err(throttled));
        }
    }
    for subject in &subjects {
        count_failure(conn, subject, now).await?;
    }
    let account = users::table
        .filter(users::email.eq(email))
        .filter(users::disabled_at.is_null())
        .select((users::id, users::password_hash))
        .first(conn)
        .await
        .optional()?;
    Ok(Ok(Attempt { subjects, account }))
}

impl Attempt {
    /// Looks at the password (slow on purpose; hold no connection meanwhile); `None` when it is wrong or nobody has this email address.
    pub async fn verify(self, password: SecretString) -> Result<Option<Verified>> {
        let (user, hash) = self.account.unzip();
        let right = password::verify(password, hash).await?;
        Ok(user.filter(|_| right).map(|user| Verified { subjects: self.subjects, user }))
    }
}

/// Takes the counted failure back and gives the user, who may now be signed in.
pub async fn succeed(conn: &mut Conn, verified: Verified, now: DateTime<Utc>) -> Result<UserId> {
    let [email, address] = verified.subjects;
    diesel::delete(login_failures::table.find(email.hash)).execute(conn).await?;
    // Only its own: else an attacker with an account of their own could reset the counter of their address.
    diesel::update(login_failures::table.find(address.hash).filter(login_failures::failures.gt(0)))
        .set(login_failures::failures.eq(login_failures::failures - 1))
        .execute(conn)
        .await?;
    diesel::delete(login_failures::table.filter(login_failures::last_failed_at.lt(now - FORGOTTEN_AFTER))).execute(conn).await?;
    Ok(verified.user)
}

async fn delayed(conn: &mut Conn, subject: &Subject, now: DateTime<Utc>) -> Result<Option<Throttled>> {
    let row: Option<(i32, DateTime<Utc>)> = login_failures::table
        .find(&subject.hash)
        .select((login_failures::failures, login_failures::last_failed_at))
        .for_update()
        .first(conn)
        .await
        .optional()?;
    Ok(row.and_then(|(failures, last)| remaining(failures, subject.free, now - last)).map(Throttled))
}

async fn count_failure(conn: &mut Conn, subject: &Subject, now: DateTime<Utc>) -> Result<()> {
    use diesel::dsl::case_when;

    diesel::insert_into(login_failures::table)
        .values((login_failures::subject_hash.eq(&subject.hash), login_failures::failures.eq(1), login_failures::last_failed_at.eq(now)))
        .on_conflict(login_failures::subject_hash)
        .do_update()
        .set((
            login_failures::failures.eq(case_when(
                login_failures::last_failed_at.lt(now - FORGOTTEN_AFTER),
                1.into_sql::<diesel::sql_types::Int4>(),
            )
            .otherwise(login_failures::failures + 1)),
            login_failures::last_failed_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// How long the next try has to wait, `since` the last failure; doubled with every failure beyond the free ones.
fn remaining(failures: i32, free: i32, since: TimeDelta) -> Option<TimeDelta> {
    if failures < free || since >= FORGOTTEN_AFTER {
        return None;
    }
    let doublings = u32::try_from(failures - free).unwrap_or_default().min(10);
    let delay = (FIRST_DELAY * 2_i32.pow(doublings)).min(LONGEST_DELAY);
    (since < delay).then(|| delay - since)
}

fn subject(kind: &str, value: &str, free: i32) -> Subject {
    Subject { hash: Sha256::digest(format!("{kind}:{value}")).to_vec(), free }
}

fn in_words(time: TimeDelta) -> String {
    let seconds = time.num_seconds() + i64::from(time.subsec_nanos() > 0);
    match (seconds, (seconds + 59) / 60) {
        (1, _) => "1 second".to_owned(),
        (..60, _) => format!("{seconds} seconds"),
        (60, _) => "1 minute".to_owned(),
        (_, minutes) => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tries_are_free_and_then_each_waits_twice_as_long() {
        assert_eq!(remaining(4, 5, TimeDelta::zero()), None);
        assert_eq!(remaining(5, 5, TimeDelta::zero()), Some(TimeDelta::seconds(10)));
        assert_eq!(remaining(6, 5, TimeDelta::seconds(5)), Some(TimeDelta::seconds(15)));
        assert_eq!(remaining(6, 5, TimeDelta::seconds(20)), None);
        assert_eq!(remaining(5_000, 5, TimeDelta::zero()), Some(LONGEST_DELAY));
        assert_eq!(remaining(5_000, 5, FORGOTTEN_AFTER), None);
    }

    #[test]
    fn the_refusal_says_how_long_to_wait() {
        assert_eq!(Throttled(TimeDelta::milliseconds(9_200)).to_string(), "Too many failed attempts. Try again in 10 seconds.");
        assert_eq!(Throttled(TimeDelta::seconds(61)).to_string(), "Too many failed attempts. Try again in 2 minutes.");
    }

    #[test]
    fn an_email_address_and_a_client_address_of_the_same_text_are_counted_apart() {
        assert_ne!(subject("email", "::1", 5).hash, subject("address", "::1", 5).hash);
    }
}
