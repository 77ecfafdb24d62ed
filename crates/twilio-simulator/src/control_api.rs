//! The control API under `/simulator/api`: the [`Simulator`] handle as JSON over HTTP, for tests in
//! other processes.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json, Path, Query, ServiceConfig};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Simulator;
use super::faults::{Extent, Fault, Reach, Rule, RuleId};
use super::inbound::{InboundError, InboundResult};
use super::message::Direction;
use super::resources::AccountStatus;
use super::shared_state::Shared;
use super::world::World;

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/state", web::get().to(state))
        .route("/messages", web::get().to(messages))
        .route("/messages/{sid}/redeliver", web::post().to(redeliver))
        .route("/callbacks", web::get().to(callbacks))
        .route("/replies", web::post().to(reply))
        .route("/faults", web::get().to(faults))
        .route("/faults", web::post().to(add_fault))
        .route("/faults", web::delete().to(clear_faults))
        .route("/faults/{id}", web::delete().to(remove_fault))
        .route("/opt-outs", web::get().to(opt_outs))
        .route("/opt-outs", web::post().to(opt_out))
        .route("/accounts/{sid}", web::patch().to(change_account))
        .route("/services/{sid}", web::patch().to(change_service))
        .route("/flush", web::post().to(flush))
        .route("/release-scheduled", web::post().to(release_scheduled))
        .route("/reset", web::post().to(reset));
}

fn simulator(shared: Data<Shared>) -> Simulator {
    Simulator { shared: shared.into_inner() }
}

async fn state(shared: Data<Shared>) -> HttpResponse {
    let under_way = shared.under_way();
    let world = shared.world();
    let accounts: Vec<Value> = world
        .accounts
        .iter()
        .map(|account| {
            let keys: Vec<Value> = account
                .api_keys
                .iter()
                .map(|key| json!({"sid": key.sid, "secret": key.secret}))
                .collect();
            json!({
                "sid": account.sid,
                "auth_token": account.auth_token,
                "friendly_name": account.friendly_name,
                "status": account.status,
                "api_keys": keys,
            })
        })
        .collect();
    let numbers: Vec<Value> = world
        .numbers
        .iter()
        .map(|number| {
            json!({
                "phone_number": number.phone_number,
                "account_sid": number.account_sid,
                "kind": number.kind,
                "capabilities": number.capabilities,
                "sms_url": number.sms_url,
            })
        })
        .collect();
    let services: Vec<Value> = world
        .services
        .iter()
        .map(|service| {
            json!({
                "sid": service.sid,
                "numbers": service.numbers,
                "inbound_request_url": service.inbound_request_url,
                "advanced_opt_out": service.advanced_opt_out,
            })
        })
        .collect();
    HttpResponse::Ok().json(json!({
        "under_way": under_way,
        "counts": world.counts,
        "handsets": world.log.handset_count(),
        "faults": fault_list(&world),
        "accounts": accounts,
        "numbers": numbers,
        "services": services,
    }))
}

/// The query of `GET /messages`. `direction` is `outbound-api` by default, or `all`; `after` is the
/// number of messages to skip.
#[derive(Deserialize)]
struct MessageQuery {
    direction: Option<String>,
    to: Option<String>,
    after: Option<usize>,
    limit: Option<usize>,
}

async fn messages(shared: Data<Shared>, query: Query<MessageQuery>) -> HttpResponse {
    let world = shared.world();
    let direction = query.direction.as_deref().unwrap_or(Direction::OutboundApi.as_str());
    let found = world
        .log
        .all()
        .iter()
        .filter(|message| direction == "all" || message.direction.as_str() == direction)
        .filter(|message| query.to.as_deref().is_none_or(|to| to == message.to))
        .skip(query.after.unwrap_or(0))
        .take(query.limit.unwrap_or(usize::MAX));
    HttpResponse::Ok().json(json!({"data": found.collect::<Vec<_>>()}))
}

async fn callbacks(shared: Data<Shared>) -> HttpResponse {
    let world = shared.world();
    HttpResponse::Ok().json(json!({"data": world.callbacks().collect::<Vec<_>>()}))
}

/// The body of `POST /replies`: a message from a handset.
#[derive(Deserialize)]
struct ReplyRequest {
    from: String,
    to: String,
    body: String,
}

async fn reply(shared: Data<Shared>, request: Json<ReplyRequest>) -> HttpResponse {
    reply_response(simulator(shared).reply(&request.from, &request.to, &request.body).await)
}

async fn redeliver(shared: Data<Shared>, sid: Path<String>) -> HttpResponse {
    reply_response(simulator(shared).redeliver(&sid).await)
}

fn reply_response(outcome: Result<InboundResult, InboundError>) -> HttpResponse {
    match outcome {
        Ok(result) => HttpResponse::Ok().json(result),
        Err(error @ InboundError::UnknownMessage(_)) => {
            problem(StatusCode::NOT_FOUND, &error.to_string())
        }
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

/// The body of `POST /faults`: `{"fault": "undelivered", "code": 30003, "handset": "+1…",
/// "next": 5 | "probability": 0.2, "seed": 7, "reach": "sends"}`.
#[derive(Deserialize)]
struct FaultRequest {
    #[serde(flatten)]
    fault: Fault,
    handset: Option<String>,
    next: Option<u32>,
    probability: Option<f64>,
    seed: Option<u64>,
    #[serde(default)]
    reach: Reach,
}

async fn faults(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"data": fault_list(&shared.world())}))
}

