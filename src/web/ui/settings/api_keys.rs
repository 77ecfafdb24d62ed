//! The list of API keys, and revoking one.

use std::cmp::Reverse;

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::types::id::ApiKeyId;
use crate::users::api_keys::{self, ApiKey};
use crate::web::{Admin, Page, PageResult, Query, Visit};

/// The page that lists all API keys, the active ones first.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ApiKeysPage {
    keys: Vec<ApiKey>,
    revoked: Vec<ApiKey>,
    sort: KeyOrder,
}

/// The order of the active keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum KeyOrder {
    /// The newest first.
    Created,
    Name,
    /// Those used last come first.
    Used,
}

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ApiKeyListQuery {
    /// `name` or `used`, or blank for the newest first.
    sort: String,
}

pub(super) async fn list(visit: Visit<Admin>, query: Query<ApiKeyListQuery>) -> PageResult {
    let mut all = api_keys::list(&mut *visit.conn().await?).await?;
    let sort = KeyOrder::of(&query.sort);
    match sort {
        KeyOrder::Created => {}
        KeyOrder::Name => all.sort_by_key(|key| key.name.to_lowercase()),
        KeyOrder::Used => all.sort_by_key(|key| Reverse(key.last_used_at)),
    }
    let (keys, revoked) = all.into_iter().partition(|key| key.revoked_at.is_none());
    visit.page(&ApiKeysPage { keys, revoked, sort })
}

impl KeyOrder {
    fn of(word: &str) -> Self {
        match word {
            "name" => Self::Name,
            "used" => Self::Used,
            _ => Self::Created,
        }
    }
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
