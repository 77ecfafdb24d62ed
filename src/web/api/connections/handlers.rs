//! Handlers of the API of connections: list, connect, change, check and test them, replace their
//! secrets, and add senders.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::request::{ConnectionPatch, KeysBody, NewConnectionBody, NewSenderBody, RotationBody};
use super::response::{CheckBody, ConnectionBody, VerificationBody};
use crate::db::Conn;
use crate::senders::{self, Sender};
use crate::types::id::ConnectionId;
use crate::web::api::error::ErrorBody;
use crate::web::api::senders::SenderBody;
use crate::web::api::{ApiResult, Caller, Json, List, Path};
use crate::web::{Admin, Viewer};
use crate::{connection_center, connections};

/// The OpenAPI document of connections.
#[derive(OpenApi)]
#[openapi(
    paths(
        list,
        create,
        find,
        update,
        replace_keys,
        rotate_secret,
        verify,
        test_webhook,
        add_sender
    ),
    components(schemas(
        NewConnectionBody,
        KeysBody,
        RotationBody,
        ConnectionPatch,
        ConnectionBody,
        NewSenderBody,
        SenderBody,
        VerificationBody,
        CheckBody
    ))
)]
pub(in crate::web::api) struct ConnectionsApi;

/// Mounts `/connections`.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").get(list).post(create));
    cfg.service(web::resource("/connections/{id}").get(find).patch(update));
    cfg.service(web::resource("/connections/{id}/keys").put(replace_keys));
    cfg.service(web::resource("/connections/{id}/webhook-secret").post(rotate_secret));
    cfg.service(web::resource("/connections/{id}/verify").post(verify));
    cfg.service(web::resource("/connections/{id}/webhook-test").post(test_webhook));
    cfg.service(web::resource("/connections/{id}/senders").post(add_sender));
}

/// Lists the connections with their senders.
#[
    utoipa::path(
        get,
        path = "/connections",
        tag = "connections",
        responses((status = 200, body = List<ConnectionBody>))
    )
]
async fn list(caller: Caller<Viewer>) -> ApiResult<Json<List<ConnectionBody>>> {
    let mut conn = caller.conn().await?;
    let connections = connections::list(&mut conn).await?;
    let mut by_connection: HashMap<ConnectionId, Vec<Sender>> = HashMap::new();
    for sender in senders::list(&mut conn).await? {
        by_connection.entry(sender.connection_id).or_default().push(sender);
    }
    let data = connections.into_iter().map(|connection| {
        let senders = by_connection.remove(&connection.id).unwrap_or_default();
        ConnectionBody::new(connection, senders)
    });
    Ok(Json(List::whole(data.collect())))
}

/// Connects a Twilio account.
///
/// Keys and sender are verified live before anything is saved. Then the inbound webhook is set.
#[utoipa::path(
    post, path = "/connections", tag = "connections", request_body = NewConnectionBody,
    responses(
        (status = 201, body = ConnectionBody),
        (status = 422, body = ErrorBody, description = "`code` says what is wrong: \
            `invalid_fields`, `twilio_refused_keys`, \
            `keys_not_allowed`, `test_credentials`, `account_not_found`, `account_suspended`, \
            `account_closed`, `account_inactive`, \
            `number_not_in_account`, `no_sms_capability`, `service_not_found`, \
            `service_without_senders`, `twilio_unreachable`, \
            `twilio_busy` or `twilio_answered_strangely`")
    )
)]
async fn create(caller: Caller<Admin>, body: Json<NewConnectionBody>) -> ApiResult<HttpResponse> {
    let form = body.into_inner().into_form();
    let (connection, sender) =
        connection_center::connect(&caller.context, &caller.actor(), form).await?;
    Ok(HttpResponse::Created().json(ConnectionBody::new(connection, sender.into_iter().collect())))
}

/// Returns a connection with its senders.
#[
    utoipa::path(
        get,
        path = "/connections/{id}",
        tag = "connections",
        params(("id" = String, Path)),
        responses((status = 200, body = ConnectionBody))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<ConnectionId>) -> ApiResult<Json<ConnectionBody>> {
    show(&mut *caller.conn().await?, *id).await
}

/// Renames a connection, disables or enables it, or changes its policy.
#[utoipa::path(
    patch, path = "/connections/{id}", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = ConnectionPatch,
    responses((status = 200, body = ConnectionBody))
)]
async fn update(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<ConnectionPatch>,
) -> ApiResult<Json<ConnectionBody>> {
    let change = body.into_inner().into_change();
    connection_center::change_connection(&caller.context, &caller.actor(), *id, &change).await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Replaces the keys.
///
/// Twilio has to accept the new keys; otherwise the saved ones stay.
#[utoipa::path(
    put, path = "/connections/{id}/keys", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = KeysBody,
    responses((status = 200, body = ConnectionBody), (status = 422, body = ErrorBody))
)]
async fn replace_keys(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<KeysBody>,
) -> ApiResult<Json<ConnectionBody>> {
    let (keys, former) = body.into_inner().read()?;
    connection_center::replace_keys(&caller.context, &caller.actor(), *id, keys, former).await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Changes the secret in a connection's webhook address, and registers the new address with Twilio.
///
/// The secret proves Twilio's calls if no Auth Token is saved; it is never returned. A sender whose
/// webhook could not be set has a `webhook_error`.
#[utoipa::path(
    post, path = "/connections/{id}/webhook-secret", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = RotationBody,
    responses((status = 200, body = ConnectionBody), (status = 422, body = ErrorBody))
)]
async fn rotate_secret(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<RotationBody>,
) -> ApiResult<Json<ConnectionBody>> {
    let former = body.former();
    connection_center::rotate_hook_secret(&caller.context, &caller.actor(), *id, former).await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Runs live checks of everything that the connection needs.
#[utoipa::path(
    post, path = "/connections/{id}/verify", tag = "connections", params(
        ("id" = String, Path)
    ), responses(
        (status = 200, body = VerificationBody)
    )
)]
async fn verify(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
) -> ApiResult<Json<VerificationBody>> {
    let checks = connection_center::check(&caller.context, *id).await?;
    Ok(Json(VerificationBody::new(checks)))
}

/// Calls the connection's webhook through the public address, signed as Twilio signs, and returns
/// the result.
#[utoipa::path(
    post, path = "/connections/{id}/webhook-test", tag = "connections", params(
        ("id" = String, Path)
    ), responses(
        (status = 200, body = CheckBody)
    )
)]
async fn test_webhook(caller: Caller<Admin>, id: Path<ConnectionId>) -> ApiResult<Json<CheckBody>> {
    Ok(Json(connection_center::test_webhook(&caller.context, *id).await?.check.into()))
}

/// Adds a sender of the account.
///
/// The sender is verified live. Then its inbound webhook is set.
#[utoipa::path(
    post, path = "/connections/{id}/senders", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = NewSenderBody,
    responses((status = 201, body = SenderBody), (status = 422, body = ErrorBody))
)]
async fn add_sender(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<NewSenderBody>,
) -> ApiResult<HttpResponse> {
    let sender =
        connection_center::add_sender(&caller.context, &caller.actor(), *id, &body.sender).await?;
    Ok(HttpResponse::Created().json(SenderBody::from(sender)))
}

async fn show(conn: &mut Conn, id: ConnectionId) -> ApiResult<Json<ConnectionBody>> {
    let connection = connections::find(conn, id).await?;
    let senders = senders::list_for_connection(conn, id).await?;
    Ok(Json(ConnectionBody::new(connection, senders)))
}
