//! Keys of sources: shown once, stored as a hash. A replaced key is accepted for a day, so that
//! nothing is lost while the program gets the new one.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::source::{Source, lock};
use crate::db::Conn;
use crate::db::schema::{source_keys, sources};
use crate::error::Result;
use crate::types::id::{SourceId, SourceKeyId};
use crate::types::key_secret::key_secret;
use crate::users::audit::{self, Actor, AuditKind};

/// How long a replaced key is still accepted.
const FORMER_KEY_ACCEPTED: TimeDelta = TimeDelta::hours(24);

/// A key of a source, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = source_keys, check_for_backend(diesel::pg::Pg))]
pub struct SourceKey {
    /// Identifier.
    pub id: SourceKeyId,
    /// The first characters of the key.
    pub prefix: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it stops being accepted, if it was replaced.
    pub expires_at: Option<DateTime<Utc>>,
}

key_secret!(
    /// The key as its holder presents it: `sk_` and 43 characters; never printed by accident.
    SourceKeySecret, "sk_", "SourceKey(…)"
);

/// The sources of these keys, in their order, `None` for those that are not accepted.
///
/// Nothing is cached: a replaced key expires, and a source is disabled, from the next call on. The
/// caller refuses a disabled source.
pub async fn authenticate(
    conn: &mut Conn,
    keys: &[SourceKeySecret],
    now: DateTime<Utc>,
) -> Result<Vec<Option<Source>>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let hashes: Vec<Vec<u8>> = keys.iter().map(SourceKeySecret::hash).collect();
    let found: HashMap<Vec<u8>, Source> = source_keys::table
        .inner_join(sources::table)
        .filter(source_keys::key_hash.eq_any(&hashes))
        .filter(source_keys::expires_at.is_null().or(source_keys::expires_at.gt(now)))
        .select((source_keys::key_hash, Source::as_select()))
        .load(conn)
        .await?
        .into_iter()
        .collect();
    Ok(hashes.iter().map(|hash| found.get(hash).cloned()).collect())
}

/// The keys of a source that are accepted, the newest first.
pub async fn accepted_keys(
    conn: &mut Conn,
    id: SourceId,
    now: DateTime<Utc>,
) -> Result<Vec<SourceKey>> {
    Ok(source_keys::table
        .filter(source_keys::source_id.eq(id))
        .filter(source_keys::expires_at.is_null().or(source_keys::expires_at.gt(now)))
        .order(source_keys::id.desc())
        .select(SourceKey::as_select())
        .load(conn)
        .await?)
}

/// Replaces the key of a source; the new one is in the returned value, and never readable again.
/// Needs the caller's transaction.
///
/// The former key is accepted for a day, unless the key is replaced once more before.
pub async fn replace_key(
    conn: &mut Conn,
    actor: &Actor,
    id: SourceId,
    now: DateTime<Utc>,
) -> Result<SourceKeySecret> {
    let source = lock(conn, id).await?;
    let of_source = || source_keys::table.filter(source_keys::source_id.eq(id));
    diesel::delete(of_source().filter(source_keys::expires_at.is_not_null())).execute(conn).await?;
    diesel::update(of_source())
        .set(source_keys::expires_at.eq(now + FORMER_KEY_ACCEPTED))
        .execute(conn)
        .await?;
    let key = insert(conn, id, now).await?;
    let summary = format!("replaced the key of the source “{}”", source.name);
    audit::record(conn, actor, AuditKind::Source, Some(id.0), &summary, now).await?;
    Ok(key)
}

/// Adds a key to a source.
pub(super) async fn insert(
    conn: &mut Conn,
    id: SourceId,
    now: DateTime<Utc>,
) -> Result<SourceKeySecret> {
    let key = SourceKeySecret::generate();
    diesel::insert_into(source_keys::table)
        .values((
            source_keys::id.eq(SourceKeyId::new()),
            source_keys::source_id.eq(id),
            source_keys::prefix.eq(key.prefix()),
            source_keys::key_hash.eq(key.hash()),
            source_keys::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::token::RandomToken;

    #[test]
    fn only_what_has_the_form_of_a_key_is_looked_up() {
        let text = format!("sk_{}", RandomToken::generate().expose());
        let key = SourceKeySecret::parse(&text).unwrap();
        assert_eq!((key.expose(), format!("{key:?}").as_str()), (text.as_str(), "SourceKey(…)"));
        for bad in ["", "sk_", "sk_short", &text[3..], &text.replace("sk_", "ck_")] {
            assert!(SourceKeySecret::parse(bad).is_none(), "{bad}");
        }
    }
}
