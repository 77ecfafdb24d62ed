//! Finds stored tags: those of contacts, all, and one by its name.

use std::collections::HashMap;

use diesel::prelude::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use super::tag_name::TagName;
use crate::contacts::sql_functions::lower;
use crate::db::Conn;
use crate::db::schema::{contact_tags, tags};
use crate::error::Result;
use crate::types::id::{ContactId, TagId};

/// The tags of a contact, by name.
pub async fn of(conn: &mut Conn, contact_id: ContactId) -> Result<Vec<TagName>> {
    Ok(of_many(conn, &[contact_id]).await?.remove(&contact_id).unwrap_or_default())
}

/// The tags of many contacts in one query, by name; contacts without tags are left out.
pub async fn of_many(
    conn: &mut Conn,
    contact_ids: &[ContactId],
) -> Result<HashMap<ContactId, Vec<TagName>>> {
    let rows: Vec<(ContactId, TagName)> = contact_tags::table
        .inner_join(tags::table.on(tags::id.eq(contact_tags::tag_id)))
        .filter(contact_tags::contact_id.eq_any(contact_ids))
        .order(tags::name)
        .select((contact_tags::contact_id, tags::name))
        .load(conn)
        .await?;
    let mut by_contact = HashMap::<_, Vec<_>>::new();
    for (contact_id, tag) in rows {
        by_contact.entry(contact_id).or_default().push(tag);
    }
    Ok(by_contact)
}

/// The first `limit` tags by name, for a select box.
pub async fn list(conn: &mut Conn, limit: i64) -> Result<Vec<TagName>> {
    Ok(tags::table.order(lower(tags::name)).select(tags::name).limit(limit).load(conn).await?)
}

/// The id of a tag that is or was in use.
pub(in crate::contacts) async fn find_id(conn: &mut Conn, tag: &TagName) -> Result<Option<TagId>> {
    Ok(find_stored(conn, tag).await?.map(|(id, _)| id))
}

/// The id and the spelling of a tag that is or was in use.
pub(super) async fn find_stored(
    conn: &mut Conn,
    tag: &TagName,
) -> Result<Option<(TagId, TagName)>> {
    let found = tags::table
        .filter(lower(tags::name).eq(lower(tag.as_str())))
        .select((tags::id, tags::name))
        .first(conn)
        .await;
    Ok(found.optional()?)
}
