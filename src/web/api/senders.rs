//! The API of senders: what messages are sent from.

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{ApiResult, Caller, Json, List, Path};
use crate::connection_center;
use crate::connections::{SenderAddress, SenderKind, Status};
use crate::contacts::Patch;
use crate::error::{Error, FieldErrors};
use crate::messages::throttle::figures::{self, QueueFigures};
use crate::senders::{self, Limits, PartsPerSecond, Sender, SenderChange, Validity};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::{Admin, Viewer};

/// The part of the API's description that is about senders.
#[derive(OpenApi)]
#[openapi(
    paths(list, find, update, set_webhook),
    components(schemas(SenderBody, SenderDetail, SenderPatch, Capabilities, QueueBody))
)]
pub(super) struct SendersApi;

/// Mounts `/senders`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/senders").get(list));
    cfg.service(web::resource("/senders/{id}").get(find).patch(update));
    cfg.service(web::resource("/senders/{id}/webhook").post(set_webhook));
}

/// What messages are sent from.
#[derive(Serialize, ToSchema)]
pub(super) struct SenderBody {
    #[schema(value_type = String)]
    id: SenderId,
    #[schema(value_type = String)]
    connection_id: ConnectionId,
    /// `phone_number` or `messaging_service`.
    #[schema(value_type = String)]
    kind: SenderKind,
    /// E.164, or `MG…`.
    #[schema(value_type = String)]
    address: SenderAddress,
    name: String,
    capabilities: Capabilities,
    /// `active`, `disabled` (by a person) or `stopped` (Twilio refuses to send from it).
    #[schema(value_type = String)]
    status: Status,
    /// Why it is stopped.
    stopped_reason: Option<String>,
    /// The address that Twilio calls with incoming messages, once it is set; `…` stands for the
    /// secret in it, where there is one.
    webhook_url: Option<String>,
    /// Why it could not be set, and what to do.
    webhook_error: Option<String>,
    /// How many SMS parts it sends per second at most; null when Carillon does not limit it.
    #[schema(value_type = Option<f64>)]
    parts_per_second: Option<PartsPerSecond>,
    /// How many minutes after its making a message may still be handed to Twilio; later it expires
    /// and is not sent.
    #[schema(value_type = i32)]
    validity_minutes: Validity,
    created_at: DateTime<Utc>,
}

/// A sender and what waits for it.
#[derive(Serialize, ToSchema)]
pub(super) struct SenderDetail {
    #[serde(flatten)]
    sender: SenderBody,
    queue: QueueBody,
}

/// The messages that wait for the sender's rate.
#[derive(Serialize, ToSchema)]
struct QueueBody {
    waiting_messages: i64,
    /// Their SMS parts.
    waiting_parts: i64,
    /// When the last of them goes, if the sender is on and no others come; null when nothing waits.
    empty_at: Option<DateTime<Utc>>,
    /// How many seconds that takes.
    seconds: i64,
    /// How many of them would wait longer than `validity_minutes`, and expire.
    expiring_messages: i64,
}

/// What a sender can send.
#[derive(Serialize, ToSchema)]
struct Capabilities {
    sms: bool,
    mms: bool,
}

/// What to change of a sender; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SenderPatch {
    /// Its new name.
    name: Option<String>,
    /// `true` stops its sending at once; `false` starts it again, whoever had stopped it.
    disabled: Option<bool>,
    /// SMS parts per second, from 0.1 to 1,000; null for no limit. A new sender has Twilio's usual
    /// rate for its kind of number.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    parts_per_second: Patch<f64>,
    /// For how many minutes a message may wait before it expires, from 5 to 10,080.
    validity_minutes: Option<i32>,
}

/// Lists the senders of all connections.
#[
    utoipa::path(
        get,
        path = "/senders",
        tag = "senders",
        responses((status = 200, body = List<SenderBody>))
    )
]
async fn list(caller: Caller<Viewer>) -> ApiResult<Json<List<SenderBody>>> {
    let senders = senders::list(&mut *caller.conn().await?).await?;
    Ok(Json(List::whole(senders.into_iter().map(SenderBody::from).collect())))
}

