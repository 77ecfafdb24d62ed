//! The phone pages: the list of phones, one phone, and their forms, which also add and remove
//! faults. They work without JavaScript.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use actix_web::web::{self, Bytes, Data, Path, Query, ServiceConfig};
use serde::{Deserialize, Serialize};

use super::faults::{Extent, Rule, RuleId};
use super::form::Form;
use super::message::without_channel;
use super::parameters::parse_to;
use super::shared_state::Shared;
use super::{fault_switches, inbound, page_files, page_views};

pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .route("/", web::get().to(index))
        .route("/phones", web::get().to(open))
        .route("/phones/{number}", web::get().to(phone))
        .route("/phones/{number}/replies", web::post().to(reply))
        .route("/fragments/phones", web::get().to(phones_fragment))
        .route("/fragments/phones/{number}", web::get().to(thread_fragment))
        .route("/faults", web::post().to(add_fault))
        .route("/faults/off", web::post().to(remove_fault))
        .route("/assets/{name}", web::get().to(asset))
        .route("/favicon.ico", web::get().to(favicon));
}

async fn index(shared: Data<Shared>) -> HttpResponse {
    let view = page_views::index(&shared.world(), None);
    page(&shared, StatusCode::OK, "index.html", &view)
}

/// The query of `GET /phones`: the number entered on the home page.
#[derive(Deserialize)]
struct OpenQuery {
    #[serde(default)]
    number: String,
}

async fn open(shared: Data<Shared>, query: Query<OpenQuery>) -> HttpResponse {
    if let Some(number) = handset_number(&query.number) {
        return see_other(&format!("/phones/{number}"));
    }
    let problem = if query.number.trim().is_empty() {
        "Enter a phone number, e.g. +1 206 555 0111.".to_owned()
    } else {
        not_a_number(&query.number)
    };
    let view = page_views::index(&shared.world(), Some(problem));
    page(&shared, StatusCode::UNPROCESSABLE_ENTITY, "index.html", &view)
}

async fn phone(shared: Data<Shared>, number: Path<String>) -> HttpResponse {
    match handset_number(&number) {
        Some(known) if known == *number => {
            let view = page_views::phone(&shared.world(), &known, None, "", "");
            page(&shared, StatusCode::OK, "phone.html", &view)
        }
        Some(known) => see_other(&format!("/phones/{known}")),
        None => {
            let view = page_views::index(&shared.world(), Some(not_a_number(&number)));
            page(&shared, StatusCode::NOT_FOUND, "index.html", &view)
        }
    }
}

async fn reply(shared: Data<Shared>, number: Path<String>, body: Bytes) -> HttpResponse {
    let form = Form::parse(&body);
    let to = form.get("to").unwrap_or_default();
    let text = form.filled("quick").or_else(|| form.get("body")).unwrap_or_default();
    let outcome = if text.trim().is_empty() {
        Err("Enter a message.".to_owned())
    } else if text.chars().count() > 1600 {
        Err("The message is too long: the limit is 1,600 characters.".to_owned())
    } else {
        inbound::receive(&shared, &number, to, text).map_err(|error| error.to_string())
    };
    match outcome {
        Ok(message_index) => {
            let shared = shared.into_inner();
            let busy = shared.busy();
            let task_shared = std::sync::Arc::clone(&shared);
            // The page does not wait for the webhook; its result appears below the message.
            shared.runtime().spawn(async move {
                inbound::call_webhook(&task_shared, message_index).await;
                drop(busy);
            });
            see_other(&format!("/phones/{}", *number))
        }
        Err(problem) => {
            let view = page_views::phone(&shared.world(), &number, Some(problem), text, to);
            page(&shared, StatusCode::UNPROCESSABLE_ENTITY, "phone.html", &view)
        }
    }
}

/// The version that the page shows. If it is current, the response is 204 without a body.
#[derive(Deserialize)]
struct SinceQuery {
    since: Option<u64>,
}

