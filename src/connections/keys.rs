//! The keys of a Twilio account: their format, and how they are sealed at rest.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::{ExposeSecret, SecretString};

use super::seal_context::seal_context;
use crate::db::Conn;
use crate::db::schema::connections;
use crate::error::{Error, FieldErrors, Result};
use crate::twilio::sid::{AccountSid, ApiKeySid, SidError};
use crate::twilio::{CredentialKind, Credentials};
use crate::types::id::ConnectionId;
use crate::types::mistake::Mistake;
use crate::types::sealed::{Sealed, SecretKey};

/// Keys as a user enters them: the text of each field, empty if nothing was entered.
#[derive(Debug, Clone, Default)]
pub struct NewKeys {
    /// `AC…`
    pub account_sid: String,
    /// The account's Auth Token: 32 hexadecimal digits.
    pub auth_token: SecretString,
    /// `SK…`
    pub api_key_sid: String,
    /// The API key's secret, which Twilio shows only once.
    pub api_key_secret: SecretString,
}

/// Well-formed keys: an account with an Auth Token, an API key, or both.
#[derive(Debug, Clone)]
pub struct Keys {
    account_sid: AccountSid,
    secrets: Secrets,
}

#[derive(Debug, Clone)]
enum Secrets {
    AuthToken(SecretString),
    ApiKey { key: ApiKey, auth_token: Option<SecretString> },
}

#[derive(Debug, Clone)]
struct ApiKey {
    sid: ApiKeySid,
    secret: SecretString,
}

/// The stored keys, sealed for their column and row.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = connections, treat_none_as_null = true, check_for_backend(diesel::pg::Pg))]
pub(super) struct SealedKeys {
    auth_token: Option<Sealed>,
    api_key_sid: Option<String>,
    api_key_secret: Option<Sealed>,
}

impl Keys {
    /// Checks the format of the entered keys. The error names every invalid field and never quotes
    /// a secret.
    pub fn parse(new: &NewKeys) -> std::result::Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let account_sid = match new.account_sid.trim() {
            "" => {
                errors.add(
                    "account_sid",
                    Mistake::Missing.with_hint(
                        "Enter the Account SID: AC and 32 characters, from the Account Dashboard \
                         of Twilio’s console.",
                    ),
                );
                None
            }
            text => errors
                .check("account_sid", AccountSid::parse(text).map_err(|error| sentence(&error))),
        };
        let key_sid = match new.api_key_sid.trim() {
            "" => None,
            text => Some(
                errors
                    .check("api_key_sid", ApiKeySid::parse(text).map_err(|error| sentence(&error))),
            ),
        };
        let key_secret = parse_secret(&new.api_key_secret, "api_key_secret", &mut errors);
        let api_key = match (key_sid, key_secret) {
            (Some(sid), Some(secret)) => sid.map(|sid| ApiKey { sid, secret }),
            (Some(_), None) => {
                errors.add(
                    "api_key_secret",
                    Mistake::Missing.with_hint(
                        "Enter the secret of this API key. If you lost it, create a new key at \
                         Twilio.",
                    ),
                );
                None
            }
            (None, Some(_)) => {
                errors.add(
                    "api_key_sid",
                    Mistake::Missing.with_hint("Enter the SID of this secret’s API key (SK…)."),
                );
                None
            }
            (None, None) => None,
        };
        let auth_token = parse_secret(&new.auth_token, "auth_token", &mut errors);
        let secrets = Secrets::of(auth_token, api_key);
        if secrets.is_none() && errors.iter().all(|(field, _)| field == "account_sid") {
            errors.add(
                "auth_token",
                Mistake::Missing
                    .with_hint("Enter the account’s Auth Token, or an API key with its secret."),
            );
        }
        match (account_sid, secrets) {
            (Some(account_sid), Some(secrets)) if errors.is_empty() => {
                Ok(Self { account_sid, secrets })
            }
            _ => Err(errors),
        }
    }

    /// `AC…`
    pub const fn account_sid(&self) -> &AccountSid {
        &self.account_sid
    }

    /// Whether there is an Auth Token, which webhook signatures are checked with.
    pub const fn has_auth_token(&self) -> bool {
        self.auth_token().is_some()
    }

    /// The SID of the API key, if there is one.
    pub fn api_key_sid(&self) -> Option<&ApiKeySid> {
        self.api_key().map(|key| &key.sid)
    }

    /// The credentials for requests: the API key if there is one, since it can be revoked alone;
    /// else the Auth Token.
    pub fn credentials(&self) -> Credentials {
        match &self.secrets {
            Secrets::AuthToken(token) => {
                self.credentials_with(CredentialKind::AuthToken(token.clone()))
            }
            Secrets::ApiKey { key, .. } => self.credentials_with(CredentialKind::ApiKey {
                sid: key.sid.clone(),
                secret: key.secret.clone(),
            }),
        }
    }

    /// Credentials with the Auth Token, if there is one.
    pub(super) fn token_credentials(&self) -> Option<Credentials> {
        self.auth_token()
            .map(|token| self.credentials_with(CredentialKind::AuthToken(token.clone())))
    }

    pub(super) const fn auth_token(&self) -> Option<&SecretString> {
        match &self.secrets {
            Secrets::AuthToken(token) => Some(token),
            Secrets::ApiKey { auth_token, .. } => auth_token.as_ref(),
        }
    }

    const fn api_key(&self) -> Option<&ApiKey> {
        match &self.secrets {
            Secrets::AuthToken(_) => None,
            Secrets::ApiKey { key, .. } => Some(key),
        }
    }

    fn credentials_with(&self, kind: CredentialKind) -> Credentials {
        Credentials { account_sid: self.account_sid.clone(), kind }
    }

    /// Unseals the keys of the row `id`.
    pub(super) fn unseal(
        account_sid: &str,
        sealed: &SealedKeys,
        key: &SecretKey,
        id: ConnectionId,
    ) -> Result<Self> {
        let unseal = |sealed: &Sealed, column: &str| {
            sealed
                .unseal(key, &seal_context(column, id))
                .map_err(|error| Error::Refused(format!("The saved keys can’t be read: {error}.")))
        };
        let invalid_sid = |error: SidError| {
            Error::Internal(format!("Connection {id} has an invalid SID: {error}."))
        };
        let account_sid = AccountSid::parse(account_sid).map_err(invalid_sid)?;
        let auth_token =
            sealed.auth_token.as_ref().map(|token| unseal(token, AUTH_TOKEN)).transpose()?;
        let api_key = match (&sealed.api_key_sid, &sealed.api_key_secret) {
            (Some(sid), Some(secret)) => Some(ApiKey {
                sid: ApiKeySid::parse(sid).map_err(invalid_sid)?,
                secret: unseal(secret, API_KEY_SECRET)?,
            }),
            _ => None,
        };
        let no_keys = || {
            Error::Internal(format!(
                "Connection {id} has no keys, which the database does not allow."
            ))
        };
        Ok(Self { account_sid, secrets: Secrets::of(auth_token, api_key).ok_or_else(no_keys)? })
    }
}