/// One sender.
#[
    utoipa::path(
        get,
        path = "/senders/{id}",
        tag = "senders",
        params(("id" = String, Path)),
        responses((status = 200, body = SenderDetail))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<SenderId>) -> ApiResult<Json<SenderDetail>> {
    let sender = senders::find(&mut *caller.conn().await?, *id).await?;
    detail(&caller, sender).await
}

/// Renames a sender, changes its limits, or switches it off or on.
#[utoipa::path(
    patch, path = "/senders/{id}", tag = "senders", params(
        ("id" = String, Path)
    ), request_body = SenderPatch,
    responses((status = 200, body = SenderDetail))
)]
async fn update(
    caller: Caller<Admin>,
    id: Path<SenderId>,
    body: Json<SenderPatch>,
) -> ApiResult<Json<SenderDetail>> {
    let before = senders::find(&mut *caller.conn().await?, *id).await?;
    let limits = body.limits(&before)?;
    let SenderPatch { name, disabled, .. } = body.into_inner();
    let sender = connection_center::change_sender(
        &caller.context,
        &caller.actor(),
        *id,
        &SenderChange { name, limits, disabled },
    )
    .await?;
    detail(&caller, sender).await
}

async fn detail<R: super::caller::Bearer>(
    caller: &Caller<R>,
    sender: Sender,
) -> ApiResult<Json<SenderDetail>> {
    let now = caller.now();
    let queue = figures::of(&mut *caller.conn().await?, &sender, now).await?;
    Ok(Json(SenderDetail { sender: sender.into(), queue: QueueBody::of(&queue, now) }))
}

impl SenderPatch {
    /// The limits with what is changed of them, if anything is.
    fn limits(&self, before: &Sender) -> Result<Option<Limits>, Error> {
        let mut errors = FieldErrors::default();
        let parts_per_second = match self.parts_per_second {
            Patch::Keep => before.parts_per_second,
            Patch::Clear => None,
            Patch::Set(rate) => errors.check("parts_per_second", PartsPerSecond::new(rate)),
        };
        let validity = self.validity_minutes.map_or(Some(before.validity), |minutes| {
            errors.check("validity_minutes", Validity::new(minutes))
        });
        errors.into_result()?;
        let limits = Limits { parts_per_second, validity: validity.unwrap_or(before.validity) };
        let is_changed = limits != before.limits();
        Ok(is_changed.then_some(limits))
    }
}

impl QueueBody {
    fn of(queue: &QueueFigures, now: DateTime<Utc>) -> Self {
        Self {
            waiting_messages: queue.waiting_messages,
            waiting_parts: queue.waiting_parts,
            empty_at: queue.empty_at,
            seconds: queue.length(now).num_seconds(),
            expiring_messages: queue.expiring_messages,
        }
    }
}

/// Has Twilio report the sender's incoming messages here, again; `webhook_error` says why it did
/// not work.
#[
    utoipa::path(
        post,
        path = "/senders/{id}/webhook",
        tag = "senders",
        params(("id" = String, Path)),
        responses((status = 200, body = SenderBody))
    )
]
async fn set_webhook(caller: Caller<Admin>, id: Path<SenderId>) -> ApiResult<Json<SenderBody>> {
    let sender = connection_center::set_inbound(&caller.context, &caller.actor(), *id).await?;
    Ok(Json(sender.into()))
}

impl From<Sender> for SenderBody {
    fn from(sender: Sender) -> Self {
        Self {
            id: sender.id,
            connection_id: sender.connection_id,
            kind: sender.kind,
            status: sender.status(),
            address: sender.address,
            name: sender.name,
            capabilities: Capabilities { sms: sender.sms_capable, mms: sender.mms_capable },
            stopped_reason: sender.stopped_reason,
            webhook_url: sender.webhook_url,
            webhook_error: sender.webhook_error,
            parts_per_second: sender.parts_per_second,
            validity_minutes: sender.validity,
            created_at: sender.created_at,
        }
    }
}
