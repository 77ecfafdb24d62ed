//! Passwords: what is accepted, how they are hashed (Argon2id), and how they are verified.

use std::sync::LazyLock;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Text;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};
use crate::types::stored_as::stored_as;

/// The shortest accepted password, in characters (NIST SP 800-63B requires 8, and no composition
/// rules).
const MIN_LENGTH: usize = 10;
/// The largest number of tasks that wait or run in a queue; the last one waits a second or two.
const MAX_ADMITTED: usize = 100;
/// The longest accepted password, in characters: hashing megabytes would help attackers overload
/// the server.
const MAX_LENGTH: usize = 200;

/// A password that meets the rules; never printed.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// The Argon2id hash of a password in PHC form, with its salt and parameters.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct PasswordHash(String);

/// The queue of a task on a password: unknown clients, however many, take neither the whole machine
/// nor the turns of known users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordQueue {
    /// Tasks of any client that can reach the log-in.
    Unknown,
    /// Tasks of a user who is signed in, whose browser has been, or who has a link or code of ours.
    Known,
}

/// The limits of a queue.
struct QueueLimits {
    /// The concurrency limit: each task takes a core and 19 MiB for a while.
    running: Semaphore,
    /// Permits of the tasks that wait or run.
    admitted: Semaphore,
}

impl QueueLimits {
    const fn new(concurrency: usize) -> Self {
        Self {
            running: Semaphore::const_new(concurrency),
            admitted: Semaphore::const_new(MAX_ADMITTED),
        }
    }
}

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Under ten characters.
    #[error("Use at least {MIN_LENGTH} characters. A few unrelated words work well.")]
    TooShort,
    /// Over two hundred characters.
    #[error("Use at most {MAX_LENGTH} characters.")]
    TooLong,
    /// The same as the email address.
    #[error("Choose a password that is not the email address.")]
    IsEmail,
    /// One character, repeated.
    #[error("Choose a password with different characters.")]
    OneCharacter,
}

impl Password {
    /// Accepts 10 to 200 characters that are not the email address and not one character repeated.
    pub fn parse(text: &str, email: &str) -> std::result::Result<Self, PasswordError> {
        let length = text.chars().count();
        if length < MIN_LENGTH {
            return Err(PasswordError::TooShort);
        }
        if length > MAX_LENGTH {
            return Err(PasswordError::TooLong);
        }
        if text.trim().eq_ignore_ascii_case(email.trim()) {
            return Err(PasswordError::IsEmail);
        }
        let mut characters = text.chars();
        let first = characters.next();
        if characters.all(|character| Some(character) == first) {
            return Err(PasswordError::OneCharacter);
        }
        Ok(Self(text.into()))
    }

    /// Hashes the password on a blocking thread: about 20 ms and 19 MiB.
    pub async fn hash(self) -> Result<PasswordHash> {
        run_queued(PasswordQueue::Known, move || {
            Argon2::default()
                .hash_password(self.0.expose_secret().as_bytes())
                .map(|hash| PasswordHash(hash.to_string()))
                .map_err(|error| {
                    Error::Internal(format!("a password could not be hashed: {error}"))
                })
        })
        .await?
    }
}

/// Whether `typed` is the password of `hash`. Takes the same time without a hash, so that the time
/// does not reveal who has an account.
pub async fn verify(
    typed: SecretString,
    hash: Option<PasswordHash>,
    queue: PasswordQueue,
) -> Result<bool> {
    static DUMMY_HASH: LazyLock<Option<String>> = LazyLock::new(|| {
        Argon2::default()
            .hash_password(b"the password of no user")
            .ok()
            .map(|hash| hash.to_string())
    });
    run_queued(queue, move || {
        let known = hash.is_some();
        let Some(text) = hash.map(|hash| hash.0).or_else(|| DUMMY_HASH.clone()) else {
            return false;
        };
        let bytes = typed.expose_secret().as_bytes();
        let right = bytes.len() <= 4 * MAX_LENGTH
            && phc::PasswordHash::new(&text)
                .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok());
        known && right
    })
    .await
}

/// Runs a task on a password on a blocking thread, within the limits of its queue.
async fn run_queued<T: Send + 'static>(
    queue: PasswordQueue,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static UNKNOWN: QueueLimits = QueueLimits::new(2);
    static KNOWN: QueueLimits = QueueLimits::new(1);
    let QueueLimits { running, admitted } = match queue {
        PasswordQueue::Unknown => &UNKNOWN,
        PasswordQueue::Known => &KNOWN,
    };
    let Ok(_admitted) = admitted.try_acquire() else {
        return Err(Error::Refused(
            "Too many sign-ins at the moment. Try again in a few seconds.".to_owned(),
        ));
    };
    let _running = running
        .acquire()
        .await
        .map_err(|error| Error::Internal(format!("password work stopped: {error}")))?;
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(format!("password work stopped: {error}")))
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

stored_as!(Text, PasswordHash);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passwords_are_refused_with_their_reason() {
        let refused = |text: &str| Password::parse(text, "ada.lovelace@example.com").unwrap_err();
        assert_eq!(refused("too short"), PasswordError::TooShort);
        assert_eq!(refused(&"ab".repeat(101)), PasswordError::TooLong);
        assert_eq!(refused("Ada.Lovelace@example.com"), PasswordError::IsEmail);
        assert_eq!(refused("aaaaaaaaaaaa"), PasswordError::OneCharacter);
        assert!(Password::parse("ein schöner Satz", "ada@example.com").is_ok());
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let hash = Password::parse("correct horse", "").unwrap().hash().await.unwrap();
        assert!(hash.0.starts_with("$argon2id$"));
        assert!(
            verify("correct horse".into(), Some(hash.clone()), PasswordQueue::Known).await.unwrap()
        );
        assert!(!verify("Correct horse".into(), Some(hash), PasswordQueue::Unknown).await.unwrap());
        assert!(
            !verify("the password of no user".into(), None, PasswordQueue::Unknown).await.unwrap()
        );
    }
}
