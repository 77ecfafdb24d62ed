//! Errors of pages: what happened and what to do, as a page in words.

use std::io;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::{ContentType, LOCATION, REFERER, RETRY_AFTER};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, ResponseError};
use serde::Serialize;

use super::page::{Page, Varies};
use super::visit::{Anyone, Layout, Visit};
use crate::db::{self, Unavailable};
use crate::error::FieldErrors;
use crate::users::Role;
use crate::web::Web;

/// The result of a page's handler.
pub type PageResult = Result<HttpResponse, PageError>;

/// Why a page cannot be shown or a form cannot be accepted. Wrong fields are no such error: show
/// the form again with [`crate::web::Visit::invalid`].
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nobody is signed in: the browser is sent to the log-in page, and back afterwards.
    #[error("Please sign in.")]
    SignIn,
    /// The user's role is below the one that is needed.
    #[error("This needs the role {0}.")]
    Forbidden(Role),
    /// The noun that does not exist.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The form came from elsewhere, or the browser's cookies are gone.
    #[error("This form has expired.")]
    Expired,
    /// The request makes no sense as it is.
    #[error("{0}")]
    BadRequest(String),
    /// A form that none of our pages sends: what is wrong with its fields, by their names.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// A field of the form holds what cannot be stored.
    #[error("The field “{0}” cannot be stored.")]
    Unstorable(String),
    /// The form is larger than any of ours.
    #[error("This form is too large.")]
    TooLarge,
    /// The form is packed.
    #[error("This form is compressed.")]
    Packed,
    /// The form did not arrive in time.
    #[error("This form did not arrive in time.")]
    TooSlow,
    /// There is no memory for the form at the moment.
    #[error("The server is busy.")]
    Busy,
    /// Not possible in the present state; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database does not answer.
    #[error("{0}")]
    Away(String),
    /// A mistake of ours, or something for the operator.
    #[error("{0}")]
    Internal(String),
}

/// The page that shows an error to somebody who is signed in: the way to everything else stays.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ErrorPage {
    status: u16,
    heading: String,
    advice: String,
    instead: Instead,
    /// Whether a form was certainly not carried out, so that it may be sent once more.
    unsent: bool,
}

/// A page to go on with.
#[derive(Debug, Serialize)]
struct Instead {
    path: &'static str,
    label: &'static str,
}

/// The page that shows an error to somebody unknown.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(in crate::web) struct StrangersErrorPage(ErrorPage);

impl PageError {
    /// Why the body of a request could not be read.
    pub(in crate::web) fn from_body(error: &dyn std::fmt::Display) -> Self {
        let text = error.to_string();
        if text.contains("overflow")
            || text.contains("larger than allowed")
            || text.contains("size limit")
        {
            Self::TooLarge
        } else {
            Self::BadRequest(format!("The form could not be read: {text}."))
        }
    }

    /// Why the body of a request did not come.
    pub(in crate::web) fn from_payload(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TooLarge,
            PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::TooSlow,
            PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => Self::Busy,
            other => Self::from_body(other),
        }
    }

    fn heading(&self) -> String {
        match self {
            Self::SignIn => "Please sign in".to_owned(),
            Self::Forbidden(_) => "Your role does not allow this".to_owned(),
            Self::NotFound(noun) => format!("There is no such {noun}"),
            Self::Expired => "This form has expired".to_owned(),
            Self::BadRequest(_) => "This request cannot be understood".to_owned(),
            Self::Invalid(_) => "This form cannot be accepted".to_owned(),
            Self::Unstorable(_) => "This text cannot be stored".to_owned(),
            Self::TooLarge => "This form is too large".to_owned(),
            Self::Packed => "This form is compressed".to_owned(),
            Self::TooSlow => "This form did not arrive in time".to_owned(),
            Self::Busy => "The server is busy".to_owned(),
            Self::Refused(_) => "This is not possible now".to_owned(),
            Self::Away(_) => "The database does not answer".to_owned(),
            Self::Internal(_) => "Something went wrong on our side".to_owned(),
        }
    }

    fn advice(&self) -> String {
        match self {
            Self::SignIn => "Sign in to see this page.".to_owned(),
            Self::Forbidden(role) => format!(
                "It needs the role {role}. Ask an admin of your Carillon to do it, or to change \
                 your role."
            ),
            Self::NotFound(_) => "It may have been deleted, or the address is mistyped.".to_owned(),
            Self::Expired => {
                "Nothing was changed. Send the form again; if it is not offered here, \
                              go back and reload its page first. Cookies must be \
                              allowed."
                    .to_owned()
            }
            Self::BadRequest(reason) | Self::Refused(reason) => reason.clone(),
            Self::Invalid(fields) => format!("Nothing was changed. {fields}"),
            Self::Unstorable(field) => {
                format!(
                    "The field “{field}” contains a NUL character. Nothing was changed. Go back, \
                     remove the character, and send the form again."
                )
            }
            Self::TooLarge => "Nothing was changed. Send less at once.".to_owned(),
            Self::Packed => "Nothing was changed. Send the form without \
                             Content-Encoding."
                .to_owned(),
            Self::TooSlow => "Nothing was changed. Check the connection and send the form \
                              again."
                .to_owned(),
            Self::Busy => "Nothing was changed. Send the form again in a few seconds.".to_owned(),
            Self::Away(_) => {
                "Nothing was lost. Try again in a moment; if it stays like this, see the log of \
                 Carillon and of PostgreSQL."
                    .to_owned()
            }
            Self::Internal(_) => "Nothing that was saved is lost. Try again; if it happens again, \
                                  the log of Carillon says why."
                .to_owned(),
        }
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::SEE_OTHER,
            Self::Forbidden(_) | Self::Expired => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Invalid(_) | Self::Unstorable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Packed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Busy | Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Bare; [`show`] puts the page around it.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type(ContentType::plaintext())
            .body(self.heading())
    }
}

