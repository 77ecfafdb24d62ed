//! The API of connections: Twilio accounts are connected, checked, renamed and switched off here;
//! secrets never come back.

use std::collections::HashMap;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::senders::SenderBody;
use super::{ApiResult, Caller, Json, List, Path};
use crate::connection_center::{self, ConnectForm};
use crate::connections::{
    self, Check, Connection, ConnectionChange, FormerToken, NewKeys, UnconfirmedPolicy,
};
use crate::db::Conn;
use crate::senders::{self, Sender};
use crate::types::id::ConnectionId;
use crate::web::http::narrowing::blank_fields;
use crate::web::{Admin, Viewer};

/// The part of the API's description that is about connections.
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
        Verification,
        CheckBody
    ))
)]
pub(super) struct ConnectionsApi;

/// Mounts `/connections`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections").get(list).post(create));
    cfg.service(web::resource("/connections/{id}").get(find).patch(update));
    cfg.service(web::resource("/connections/{id}/keys").put(replace_keys));
    cfg.service(web::resource("/connections/{id}/webhook-secret").post(rotate_secret));
    cfg.service(web::resource("/connections/{id}/verify").post(verify));
    cfg.service(web::resource("/connections/{id}/webhook-test").post(test_webhook));
    cfg.service(web::resource("/connections/{id}/senders").post(add_sender));
}

/// A Twilio account to connect: an Auth Token, or an API key with its secret, or both.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewConnectionBody {
    /// What people call it; unique. The account's name in Twilio if missing.
    #[serde(default)]
    name: String,
    /// `AC…`
    #[serde(default)]
    account_sid: String,
    /// Signs the webhooks as well, which is the stronger proof; without it, a secret in their
    /// address is what proves them.
    auth_token: Option<String>,
    /// `SK…`
    api_key_sid: Option<String>,
    /// Comes with `api_key_sid`.
    api_key_secret: Option<String>,
    /// The number to send from in E.164, or the SID of a Messaging Service (`MG…`). Without one,
    /// the account alone is connected, and senders are added afterwards.
    #[serde(default)]
    sender: String,
}

/// Keys of the same account to put in place of the saved ones; what is left out is dropped, and
/// what is blank is an error.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct KeysBody {
    /// The account's Auth Token.
    auth_token: Option<String>,
    /// `SK…`
    api_key_sid: Option<String>,
    /// Comes with `api_key_sid`.
    api_key_secret: Option<String>,
    /// What becomes of the Auth Token that is replaced: `accept` what it signs for a week, so that
    /// nothing is lost while Twilio changes over (the default), or `refuse` it from now on, because
    /// it has leaked.
    #[schema(value_type = Option<String>)]
    former_auth_token: Option<FormerToken>,
}

/// How to change the secret in the webhook address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotationBody {
    /// What becomes of the secret that is replaced: `accept` it for a week, so that messages in
    /// flight keep reporting (the default), or `refuse` it from now on, because it has leaked.
    #[schema(value_type = Option<String>)]
    former: Option<FormerToken>,
}

/// What to change of a connection; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ConnectionPatch {
    /// Its new name.
    name: Option<String>,
    /// `true` stops its sending at once; `false` starts it again, whoever had stopped it.
    disabled: Option<bool>,
    /// What becomes of messages whose fate stays unknown: `give_up` or `resend`.
    #[schema(value_type = Option<String>)]
    unconfirmed_policy: Option<UnconfirmedPolicy>,
    /// How many requests may be in flight at Twilio at most, of all workers together: 1 to 5,000.
    max_concurrency: Option<i32>,
}

/// One more sender of the account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewSenderBody {
    /// A number in E.164, or the SID of a Messaging Service (`MG…`).
    #[serde(default)]
    sender: String,
}

