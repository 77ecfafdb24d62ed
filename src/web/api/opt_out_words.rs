//! The API of an organization's own opt-out words, at `/opt-out-words`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::error::ErrorBody;
use super::{ApiResult, Caller, Json, List, Path};
use crate::consent::opt_out::own_words::{self, NewWord, OwnWord};
use crate::db;
use crate::error::Error;
use crate::types::id::OptOutWordId;
use crate::web::{Admin, Viewer};

/// The OpenAPI document of opt-out words.
#[derive(OpenApi)]
#[openapi(paths(list, add, remove), components(schemas(OptOutWordRequest, OptOutWordAnswer)))]
pub(super) struct OptOutWordsApi;

/// A word to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOptOutWord)]
struct OptOutWordRequest {
    /// A word, or a few, of 1 to 40 characters. Case, accents and hyphens do not matter.
    #[schema(example = "adios amigos")]
    word: String,
}

/// One of the organization's own opt-out words.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OptOutWord)]
struct OptOutWordAnswer {
    /// Identifies the word.
    #[schema(value_type = String)]
    id: OptOutWordId,
    /// The word as it was entered.
    word: String,
    /// The name of the user who added it; `null` if it was added through the API.
    added_by: Option<String>,
    /// When it was added.
    created_at: DateTime<Utc>,
}

impl From<OwnWord> for OptOutWordAnswer {
    fn from(OwnWord { id, word, added_by, created_at }: OwnWord) -> Self {
        Self { id, word, added_by, created_at }
    }
}

/// Mounts the routes.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/opt-out-words").get(list).post(add));
    cfg.service(web::resource("/opt-out-words/{id}").delete(remove));
}

/// Lists the organization's own opt-out words, which count besides the standard ones.
#[utoipa::path(get, path = "/opt-out-words", tag = "opt-out words",
    responses((status = 200, body = List<OptOutWordAnswer>)))]
async fn list(caller: Caller<Viewer>) -> ApiResult<Json<List<OptOutWordAnswer>>> {
    let words = own_words::list(&mut *caller.conn().await?).await?;
    Ok(Json(List::whole(words.into_iter().map(OptOutWordAnswer::from).collect())))
}

/// Adds an opt-out word.
///
/// From then on, a contact who texts it is opted out. The standard words cannot be added again, and
/// words that opt people in or ask for help are refused.
#[utoipa::path(post, path = "/opt-out-words", tag = "opt-out words",
    request_body = OptOutWordRequest,
    responses((status = 201, body = OptOutWordAnswer), (status = 422, body = ErrorBody)))]
async fn add(caller: Caller<Admin>, body: Json<OptOutWordRequest>) -> ApiResult<HttpResponse> {
    let word = NewWord::parse(&body.word).map_err(|message| Error::field("word", message))?;
    let (actor, now) = (caller.actor(), caller.now());
    let mut conn = caller.conn().await?;
    let added = db::transaction(&mut conn, async |tx| {
        own_words::add(&mut tx.open(), &word, &actor, now).await
    })
    .await?;
    Ok(HttpResponse::Created().json(OptOutWordAnswer::from(added)))
}

/// Removes an opt-out word. People who opted out with it stay opted out.
#[utoipa::path(delete, path = "/opt-out-words/{id}", tag = "opt-out words",
    params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn remove(caller: Caller<Admin>, id: Path<OptOutWordId>) -> ApiResult<HttpResponse> {
    let (actor, now) = (caller.actor(), caller.now());
    let mut conn = caller.conn().await?;
    db::transaction(&mut conn, async |tx| {
        own_words::remove(&mut tx.open(), *id, &actor, now).await
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
