//! Changes and deletes sources.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::settings::{
    CheckedVerification, check_mapping, check_name, check_verification, note_missing_secret,
};
use super::source::{Source, lock, name_taken, seal};
use crate::automations::{self, AutomationStatus};
use crate::db::Conn;
use crate::db::schema::sources;
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::SourceId;
use crate::types::sealed::{Sealed, SecretKey};
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// How many automations of a source are looked at before it is deleted.
const MAX_USES: i64 = 1_000;

/// Changes to a source, as they were written; a field that is `None` leaves the value as it is.
#[derive(Clone, Default)]
pub struct SourcePatch {
    /// A new name; a taken one results in the field error `name`.
    pub name: Option<String>,
    /// `false` refuses its requests from the commit on.
    pub enabled: Option<bool>,
    /// A new mapping.
    pub mapping: Option<Value>,
    /// A new verification. Without `secret`, the stored one stays, as long as the type does.
    pub verification: Option<Value>,
}

/// Applies all changes or none, and records the differences in the audit log. Needs the caller's
/// transaction.
pub async fn update(
    conn: &mut Conn,
    actor: &Actor,
    id: SourceId,
    patch: SourcePatch,
    secret_key: &SecretKey,
    now: DateTime<Utc>,
) -> Result<Source> {
    let before = lock(conn, id).await?;
    let is_new_secret =
        patch.verification.as_ref().is_some_and(|written| written.get("secret").is_some());
    let after = patch.apply(&before, secret_key)?;
    let state = |source: &Source| if source.enabled { "enabled" } else { "disabled" };
    let differences = Differences::default()
        .compare("the name", &before.name, &after.name)
        .compare("its state", state(&before), state(&after))
        .mention("its mapping", before.mapping != after.mapping)
        .mention("its verification", before.verification != after.verification)
        .mention("its secret", is_new_secret);
    if differences.is_empty() {
        return Ok(before);
    }
    let updated: Source = diesel::update(sources::table.find(id))
        .set((
            sources::name.eq(&after.name),
            sources::enabled.eq(after.enabled),
            sources::mapping.eq(&after.mapping),
            sources::verification.eq(&after.verification),
            sources::verification_secret.eq(&after.verification_secret),
            sources::updated_at.eq(now),
        ))
        .returning(Source::as_returning())
        .get_result(conn)
        .await
        .map_err(name_taken)?;
    let summary = format!("changed the source “{}”: {differences}", before.name);
    audit::record(conn, actor, AuditKind::Source, Some(id.0), &summary, now).await?;
    Ok(updated)
}

/// Deletes a source with its keys, deliveries and counts; refused while an active automation waits
/// for its events. Events that it has reported stay. Needs the caller's transaction.
pub async fn delete(
    conn: &mut Conn,
    actor: &Actor,
    id: SourceId,
    now: DateTime<Utc>,
) -> Result<Source> {
    let source = lock(conn, id).await?;
    let uses = automations::of_source(conn, id, MAX_USES).await?;
    if let Some(user) = uses.iter().find(|user| user.status == AutomationStatus::Active) {
        return Err(Error::Refused(format!(
            "The automation “{}” waits for events of this source. Pause it first, or change its \
             trigger.",
            user.name
        )));
    }
    diesel::delete(sources::table.find(id)).execute(conn).await?;
    let summary = format!("deleted the source “{}”", source.name);
    audit::record(conn, actor, AuditKind::Source, Some(id.0), &summary, now).await?;
    Ok(source)
}

impl SourcePatch {
    /// Returns the changed source; the error names every wrong field.
    fn apply(self, before: &Source, secret_key: &SecretKey) -> Result<Source> {
        let mut after = before.clone();
        let mut errors = FieldErrors::default();
        if let Some(name) = self.name.and_then(|name| check_name(&name, &mut errors)) {
            after.name = name;
        }
        if let Some(written) = &self.mapping
            && let Some(mapping) = check_mapping(before.kind, Some(written), &mut errors)
        {
            after.mapping = mapping;
        }
        if let Some(written) = &self.verification
            && let Some(checked) = check_verification(before.kind, Some(written), &mut errors)
        {
            after.verification_secret = secret_after(before, &checked, secret_key, &mut errors);
            after.verification = checked.shown;
        }
        errors.into_result()?;
        after.enabled = self.enabled.unwrap_or(before.enabled);
        Ok(after)
    }
}

/// The sealed secret of a new verification: the written one, or the stored one of the same type.
fn secret_after(
    before: &Source,
    checked: &CheckedVerification,
    secret_key: &SecretKey,
    errors: &mut FieldErrors,
) -> Option<Sealed> {
    if !checked.lacks_secret() {
        return checked.secret.as_ref().map(|secret| seal(secret_key, before.id, secret));
    }
    if before.verification["type"] != checked.shown["type"] {
        note_missing_secret(errors);
        return None;
    }
    before.verification_secret.clone()
}

impl std::fmt::Debug for SourcePatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourcePatch").field("name", &self.name).finish_non_exhaustive()
    }
}
