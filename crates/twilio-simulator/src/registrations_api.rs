//! The registrations that carriers in the United States require, as messaging.twilio.com serves
//! them: A2P campaigns and toll-free verifications.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::auth::Caller;
use super::form::Form;
use super::paging::Paging;
use super::refusal::Refusal;
use super::resources::{NumberKind, Registration};
use super::services_api::{DATE_CREATED, request_url};
use super::shared_state::Shared;

/// `GET /v1/Services/{MG}/Compliance/Usa2p`
pub(super) async fn campaigns(
    caller: Caller,
    path: Path<String>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_active()?;
    let world = shared.world();
    let service = world
        .service(&path)
        .filter(|service| service.account_sid == account)
        .ok_or_else(|| Refusal::not_found(request.path()))?;
    let campaign = service.campaign.as_ref().map(|campaign| {
        let (status, errors) = match campaign {
            Registration::InReview => ("IN_PROGRESS", json!([])),
            Registration::Approved => ("VERIFIED", json!([])),
            Registration::Rejected(reason) => {
                ("FAILED", json!([{"error_code": 30_897, "description": reason, "fields": []}]))
            }
        };
        json!({
            "sid": service.sid.replacen("MG", "QE", 1),
            "account_sid": account,
            "messaging_service_sid": service.sid,
            "campaign_status": status,
            "campaign_id": "CSIM001",
            "us_app_to_person_usecase": "MARKETING",
            "errors": errors,
            "mock": false,
            "date_created": DATE_CREATED,
            "date_updated": DATE_CREATED,
        })
    });
    Ok(list(&request, "compliance", campaign.into_iter().collect()))
}

/// `GET /v1/Tollfree/Verifications`, filtered by `TollfreePhoneNumberSid`.
pub(super) async fn verifications(
    caller: Caller,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_active()?;
    let query = Form::parse(request.query_string().as_bytes());
    let number_sid = query.filled("TollfreePhoneNumberSid");
    let world = shared.world();
    let own = world
        .numbers
        .iter()
        .filter(|number| number.account_sid == account && number.kind == NumberKind::TollFree);
    let found =
        own.filter(|number| number_sid.is_none_or(|sid| number.sid == sid)).filter_map(|number| {
            let (status, reason) = match number.verification.as_ref()? {
                Registration::InReview => ("IN_REVIEW", None),
                Registration::Approved => ("TWILIO_APPROVED", None),
                Registration::Rejected(reason) => ("TWILIO_REJECTED", Some(reason)),
            };
            Some(json!({
                "sid": number.sid.replacen("PN", "HH", 1),
                "account_sid": account,
                "tollfree_phone_number_sid": number.sid,
                "status": status,
                "rejection_reason": reason,
                "date_created": DATE_CREATED,
                "date_updated": DATE_CREATED,
            }))
        });
    Ok(list(&request, "verifications", found.collect()))
}

fn list(request: &HttpRequest, key: &str, rows: Vec<Value>) -> HttpResponse {
    let query = Form::parse(request.query_string().as_bytes());
    HttpResponse::Ok().json(Paging::of(&query).meta(&request_url(request), &query, key, rows, None))
}
