//! Errors of pages, shown as a page that says what happened and what to do.

use std::io;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::ContentType;
use actix_web::{HttpResponse, ResponseError};

use super::template_filters::sentence_case;
use crate::db::{self, Unavailable};
use crate::error::FieldErrors;
use crate::users::Role;

/// The result of a page's handler.
pub type PageResult = Result<HttpResponse, PageError>;

/// Why a page cannot be shown or a form cannot be accepted. Wrong fields are not such an error:
/// show the form again with [`crate::web::Visit::invalid`].
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// No user is signed in: the browser is sent to the log-in page, and back afterwards.
    #[error("Sign in first.")]
    SignIn,
    /// The user's role is lower than the required one.
    #[error("This needs the role {0}.")]
    Forbidden(Role),
    /// The named kind of record does not exist.
    #[error("There is no such {0}.")]
    NotFound(&'static str),
    /// The form came from another site, or the browser's cookies are gone.
    #[error("This form has expired.")]
    Expired,
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// A form that none of our pages sends, with the errors of its fields.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// A field of the form contains text that cannot be stored.
    #[error("The field “{0}” can’t be stored.")]
    Unstorable(String),
    /// The form exceeds the size limit.
    #[error("This form is too large.")]
    TooLarge,
    /// The form is compressed.
    #[error("This form is compressed.")]
    Compressed,
    /// The form did not arrive in time.
    #[error("This form didn’t arrive in time.")]
    TooSlow,
    /// No memory is available for the form.
    #[error("The server is busy.")]
    Busy,
    /// The action is not possible in the current state; the sentence says why and what to do.
    #[error("{0}")]
    Refused(String),
    /// The database does not answer.
    #[error("{0}")]
    Away(String),
    /// An internal error, or one that the operator has to fix.
    #[error("{0}")]
    Internal(String),
}

impl PageError {
    /// The error of a body that could not be read.
    pub(in crate::web) fn from_body(error: &dyn std::fmt::Display) -> Self {
        let text = error.to_string();
        if text.contains("overflow")
            || text.contains("larger than allowed")
            || text.contains("size limit")
        {
            Self::TooLarge
        } else {
            Self::BadRequest(format!("The form can’t be read: {text}."))
        }
    }

    /// The error of a body that did not arrive.
    pub(in crate::web) fn from_payload(error: &PayloadError) -> Self {
        match error {
            PayloadError::Overflow => Self::TooLarge,
            PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::TooSlow,
            PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => Self::Busy,
            other => Self::from_body(other),
        }
    }

    pub(in crate::web) fn heading(&self) -> String {
        match self {
            Self::SignIn => "Sign in first".to_owned(),
            Self::Forbidden(_) => "Your role does not allow this".to_owned(),
            Self::NotFound(noun) => format!("{} not found", sentence_case(noun)),
            Self::Expired => "This form has expired".to_owned(),
            Self::BadRequest(_) => "This request can’t be read".to_owned(),
            Self::Invalid(_) => "This form has invalid fields".to_owned(),
            Self::Unstorable(_) => "This text can’t be stored".to_owned(),
            Self::TooLarge => "This form is too large".to_owned(),
            Self::Compressed => "This form is compressed".to_owned(),
            Self::TooSlow => "This form didn’t arrive in time".to_owned(),
            Self::Busy => "The server is busy".to_owned(),
            Self::Refused(_) => "Not possible now".to_owned(),
            Self::Away(_) => "The database doesn’t answer".to_owned(),
            Self::Internal(_) => "Something went wrong on our side".to_owned(),
        }
    }

    pub(in crate::web) fn advice(&self) -> String {
        match self {
            Self::SignIn => "Sign in to see this page.".to_owned(),
            Self::Forbidden(role) => {
                format!("It needs the role {role}. Ask an admin to do it, or to change your role.")
            }
            Self::NotFound(_) => "It may have been deleted, or the address is mistyped.".to_owned(),
            Self::Expired => {
                "Nothing was changed. Send the form again. If it is not here, go back and reload \
                 its page. Your browser must allow cookies."
                    .to_owned()
            }
            Self::BadRequest(reason) | Self::Refused(reason) => reason.clone(),
            Self::Invalid(fields) => format!("Nothing was changed. {fields}"),
            Self::Unstorable(field) => {
                format!(
                    "Nothing was changed. The field “{field}” contains a NUL character. Go back, \
                     remove it, and send the form again."
                )
            }
            Self::TooLarge => "Nothing was changed. Send less at once.".to_owned(),
            Self::Compressed => "Nothing was changed. Send the form without \
                             Content-Encoding."
                .to_owned(),
            Self::TooSlow => "Nothing was changed. Check the connection and send the form \
                              again."
                .to_owned(),
            Self::Busy => "Nothing was changed. Send the form again in a few seconds.".to_owned(),
            Self::Away(_) => {
                "Nothing was lost. Try again in a moment. If it lasts, see the logs of Carillon \
                 and PostgreSQL."
                    .to_owned()
            }
            Self::Internal(_) => "Nothing that was saved is lost. Try again. If it repeats, \
                                  Carillon’s log says why."
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
            Self::Compressed => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Refused(_) => StatusCode::CONFLICT,
            Self::Busy | Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Plain text, which the routes of the pages render as a page.
    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status_code())
            .content_type(ContentType::plaintext())
            .body(self.heading())
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
        if db::is_unavailable(&error) {
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
