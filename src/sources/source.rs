//! A source as it is stored, and queries for sources.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use secrecy::SecretString;
use serde_json::Value;

use crate::db::Conn;
use crate::db::schema::sources;
use crate::error::{Error, Result};
use crate::types::id::SourceId;
use crate::types::sealed::{Sealed, SecretKey};
use crate::types::text_enum::text_enum;

/// The most sources that there can be.
pub const MAX_SOURCES: i64 = 1_000;

text_enum! {
    /// What a source sends.
    pub enum SourceKind {
        /// Segment's protocol: `POST /v1/batch`, `/v1/track` and so on.
        Segment = "segment",
        /// Any JSON or form, at a URL of its own.
        Webhook = "webhook",
    }
}

/// Where events and contacts come from.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sources, check_for_backend(Pg))]
pub struct Source {
    /// Identifier.
    pub id: SourceId,
    /// What people call it; unique.
    pub name: String,
    /// What it sends.
    pub kind: SourceKind,
    /// Whether its requests are accepted.
    pub enabled: bool,
    /// Where its requests have the contact and the event: a
    /// [`SegmentMapping`](super::segment::SegmentMapping) or a
    /// [`WebhookMapping`](super::webhook::WebhookMapping).
    pub mapping: Value,
    /// How it proves who it is: a [`WebhookVerification`](super::webhook::WebhookVerification); of
    /// Segment's protocol always by key.
    pub verification: Value,
    /// The secret of the verification, sealed.
    pub verification_secret: Option<Sealed>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When its settings last changed.
    pub updated_at: DateTime<Utc>,
    /// When a request was last accepted or rejected, to the minute.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// The source with this id.
pub async fn find(conn: &mut Conn, id: SourceId) -> Result<Source> {
    let found = sources::table.find(id).select(Source::as_select()).first(conn).await.optional()?;
    found.ok_or(Error::NotFound("source"))
}

/// The source with this id, locked for a change.
pub(super) async fn lock(conn: &mut Conn, id: SourceId) -> Result<Source> {
    let found = sources::table
        .find(id)
        .select(Source::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    found.ok_or(Error::NotFound("source"))
}

/// All sources, by name.
pub async fn list(conn: &mut Conn) -> Result<Vec<Source>> {
    Ok(sources::table
        .order((sources::name, sources::id))
        .limit(MAX_SOURCES)
        .select(Source::as_select())
        .load(conn)
        .await?)
}

impl Source {
    /// The secret of its verification, if it has one.
    pub fn secret(&self, key: &SecretKey) -> Result<Option<SecretString>> {
        let unsealed = self
            .verification_secret
            .as_ref()
            .map(|sealed| sealed.unseal(key, &seal_context(self.id)))
            .transpose();
        unsealed.map_err(|error| {
            Error::Internal(format!("The secret of the source {} can’t be read: {error}", self.id))
        })
    }
}

/// The error for a name that another source has.
pub(super) fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint(
        "sources_name_key",
        "name",
        "Another source has this name. Choose a different one.",
    )
}

/// Seals the secret of a source's verification.
pub(super) fn seal(key: &SecretKey, id: SourceId, secret: &SecretString) -> Sealed {
    Sealed::seal(key, secret, &seal_context(id))
}

fn seal_context(id: SourceId) -> String {
    format!("sources.verification_secret:{id}")
}
