//! Why a hook did not take what it was given, and how that is answered.

use actix_web::HttpResponse;

use crate::connections::webhooks::RejectionReason;
use crate::db;
use crate::error::Error;
use crate::types::id::ConnectionId;

/// Why a hook did not take what it was given.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It does not come from Twilio, or not for this connection: 403 (404 where there is no such
    /// connection, 400 where it cannot be read).
    Rejected { connection_id: Option<ConnectionId>, reason: RejectionReason, detail: String },
    /// There is no such message: 404.
    UnknownMessage,
    /// The database is away: 503, so that Twilio tries again.
    Away,
    /// A mistake of ours: 500, so that Twilio tries again.
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
        if db::is_away(&error) {
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
