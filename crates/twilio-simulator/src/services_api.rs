//! The Messaging Service resources, which messaging.twilio.com serves under `/v1`.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use super::auth::Caller;
use super::form::Form;
use super::paging::Paging;
use super::parameters::{is_callback_url, parse_method};
use super::refusal::Refusal;
use super::resources::{Number, NumberKind, Service};
use super::shared_state::Shared;

/// The creation date of every Messaging resource.
pub(super) const DATE_CREATED: &str = "2026-01-01T00:00:00Z";

/// `GET /v1/Services`
pub(super) async fn list(
    caller: Caller,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_active()?;
    let world = shared.world();
    let own = world.services.iter().filter(|service| service.account_sid == account);
    let query = Form::parse(request.query_string().as_bytes());
    let paging = Paging::of(&query);
    let (rows, next) = paging.paginate(own.collect(), |service| service.sid.clone());
    let rows = rows.into_iter().map(|service| service_json(service, &base_url(&request))).collect();
    Ok(HttpResponse::Ok().json(paging.meta(
        &request_url(&request),
        &query,
        "services",
        rows,
        next.as_deref(),
    )))
}

/// `GET` and `POST /v1/Services/{MG}`
pub(super) async fn fetch_or_update(
    caller: Caller,
    path: Path<String>,
    request: HttpRequest,
    body: Bytes,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_active()?;
    let mut world = shared.world();
    let service = world
        .services
        .iter_mut()
        .find(|service| service.account_sid == account && service.sid == *path)
        .ok_or_else(|| Refusal::not_found(request.path()))?;
    if request.method() == actix_web::http::Method::POST {
        change(service, &Form::parse(&body))?;
    }
    Ok(HttpResponse::Ok().json(service_json(service, &base_url(&request))))
}

/// `GET /v1/Services/{MG}/PhoneNumbers` and `/ShortCodes`
pub(super) async fn senders(
    caller: Caller,
    path: Path<(String, String)>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_active()?;
    let world = shared.world();
    let service = world
        .service(&path.0)
        .filter(|service| service.account_sid == account)
        .ok_or_else(|| Refusal::not_found(request.path()))?;
    let short_codes = path.1 == "ShortCodes";
    let rows: Vec<&Number> = service
        .numbers
        .iter()
        .filter_map(|number| world.number(number))
        .filter(|number| (number.kind == NumberKind::ShortCode) == short_codes)
        .collect();
    let key = if short_codes { "short_codes" } else { "phone_numbers" };
    let query = Form::parse(request.query_string().as_bytes());
    let paging = Paging::of(&query);
    let (rows, next) = paging.paginate(rows, |number| number.sid.clone());
    let url = request_url(&request);
    let rows = rows.into_iter().map(|number| sender_json(number, service, &url)).collect();
    Ok(HttpResponse::Ok().json(paging.meta(&url, &query, key, rows, next.as_deref())))
}

fn change(service: &mut Service, form: &Form) -> Result<(), Refusal> {
    for (key, field) in [
        ("InboundRequestUrl", &mut service.inbound_request_url),
        ("StatusCallback", &mut service.status_callback),
    ] {
        let Some(url) = form.get(key) else { continue };
        if !url.is_empty() && !is_callback_url(url) {
            return Err(Refusal::with(20001, format!("{key} is not a valid URL")));
        }
        *field = Some(url.to_owned()).filter(|url| !url.is_empty());
    }
    if let Some(method) = form.filled("InboundMethod") {
        service.inbound_method = parse_method(method)
            .ok_or_else(|| Refusal::with(20001, "InboundMethod must be GET or POST"))?;
    }
    if let Some(value) = form.filled("UseInboundWebhookOnNumber") {
        service.use_inbound_webhook_on_number = value.eq_ignore_ascii_case("true");
    }
    if let Some(name) = form.filled("FriendlyName") {
        name.clone_into(&mut service.friendly_name);
    }
    Ok(())
}

fn service_json(service: &Service, base_url: &str) -> Value {
    let url = format!("{base_url}/v1/Services/{}", service.sid);
    json!({
        "sid": service.sid,
        "account_sid": service.account_sid,
        "friendly_name": service.friendly_name,
        "inbound_request_url": service.inbound_request_url,
        "inbound_method": service.inbound_method,
        "fallback_url": null,
        "fallback_method": "POST",
        "status_callback": service.status_callback,
        "use_inbound_webhook_on_number": service.use_inbound_webhook_on_number,
        "sticky_sender": true,
        "smart_encoding": true,
        "mms_converter": true,
        "fallback_to_long_code": false,
        "area_code_geomatch": false,
        "synchronous_validation": false,
        "scan_message_content": "inherit",
        "validity_period": 36_000,
        "us_app_to_person_registered": true,
        "usecase": "marketing",
        "date_created": DATE_CREATED,
        "date_updated": DATE_CREATED,
        "url": url,
        "links": {
            "phone_numbers": format!("{url}/PhoneNumbers"),
            "short_codes": format!("{url}/ShortCodes"),
        },
    })
}

fn sender_json(number: &Number, service: &Service, url: &str) -> Value {
    let can = number.capabilities;
    let capabilities: Vec<&str> = [("Voice", can.voice), ("SMS", can.sms), ("MMS", can.mms)]
        .into_iter()
        .filter(|(_, able)| *able)
        .map(|(name, _)| name)
        .collect();
    let key = if number.kind == NumberKind::ShortCode { "short_code" } else { "phone_number" };
    let mut json = json!({
        "sid": number.sid,
        "account_sid": number.account_sid,
        "service_sid": service.sid,
        "country_code": "US",
        "capabilities": capabilities,
        "date_created": DATE_CREATED,
        "date_updated": DATE_CREATED,
        "url": format!("{url}/{}", number.sid),
    });
    json[key] = json!(number.phone_number);
    json
}

/// Scheme and host of the request.
fn base_url(request: &HttpRequest) -> String {
    let connection = request.connection_info();
    format!("{}://{}", connection.scheme(), connection.host())
}

pub(super) fn request_url(request: &HttpRequest) -> String {
    format!("{}{}", base_url(request), request.path())
}
