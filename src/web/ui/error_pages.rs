//! Renders the errors of all pages as pages: a middleware around their routes.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, LOCATION, REFERER, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse};

use super::error::ErrorPage;
use super::layout::Layout;
use super::strangers_error::StrangersErrorPage;
use super::visit::Visit;
use crate::web::http::access::Anyone;
use crate::web::http::error::PageError;
use crate::web::http::page::Pages;

/// Renders the errors of all pages as pages; the only place that logs them.
pub(super) async fn show(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let known = response.response().error().map(|error| error.as_error::<PageError>());
    let page = match known {
        Some(Some(PageError::SignIn)) => return Ok(to_log_in(response.request().clone())),
        Some(Some(error)) => ErrorPage::of(error),
        Some(None) => ErrorPage::of(&by_status(status, response.response().error())),
        None if status == StatusCode::METHOD_NOT_ALLOWED => {
            ErrorPage::of(&PageError::NotFound("page"))
        }
        None => return Ok(response),
    };
    let Some(pages) = response.request().app_data::<Data<Pages>>().cloned() else {
        return Ok(response);
    };
    // Without the database, no user can be identified.
    let visit = if status == StatusCode::SERVICE_UNAVAILABLE {
        None
    } else {
        Visit::<Anyone>::extract(response.request()).await.ok()
    };
    let html = match visit.filter(|visit| visit.user.is_some()) {
        Some(visit) => pages.render(&page, &visit.layout()),
        None => pages.render(&StrangersErrorPage(page), &Layout::signed_out()),
    };
    let html = match html {
        Ok(html) => html,
        Err(error) => {
            tracing::error!(error = %error, "the page for errors could not be rendered");
            return Ok(response);
        }
    };
    Ok(response.map_body(|head, _| {
        head.headers_mut().insert(
            actix_web::http::header::CONTENT_TYPE,
            actix_web::http::header::HeaderValue::from_static("text/html; charset=utf-8"),
        );
        head.headers_mut().remove(actix_web::http::header::CONTENT_LENGTH);
        if head.status == StatusCode::SERVICE_UNAVAILABLE {
            head.headers_mut()
                .insert(RETRY_AFTER, actix_web::http::header::HeaderValue::from_static("5"));
        }
        BoxBody::new(html)
    }))
}

/// The error of a request that reached no handler of ours: its path or query does not parse.
fn by_status(status: StatusCode, error: Option<&Error>) -> PageError {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => PageError::NotFound("page"),
        StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
        status if status.is_client_error() => PageError::BadRequest(error.map_or_else(
            || "Check the address.".to_owned(),
            |error| format!("Check the address: {error}."),
        )),
        _ => PageError::Internal(error.map_or_else(|| status.to_string(), ToString::to_string)),
    }
}

/// Redirects to the log-in, and from there to the requested page, or to the page of a submitted
/// form. A live stream gets a 401: an open page would read the log-in as an empty stream, and ask
/// for another one at once, for ever.
fn to_log_in(request: HttpRequest) -> ServiceResponse<BoxBody> {
    let accepted = request.headers().get(ACCEPT).and_then(|accepted| accepted.to_str().ok());
    if accepted.is_some_and(|accepted| accepted.contains("text/event-stream")) {
        return ServiceResponse::new(request, HttpResponse::Unauthorized().finish());
    }
    let base =
        request.app_data::<Data<Pages>>().map(|pages| pages.base().to_owned()).unwrap_or_default();
    let mut location = format!("{base}/login");
    let wanted = match *request.method() {
        Method::GET => request.uri().path_and_query().map(|path| path.as_str().to_owned()),
        _ => submitting_page(&request, &base),
    };
    if let Some(wanted) = wanted.filter(|wanted| wanted != "/") {
        location.push_str("?next=");
        location.extend(url::form_urlencoded::byte_serialize(wanted.as_bytes()));
    }
    ServiceResponse::new(
        request,
        HttpResponse::SeeOther().insert_header((LOCATION, location)).finish(),
    )
}

/// The page of ours with the form that was submitted, according to the browser.
pub(super) fn submitting_page(request: &HttpRequest, base: &str) -> Option<String> {
    let page = url::Url::parse(request.headers().get(REFERER)?.to_str().ok()?).ok()?;
    let is_ours = |path: &&str| path.starts_with('/') && !path.starts_with("//");
    let path = page.path().strip_prefix(base).filter(is_ours)?;
    Some(page.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}