async fn add_fault(shared: Data<Shared>, request: Json<FaultRequest>) -> HttpResponse {
    let request = request.into_inner();
    let extent = match (request.next, request.probability) {
        (Some(_), Some(_)) => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "give either next or probability, not both",
            );
        }
        (Some(0), None) => {
            return problem(StatusCode::UNPROCESSABLE_ENTITY, "next must be at least 1");
        }
        (Some(count), None) => Extent::Next(count),
        (None, Some(probability)) => {
            Extent::Chance { probability, seed: request.seed.unwrap_or(0) }
        }
        (None, None) => Extent::Always,
    };
    let rule =
        Rule { fault: request.fault, handset: request.handset, extent, reach: request.reach };
    let id = simulator(shared).inject(rule);
    HttpResponse::Created().json(json!({"id": id}))
}

async fn remove_fault(shared: Data<Shared>, id: Path<u64>) -> HttpResponse {
    if simulator(shared).withdraw(RuleId(*id)) {
        HttpResponse::NoContent().finish()
    } else {
        problem(StatusCode::NOT_FOUND, "this fault is not switched on")
    }
}

async fn clear_faults(shared: Data<Shared>) -> HttpResponse {
    simulator(shared).clear_faults();
    HttpResponse::NoContent().finish()
}

async fn opt_outs(shared: Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(json!({"data": simulator(shared).opt_outs()}))
}

/// The body of `POST /opt-outs`; `scope` is a number or the SID of a service.
#[derive(Deserialize)]
struct OptOutRequest {
    scope: String,
    handset: String,
}

async fn opt_out(shared: Data<Shared>, request: Json<OptOutRequest>) -> HttpResponse {
    simulator(shared).opt_out(&request.scope, &request.handset);
    HttpResponse::NoContent().finish()
}

/// The body of `PATCH /accounts/{sid}`.
#[derive(Deserialize)]
struct AccountChange {
    status: Option<String>,
    auth_token: Option<String>,
}

async fn change_account(
    shared: Data<Shared>,
    sid: Path<String>,
    change: Json<AccountChange>,
) -> HttpResponse {
    let change = change.into_inner();
    let status = match change.status.as_deref() {
        None => None,
        Some("active") => Some(AccountStatus::Active),
        Some("suspended") => Some(AccountStatus::Suspended),
        Some("closed") => Some(AccountStatus::Closed),
        Some(_) => {
            return problem(
                StatusCode::UNPROCESSABLE_ENTITY,
                "status is one of active, suspended, closed",
            );
        }
    };
    let known = simulator(shared).change_account(&sid, |account| {
        account.status = status.unwrap_or(account.status);
        if let Some(token) = change.auth_token {
            account.auth_token = token;
        }
    });
    if known {
        HttpResponse::NoContent().finish()
    } else {
        problem(StatusCode::NOT_FOUND, "there is no such account")
    }
}

/// The body of `PATCH /services/{sid}`: settings that Twilio's own API does not change.
#[derive(Deserialize)]
struct ServiceChange {
    advanced_opt_out: bool,
}

async fn change_service(
    shared: Data<Shared>,
    sid: Path<String>,
    change: Json<ServiceChange>,
) -> HttpResponse {
    if simulator(shared)
        .change_service(&sid, |service| service.advanced_opt_out = change.advanced_opt_out)
    {
        HttpResponse::NoContent().finish()
    } else {
        problem(StatusCode::NOT_FOUND, "there is no such service")
    }
}

async fn flush(shared: Data<Shared>) -> HttpResponse {
    simulator(shared).flush().await;
    HttpResponse::NoContent().finish()
}

async fn release_scheduled(shared: Data<Shared>) -> HttpResponse {
    simulator(shared).release_scheduled();
    HttpResponse::NoContent().finish()
}

async fn reset(shared: Data<Shared>) -> HttpResponse {
    simulator(shared).reset();
    HttpResponse::NoContent().finish()
}

fn fault_list(world: &World) -> Vec<Value> {
    world
        .faults
        .active()
        .map(|(id, rule)| {
            let mut row = json!(rule.fault);
            row["id"] = json!(id);
            row["handset"] = json!(rule.handset);
            row["reach"] = json!(rule.reach);
            match rule.extent {
                Extent::Always => {}
                Extent::Next(count) => row["next"] = json!(count),
                Extent::Chance { probability, seed } => {
                    row["probability"] = json!(probability);
                    row["seed"] = json!(seed);
                }
            }
            row
        })
        .collect()
}

fn problem(status: StatusCode, message: &str) -> HttpResponse {
    HttpResponse::build(status).json(json!({"error": {"message": message}}))
}