impl Secrets {
    fn of(auth_token: Option<SecretString>, api_key: Option<ApiKey>) -> Option<Self> {
        match (auth_token, api_key) {
            (auth_token, Some(key)) => Some(Self::ApiKey { key, auth_token }),
            (Some(token), None) => Some(Self::AuthToken(token)),
            (None, None) => None,
        }
    }
}

impl SealedKeys {
    /// Seals the secrets for the row `id`.
    pub(super) fn seal(key: &SecretKey, id: ConnectionId, keys: &Keys) -> Self {
        let seal = |secret: &SecretString, column: &str| {
            Sealed::seal(key, secret, &seal_context(column, id))
        };
        Self {
            auth_token: keys.auth_token().map(|token| seal(token, AUTH_TOKEN)),
            api_key_sid: keys.api_key().map(|key| key.sid.to_string()),
            api_key_secret: keys.api_key().map(|key| seal(&key.secret, API_KEY_SECRET)),
        }
    }
}

/// The unsealed keys of a connection; `Error::Refused` if another secret key sealed them.
pub async fn keys(conn: &mut Conn, id: ConnectionId, key: &SecretKey) -> Result<Keys> {
    let found: Option<(String, SealedKeys)> = connections::table
        .find(id)
        .select((connections::account_sid, SealedKeys::as_select()))
        .first(conn)
        .await
        .optional()?;
    let (account_sid, sealed) = found.ok_or(Error::NotFound("connection"))?;
    Keys::unseal(&account_sid, &sealed, key, id)
}

/// The credentials for a connection's requests.
pub async fn credentials(
    conn: &mut Conn,
    id: ConnectionId,
    key: &SecretKey,
) -> Result<Credentials> {
    Ok(keys(conn, id, key).await?.credentials())
}

/// Checks that this secret key sealed the saved keys; `Error::Refused` if not. Any key passes if
/// there are no connections.
pub async fn check_secret_key(conn: &mut Conn, key: &SecretKey) -> Result<()> {
    let newest: Option<ConnectionId> = connections::table
        .select(connections::id)
        .order(connections::id.desc())
        .first(conn)
        .await
        .optional()?;
    match newest {
        Some(id) => keys(conn, id, key).await.map(drop),
        None => Ok(()),
    }
}

const AUTH_TOKEN: &str = "auth_token";
const API_KEY_SECRET: &str = "api_key_secret";

/// The trimmed secret; `None` if nothing was entered.
///
/// Adds a field error only for text that can never be a key; Twilio decides about the rest.
fn parse_secret(
    secret: &SecretString,
    field: &str,
    errors: &mut FieldErrors,
) -> Option<SecretString> {
    let text = secret.expose_secret().trim();
    if text.is_empty() {
        return None;
    }
    if AccountSid::parse(text).is_ok() || ApiKeySid::parse(text).is_ok() {
        errors.add(field, "This is a SID, not a secret. Copy its secret from Twilio’s console.");
    } else if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        errors.add(
            field,
            "Use letters and digits only. Copy it again from Twilio’s console, without spaces or \
             quotes.",
        );
    }
    Some(text.into())
}

/// A parser's error as a complete sentence.
fn sentence(error: &SidError) -> String {
    let text = error.to_string();
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
