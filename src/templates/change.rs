//! Creates, changes and copies templates; each new text becomes a version.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::new_template::{MAX_NAME, NewTemplate};
use super::template::{Template, find, lock, lower};
use crate::db::Conn;
use crate::db::schema::{template_versions, templates};
use crate::error::{Error, Result};
use crate::types::id::TemplateId;
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// Maximum number of copies of one template.
const MAX_COPIES: usize = 50;

/// Saves a new template as version 1; a taken name is an error on the field `name`.
///
/// Must run in the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    new: NewTemplate,
    now: DateTime<Utc>,
) -> Result<Template> {
    let id = TemplateId::new();
    audit::record(
        conn,
        actor,
        AuditKind::Template,
        Some(id.0),
        &format!("created the template “{}”", new.name),
        now,
    )
    .await?;
    diesel::insert_into(templates::table)
        .values((
            templates::id.eq(id),
            templates::name.eq(&new.name),
            templates::version.eq(1),
            templates::created_at.eq(now),
            templates::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    insert_version(conn, id, 1, &new, actor, now).await?;
    Ok(Template {
        id,
        name: new.name,
        version: 1,
        body: new.body.as_str().to_owned(),
        media_urls: new.media_urls,
        created_at: now,
        updated_at: now,
        archived_at: None,
    })
}

/// Changes a template: a new body or new media create a new version, which messages refer to.
///
/// Must run in the caller's transaction.
pub async fn update(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    new: NewTemplate,
    now: DateTime<Utc>,
) -> Result<Template> {
    let before = lock(conn, id).await?;
    let new_text = !new.is_text_of(&before);
    if !new_text && before.name == new.name {
        return Ok(before);
    }
    let version = before.version + i32::from(new_text);
    if new_text {
        insert_version(conn, id, version, &new, actor, now).await?;
    }
    let differences = Differences::default()
        .compare("the name", before.name.as_str(), new.name.as_str())
        .compare("its text", &format!("version {}", before.version), &format!("version {version}"));
    let summary = format!("changed the template “{}”: {differences}", before.name);
    audit::record(conn, actor, AuditKind::Template, Some(id.0), &summary, now).await?;
    diesel::update(templates::table.find(id))
        .set((
            templates::name.eq(&new.name),
            templates::version.eq(version),
            templates::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(name_taken)?;
    let body = new.body.as_str().to_owned();
    Ok(Template {
        name: new.name,
        version,
        body,
        media_urls: new.media_urls,
        updated_at: now,
        ..before
    })
}

/// Copies a template under a free name: `Copy of Welcome`, `Copy 2 of Welcome`, ….
///
/// Must run in the caller's transaction.
pub async fn duplicate(
    conn: &mut Conn,
    actor: &Actor,
    id: TemplateId,
    now: DateTime<Utc>,
) -> Result<Template> {
    let original = find(conn, id).await?;
    let names: Vec<String> =
        (1..=MAX_COPIES).map(|number| copy_name(&original.name, number)).collect();
    let lowered: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
    let taken: Vec<String> = templates::table
        .filter(lower(templates::name).eq_any(&lowered))
        .select(lower(templates::name))
        .load(conn)
        .await?;
    let free = names.iter().zip(&lowered).find(|(_, lowered)| !taken.contains(lowered));
    let (name, _) = free.ok_or_else(|| {
        Error::Refused(format!("This template has {MAX_COPIES} copies already. Rename some."))
    })?;
    let new =
        NewTemplate::parse(name, &original.body, &original.media_urls).map_err(Error::Invalid)?;
    create(conn, actor, new, now).await
}

/// The name of a copy; a long original name is truncated.
fn copy_name(name: &str, number: usize) -> String {
    let beginning = if number == 1 { "Copy of ".to_owned() } else { format!("Copy {number} of ") };
    let remaining = MAX_NAME - beginning.len();
    beginning.chars().chain(name.chars().take(remaining)).collect::<String>().trim_end().to_owned()
}

async fn insert_version(
    conn: &mut Conn,
    id: TemplateId,
    version: i32,
    new: &NewTemplate,
    actor: &Actor,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(template_versions::table)
        .values((
            template_versions::template_id.eq(id),
            template_versions::version.eq(version),
            template_versions::body.eq(new.body.as_str()),
            template_versions::media_urls.eq(&new.media_urls),
            template_versions::created_at.eq(now),
            // `None` if the API saves it.
            template_versions::created_by.eq(actor.user()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

fn name_taken(error: diesel::result::Error) -> Error {
    Error::from(error).on_constraint(
        "templates_name_key",
        "name",
        "Another template has this name. Choose a different one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::new_template::parse_name;

    #[test]
    fn a_copy_has_a_name_that_fits() {
        assert_eq!(copy_name("Welcome", 1), "Copy of Welcome");
        assert_eq!(copy_name("Welcome", 2), "Copy 2 of Welcome");
        let long = copy_name(&"ä".repeat(MAX_NAME), 12);
        assert_eq!((long.chars().count(), parse_name(&long)), (MAX_NAME, Ok(long.clone())));
    }
}
