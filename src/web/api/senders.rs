//! The API of senders: the phone numbers and Messaging Services that messages are sent from.

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{ApiResult, Caller, Json, List, Path};
use crate::connection_center;
use crate::connections::{SenderAddress, SenderKind, Status};
use crate::contacts::Patch;
use crate::error::{Error, FieldErrors};
use crate::messages::throttle::queue_figures::{self, QueueFigures};
use crate::senders::{self, Limits, PartsPerSecond, Sender, SenderChange, Validity};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::{Admin, Viewer};

/// The OpenAPI document of senders.
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

/// A phone number or Messaging Service that messages are sent from.
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
    /// Why Twilio refuses to send from it.
    stopped_reason: Option<String>,
    /// The address that Twilio calls with inbound messages, once it is set; `…` replaces a secret
    /// in it.
    webhook_url: Option<String>,
    /// Why the webhook could not be set, and what to do.
    webhook_error: Option<String>,
    /// The limit of SMS parts per second; `null` if Carillon does not limit it.
    #[schema(value_type = Option<f64>)]
    parts_per_second: Option<PartsPerSecond>,
    /// How many minutes after its creation a message may still be submitted to Twilio; later it
    /// expires and is not sent.
    #[schema(value_type = i32)]
    validity_minutes: Validity,
    created_at: DateTime<Utc>,
}

/// A sender with its queue.
#[derive(Serialize, ToSchema)]
pub(super) struct SenderDetail {
    #[serde(flatten)]
    sender: SenderBody,
    queue: QueueBody,
}

/// The messages that wait because of the sender's rate.
#[derive(Serialize, ToSchema)]
struct QueueBody {
    waiting_messages: i64,
    /// The SMS parts of the waiting messages.
    waiting_parts: i64,
    /// When the last of them will be sent, if the sender is active and no others arrive; `null` if
    /// none are waiting.
    empty_at: Option<DateTime<Utc>>,
    /// How many seconds that takes.
    seconds: i64,
    /// How many of them would wait longer than `validity_minutes`, and expire.
    expiring_messages: i64,
}

/// The kinds of messages that a sender can send.
#[derive(Serialize, ToSchema)]
struct Capabilities {
    sms: bool,
    mms: bool,
}

/// Changes to a sender; a field that is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SenderPatch {
    /// The new name.
    name: Option<String>,
    /// `true` stops sending at once; `false` resumes it, whether a user or Twilio's refusal stopped
    /// it.
    disabled: Option<bool>,
    /// The limit of SMS parts per second, from 0.1 to 1,000; `null` for no limit. A new sender has
    /// Twilio's usual rate for its kind of number.
    #[serde(default)]
    #[schema(value_type = Option<f64>)]
    parts_per_second: Patch<f64>,
    /// How many minutes a message may wait before it expires, from 5 to 10,080.
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

/// Returns a sender with its queue.
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

/// Renames a sender, changes its limits, or disables or enables it.
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
    let queue = queue_figures::of_sender(&mut *caller.conn().await?, &sender, now).await?;
    Ok(Json(SenderDetail { sender: sender.into(), queue: QueueBody::of(&queue, now) }))
}

impl SenderPatch {
    /// The new limits; `None` if nothing changes.
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

/// Sets the sender's inbound webhook at Twilio again.
///
/// If that fails, `webhook_error` says why.
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
