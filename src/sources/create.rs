//! Creates sources, each with its first key.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::settings::{check_mapping, check_name, check_verification};
use super::source::{MAX_SOURCES, Source, SourceKind, name_taken, seal};
use super::source_key::{self, SourceKeySecret};
use crate::db::Conn;
use crate::db::schema::sources;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::SourceId;
use crate::types::sealed::SecretKey;
use crate::users::audit::{self, Actor, AuditKind};

/// A source to create, as it was written.
#[derive(Clone)]
pub struct NewSource {
    /// What people call it; unique.
    pub name: String,
    /// What it sends.
    pub kind: SourceKind,
    /// Whether its requests are accepted.
    pub enabled: bool,
    /// Where its requests have the contact and the event; `None` for the usual mapping of the kind.
    pub mapping: Option<Value>,
    /// How it proves who it is; `None` for its key. A secret may follow, since shops show theirs
    /// once they know the source's address; until then, every request is rejected.
    pub verification: Option<Value>,
}

/// Creates a source with its first key, which is in the returned value, and never readable again.
/// Errors are by field (`name`, `mapping.…`, `verification.…`). Needs the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    new: NewSource,
    secret_key: &SecretKey,
    now: DateTime<Utc>,
) -> Result<(Source, SourceKeySecret)> {
    let mut errors = FieldErrors::default();
    let name = check_name(&new.name, &mut errors);
    let mapping = check_mapping(new.kind, new.mapping.as_ref(), &mut errors);
    let verification = check_verification(new.kind, new.verification.as_ref(), &mut errors);
    let (Some(name), Some(mapping), Some(verification)) = (name, mapping, verification) else {
        return Err(Error::Invalid(errors));
    };
    errors.into_result()?;
    let existing: i64 = sources::table.count().get_result(conn).await?;
    if existing >= MAX_SOURCES {
        return Err(Error::Refused(
            "There are 1,000 sources already. Delete one that you don’t need.".to_owned(),
        ));
    }

    let id = SourceId::new();
    let sealed = verification.secret.as_ref().map(|secret| seal(secret_key, id, secret));
    let created: Source = diesel::insert_into(sources::table)
        .values((
            sources::id.eq(id),
            sources::name.eq(&name),
            sources::kind.eq(new.kind),
            sources::enabled.eq(new.enabled),
            sources::mapping.eq(mapping),
            sources::verification.eq(verification.shown),
            sources::verification_secret.eq(sealed),
            sources::created_at.eq(now),
            sources::updated_at.eq(now),
        ))
        .returning(Source::as_returning())
        .get_result(conn)
        .await
        .map_err(name_taken)?;
    let key = source_key::insert(conn, id, now).await?;
    let summary = format!("created the source “{name}”, {}", new.kind);
    audit::record(conn, actor, AuditKind::Source, Some(id.0), &summary, now).await?;
    Ok((created, key))
}

impl std::fmt::Debug for NewSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewSource").field("name", &self.name).finish_non_exhaustive()
    }
}
