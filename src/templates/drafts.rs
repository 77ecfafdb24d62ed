//! Drafts: unsaved input of the template editor, stored until the user returns.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::template_drafts;
use crate::error::Result;
use crate::types::id::{TemplateId, UserId};

/// Maximum size of a draft, above that of any valid template; larger pasted text is not stored.
const MAX_BYTES: usize = 64 * 1024;

/// The fields of the editor.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = template_drafts, check_for_backend(diesel::pg::Pg))]
pub struct TemplateDraft {
    /// The version that was edited; 0 for a new template.
    pub version: i32,
    /// The name.
    pub name: String,
    /// The saved name when editing began; blank for a new template.
    pub saved_name: String,
    /// The text.
    pub body: String,
    /// Media URLs, one per line.
    pub media_urls: String,
    /// When the draft was stored.
    pub updated_at: DateTime<Utc>,
}

/// Stores a user's draft of a template, or of a new one, replacing the former draft.
///
/// Returns whether it was stored: text that is too long or contains NUL is not.
pub async fn save(
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

/// The user's draft of a template, or of a new one.
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

/// The templates for which the user has a draft; `None` stands for a new one.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<Option<TemplateId>>> {
    let found: Vec<TemplateId> = template_drafts::table
        .filter(template_drafts::user_id.eq(user))
        .select(template_drafts::template_id)
        .load(conn)
        .await?;
    Ok(found.into_iter().map(|id| (id != key(None)).then_some(id)).collect())
}

/// Deletes the user's draft.
pub async fn discard(conn: &mut Conn, user: UserId, template: Option<TemplateId>) -> Result<()> {
    diesel::delete(template_drafts::table.find((user, key(template)))).execute(conn).await?;
    Ok(())
}

fn key(template: Option<TemplateId>) -> TemplateId {
    template.unwrap_or(TemplateId(Uuid::nil()))
}
