//! The phone number resources, with which a product sets the webhooks for inbound messages.

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono::DateTime;
use serde_json::{Value, json};

use super::auth::Caller;
use super::form::Form;
use super::message::rfc2822;
use super::paging::Paging;
use super::parameters::{is_callback_url, parse_method};
use super::refusal::Refusal;
use super::resources::{Number, NumberKind};
use super::shared_state::Shared;
use super::world::World;

/// `GET /2010-04-01/Accounts/{AC}/IncomingPhoneNumbers.json`, filtered by `PhoneNumber` and
/// `FriendlyName`.
pub(super) async fn list(
    caller: Caller,
    path: Path<String>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    list_resource(&caller, &path, &request, &shared, Resource::Incoming)
}

/// `GET /2010-04-01/Accounts/{AC}/SMS/ShortCodes.json`, filtered by `ShortCode` and `FriendlyName`.
pub(super) async fn list_short_codes(
    caller: Caller,
    path: Path<String>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    list_resource(&caller, &path, &request, &shared, Resource::ShortCode)
}

/// `GET` and `POST /2010-04-01/Accounts/{AC}/IncomingPhoneNumbers/{PN}.json`, and the same for
/// `SMS/ShortCodes/{SC}.json`.
pub(super) async fn fetch_or_update(
    caller: Caller,
    path: Path<(String, String)>,
    request: HttpRequest,
    body: Bytes,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path.0)?;
    let mut world = shared.world();
    let number = world
        .numbers
        .iter_mut()
        .find(|number| number.account_sid == account && number.sid == path.1)
        .filter(|number| {
            Resource::of(number).is_some_and(|resource| request.path().contains(resource.path()))
        })
        .ok_or_else(|| Refusal::not_found(request.path()))?;
    if request.method() == actix_web::http::Method::POST {
        change(number, &Form::parse(&body))?;
    }
    Ok(HttpResponse::Ok().json(number_json(number)))
}

/// The API resource that lists a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Resource {
    Incoming,
    ShortCode,
}

impl Resource {
    /// Listed by neither resource: WhatsApp senders are not phone-number resources.
    const fn of(number: &Number) -> Option<Self> {
        match number.kind {
            NumberKind::LongCode | NumberKind::TollFree => Some(Self::Incoming),
            NumberKind::ShortCode => Some(Self::ShortCode),
            NumberKind::WhatsApp => None,
        }
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Incoming => "/IncomingPhoneNumbers/",
            Self::ShortCode => "/SMS/ShortCodes/",
        }
    }
}

fn list_resource(
    caller: &Caller,
    path: &str,
    request: &HttpRequest,
    shared: &Shared,
    resource: Resource,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(path)?;
    let query = Form::parse(request.query_string().as_bytes());
    let (number_key, key) = match resource {
        Resource::ShortCode => ("ShortCode", "short_codes"),
        Resource::Incoming => ("PhoneNumber", "incoming_phone_numbers"),
    };
    let world = shared.world();
    let rows =
        find(&world, account, resource, query.filled(number_key), query.filled("FriendlyName"));
    let paging = Paging::of(&query);
    let (rows, next) = paging.paginate(rows, |number| number.sid.clone());
    let rows = rows.into_iter().map(number_json).collect();
    Ok(HttpResponse::Ok().json(paging.classic(request.path(), &query, key, rows, next.as_deref())))
}

/// The numbers that contain the pattern, as Twilio matches them, and have the name.
fn find<'a>(
    world: &'a World,
    account: &str,
    resource: Resource,
    pattern: Option<&str>,
    name: Option<&str>,
) -> Vec<&'a Number> {
    world
        .numbers
        .iter()
        .filter(|number| number.account_sid == account && Resource::of(number) == Some(resource))
        .filter(|number| pattern.is_none_or(|pattern| number.phone_number.contains(pattern.trim())))
        .filter(|number| name.is_none_or(|name| number.friendly_name == name))
        .collect()
}

fn change(number: &mut Number, form: &Form) -> Result<(), Refusal> {
    if let Some(url) = form.get("SmsUrl") {
        if !url.is_empty() && !is_callback_url(url) {
            return Err(Refusal::with(21502, "SmsUrl is not a valid URL"));
        }
        number.sms_url = Some(url.to_owned()).filter(|url| !url.is_empty());
    }
    if let Some(sid) = form.get("SmsApplicationSid") {
        number.sms_application_sid = Some(sid.to_owned()).filter(|sid| !sid.is_empty());
    }
    if let Some(method) = form.filled("SmsMethod") {
        number.sms_method = parse_method(method)
            .ok_or_else(|| Refusal::with(20001, "SmsMethod must be GET or POST"))?;
    }
    if let Some(name) = form.filled("FriendlyName") {
        name.clone_into(&mut number.friendly_name);
    }
    Ok(())
}

fn number_json(number: &Number) -> Value {
    let mut json = json!({
        "sid": number.sid,
        "account_sid": number.account_sid,
        "friendly_name": number.friendly_name,
        "date_created": rfc2822(DateTime::UNIX_EPOCH),
        "date_updated": rfc2822(DateTime::UNIX_EPOCH),
        "sms_url": number.sms_url.as_deref().unwrap_or_default(),
        "sms_method": number.sms_method,
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "api_version": "2010-04-01",
    });
    let uri = format!("/2010-04-01/Accounts/{}", number.account_sid);
    if number.kind == NumberKind::ShortCode {
        json["short_code"] = json!(number.phone_number);
        json["uri"] = json!(format!("{uri}/SMS/ShortCodes/{}.json", number.sid));
        return json;
    }
    let can = number.capabilities;
    json["phone_number"] = json!(number.phone_number);
    json["capabilities"] =
        json!({"voice": can.voice, "sms": can.sms, "mms": can.mms, "fax": false});
    json["sms_application_sid"] = json!(number.sms_application_sid.as_deref().unwrap_or_default());
    json["voice_url"] = json!("");
    json["status_callback"] = json!("");
    json["status_callback_method"] = json!("POST");
    json["status"] = json!("in-use");
    json["type"] = json!(if number.kind == NumberKind::TollFree { "toll-free" } else { "local" });
    json["uri"] = json!(format!("{uri}/IncomingPhoneNumbers/{}.json", number.sid));
    json
}
