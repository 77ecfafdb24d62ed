//! Tagging: adds tags to contacts and removes them; nothing else follows from it.

use chrono::{DateTime, Utc};
use diesel::prelude::{ExpressionMethods, OptionalExtension};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::stored_tags::find_stored;
use super::tag_name::TagName;
use crate::contacts::ContactChange;
use crate::db::Conn;
use crate::db::schema::{contact_tags, tags};
use crate::db::statement::statement;
use crate::error::{Error, Result};
use crate::types::id::{ContactId, TagId};

statement! {
    /// Removes a tag from contacts, and records that they had it; returns those that had it.
    struct Remove<'a> {
        contact_ids: &'a [ContactId] => Array<SqlUuid>,
        tag: &'a str => Text,
        now: DateTime<Utc> => Timestamptz,
    }
    returns SqlUuid;
    "WITH gone AS (
         DELETE FROM contact_tags
         USING tags
         WHERE contact_id = ANY ({contact_ids})
           AND tag_id = tags.id
           AND lower(tags.name) = lower({tag})
         RETURNING contact_id, tag_id, added_at
     )
     INSERT INTO removed_tags (contact_id, tag_id, added_at, removed_at)
     SELECT contact_id, tag_id, added_at, {now} FROM gone
     RETURNING contact_id"
}

/// Adds a tag to a contact; `None` if the contact has it already.
///
/// This only labels: when a user or program adds a tag, use [`add_by_hand`](super::add_by_hand), so
/// that the STOP tag takes effect.
pub async fn add(
    conn: &mut Conn,
    contact_id: ContactId,
    tag: &TagName,
    now: DateTime<Utc>,
) -> Result<Option<ContactChange>> {
    Ok(add_many(conn, &[contact_id], tag, now).await?.pop())
}

/// Adds a tag to many contacts in one statement; returns the changes of those that did not have it.
pub async fn add_many(
    conn: &mut Conn,
    contact_ids: &[ContactId],
    tag: &TagName,
    now: DateTime<Utc>,
) -> Result<Vec<ContactChange>> {
    if contact_ids.is_empty() {
        return Ok(Vec::new());
    }
    let (tag_id, tag) = find_or_create(conn, tag, now).await?;
    let mut ids = contact_ids.to_vec();
    ids.sort_unstable();
    let rows: Vec<_> = ids
        .into_iter()
        .map(|id| {
            (
                contact_tags::contact_id.eq(id),
                contact_tags::tag_id.eq(tag_id),
                contact_tags::added_at.eq(now),
            )
        })
        .collect();
    let added: Vec<ContactId> = diesel::insert_into(contact_tags::table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(contact_tags::contact_id)
        .get_results(conn)
        .await
        .map_err(without_contact)?;
    Ok(added
        .into_iter()
        .map(|contact_id| ContactChange::TagAdded { contact_id, tag: tag.clone(), added_at: now })
        .collect())
}

/// Removes a tag from a contact; returns whether the contact had it. This never lifts a
/// suppression.
pub async fn remove(
    conn: &mut Conn,
    contact_id: ContactId,
    tag: &TagName,
    now: DateTime<Utc>,
) -> Result<bool> {
    Ok(!remove_many(conn, &[contact_id], tag, now).await?.is_empty())
}

/// Removes a tag from many contacts in one statement; returns those that had it. This never lifts a
/// suppression.
pub async fn remove_many(
    conn: &mut Conn,
    contact_ids: &[ContactId],
    tag: &TagName,
    now: DateTime<Utc>,
) -> Result<Vec<ContactId>> {
    Ok(Remove { contact_ids, tag: tag.as_str(), now }.load(conn).await?)
}

/// The tag's row, with the spelling that was stored first.
async fn find_or_create(
    conn: &mut Conn,
    tag: &TagName,
    now: DateTime<Utc>,
) -> Result<(TagId, TagName)> {
    if let Some(stored) = find_stored(conn, tag).await? {
        return Ok(stored);
    }
    let created = diesel::insert_into(tags::table)
        .values((tags::id.eq(TagId::new()), tags::name.eq(tag), tags::created_at.eq(now)))
        .on_conflict_do_nothing()
        .returning((tags::id, tags::name))
        .get_result(conn)
        .await
        .optional()?;
    match created {
        Some(created) => Ok(created),
        // Another transaction created it between the two statements.
        None => find_stored(conn, tag).await?.ok_or(Error::NotFound("tag")),
    }
}

fn without_contact(error: DieselError) -> Error {
    match &error {
        DieselError::DatabaseError(DatabaseErrorKind::ForeignKeyViolation, _) => {
            Error::NotFound("contact")
        }
        _ => error.into(),
    }
}
