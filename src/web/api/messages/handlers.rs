//! Handlers of the API of messages: list, send and read them.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::idempotency_key::IdempotencyKey;
use super::query::MessagesQuery;
use super::request::MessageRequest;
use super::response::{EventAnswer, MessageAnswer, MessageDetail, NewMessageAnswer};
use crate::db;
use crate::error::Error;
use crate::messages::log::search::find_page;
use crate::messages::message as messages;
use crate::messages::one_off::{self, ComposedOneOff};
use crate::types::id::MessageId;
use crate::users::organization;
use crate::web::api::error::ErrorBody;
use crate::web::api::{ApiError, ApiQuery, ApiResult, Caller, Json, List, Path};
use crate::web::{Marketer, Viewer};

/// The OpenAPI document of messages.
#[derive(OpenApi)]
#[openapi(
    paths(list, send, find),
    components(schemas(
        MessageRequest,
        MessageAnswer,
        MessageDetail,
        NewMessageAnswer,
        EventAnswer
    ))
)]
pub(in crate::web::api) struct MessagesApi;

/// Mounts the routes.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/messages").get(list).post(send));
    cfg.service(web::resource("/messages/{id}").get(find));
}

/// Lists messages, newest first.
///
/// For conditions without an index, a request scans some ten thousand messages: a page may have
/// fewer rows than `limit`, or none, and still have a `next_cursor`. Continue until it is `null`.
#[utoipa::path(get, path = "/messages", tag = "messages", params(MessagesQuery),
    responses((status = 200, body = List<MessageAnswer>), (status = 422, body = ErrorBody)))]
async fn list(
    caller: Caller<Viewer>,
    query: ApiQuery<MessagesQuery>,
) -> ApiResult<Json<List<MessageAnswer>>> {
    let mut conn = caller.conn().await?;
    let organization = organization::find(&conn).await?;
    let (filter, place, limit) = query.into_inner().parse(&organization, caller.now())?;
    let part = find_page(&mut conn, &filter, place, limit).await?;
    let zone = filter.days.map(|days| days.zone().name());
    Ok(Json(
        List::of_part(part.messages.into_iter().map(MessageAnswer::from).collect(), part.older)
            .with_days_of(zone),
    ))
}

/// Sends a message to one recipient, as soon as possible.
///
/// A number that may not be texted is not an error: the message is saved as `suppressed`. With an
/// `Idempotency-Key`, a request can be repeated safely: it returns the message that it created the
/// first time.
#[utoipa::path(post, path = "/messages", tag = "messages", request_body = MessageRequest,
    params(
        (
            "Idempotency-Key" = Option<String>,
            Header,
            description = "Up to 200 characters of your own, unique for each message that you want"
        )
    ),
    responses(
        (status = 202, body = NewMessageAnswer),
        (status = 409, body = ErrorBody),
        (status = 422, body = ErrorBody)
    ))]
async fn send(
    caller: Caller<Marketer>,
    key: IdempotencyKey,
    body: Json<MessageRequest>,
) -> ApiResult<HttpResponse> {
    let key = key.of(caller.key.id);
    let mut conn = caller.conn().await?;
    let organization = organization::find(&conn).await?;
    let request = body.into_inner().parse(organization.default_country)?;
    let now = caller.now();
    // The response is read before the commit, after which a worker may change the message.
    let (detail, is_other) = db::transaction(&mut conn, async |tx| {
        let renderer = &caller.context.renderer;
        let ComposedOneOff { message, mut closing, .. } =
            one_off::compose(tx, &request, key, renderer, &organization.name, now).await?;
        let is_other = !request.matches(&message);
        let detail = MessageDetail::load(closing.without_waiting(), message).await?;
        Ok::<_, Error>((detail, is_other))
    })
    .await?;
    if is_other {
        let message = "Another message has used this Idempotency-Key. Use a new key for each \
                       message.";
        return Err(ApiError::new(StatusCode::CONFLICT, "key_reused", message));
    }
    Ok(HttpResponse::Accepted()
        .json(NewMessageAnswer { message: detail, warnings: request.warnings() }))
}

/// Returns a message with all its events, in order of time.
#[utoipa::path(get, path = "/messages/{id}", tag = "messages", params(("id" = String, Path)),
    responses((status = 200, body = MessageDetail), (status = 404, body = ErrorBody)))]
async fn find(caller: Caller<Viewer>, id: Path<MessageId>) -> ApiResult<Json<MessageDetail>> {
    let mut conn = caller.conn().await?;
    let message = messages::find(&mut conn, *id).await?;
    Ok(Json(MessageDetail::load(&mut conn, message).await?))
}
