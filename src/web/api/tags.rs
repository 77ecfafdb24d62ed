//! The API of a contact's tags, at `/contacts/{id}/tags`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use serde::Deserialize;
use utoipa::{OpenApi, ToSchema};

use super::contacts::{ContactAnswer, contact_answer};
use super::error::ErrorBody;
use super::{ApiResult, Caller, Json, Path};
use crate::automations::consequences;
use crate::consent::Requester;
use crate::contacts::tags::{self, TagName};
use crate::error::{Error, FieldErrors};
use crate::types::id::ContactId;
use crate::web::Marketer;
use crate::{contacts, db};

/// The OpenAPI document of tags.
#[derive(OpenApi)]
#[openapi(paths(add, remove), components(schemas(TagRequest)))]
pub(super) struct TagsApi;

/// A tag to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTag)]
struct TagRequest {
    /// 1 to 80 characters; case does not matter.
    #[schema(example = "VIP")]
    name: String,
}

/// Mounts the routes.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/contacts/{id}/tags").post(add));
    cfg.service(web::resource("/contacts/{id}/tags/{name}").delete(remove));
}

/// Adds a tag to a contact.
///
/// Automations that are triggered by it start. Adding `Twilio-Message-stop` suppresses the number.
#[utoipa::path(post, path = "/contacts/{id}/tags", params(
    ("id" = String, Path)
), request_body = TagRequest,
    responses(
        (status = 200, body = ContactAnswer),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)
    ))]
async fn add(
    caller: Caller<Marketer>,
    id: Path<ContactId>,
    body: Json<TagRequest>,
) -> ApiResult<Json<ContactAnswer>> {
    let mut errors = FieldErrors::default();
    let tag = errors.check("name", TagName::parse(&body.name));
    errors.into_result()?;
    let now = caller.now();
    let mut conn = caller.conn().await?;
    let tagged = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let contact = contacts::find(&mut tx, *id).await?;
        let tagged =
            tags::add_by_hand(&mut tx, &contact, tag.as_slice(), Requester::api(), now).await?;
        let suppressed = tagged.suppressed.map(|reason| (contact.phone.clone(), reason));
        let mut closing =
            consequences::react_to_changes(tx, &tagged.changes, suppressed.as_slice(), now).await?;
        contact_answer(closing.without_waiting(), contact).await
    })
    .await?;
    Ok(Json(tagged))
}

/// Removes a tag from a contact.
///
/// Removing `Twilio-Message-stop` does not lift the suppression.
#[utoipa::path(delete, path = "/contacts/{id}/tags/{name}", params(
    ("id" = String, Path),
    ("name" = String, Path)
),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn remove(
    caller: Caller<Marketer>,
    path: Path<(ContactId, String)>,
) -> ApiResult<HttpResponse> {
    let (id, name) = path.into_inner();
    let tag = TagName::existing(&name).map_err(|_| Error::NotFound("tag"))?;
    let mut conn = caller.conn().await?;
    let contact = contacts::find(&mut conn, id).await?;
    if tags::remove(&mut conn, contact.id, &tag, caller.now()).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Error::NotFound("tag").into())
    }
}
