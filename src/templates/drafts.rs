//! Drafts: what somebody has typed into the editor and not saved, kept for when they come back.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::template_drafts;
use crate::error::Result;
use crate::types::id::{TemplateId, UserId};

/// Longer than anything that can be saved; whatever is pasted beyond it is not worth keeping.
const MAX_BYTES: usize = 64 * 1024;

/// The fields of the editor as they were left.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = template_drafts, check_for_backend(diesel::pg::Pg))]
pub struct TemplateDraft {
    /// The saved version that was changed; 0 for a template that was never saved.
    pub version: i32,
    /// The name.
    pub name: String,
    /// The name when it was begun; blank for a template that was never saved.
    pub saved_name: String,
    /// The text.
    pub body: String,
    /// The addresses of the media, one per line.
    pub media_urls: String,
    /// When it was kept.
    pub updated_at: DateTime<Utc>,
}

/// Keeps what a user has typed for a template, or for a new one; the draft before it is forgotten.
///
/// Says whether it was kept: what is far too long, or cannot be stored, is not.
pub async fn keep(
    conn: &mut Conn,
    user: UserId,
    template: Option<TemplateId>,
    draft: &TemplateDraft,
) -> Result<bool> {
    let texts = [&draft.name, &draft.saved_name, &draft.body, &draft.media_urls];
    if texts.iter().any(|text| text.contains('\0'))
        || texts.iter().map(|text| text.len()).sum::<usize>() > MAX_BYTES
    {
        return Ok(false);
    }
    diesel::insert_into(template_drafts::table)
        .values((
            template_drafts::user_id.eq(user),
            template_drafts::template_id.eq(key(template)),
            draft,
        ))
        .on_conflict((template_drafts::user_id, template_drafts::template_id))
        .do_update()
        .set(draft)
        .execute(conn)
        .await?;
    Ok(true)
}

/// What the user has left unsaved of a template, or of a new one.
pub async fn find(
    conn: &mut Conn,
    user: UserId,
    template: Option<TemplateId>,
) -> Result<Option<TemplateDraft>> {
    Ok(template_drafts::table
        .find((user, key(template)))
        .select(TemplateDraft::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The templates of which the user has left something unsaved; none stands for a new one.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Option<TemplateId>>> {
    let found: Vec<TemplateId> = template_drafts::table
        .filter(template_drafts::user_id.eq(user))
        .select(template_drafts::template_id)
        .load(conn)
        .await?;
    Ok(found.into_iter().map(|id| (id != key(None)).then_some(id)).collect())
}

/// Forgets what the user has left unsaved.
pub async fn discard(conn: &mut Conn, user: UserId, template: Option<TemplateId>) -> Result<()> {
    diesel::delete(template_drafts::table.find((user, key(template)))).execute(conn).await?;
    Ok(())
}

fn key(template: Option<TemplateId>) -> TemplateId {
    template.unwrap_or(TemplateId(Uuid::nil()))
}
