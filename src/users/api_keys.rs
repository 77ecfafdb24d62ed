//! Keys for the JSON API: shown once, stored as a hash.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::Role;
use super::audit::{self, Actor, ActorKind, AuditKind};
use crate::db::Conn;
use crate::db::schema::api_keys;
use crate::error::{Error, Result};
use crate::types::id::ApiKeyId;
use crate::types::invisible_characters::is_invisible;
use crate::types::key_secret::key_secret;

/// The shortest interval between two writes of `last_used_at`.
const USED_INTERVAL: TimeDelta = TimeDelta::minutes(1);

/// A program that may use the API.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = api_keys, check_for_backend(diesel::pg::Pg))]
pub struct ApiKey {
    /// Identifier.
    pub id: ApiKeyId,
    /// What it is for, as a user describes it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// The first characters of the key.
    pub prefix: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// When it stopped being accepted.
    pub revoked_at: Option<DateTime<Utc>>,
}

impl From<&ApiKey> for Actor {
    fn from(key: &ApiKey) -> Self {
        Self::named(ActorKind::ApiKey, key.id.0, &key.name)
    }
}

key_secret!(
    /// The key as its holder presents it: `ck_` and 43 characters; never printed by accident.
    ApiKeySecret, "ck_", "Key(…)"
);

#[derive(Insertable)]
#[diesel(table_name = api_keys)]
struct Row<'a> {
    id: ApiKeyId,
    name: &'a str,
    role: Role,
    prefix: &'a str,
    key_hash: Vec<u8>,
    created_at: DateTime<Utc>,
}

/// Creates a key; its secret is in the returned value, and never readable again. Needs the caller's
/// transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    name: &str,
    role: Role,
    now: DateTime<Utc>,
) -> Result<(ApiKey, ApiKeySecret)> {
    let name = name.trim();
    if is_invisible(name) || name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Err(Error::field("name", "Enter a name of up to 100 characters."));
    }
    let key = ApiKeySecret::generate();
    let row = Row {
        id: ApiKeyId::new(),
        name,
        role,
        prefix: key.prefix(),
        key_hash: key.hash(),
        created_at: now,
    };
    let created: ApiKey = diesel::insert_into(api_keys::table)
        .values(row)
        .returning(ApiKey::as_returning())
        .get_result(conn)
        .await?;
    audit::record(
        conn,
        actor,
        AuditKind::ApiKey,
        Some(created.id.0),
        &format!("created the API key “{name}”, with the role {role}"),
        now,
    )
    .await?;
    Ok((created, key))
}

/// The API keys of these secrets, in their order, `None` for those that are not accepted; records
/// their use.
pub async fn authenticate(
    conn: &mut Conn,
    keys: &[ApiKeySecret],
    now: DateTime<Utc>,
) -> Result<Vec<Option<ApiKey>>> {
    let hashes: Vec<Vec<u8>> = keys.iter().map(ApiKeySecret::hash).collect();
    let found: HashMap<Vec<u8>, ApiKey> = api_keys::table
        .filter(api_keys::key_hash.eq_any(&hashes))
        .filter(api_keys::revoked_at.is_null())
        .select((api_keys::key_hash, ApiKey::as_select()))
        .load(conn)
        .await?
        .into_iter()
        .collect();
    let is_stale = |key: &&ApiKey| key.last_used_at.is_none_or(|used| now - used >= USED_INTERVAL);
    let used: Vec<ApiKeyId> = found.values().filter(is_stale).map(|key| key.id).collect();
    if !used.is_empty() {
        diesel::update(api_keys::table.filter(api_keys::id.eq_any(used)))
            .set(api_keys::last_used_at.eq(now))
            .execute(conn)
            .await?;
    }
    Ok(hashes.iter().map(|hash| found.get(hash).cloned()).collect())
}

/// All keys, the newest first.
pub async fn list(conn: &mut Conn) -> Result<Vec<ApiKey>> {
    Ok(api_keys::table
        .order(api_keys::id.desc())
        .select(ApiKey::as_select())
        .limit(1_000)
        .load(conn)
        .await?)
}

/// Stops accepting a key. Needs the caller's transaction.
pub async fn revoke(
    conn: &mut Conn,
    actor: &Actor,
    id: ApiKeyId,
    now: DateTime<Utc>,
) -> Result<ApiKey> {
    let revoked: Option<ApiKey> =
        diesel::update(api_keys::table.find(id).filter(api_keys::revoked_at.is_null()))
            .set(api_keys::revoked_at.eq(now))
            .returning(ApiKey::as_returning())
            .get_result(conn)
            .await
            .optional()?;
    let revoked = revoked.ok_or(Error::NotFound("API key"))?;
    audit::record(
        conn,
        actor,
        AuditKind::ApiKey,
        Some(id.0),
        &format!("revoked the API key “{}”", revoked.name),
        now,
    )
    .await?;
    Ok(revoked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::token::RandomToken;

    #[test]
    fn only_what_has_the_form_of_a_key_is_looked_up() {
        let text = format!("ck_{}", RandomToken::generate().expose());
        assert_eq!(ApiKeySecret::parse(&text).unwrap().expose(), text);
        for bad in ["", "ck_", "ck_short", &text[3..], &text.replace("ck_", "sk_")] {
            assert!(ApiKeySecret::parse(bad).is_none(), "{bad}");
        }
    }
}
