//! First start: a one-time code in the log allows to create the first admin.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use super::audit::{self, AuditKind};
use super::organization::{self, Organization};
use super::{NewUser, User};
use crate::db::Conn;
use crate::db::schema::setup_codes;
use crate::error::{Error, Result};

/// Without letters and digits that look alike.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 12;
/// A code from a start longer ago than this is worth nothing; a restart prints a new one.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// The code that whoever can read the log types into the set-up page: 60 random bits, as
/// `ABCD-EFGH-JKLM`.
#[derive(Clone)]
pub struct SetupCode(String);

/// Makes a code when nobody has an account yet; the caller prints it. Codes of other processes that
/// start at the same time stay valid.
pub async fn code_if_no_users(conn: &mut Conn, now: DateTime<Utc>) -> Result<Option<SetupCode>> {
    diesel::delete(setup_codes::table.filter(setup_codes::created_at.lt(now - LIFETIME)))
        .execute(conn)
        .await?;
    if super::any(conn).await? {
        return Ok(None);
    }
    let code = SetupCode::generate();
    diesel::insert_into(setup_codes::table)
        .values((setup_codes::code_hash.eq(hash(&code.0)), setup_codes::created_at.eq(now)))
        .execute(conn)
        .await?;
    Ok(Some(code))
}

/// Whether this is a code that has been printed: asked before anything costly is done for whoever
/// sends one.
pub async fn is_code(conn: &mut Conn, code: &str, now: DateTime<Utc>) -> Result<bool> {
    let found =
        setup_codes::table.find(hash(code)).filter(setup_codes::created_at.ge(now - LIFETIME));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// Creates the first admin and names the organization, against a code; all codes are void
/// afterwards. Needs the caller's transaction.
pub async fn create_first_admin(
    conn: &mut Conn,
    code: &str,
    admin: &NewUser,
    settings: &Organization,
    now: DateTime<Utc>,
) -> Result<User> {
    // The organization's row is locked first, so that of two set-ups at once the second sees the
    // first one's admin.
    organization::lock(conn).await?;
    if super::any(conn).await? {
        return Err(Error::Refused("Carillon is already set up. Sign in instead.".to_owned()));
    }
    let known = diesel::delete(
        setup_codes::table.find(hash(code)).filter(setup_codes::created_at.ge(now - LIFETIME)),
    )
    .execute(conn)
    .await?;
    if known == 0 {
        return Err(wrong_code());
    }
    diesel::delete(setup_codes::table).execute(conn).await?;
    organization::update(conn, settings).await?;
    let user = super::create(conn, admin, now).await?;
    audit::record(
        conn,
        &(&user).into(),
        AuditKind::User,
        Some(user.id.0),
        "set Carillon up and became its first admin",
        now,
    )
    .await?;
    Ok(user)
}

/// What is said about a code that is none of ours.
#[must_use]
pub fn wrong_code() -> Error {
    Error::field(
        "code",
        "This is not the code. It stands in the log of the running server; a restart prints a new \
         one.",
    )
}

impl SetupCode {
    fn generate() -> Self {
        let bytes: [u8; LENGTH] = rand::random();
        let letters = bytes.map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        Self(
            letters
                .chunks(4)
                .map(|group| group.iter().collect::<String>())
                .collect::<Vec<_>>()
                .join("-"),
        )
    }

    /// The code, to be printed once.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SetupCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SetupCode(…)")
    }
}

/// The hash of a code as people type it: case, spaces and dashes do not matter.
fn hash(code: &str) -> Vec<u8> {
    let letters: String = code
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_uppercase())
        .collect();
    Sha256::digest(letters).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_recognised_however_it_is_typed() {
        let code = SetupCode::generate();
        assert_eq!(code.expose().len(), 14);
        let typed = format!(" {} ", code.expose().to_lowercase().replace('-', " "));
        assert_eq!(hash(&typed), hash(code.expose()));
        assert_ne!(hash(SetupCode::generate().expose()), hash(code.expose()));
        assert_eq!(format!("{code:?}"), "SetupCode(…)");
    }
}