/// Turns the errors of all pages into pages; the only place that logs them.
pub(in crate::web) async fn show(
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
    let Some(web) = response.request().app_data::<Data<Web>>().cloned() else {
        return Ok(response);
    };
    // Where the database is away, nobody can be known.
    let visit = if status == StatusCode::SERVICE_UNAVAILABLE {
        None
    } else {
        Visit::<Anyone>::extract(response.request()).await.ok()
    };
    let html = match visit.filter(|visit| visit.user.is_some()) {
        Some(visit) => web.pages.render(&page, &visit.layout()),
        None => web.pages.render(&StrangersErrorPage(page), &Layout::signed_out()),
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

/// What became wrong before a handler of ours ran: a path or query that does not parse.
fn by_status(status: StatusCode, error: Option<&Error>) -> PageError {
    match status {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => PageError::NotFound("page"),
        StatusCode::PAYLOAD_TOO_LARGE => PageError::TooLarge,
        status if status.is_client_error() => PageError::BadRequest(error.map_or_else(
            || "The address is mistyped.".to_owned(),
            |error| format!("The address is mistyped: {error}."),
        )),
        _ => PageError::Internal(error.map_or_else(|| status.to_string(), ToString::to_string)),
    }
}

/// To the log-in, and from there to the page that was wanted, or whose form was sent.
fn to_log_in(request: HttpRequest) -> ServiceResponse<BoxBody> {
    let base =
        request.app_data::<Data<Web>>().map(|web| web.pages.base().to_owned()).unwrap_or_default();
    let mut location = format!("{base}/login");
    let wanted = match *request.method() {
        Method::GET => request.uri().path_and_query().map(|path| path.as_str().to_owned()),
        _ => form_of(&request, &base),
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

/// The page of ours that a form was on, as the browser names it.
fn form_of(request: &HttpRequest, base: &str) -> Option<String> {
    let page = url::Url::parse(request.headers().get(REFERER)?.to_str().ok()?).ok()?;
    let path = page.path().strip_prefix(base).filter(|path| path.starts_with('/'))?;
    Some(page.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

impl ErrorPage {
    fn of(error: &PageError) -> Self {
        match error {
            PageError::Away(reason) => {
                tracing::warn!(
                    reason = %reason,
                    "a page could not be shown: the database does not answer"
                )
            }
            PageError::Internal(reason) => {
                tracing::error!(reason = %reason, "a page could not be shown")
            }
            _ => {}
        }
        Self {
            status: error.status_code().as_u16(),
            heading: error.heading(),
            advice: error.advice(),
            instead: Instead::of(error),
            unsent: matches!(error, PageError::Expired | PageError::TooSlow | PageError::Busy),
        }
    }
}

impl Instead {
    /// The list of what is not there, or home.
    fn of(error: &PageError) -> Self {
        let noun = if let PageError::NotFound(noun) = error { *noun } else { "" };
        let (path, label) = match noun {
            "contact" => ("/contacts", "See all contacts"),
            "message" => ("/messages", "See all messages"),
            "view" => ("/messages/views", "See all views"),
            "template" => ("/templates", "See all templates"),
            "automation" | "enrollment" => ("/automations", "See all automations"),
            "connection" | "sender" => ("/connections", "See all connections"),
            _ => ("/", "Go to the home page"),
        };
        Self { path, label }
    }
}

impl Page for ErrorPage {
    const TEMPLATE: &'static str = "ui/error.html";
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let errors = [
            PageError::NotFound("contact"),
            PageError::Forbidden(Role::Admin),
            PageError::Expired,
            PageError::Invalid(FieldErrors::default().with("tag", "This must not be blank.")),
            PageError::Unstorable("name".to_owned()),
            PageError::Refused("The last admin stays.".to_owned()),
            PageError::Internal("Row <7> is missing.".to_owned()),
        ];
        errors.iter().map(Self::of).collect()
    }
}

impl Page for StrangersErrorPage {
    const TEMPLATE: &'static str = "ui/strangers_error.html";
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let errors = [
            PageError::NotFound("page"),
            PageError::Expired,
            PageError::Away("No answer.".to_owned()),
        ];
        errors.iter().map(|error| Self(ErrorPage::of(error))).collect()
    }
}

impl From<crate::error::Error> for PageError {
    fn from(error: crate::error::Error) -> Self {
        use crate::error::Error;

        match error {
            Error::Invalid(fields) => Self::BadRequest(fields.to_string()),
            Error::NotFound(noun) => Self::NotFound(noun),
            Error::Refused(reason) => Self::Refused(reason),
            Error::Database(error) => error.into(),
            Error::Internal(reason) => Self::Internal(reason),
        }
    }
}

impl From<diesel::result::Error> for PageError {
    fn from(error: diesel::result::Error) -> Self {
        if db::is_away(&error) {
            Self::Away(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}

impl From<Unavailable> for PageError {
    fn from(error: Unavailable) -> Self {
        Self::Away(error.to_string())
    }
}
