//! First start: a one-time code in the log allows the first admin to be created.

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

/// The characters of a code: no letters and digits that are easily confused.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const LENGTH: usize = 12;
/// How long a code is valid after the start that printed it; a restart prints a new one.
const LIFETIME: TimeDelta = TimeDelta::days(7);

/// The error of an invalid code.
pub const WRONG_CODE: &str = "This code is wrong. Find it in the log of the running server; a \
                              restart prints a new one.";

/// The code that a person who can read the log types into the setup page: 60 random bits, as
/// `ABCD-EFGH-JKLM`.
#[derive(Clone)]
pub struct SetupCode(String);

/// Creates a code if no user exists yet; the caller prints it. Codes of other processes that start
/// at the same time stay valid.
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

/// Whether this code has been printed; checked before anything costly is done for the client.
pub async fn is_code(conn: &mut Conn, code: &str, now: DateTime<Utc>) -> Result<bool> {
    let found =
        setup_codes::table.find(hash(code)).filter(setup_codes::created_at.ge(now - LIFETIME));
    Ok(diesel::select(diesel::dsl::exists(found)).get_result(conn).await?)
}

/// Creates the first admin and sets up the organization, if the code is valid; all codes become
/// invalid. Needs the caller's transaction.
pub async fn create_first_admin(
    conn: &mut Conn,
    code: &str,
    admin: &NewUser,
    settings: &Organization,
    now: DateTime<Utc>,
) -> Result<User> {
    // The organization's row is locked first, so that the second of two concurrent setups sees the
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
        return Err(Error::field("code", WRONG_CODE));
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

/// The hash of a code as it is typed: case, spaces and dashes do not matter.
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
