//! The versions of a template: the list, the comparison of two, and restoring one.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::db::Conn;
use crate::error::Error;
use crate::templates::versions::{self, Version};
use crate::templates::{self, DiffKind, DiffPart, Template, compare, drafts};
use crate::types::id::TemplateId;
use crate::web::ui::Choice;
use crate::web::{Marketer, Page, PageResult, Query, Viewer, Visit};

const ROWS: i64 = 50;
/// The query value for the user's draft.
const DRAFT: &str = "draft";

/// The query of the page: the two versions to compare, and the position of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct VersionsQuery {
    from: String,
    to: String,
    before: Option<i32>,
}

/// The page of a template's versions.
#[derive(Debug, Serialize)]
pub(in crate::web) struct VersionsPage {
    id: TemplateId,
    name: String,
    version: i32,
    rows: Vec<Row>,
    /// The version before which the next page starts.
    before: Option<i32>,
    choices: Vec<Choice>,
    comparison: Option<Comparison>,
}

#[derive(Debug, Serialize)]
struct Row {
    version: i32,
    author: Option<String>,
    created_at: DateTime<Utc>,
    body: String,
    media: usize,
    is_present: bool,
    /// The previous version, to compare with.
    previous: Option<i32>,
}

/// The differences between two texts.
#[derive(Debug, Serialize)]
struct Comparison {
    from: Side,
    to: Side,
    body: Vec<DiffPart>,
    media: Vec<DiffPart>,
    is_same: bool,
}

#[derive(Debug, Clone, Serialize)]
struct Side {
    /// The query value.
    value: String,
    label: String,
    at: DateTime<Utc>,
    author: Option<String>,
    /// The number of the version, if it can be restored.
    version: Option<i32>,
    #[serde(skip)]
    body: String,
    #[serde(skip)]
    media: String,
}

pub(super) async fn list(
    visit: Visit<Viewer>,
    id: Path<TemplateId>,
    query: Query<VersionsQuery>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let template = templates::find(&mut conn, *id).await?;
    let mut found = versions::list(&mut conn, *id, query.before, ROWS + 1).await?;
    let more = found.len() > usize::try_from(ROWS).unwrap_or(usize::MAX);
    found.truncate(usize::try_from(ROWS).unwrap_or(usize::MAX));
    let before = found.last().filter(|_| more).map(|version| version.number);
    let draft = drafts::find(&mut conn, visit.user.id, Some(*id)).await?;
    let draft = draft.map(|draft| Side::of_draft(&draft));
    let newest = template.version.to_string();
    let default = |value: &str, otherwise: String| {
        if value.is_empty() { otherwise } else { value.to_owned() }
    };
    let (from, to) =
        (default(&query.from, (template.version - 1).to_string()), default(&query.to, newest));
    let from = find_side(&mut conn, *id, &from, draft.as_ref()).await?;
    let to = find_side(&mut conn, *id, &to, draft.as_ref()).await?;
    drop(conn);
    let comparison = from.zip(to).map(|(from, to)| Comparison::new(from, to));
    visit.page(&VersionsPage::new(&template, found, before, draft.is_some(), comparison))
}

/// Finds a text to compare; none if there is no such version.
async fn find_side(
    conn: &mut Conn,
    id: TemplateId,
    value: &str,
    draft: Option<&Side>,
) -> Result<Option<Side>, Error> {
    if value == DRAFT {
        return Ok(draft.cloned());
    }
    let Ok(number) = value.parse() else { return Ok(None) };
    match versions::find(conn, id, number).await {
        Ok(version) => Ok(Some(Side::of(version))),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

pub(super) async fn restore(visit: Visit<Marketer>, path: Path<(TemplateId, i32)>) -> PageResult {
    let ((id, number), now, actor) = (path.into_inner(), visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let before = templates::find(&mut conn, id).await?.version;
    let restored = conn
        .transaction(async |conn| versions::restore(conn, &actor, id, number, now).await)
        .await?;
    let redirect = visit.redirect(format!("/templates/{id}/versions"));
    if restored.version == before {
        return redirect.flash(format!("The text is that of version {number} already."));
    }
    redirect
        .undo(format!("/templates/{id}/versions/{before}/restore"), [])
        .flash(format!("Version {number} is restored, as version {}.", restored.version))
}

impl VersionsPage {
    fn new(
        template: &Template,
        found: Vec<Version>,
        before: Option<i32>,
        has_draft: bool,
        comparison: Option<Comparison>,
    ) -> Self {
        let mut choices: Vec<_> = (1..=template.version)
            .rev()
            .map(|number| Choice::new(number.to_string(), format!("Version {number}")))
            .collect();
        if has_draft {
            choices.insert(0, Choice::new(DRAFT, "Your draft"));
        }
        let rows = found.into_iter().map(|version| Row {
            is_present: version.number == template.version,
            previous: (version.number > 1).then(|| version.number - 1),
            version: version.number,
            author: version.author,
            created_at: version.created_at,
            body: version.body,
            media: version.media_urls.len(),
        });
        Self {
            id: template.id,
            name: template.name.clone(),
            version: template.version,
            rows: rows.collect(),
            before,
            choices,
            comparison,
        }
    }
}

impl Comparison {
    fn new(from: Side, to: Side) -> Self {
        let (body, media) = (compare(&from.body, &to.body), compare(&from.media, &to.media));
        let is_same = body.iter().chain(&media).all(|stretch| stretch.change == DiffKind::Same);
        Self { from, to, body, media, is_same }
    }
}

impl Side {
    fn of(version: Version) -> Self {
        Self {
            value: version.number.to_string(),
            label: format!("Version {}", version.number),
            at: version.created_at,
            author: version.author,
            version: Some(version.number),
            body: version.body,
            media: version.media_urls.join("\n"),
        }
    }

    fn of_draft(draft: &drafts::TemplateDraft) -> Self {
        Self {
            value: DRAFT.to_owned(),
            label: "Your draft".to_owned(),
            at: draft.updated_at,
            author: None,
            version: None,
            body: draft.body.clone(),
            media: draft.media_urls.clone(),
        }
    }
}

impl Page for VersionsPage {
    const TEMPLATE: &'static str = "ui/templates/versions.html";
}

#[cfg(debug_assertions)]
#[path = "samples/versions.rs"]
mod samples;
