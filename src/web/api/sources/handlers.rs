//! The handlers of the API of sources.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::request::{NewSourceBody, SourceChanges, SourceMappingBody, SourceVerificationBody};
use super::response::{DeliveriesBody, DeliveryBody, ItemCountsBody, SourceBody, SourceCountsBody};
use crate::db::{self, Conn};
use crate::error::Error;
use crate::ledger::Days;
use crate::ledger::days_input::Today;
use crate::sources::deliveries::MAX_DELIVERIES;
use crate::sources::{self, ItemCounts, Source, SourcePatch, counts, deliveries};
use crate::types::id::SourceId;
use crate::types::public_url::PublicUrl;
use crate::users::Role;
use crate::web::api::error::ErrorBody;
use crate::web::api::{ApiError, ApiResult, Caller, Json, List, Path};
use crate::web::webhook_sources::replay_delivery;
use crate::web::{Admin, Marketer, Viewer};

/// How many days the counts of a source include, today being the last.
const COUNTED_DAYS: i64 = 7;

/// The OpenAPI document of sources.
#[derive(OpenApi)]
#[openapi(
    paths(list, create, find, update, delete, replace_key, list_deliveries, replay),
    components(schemas(
        SourceBody,
        NewSourceBody,
        SourceChanges,
        SourceMappingBody,
        SourceVerificationBody,
        SourceCountsBody,
        ItemCountsBody,
        DeliveriesBody,
        DeliveryBody
    ))
)]
pub(in crate::web::api) struct SourcesApi;

/// Mounts `/sources`.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/sources").get(list).post(create));
    cfg.service(web::resource("/sources/{id}").get(find).patch(update).delete(delete));
    cfg.service(web::resource("/sources/{id}/key").post(replace_key));
    cfg.service(web::resource("/sources/{id}/deliveries").get(list_deliveries));
    cfg.service(web::resource("/sources/{id}/deliveries/{number}/replay").post(replay));
}

/// Lists the sources by name.
#[
    utoipa::path(
        get,
        path = "/sources",
        tag = "sources",
        responses((status = 200, body = List<SourceBody>))
    )
]
async fn list(caller: Caller<Viewer>) -> ApiResult<Json<List<SourceBody>>> {
    let mut conn = caller.conn().await?;
    let Today { now, zone } = caller.today(&conn).await?;
    let days = |count| Days::last(count, now, zone).begin();
    let today = counts::totals(&mut conn, days(1)).await?;
    let last_days = counts::totals(&mut conn, days(COUNTED_DAYS)).await?;
    let body = |source: Source| {
        let of = |counts: &HashMap<SourceId, ItemCounts>| {
            counts.get(&source.id).copied().unwrap_or_default()
        };
        let (today, last_days) = (of(&today), of(&last_days));
        SourceBody::new(source, today, last_days, &caller.context.config.public_url)
    };
    let sources = sources::list(&mut conn).await?;
    Ok(Json(List::whole(sources.into_iter().map(body).collect())))
}

/// Creates a source.
///
/// Its `key` is only in this response. Errors name the path of the field, such as
/// `verification.secret`.
#[utoipa::path(
    post, path = "/sources", tag = "sources", request_body = NewSourceBody,
    responses((status = 201, body = SourceBody), (status = 422, body = ErrorBody))
)]
async fn create(caller: Caller<Admin>, body: Json<NewSourceBody>) -> ApiResult<HttpResponse> {
    let new = body.into_inner().into_new_source().map_err(ApiError::invalid)?;
    let (actor, now) = (caller.actor(), caller.now());
    let secret_key = &caller.context.secret_key;
    let mut conn = caller.conn().await?;
    let (source, key) = db::transaction(&mut conn, async |tx| {
        sources::create(&mut tx.open(), &actor, new, secret_key, now).await
    })
    .await?;
    let today = caller.today(&conn).await?;
    let body = body_of(&mut conn, source, today, &caller.context.config.public_url).await?;
    Ok(HttpResponse::Created().json(body.with_key(&key)))
}

/// Returns a source.
#[
    utoipa::path(
        get,
        path = "/sources/{id}",
        tag = "sources",
        params(("id" = String, Path)),
        responses((status = 200, body = SourceBody), (status = 404, body = ErrorBody))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<SourceId>) -> ApiResult<Json<SourceBody>> {
    let mut conn = caller.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let today = caller.today(&conn).await?;
    Ok(Json(body_of(&mut conn, source, today, &caller.context.config.public_url).await?))
}

