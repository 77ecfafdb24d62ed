//! Saved views of the list of messages: saving a filter under a name, renaming and deleting it.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::list::MessageListPage;
use super::list_query::{MessageListQuery, path_of};
use super::list_rows::ShownClock;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::saved_views::{self, View, ViewName};
use crate::types::id::SavedViewId;
use crate::web::{Form, Marketer, Page, PageError, PageResult, Viewer, Visit};

/// The form with a filter and the name of its view.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ViewForm {
    name: String,
    /// The filter as the query of a link to the list.
    query: String,
}

/// The page that lists all views.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SavedViewsPage {
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Row {
    id: SavedViewId,
    name: String,
    /// A rejected name, as typed.
    typed: Option<String>,
    /// The error of the rejected name.
    wrong: Option<String>,
    path: String,
    made_by: Option<String>,
    created_at: DateTime<Utc>,
}

pub(super) async fn show(visit: Visit<Viewer>) -> PageResult {
    let views = saved_views::list(&mut *visit.conn().await?).await?;
    visit.page(&SavedViewsPage::of(views))
}

pub(super) async fn create(visit: Visit<Marketer>, form: Form<ViewForm>) -> PageResult {
    let query = MessageQuery::of_link(&form.query);
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    // Only a usable filter can be saved.
    let narrow = if query.is_narrow() {
        Ok(())
    } else {
        Err(Error::field(
            "query",
            "Choose a filter first. Without one, the view would be the whole list.",
        ))
    };
    let result = match narrow.and(
        query.filter(visit.organization.default_country, visit.today()).map_err(Error::Invalid),
    ) {
        Ok(_) => match parse_name(&form.name) {
            Ok(name) => {
                conn.transaction(async |conn| {
                    saved_views::create(conn, &name, &query.to_link(), &actor, now).await
                })
                .await
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => visit
            .redirect(path_of(&query))
            .flash("View saved. Your whole team sees it above the list."),
        Err(Error::Invalid(errors)) => {
            let clock = ShownClock { now, zone: visit.zone() };
            let list_query = MessageListQuery { query, ..MessageListQuery::default() };
            let page =
                MessageListPage::load(&mut conn, list_query, &visit.organization, clock, errors)
                    .await?
                    .with_view_name(form.into_inner().name);
            drop(conn);
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn rename(
    visit: Visit<Marketer>,
    id: Path<SavedViewId>,
    form: Form<ViewForm>,
) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let result = match parse_name(&form.name) {
        Ok(name) => {
            conn.transaction(async |conn| saved_views::rename(conn, *id, &name, &actor, now).await)
                .await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => visit.redirect("/messages/views").flash("View renamed."),
        Err(Error::Invalid(errors)) => {
            let page = SavedViewsPage::of(saved_views::list(&mut conn).await?)
                .with_name_error(*id, &form.name, &errors);
            drop(conn);
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn delete(
    visit: Visit<Marketer>,
    id: Path<SavedViewId>,
) -> Result<actix_web::HttpResponse, PageError> {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let (name, query) =
        conn.transaction(async |conn| saved_views::delete(conn, *id, &actor, now).await).await?;
    drop(conn);
    visit
        .redirect("/messages/views")
        .undo("/messages/views", [("name", name.as_str()), ("query", query.as_str())])
        .flash(format!("View “{name}” deleted. Its messages are still there."))
}

fn parse_name(text: &str) -> Result<ViewName> {
    ViewName::parse(text).map_err(|error| Error::field("name", error))
}

impl SavedViewsPage {
    fn of(views: Vec<View>) -> Self {
        let row = |view: View| Row {
            id: view.id,
            path: path_of(&MessageQuery::of_link(&view.query)),
            name: view.name,
            typed: None,
            wrong: None,
            made_by: view.made_by,
            created_at: view.created_at,
        };
        Self { rows: views.into_iter().map(row).collect() }
    }

    /// Adds a rejected name of a view.
    fn with_name_error(mut self, id: SavedViewId, typed: &str, errors: &FieldErrors) -> Self {
        if let Some(row) = self.rows.iter_mut().find(|row| row.id == id) {
            row.typed = Some(typed.to_owned());
            row.wrong = Some(
                errors
                    .iter()
                    .flat_map(|(_, messages)| messages)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(" "),
            );
        }
        self
    }
}

impl Page for SavedViewsPage {
    const TEMPLATE: &'static str = "ui/messages/saved_views.html";
}

#[cfg(debug_assertions)]
#[path = "samples/saved_views.rs"]
mod samples;
