//! Errors of the API: `{"error":{"code","message","fields"}}`.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::middleware::Next;
use actix_web::{Error, HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::{self, Unavailable};
use crate::error::FieldErrors;
use crate::users::Role;

/// The result of an API handler.
pub type ApiResult<T> = Result<T, ApiError>;

/// Why the API could not carry out a request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", body.error.message)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
}

/// The response to every request that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(super) struct ErrorBody {
    error: ErrorDetail,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ErrorDetail {
    /// A stable code for programs, such as `invalid_fields`.
    code: &'static str,
    /// A sentence for people.
    message: String,
    /// Error messages by field. Fields are dotted paths, such as `trigger.name` or
    /// `steps.0.template_id`.
    #[serde(skip_serializing_if = "FieldErrors::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>, required = false)]
    fields: FieldErrors,
}

impl ApiError {
    /// An error with a status, a code for programs and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            body: ErrorBody {
                error: ErrorDetail {
                    code,
                    message: message.into(),
                    fields: FieldErrors::default(),
                },
            },
        }
    }

    /// The error for invalid fields (422).
    pub fn invalid(fields: FieldErrors) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            "Some fields are invalid. `fields` says which and why.",
        )
        .with_fields(fields)
    }

    /// The same error with fields.
    #[must_use]
    pub fn with_fields(mut self, fields: FieldErrors) -> Self {
        self.body.error.fields = fields;
        self
    }

    pub(super) fn unauthorized(message: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    pub(in crate::web::api) fn forbidden(needed: Role) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            format!("This needs an API key with the role {needed}."),
        )
    }

    pub(super) fn unknown_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown_path",
            "There is nothing at this address. /api/v1/openapi.json lists what there is.",
        )
    }

    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed", message)
    }

    /// The error of a request that exceeds the server's capacity for now (503).
    pub(in crate::web) fn busy() -> Self {
        let message = "Nothing was changed, since too many requests arrive. Try again in a few \
                       seconds.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
    }

    fn internal(reason: &str) -> Self {
        tracing::error!(reason = %reason, "an API request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on the server. Its log says what.",
        )
    }

    pub(super) fn away(reason: &str) -> Self {
        tracing::warn!(reason = %reason, "an API request failed: the database does not answer");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Nothing was changed, since the database doesn’t answer. Try again in a moment.",
        )
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        match self.status {
            StatusCode::UNAUTHORIZED => {
                response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"Carillon\""));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                response.insert_header((RETRY_AFTER, "5"));
            }
            _ => {}
        }
        response.json(&self.body)
    }
}

/// Converts errors that the framework has answered by itself, such as a wrong method, into the
/// API's form.
pub(super) async fn as_json(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let response = next.call(request).await?.map_into_boxed_body();
    let status = response.status();
    let is_api_error =
        response.response().error().is_some_and(|error| error.as_error::<ApiError>().is_some());
    if is_api_error || !(status.is_client_error() || status.is_server_error()) {
        return Ok(response);
    }
    let error = match (status, response.response().error()) {
        (StatusCode::METHOD_NOT_ALLOWED, _) => {
            ApiError::new(status, "method_not_allowed", "This address doesn’t take this method.")
        }
        (StatusCode::NOT_FOUND, _) => ApiError::unknown_path(),
        (status, Some(error)) if status.is_client_error() => {
            ApiError::new(status, "bad_request", error.to_string())
        }
        (status, None) if status.is_client_error() => {
            ApiError::new(status, "bad_request", status.to_string())
        }
        (_, error) => {
            ApiError::internal(&error.map_or_else(|| status.to_string(), ToString::to_string))
        }
    };
    let (request, old) = response.into_parts();
    let mut new = error.error_response();
    if let Some(allow) = old.headers().get(actix_web::http::header::ALLOW) {
        new.headers_mut().insert(actix_web::http::header::ALLOW, allow.clone());
    }
    Ok(ServiceResponse::new(request, new))
}

impl From<crate::error::Error> for ApiError {
    fn from(error: crate::error::Error) -> Self {
        use crate::error::Error;

        match error {
            Error::Invalid(fields) => Self::invalid(fields),
            Error::NotFound(noun) => {
                Self::new(StatusCode::NOT_FOUND, "not_found", format!("There is no such {noun}."))
            }
            Error::Refused(reason) => Self::new(StatusCode::CONFLICT, "refused", reason),
            Error::Database(error) => error.into(),
            Error::Internal(reason) => Self::internal(&reason),
        }
    }
}

impl From<diesel::result::Error> for ApiError {
    fn from(error: diesel::result::Error) -> Self {
        if db::is_unavailable(&error) {
            Self::away(&error.to_string())
        } else {
            Self::internal(&error.to_string())
        }
    }
}

impl From<Unavailable> for ApiError {
    fn from(error: Unavailable) -> Self {
        Self::away(&error.to_string())
    }
}
