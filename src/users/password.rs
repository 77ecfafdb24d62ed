//! Passwords: what is accepted, how they are hashed (Argon2id), and how they are verified.

use std::sync::LazyLock;

use argon2::password_hash::phc;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use diesel::pg::{Pg, PgValue};
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

use crate::error::{Error, Result};

/// Shorter passwords are refused (NIST SP 800-63B asks for 8 and no composition rules; we ask for a
/// little more).
const MIN_LENGTH: usize = 10;
/// So many wait for their turn at most; the last of them a second or two.
const MAX_WAITING: usize = 100;
/// Longer passwords are refused: hashing megabytes would be a gift to attackers.
const MAX_LENGTH: usize = 200;

/// A password that meets the rules; never printed.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// The Argon2id hash of a password in PHC form, with its salt and parameters.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Text)]
pub struct PasswordHash(String);

/// Whose password is worked on: strangers, however many they are, take neither the machine nor the
/// turns of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordLane {
    /// Anybody's who can reach the log-in.
    Stranger,
    /// That of somebody who is signed in, or whose browser has been, or who has a link or code of
    /// ours.
    Known,
}

/// The work of a queue.
struct Work {
    /// How much is done at once: each takes a core and 19 MiB for a while.
    turns: Semaphore,
    /// How many wait for it or do it.
    waiting: Semaphore,
}

impl Work {
    const fn new(at_once: usize) -> Self {
        Self { turns: Semaphore::const_new(at_once), waiting: Semaphore::const_new(MAX_WAITING) }
    }
}

/// Why a password is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Under ten characters.
    #[error("Use at least {MIN_LENGTH} characters; a few unrelated words are good.")]
    TooShort,
    /// Over two hundred characters.
    #[error("Use at most {MAX_LENGTH} characters.")]
    TooLong,
    /// The same as the email address, or its first part repeated.
    #[error("The password must not be the email address.")]
    IsEmail,
    /// One character, repeated.
    #[error("The password must not be one character repeated.")]
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

    /// Hashes the password on a thread that may be kept busy: about 20 ms and 19 MiB.
    pub async fn hash(self) -> Result<PasswordHash> {
        busy(PasswordLane::Known, move || {
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

/// Whether `typed` is the password of `hash`, in the same time when there is no hash (so that the
/// time does not tell who has an account).
pub async fn verify(
    typed: SecretString,
    hash: Option<PasswordHash>,
    queue: PasswordLane,
) -> Result<bool> {
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| {
        Argon2::default().hash_password(b"nobody's password").ok().map(|hash| hash.to_string())
    });
    busy(queue, move || {
        let known = hash.is_some();
        let Some(text) = hash.map(|hash| hash.0).or_else(|| NOBODY.clone()) else { return false };
        let bytes = typed.expose_secret().as_bytes();
        let right = bytes.len() <= 4 * MAX_LENGTH
            && phc::PasswordHash::new(&text)
                .is_ok_and(|hash| Argon2::default().verify_password(bytes, &hash).is_ok());
        known && right
    })
    .await
}

/// Runs work on passwords, of each queue only so much at once.
async fn busy<T: Send + 'static>(
    queue: PasswordLane,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T> {
    static STRANGERS: Work = Work::new(2);
    static KNOWN: Work = Work::new(1);
    let Work { turns, waiting } = match queue {
        PasswordLane::Stranger => &STRANGERS,
        PasswordLane::Known => &KNOWN,
    };
    let Ok(_place) = waiting.try_acquire() else {
        return Err(Error::Refused(
            "Too many people sign in at this moment. Try again in a few seconds.".to_owned(),
        ));
    };
    let _turn = turns
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

impl ToSql<Text, Pg> for PasswordHash {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
        <str as ToSql<Text, Pg>>::to_sql(self.0.as_str(), out)
    }
}

impl FromSql<Text, Pg> for PasswordHash {
    fn from_sql(bytes: PgValue<'_>) -> deserialize::Result<Self> {
        <String as FromSql<Text, Pg>>::from_sql(bytes).map(Self)
    }
}

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
            verify("correct horse".into(), Some(hash.clone()), PasswordLane::Known).await.unwrap()
        );
        assert!(!verify("Correct horse".into(), Some(hash), PasswordLane::Stranger).await.unwrap());
        assert!(!verify("nobody's password".into(), None, PasswordLane::Stranger).await.unwrap());
    }
}
