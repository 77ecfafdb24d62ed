//! Keys of the JSON API: which there are, and revoking one.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Serialize;

use crate::error::Error;
use crate::types::id::ApiKeyId;
use crate::users::Role;
use crate::users::api_keys::{self, ApiKey};
use crate::web::{Admin, Page, PageResult, Varies, Visit};

/// All keys, those that are accepted first.
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
        .flash(format!("The key {} is revoked: nothing that uses it gets in any more.", key.name))
}

impl Page for ApiKeysPage {
    const TEMPLATE: &'static str = "ui/settings/keys.html";
    const VARIES: Varies =
        Varies { texts: &["keys.name", "revoked.name"], lists: &["keys", "revoked"] };

    fn samples() -> Vec<Self> {
        let key = |name: &str, used, revoked_at| ApiKey {
            id: ApiKeyId::new(),
            name: name.to_owned(),
            role: Role::Marketer,
            prefix: "ck_AbCdEf".to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            last_used_at: used,
            revoked_at,
        };
        let then = Some(chrono::DateTime::UNIX_EPOCH);
        vec![
            Self { keys: Vec::new(), revoked: Vec::new() },
            Self {
                keys: vec![key("Shop <1>", then, None), key("Till", None, None)],
                revoked: vec![key("Old", None, then)],
            },
        ]
    }
}
