//! The API of senders: what messages are sent from.

use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{ApiResult, Caller, Json, List, Path};
use crate::connections::{SenderAddress, SenderKind, Status};
use crate::senders::{self, Sender};
use crate::types::id::{ConnectionId, SenderId};
use crate::web::connecting;
use crate::web::{Admin, Viewer};

/// The part of the API's description that is about senders.
#[derive(OpenApi)]
#[openapi(paths(list, find, update, set_webhook), components(schemas(SenderBody, SenderChange, Capabilities)))]
pub(super) struct Description;

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
    /// The address that Twilio calls with incoming messages, once it is set.
    webhook_url: Option<String>,
    /// Why it could not be set, and what to do.
    webhook_error: Option<String>,
    created_at: DateTime<Utc>,
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
struct SenderChange {
    /// Its new name.
    name: Option<String>,
    /// `true` stops its sending at once; `false` starts it again, whoever had stopped it.
    disabled: Option<bool>,
}

/// Lists the senders of all connections.
#[utoipa::path(get, path = "/senders", tag = "senders", responses((status = 200, body = List<SenderBody>)))]
async fn list(caller: Caller<Viewer>) -> ApiResult<Json<List<SenderBody>>> {
    let senders = senders::list(&mut *caller.conn().await?).await?;
    Ok(Json(List { data: senders.into_iter().map(SenderBody::from).collect(), next_cursor: None }))
}

/// One sender.
#[utoipa::path(get, path = "/senders/{id}", tag = "senders", params(("id" = String, Path)), responses((status = 200, body = SenderBody)))]
async fn find(caller: Caller<Viewer>, id: Path<SenderId>) -> ApiResult<Json<SenderBody>> {
    let sender = senders::find(&mut *caller.conn().await?, *id).await?;
    Ok(Json(sender.into()))
}

/// Renames a sender, or switches it off or on.
#[utoipa::path(
    patch, path = "/senders/{id}", tag = "senders", params(("id" = String, Path)), request_body = SenderChange,
    responses((status = 200, body = SenderBody))
)]
async fn update(caller: Caller<Admin>, id: Path<SenderId>, body: Json<SenderChange>) -> ApiResult<Json<SenderBody>> {
    if let Some(name) = &body.name {
        senders::rename(&mut *caller.conn().await?, *id, name).await?;
    }
    let sender = match body.disabled {
        Some(true) => connecting::disable_sender(&caller.app, *id).await?,
        Some(false) => connecting::enable_sender(&caller.app, *id).await?,
        None => senders::find(&mut *caller.conn().await?, *id).await?,
    };
    Ok(Json(sender.into()))
}

/// Has Twilio report the sender's incoming messages here, again; `webhook_error` says why it did not work.
#[utoipa::path(post, path = "/senders/{id}/webhook", tag = "senders", params(("id" = String, Path)), responses((status = 200, body = SenderBody)))]
async fn set_webhook(caller: Caller<Admin>, id: Path<SenderId>) -> ApiResult<Json<SenderBody>> {
    let sender = connecting::set_inbound(&caller.app, *id).await?;
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
            created_at: sender.created_at,
        }
    }
}
