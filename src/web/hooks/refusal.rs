//! Why a webhook is refused, and the status that answers it.

use actix_web::HttpResponse;

use crate::connections::rejected_webhooks::RejectionReason;
use crate::db;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// Why a webhook is refused.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The call is not proven to come from Twilio for this connection: 403 (404 for an unknown
    /// connection, 400 for a malformed body).
    Rejected { connection_id: Option<ConnectionId>, reason: RejectionReason, detail: String },
    /// The message does not exist: 404.
    UnknownMessage,
    /// The database is not available: 503, so that Twilio tries again.
    Away,
    /// An internal error: 500, so that Twilio tries again.
    Failed,
}

impl From<db::Unavailable> for Refusal {
    fn from(error: db::Unavailable) -> Self {
        tracing::warn!(%error, "a webhook was answered with 503");
        Self::Away
    }
}

impl From<diesel::result::Error> for Refusal {
    fn from(error: diesel::result::Error) -> Self {
        if db::is_unavailable(&error) {
            tracing::warn!(%error, "a webhook was answered with 503");
            return Self::Away;
        }
        tracing::error!(%error, "a webhook was answered with 500");
        Self::Failed
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => error.into(),
            Error::NotFound("message") => Self::UnknownMessage,
            other => {
                tracing::error!(error = %other, "a webhook was answered with 500");
                Self::Failed
            }
        }
    }
}

impl Refusal {
    pub(super) fn response(&self) -> HttpResponse {
        match self {
            Self::Rejected { reason: RejectionReason::UnknownConnection, .. }
            | Self::UnknownMessage => HttpResponse::NotFound(),
            Self::Rejected { reason: RejectionReason::Malformed, .. } => HttpResponse::BadRequest(),
            Self::Rejected { .. } => HttpResponse::Forbidden(),
            Self::Away => HttpResponse::ServiceUnavailable(),
            Self::Failed => HttpResponse::InternalServerError(),
        }
        .finish()
    }
}