/// A connected Twilio account, without its secrets.
#[derive(Serialize, ToSchema)]
struct ConnectionBody {
    #[schema(value_type = String)]
    id: ConnectionId,
    name: String,
    /// `AC…`
    account_sid: String,
    /// The account's name in Twilio; its SID where the keys cannot read it.
    account_name: String,
    /// `Trial` or `Full`; `null` where the keys cannot read it.
    account_type: Option<String>,
    /// `SK…` where an API key is used.
    api_key_sid: Option<String>,
    /// Whether an Auth Token is saved, so that webhooks are checked by their signature.
    has_auth_token: bool,
    /// `active`, `disabled` (by a person) or `stopped` (Twilio refuses the account).
    #[schema(value_type = String)]
    status: connections::Status,
    /// Why it is stopped.
    stopped_reason: Option<String>,
    #[schema(value_type = String)]
    unconfirmed_policy: UnconfirmedPolicy,
    /// How many requests may be in flight at Twilio at most, of all workers together.
    max_concurrency: i32,
    /// Until when webhooks that the former Auth Token has signed are accepted.
    former_auth_token_until: Option<DateTime<Utc>>,
    /// Until when webhooks at the address with the former secret are accepted.
    former_webhook_secret_until: Option<DateTime<Utc>>,
    /// When Twilio last accepted the keys.
    verified_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    senders: Vec<SenderBody>,
}

/// What a live check found.
#[derive(Serialize, ToSchema)]
struct Verification {
    /// Whether no check has failed.
    verified: bool,
    checks: Vec<CheckBody>,
}

/// One thing that was looked at.
#[derive(Serialize, ToSchema)]
struct CheckBody {
    title: String,
    /// `passed`, `warning` or `failed`.
    #[schema(value_type = String)]
    outcome: connections::CheckOutcome,
    /// What was found.
    detail: String,
    /// What to do.
    advice: Option<String>,
    /// A page that tells more.
    link: Option<String>,
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

/// Connects a Twilio account. Keys and sender are verified live before anything is saved; then the
/// inbound webhook is set.
#[utoipa::path(
    post, path = "/connections", tag = "connections", request_body = NewConnectionBody,
    responses(
        (status = 201, body = ConnectionBody),
        (status = 422, body = super::error::ErrorBody, description = "`code` says what is wrong: \
            `invalid_fields`, `twilio_refused_keys`, \
            `keys_not_allowed`, `test_credentials`, `account_not_found`, `account_suspended`, \
            `account_closed`, `account_inactive`, \
            `number_not_in_account`, `no_sms_capability`, `service_not_found`, \
            `service_without_senders`, `twilio_unreachable`, \
            `twilio_busy` or `twilio_answered_strangely`")
    )
)]
async fn create(caller: Caller<Admin>, body: Json<NewConnectionBody>) -> ApiResult<HttpResponse> {
    let body = body.into_inner();
    let keys = new_keys(body.account_sid, body.auth_token, body.api_key_sid, body.api_key_secret);
    let form = ConnectForm { name: body.name, keys, sender: body.sender };
    let (connection, sender) =
        connection_center::connect(&caller.context, &caller.actor(), form).await?;
    Ok(HttpResponse::Created().json(ConnectionBody::new(connection, sender.into_iter().collect())))
}

/// One connection with its senders.
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

/// Renames a connection, switches it off or on, or changes its policy.
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
    let ConnectionPatch { name, disabled, unconfirmed_policy, max_concurrency } = body.into_inner();
    let change = ConnectionChange { name, unconfirmed_policy, max_concurrency, disabled };
    connection_center::change_connection(&caller.context, &caller.actor(), *id, &change).await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Replaces the keys, once Twilio has accepted the new ones; wrong ones leave the saved ones in
