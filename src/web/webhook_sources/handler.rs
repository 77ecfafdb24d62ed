//! `POST /in/{id}`: a program reports an event in a form of its own.

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, PayloadConfig, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::json;

use super::incoming_request::{IncomingRequest, MAX_BYTES, text_headers};
use super::response::WebhookAnswer;
use crate::context::Context;
use crate::db::Conn;
use crate::error::Error;
use crate::sources::deliveries::{NewDelivery, ReceivedDelivery};
use crate::sources::webhook::{
    self, MappedItem, ParsedVerification, Unproven, UnverifiedRequest, WebhookMapping,
    WebhookVerification,
};
use crate::sources::{
    self, IngestRequest, ItemDefaults, Source, SourceKeySecret, SourceKind, source_key,
};
use crate::types::id::SourceId;
use crate::users::organization;
use crate::web::api::{ApiError, ApiResult, Path};
use crate::web::segment::SourceBatches;

/// Mounts `/in/{id}`.
pub(in crate::web) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::resource("/in/{id}")
            .app_data(PayloadConfig::new(MAX_BYTES))
            .post(receive)
            .put(receive),
    );
}

/// Records a webhook; answers after the commit.
///
/// Nothing of an unproven request is stored but the reason. Whatever a proven request says, it is
/// answered with 200 (see [`WebhookAnswer`]).
async fn receive(
    context: Data<Context>,
    batches: Data<SourceBatches>,
    id: Path<SourceId>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let incoming = IncomingRequest::take(&request, body)?;
    let headers = text_headers(request.headers());
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let source = sources::find(&mut conn, *id).await?;
    if source.kind != SourceKind::Webhook {
        return Err(Error::NotFound("webhook source").into());
    }
    let verification = ParsedVerification::of_stored(&source.verification)?;
    if verification.is_ping(incoming.body()) {
        return Ok(HttpResponse::Ok().finish());
    }
    let received = incoming.received(&headers);
    let proof = prove(&mut conn, &context, &source, &verification, &received, now).await?;
    if let Err(unproven) = proof {
        drop(conn);
        return Err(refuse(&batches, source, unproven).await);
    }
    if !source.enabled {
        let message = "This source is disabled. Enable it in Carillon, then send this again.";
        return Err(ApiError::new(StatusCode::FORBIDDEN, "disabled", message));
    }
    let (delivery, mapped) = read(&conn, &incoming, &headers, &source, &verification).await?;
    drop(conn);
    let answer = record(&batches, source.id, delivery, mapped).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Checks that a request comes from its source.
async fn prove(
    conn: &mut Conn,
    context: &Context,
    source: &Source,
    verification: &WebhookVerification,
    request: &UnverifiedRequest<'_>,
    now: DateTime<Utc>,
) -> ApiResult<Result<(), Unproven>> {
    if *verification != WebhookVerification::Key {
        let secret = source.secret(&context.secret_key).unwrap_or_else(|error| {
            tracing::warn!(source.id = %source.id, %error, "a webhook cannot be verified");
            None
        });
        return Ok(verification.check(secret.as_ref(), request, now));
    }
    let Some(key) = request.key() else { return Ok(Err(Unproven::MissingKey)) };
    let Some(key) = SourceKeySecret::parse(key) else { return Ok(Err(Unproven::WrongKey)) };
    let found = source_key::authenticate(conn, &[key], now).await?;
    let is_right = found.into_iter().flatten().any(|found| found.id == source.id);
    Ok(if is_right { Ok(()) } else { Err(Unproven::WrongKey) })
}

/// Reads what a request says by the mapping of its source, or why that is not possible.
async fn read(
    conn: &Conn,
    incoming: &IncomingRequest,
    headers: &[(&str, &str)],
    source: &Source,
    verification: &WebhookVerification,
) -> ApiResult<(ReceivedDelivery, Result<MappedItem, String>)> {
    let mapping = WebhookMapping::parse(&source.mapping);
    let unmapped = WebhookMapping::default();
    let kept =
        IncomingRequest::kept_headers(headers, mapping.as_ref().unwrap_or(&unmapped), verification);
    let delivery = incoming.delivery(&kept);
    let (mapping, document) = match (mapping, incoming.document(kept)) {
        (Ok(mapping), Ok(document)) => (mapping, document),
        (Err(errors), _) => return Ok((delivery, Err(errors.to_string()))),
        (Ok(_), Err(error)) => return Ok((delivery, Err(error.to_string()))),
    };
    let defaults = if webhook::needs_defaults(&mapping, &document) {
        ItemDefaults::from(&organization::find(conn).await?)
    } else {
        ItemDefaults { country: None, zone: Tz::UTC }
    };
    let mapped = webhook::map_with_remarks(&mapping, &document, defaults, source.id);
    Ok((delivery, mapped.map_err(|errors| errors.to_string())))
}

/// Records that a request was not proven, without its content; returns the answer.
async fn refuse(batches: &SourceBatches, source: Source, unproven: Unproven) -> ApiError {
    let reason = unproven.to_string();
    if source.enabled {
        let mut delivery = ReceivedDelivery::new(None, json!({}), b"");
        delivery.reason = Some(reason.clone());
        let request = IngestRequest {
            source_id: source.id,
            items: Vec::new(),
            rejected: 1,
            delivery: Some(NewDelivery::Received(delivery)),
        };
        if let Err(error) = batches.submit(request).await {
            tracing::warn!(source.id = %source.id, %error, "a refused webhook could not be stored");
        }
    }
    ApiError::new(StatusCode::UNAUTHORIZED, "unauthorized", reason)
}

/// Records what a request says, or that it could not be mapped; returns after the commit.
async fn record(
    batches: &SourceBatches,
    source_id: SourceId,
    mut delivery: ReceivedDelivery,
    mapped: Result<MappedItem, String>,
) -> ApiResult<WebhookAnswer> {
    let (items, rejected, remark) = match mapped {
        Ok(MappedItem { item, remarks }) => {
            (vec![item], 0, (!remarks.is_empty()).then(|| remarks.join(" ")))
        }
        Err(reason) => (Vec::new(), 1, Some(reason)),
    };
    delivery.reason.clone_from(&remark);
    let delivery = Some(NewDelivery::Received(delivery));
    let request = IngestRequest { source_id, items, rejected, delivery };
    let outcome = batches.submit(request).await?.pop();
    Ok(match outcome {
        Some(outcome) => WebhookAnswer::of(outcome, remark.as_deref()),
        None => WebhookAnswer::rejected(remark.unwrap_or_default()),
    })
}
