//! The list of templates: the active or the archived ones.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::automations::{self, Automation, Step};
use crate::templates::{self, BodyPiece, Template, TemplateBody, body_pieces, drafts};
use crate::twilio::parts;
use crate::types::id::TemplateId;
use crate::web::{Page, PageResult, Query, Viewer, Visit};

const ROWS: usize = 100;
/// The number of automations, the newest first, that are searched for the templates they send.
const MAX_AUTOMATIONS: i64 = 1_000;

/// The query of the list: position and filter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TemplateListQuery {
    after: String,
    /// `archived`, or blank.
    show: String,
}

/// The page with the list of templates, ordered by name.
#[derive(Debug, Serialize)]
pub(in crate::web) struct TemplateListPage {
    rows: Vec<Row>,
    /// The name after which the next page starts.
    next: Option<String>,
    is_first: bool,
    archived: bool,
    /// How many templates are active.
    in_use: i64,
    /// How many are archived.
    in_archive: i64,
    /// Whether the user has a draft of a new template.
    has_new_draft: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    id: TemplateId,
    name: String,
    /// The text, for a bubble with variables as chips.
    pieces: Vec<BodyPiece>,
    /// The number of SMS parts of the text without its variables; with them it may be more.
    parts: u16,
    has_variables: bool,
    media: usize,
    automations: usize,
    updated_at: DateTime<Utc>,
    /// Whether the user has a draft of it.
    has_draft: bool,
}

pub(super) async fn list(visit: Visit<Viewer>, query: Query<TemplateListQuery>) -> PageResult {
    let after = Some(query.after.as_str()).filter(|name| !name.is_empty());
    let mut conn = visit.conn().await?;
    let (archived, limit) = (query.show == "archived", i64::try_from(ROWS).unwrap_or(i64::MAX) + 1);
    let mut found = if archived {
        templates::list_archived(&mut conn, after, limit).await?
    } else {
        templates::list(&mut conn, after, limit).await?
    };
    let in_use = templates::count(&mut conn, false).await?;
    let in_archive = templates::count(&mut conn, true).await?;
    let drafts = drafts::of_user(&mut conn, visit.user.id).await?;
    let automations = automations::list(&mut conn, None, MAX_AUTOMATIONS).await?;
    drop(conn);
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let next = found.last().filter(|_| more).map(|last| last.name.clone());
    let used = uses(&automations);
    let rows = found.into_iter().map(|template| Row {
        has_draft: drafts.contains(&Some(template.id)),
        ..Row::of(template, &used)
    });
    visit.page(&TemplateListPage {
        rows: rows.collect(),
        next,
        is_first: after.is_none(),
        archived,
        in_use,
        in_archive,
        has_new_draft: drafts.contains(&None),
    })
}

/// Counts the automations that send each template; one that sends it twice counts once.
fn uses(automations: &[Automation]) -> HashMap<TemplateId, usize> {
    let mut uses = HashMap::new();
    for automation in automations {
        let mut sent: Vec<TemplateId> = automation
            .definition
            .steps
            .iter()
            .filter_map(|step| match step {
                Step::SendSms { template_id, .. } => *template_id,
                Step::Wait { .. } => None,
            })
            .collect();
        sent.sort_unstable();
        sent.dedup();
        for template in sent {
            *uses.entry(template).or_default() += 1;
        }
    }
    uses
}

impl Row {
    fn of(template: Template, used: &HashMap<TemplateId, usize>) -> Self {
        let body = TemplateBody::parse(&template.body);
        // A text that no longer parses is still listed, with its parts counted as raw text.
        let (fixed, has_variables) = match &body {
            Ok(body) => (body.fixed_text(), body.fixed_text().len() != template.body.len()),
            Err(_) => (template.body.as_str(), false),
        };
        Self {
            parts: parts::count(fixed).count.max(1),
            has_variables,
            pieces: body_pieces(&template.body),
            media: template.media_urls.len(),
            automations: used.get(&template.id).copied().unwrap_or_default(),
            id: template.id,
            name: template.name,
            updated_at: template.updated_at,
            has_draft: false,
        }
    }
}

impl Page for TemplateListPage {
    const TEMPLATE: &'static str = "ui/templates/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