async fn phones_fragment(shared: Data<Shared>, query: Query<SinceQuery>) -> HttpResponse {
    if query.since == Some(shared.world().log.version()) {
        return HttpResponse::NoContent().finish();
    }
    let phones = page_views::phones(&shared.world());
    fragment(&shared, "_phones.html", phones.version, &PhonesFragment { phones })
}

async fn thread_fragment(
    shared: Data<Shared>,
    number: Path<String>,
    query: Query<SinceQuery>,
) -> HttpResponse {
    if query.since == Some(shared.world().log.version_of_handset(&number)) {
        return HttpResponse::NoContent().finish();
    }
    let thread = page_views::thread(&shared.world(), &number);
    fragment(&shared, "_thread.html", thread.version, &ThreadFragment { thread })
}

#[derive(Serialize)]
struct PhonesFragment {
    phones: page_views::Phones,
}

#[derive(Serialize)]
struct ThreadFragment {
    thread: page_views::Thread,
}

async fn add_fault(shared: Data<Shared>, body: Bytes) -> HttpResponse {
    let form = Form::parse(&body);
    let handset = form.filled("handset").and_then(handset_number);
    let (Some(switch), Some(extent)) = (
        form.get("fault").and_then(fault_switches::find),
        form.get("extent").and_then(parse_extent),
    ) else {
        return HttpResponse::UnprocessableEntity().body("Choose a fault and its extent.\n");
    };
    let back = faults_url(handset.as_deref());
    shared.world().faults.inject(Rule { handset, extent, ..Rule::always(switch.fault) });
    see_other(&back)
}

async fn remove_fault(shared: Data<Shared>, body: Bytes) -> HttpResponse {
    let form = Form::parse(&body);
    if let Some(id) = form.get("id").and_then(|id| id.parse().ok()) {
        // The rule may have ended already.
        shared.world().faults.withdraw(RuleId(id));
        shared.release_stalled.notify_waiters();
    }
    see_other(&faults_url(form.filled("handset").and_then(handset_number).as_deref()))
}

async fn asset(name: Path<String>) -> HttpResponse {
    match page_files::asset(&name) {
        Some((data, media_type)) => HttpResponse::Ok()
            .content_type(media_type)
            .insert_header((header::CACHE_CONTROL, "max-age=60"))
            .body(data.into_owned()),
        None => HttpResponse::NotFound().finish(),
    }
}

async fn favicon() -> HttpResponse {
    see_other("/assets/icon.svg")
}

fn parse_extent(raw: &str) -> Option<Extent> {
    match raw {
        "always" => Some(Extent::Always),
        "half" => Some(Extent::Chance { probability: 0.5, seed: rand::random() }),
        count => {
            count.parse().ok().filter(|count| (1..=1_000_000).contains(count)).map(Extent::Next)
        }
    }
}

fn faults_url(handset: Option<&str>) -> String {
    handset.map_or_else(|| "/#network".to_owned(), |number| format!("/phones/{number}#network"))
}

/// Parses a handset's number, also without the plus sign, which a URL may decode to a space.
fn handset_number(raw: &str) -> Option<String> {
    let raw = without_channel(raw.trim());
    let whole = if raw.starts_with('+') { raw.to_owned() } else { format!("+{raw}") };
    parse_to(&whole).ok()
}

fn not_a_number(raw: &str) -> String {
    format!("{raw} is not a phone number. Include the country code, e.g. +1 206 555 0111.")
}

fn see_other(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}

fn page(
    shared: &Shared,
    status: StatusCode,
    template: &str,
    view: &impl Serialize,
) -> HttpResponse {
    match shared.pages.render(template, view) {
        Ok(html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(html),
        Err(error) => {
            tracing::error!(%error, template, "cannot render a page");
            HttpResponse::InternalServerError()
                .body("This page cannot be shown; the log has the reason.\n")
        }
    }
}

fn fragment(shared: &Shared, template: &str, version: u64, view: &impl Serialize) -> HttpResponse {
    let mut response = page(shared, StatusCode::OK, template, view);
    if let Ok(value) = header::HeaderValue::from_str(&version.to_string()) {
        response.headers_mut().insert(header::HeaderName::from_static("x-version"), value);
    }
    response
}