/// Renames a source, enables or disables it, or changes its mapping or verification.
#[utoipa::path(
    patch, path = "/sources/{id}", tag = "sources", params(
        ("id" = String, Path)
    ), request_body = SourceChanges,
    responses(
        (status = 200, body = SourceBody),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)
    )
)]
async fn update(
    caller: Caller<Marketer>,
    id: Path<SourceId>,
    body: Json<SourceChanges>,
) -> ApiResult<Json<SourceBody>> {
    let patch = SourcePatch::from(body.into_inner());
    if patch.verification.is_some() && caller.key.role < Role::Admin {
        return Err(ApiError::forbidden(Role::Admin));
    }
    let (actor, now) = (caller.actor(), caller.now());
    let secret_key = &caller.context.secret_key;
    let mut conn = caller.conn().await?;
    let source = db::transaction(&mut conn, async |tx| {
        sources::update(&mut tx.open(), &actor, *id, patch, secret_key, now).await
    })
    .await?;
    let today = caller.today(&conn).await?;
    Ok(Json(body_of(&mut conn, source, today, &caller.context.config.public_url).await?))
}

/// Deletes a source with its keys, deliveries and counts.
///
/// Contacts and events that it has reported stay. An active automation that waits for its events
/// has to be paused first.
#[utoipa::path(
    delete, path = "/sources/{id}", tag = "sources", params(
        ("id" = String, Path)
    ),
    responses(
        (status = 204),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
async fn delete(caller: Caller<Admin>, id: Path<SourceId>) -> ApiResult<HttpResponse> {
    let (actor, now) = (caller.actor(), caller.now());
    let mut conn = caller.conn().await?;
    db::transaction(&mut conn, async |tx| sources::delete(&mut tx.open(), &actor, *id, now).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Replaces the key of a source.
///
/// The new `key` is only in this response. The former one is accepted for 24 hours, so that nothing
/// is lost meanwhile; if it has leaked, replace the key twice.
#[utoipa::path(
    post, path = "/sources/{id}/key", tag = "sources", params(
        ("id" = String, Path)
    ),
    responses((status = 200, body = SourceBody), (status = 404, body = ErrorBody))
)]
async fn replace_key(caller: Caller<Admin>, id: Path<SourceId>) -> ApiResult<Json<SourceBody>> {
    let (actor, now) = (caller.actor(), caller.now());
    let mut conn = caller.conn().await?;
    let (source, key) = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let key = sources::replace_key(&mut tx, &actor, *id, now).await?;
        Ok::<_, Error>((sources::find(&mut tx, *id).await?, key))
    })
    .await?;
    let today = caller.today(&conn).await?;
    let body = body_of(&mut conn, source, today, &caller.context.config.public_url).await?;
    Ok(Json(body.with_key(&key)))
}

/// Lists what a source sent last, the newest first, with the reason of each rejection.
///
/// At most 100 are kept: of a webhook all, of Segment’s protocol those that were rejected.
#[utoipa::path(
    get, path = "/sources/{id}/deliveries", tag = "sources", params(
        ("id" = String, Path)
    ),
    responses((status = 200, body = DeliveriesBody), (status = 404, body = ErrorBody))
)]
async fn list_deliveries(
    caller: Caller<Viewer>,
    id: Path<SourceId>,
) -> ApiResult<Json<DeliveriesBody>> {
    let mut conn = caller.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    Ok(Json(deliveries::list(&mut conn, source.id, MAX_DELIVERIES).await?.into()))
}

/// Replays a delivery by the present mapping of its source.
///
/// Only a rejected or unreachable one can be replayed, and only until it is recorded. If it is
/// rejected again, `reason` says why.
#[utoipa::path(
    post, path = "/sources/{id}/deliveries/{number}/replay", tag = "sources", params(
        ("id" = String, Path),
        ("number" = i64, Path)
    ),
    responses(
        (status = 200, body = DeliveryBody),
        (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
async fn replay(
    caller: Caller<Marketer>,
    delivery: Path<(SourceId, i64)>,
) -> ApiResult<Json<DeliveryBody>> {
    let (actor, now) = (caller.actor(), caller.now());
    let mut conn = caller.conn().await?;
    let handover = &caller.context.handover;
    let replayed = replay_delivery(&mut conn, handover, &actor, *delivery, now).await?;
    Ok(Json(replayed.into()))
}

/// The response for one source, with its counts.
async fn body_of(
    conn: &mut Conn,
    source: Source,
    Today { now, zone }: Today,
    public_url: &PublicUrl,
) -> ApiResult<SourceBody> {
    let days = counts::by_day(conn, source.id, Days::last(COUNTED_DAYS, now, zone)).await?;
    let today = days.last().map(|(_, counts)| *counts).unwrap_or_default();
    let mut last_days = ItemCounts::default();
    for (_, counts) in days {
        last_days += counts;
    }
    Ok(SourceBody::new(source, today, last_days, public_url))
}
