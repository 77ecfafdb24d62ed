//! The list of API keys, and revoking one.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Serialize;

use crate::error::Error;
use crate::types::id::ApiKeyId;
use crate::users::api_keys::{self, ApiKey};
use crate::web::{Admin, Page, PageResult, Visit};

/// The page that lists all API keys, the active ones first.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ApiKeysPage {
    keys: Vec<ApiKey>,
    revoked: Vec<ApiKey>,
}

pub(super) async fn list(visit: Visit<Admin>) -> PageResult {
    let all = api_keys::list(&mut *visit.conn().await?).await?;
    let (keys, revoked) = all.into_iter().partition(|key| key.revoked_at.is_none());
    visit.page(&ApiKeysPage { keys, revoked })
}

pub(super) async fn revoke(visit: Visit<Admin>, id: Path<ApiKeyId>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let key = conn
        .transaction::<_, Error, _>(async |conn| api_keys::revoke(conn, &actor, *id, now).await)
        .await?;
    visit
        .redirect("/settings/keys")
        .flash(format!("Key {} revoked. Programs that use it have no access.", key.name))
}

impl Page for ApiKeysPage {
    const TEMPLATE: &'static str = "ui/settings/api_keys.html";
}

#[cfg(debug_assertions)]
#[path = "samples/api_keys.rs"]
mod samples;