/// place.
#[utoipa::path(
    put, path = "/connections/{id}/keys", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = KeysBody,
    responses((status = 200, body = ConnectionBody), (status = 422, body = super::error::ErrorBody))
)]
async fn replace_keys(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<KeysBody>,
) -> ApiResult<Json<ConnectionBody>> {
    let body = body.into_inner();
    let given = [
        ("auth_token", &body.auth_token),
        ("api_key_sid", &body.api_key_sid),
        ("api_key_secret", &body.api_key_secret),
    ];
    let given = given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    blank_fields(given, &["auth_token", "api_key_sid", "api_key_secret"]).into_result()?;
    let keys = new_keys(String::new(), body.auth_token, body.api_key_sid, body.api_key_secret);
    connection_center::replace_keys(
        &caller.context,
        &caller.actor(),
        *id,
        keys,
        body.former_auth_token.unwrap_or(FormerToken::Accept),
    )
    .await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Puts a new secret into the webhook address of a connection, and has Twilio call it. The secret
/// itself is never answered.
///
/// It proves Twilio's calls where no Auth Token is saved. A sender whose webhook could not be set
/// says so in `webhook_error`.
#[utoipa::path(
    post, path = "/connections/{id}/webhook-secret", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = RotationBody,
    responses((status = 200, body = ConnectionBody), (status = 422, body = super::error::ErrorBody))
)]
async fn rotate_secret(
    caller: Caller<Admin>,
    id: Path<ConnectionId>,
    body: Json<RotationBody>,
) -> ApiResult<Json<ConnectionBody>> {
    let former = body.into_inner().former.unwrap_or(FormerToken::Accept);
    connection_center::rotate_hook_secret(&caller.context, &caller.actor(), *id, former).await?;
    show(&mut *caller.conn().await?, *id).await
}

/// Checks everything that the connection needs, live.
#[utoipa::path(
    post, path = "/connections/{id}/verify", tag = "connections", params(
        ("id" = String, Path)
    ), responses(
        (status = 200, body = Verification)
    )
)]
async fn verify(caller: Caller<Admin>, id: Path<ConnectionId>) -> ApiResult<Json<Verification>> {
    let checks = connection_center::check(&caller.context, *id).await?;
    let verified = !checks.iter().any(Check::has_failed);
    Ok(Json(Verification { verified, checks: checks.into_iter().map(CheckBody::from).collect() }))
}

/// Calls the connection's webhook through the public address, signed as Twilio signs: what came of
/// it.
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

/// Adds a sender of the account, verified live; then its inbound webhook is set.
#[utoipa::path(
    post, path = "/connections/{id}/senders", tag = "connections", params(
        ("id" = String, Path)
    ), request_body = NewSenderBody,
    responses((status = 201, body = SenderBody), (status = 422, body = super::error::ErrorBody))
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

impl ConnectionBody {
    fn new(connection: Connection, senders: Vec<Sender>) -> Self {
        Self {
            id: connection.id,
            status: connection.status(),
            name: connection.name,
            account_sid: connection.account_sid,
            account_name: connection.account_name,
            account_type: connection.account_type,
            api_key_sid: connection.api_key_sid,
            has_auth_token: connection.has_auth_token,
            stopped_reason: connection.stopped_reason,
            unconfirmed_policy: connection.unconfirmed_policy,
            max_concurrency: connection.max_concurrency,
            former_auth_token_until: connection.former_auth_token_until,
            former_webhook_secret_until: connection.former_hook_secret_until,
            verified_at: connection.verified_at,
            created_at: connection.created_at,
            senders: senders.into_iter().map(SenderBody::from).collect(),
        }
    }
}

impl From<Check> for CheckBody {
    fn from(Check { title, outcome, detail, advice, link, .. }: Check) -> Self {
        Self { title, outcome, detail, advice, link }
    }
}

async fn show(conn: &mut Conn, id: ConnectionId) -> ApiResult<Json<ConnectionBody>> {
    let connection = connections::find(conn, id).await?;
    let senders = senders::of_connection(conn, id).await?;
    Ok(Json(ConnectionBody::new(connection, senders)))
}

fn new_keys(
    account_sid: String,
    auth_token: Option<String>,
    api_key_sid: Option<String>,
    api_key_secret: Option<String>,
) -> NewKeys {
    NewKeys {
        account_sid,
        auth_token: auth_token.unwrap_or_default().into(),
        api_key_sid: api_key_sid.unwrap_or_default(),
        api_key_secret: api_key_secret.unwrap_or_default().into(),
    }
}
