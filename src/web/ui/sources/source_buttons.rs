//! The buttons of a source: enabling and disabling it, replacing its key, deleting it.

use actix_web::web::Path;
use diesel_async::AsyncConnection;

use super::source_key::SourceKeyPage;
use crate::error::{Error, Result};
use crate::sources::{self, Source, SourcePatch, source_key};
use crate::types::id::SourceId;
use crate::web::http::error::PageError;
use crate::web::{Admin, PageResult, Visit};

pub(super) async fn enable(visit: Visit<Admin>, id: Path<SourceId>) -> PageResult {
    let source = switch(&visit, *id, true).await?;
    visit
        .redirect(format!("/sources/{id}"))
        .flash(format!("“{}” is enabled. It accepts requests again.", source.name))
}

pub(super) async fn disable(visit: Visit<Admin>, id: Path<SourceId>) -> PageResult {
    let source = switch(&visit, *id, false).await?;
    visit
        .redirect(format!("/sources/{id}/settings"))
        .undo(format!("/sources/{id}/enable"), [])
        .flash(format!("“{}” is disabled. Carillon rejects its requests.", source.name))
}

async fn switch(visit: &Visit<Admin>, id: SourceId, enabled: bool) -> Result<Source, PageError> {
    let (actor, now, secret_key) = (visit.actor(), visit.now(), &visit.context.secret_key);
    let patch = SourcePatch { enabled: Some(enabled), ..SourcePatch::default() };
    let changed = visit
        .conn()
        .await?
        .transaction::<_, Error, _>(async |conn| {
            sources::update(conn, &actor, id, patch, secret_key, now).await
        })
        .await?;
    Ok(changed)
}

pub(super) async fn replace_key(visit: Visit<Admin>, id: Path<SourceId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let (source, secret) = conn
        .transaction::<_, Error, _>(async |conn| {
            let source = sources::find(conn, *id).await?;
            Ok((source, source_key::replace_key(conn, &actor, *id, now).await?))
        })
        .await?;
    drop(conn);
    let public_url = &visit.context.config.public_url;
    let page = SourceKeyPage::replaced(&source, secret.expose(), public_url);
    visit.page(&page)
}

pub(super) async fn delete(visit: Visit<Admin>, id: Path<SourceId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let source = conn
        .transaction::<_, Error, _>(async |conn| {
            let source = sources::find(conn, *id).await?;
            sources::delete(conn, &actor, *id, now).await?;
            Ok(source)
        })
        .await?;
    visit
        .redirect("/sources")
        .flash(format!("“{}” deleted. Its contacts and events stay.", source.name))
}
