//! Why a request of Segment's protocol is refused as a whole, and the status that answers it.

use actix_web::http::StatusCode;
use actix_web::http::header::RETRY_AFTER;
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::source_request::SourceRefusal;
use crate::sources::segment::EnvelopeError;
use crate::web::http::intake::BodyError;

/// How long a client waits before it repeats a request, in seconds.
const RETRY_AFTER_SECONDS: &str = "5";

/// Why a request is refused as a whole. Clients repeat it after 429, 500 and 503, and drop it
/// after any other status.
#[derive(Debug, thiserror::Error)]
pub(super) enum SegmentRefusal {
    /// The body is not JSON, or cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The body has no messages.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// The body is too large.
    #[error(
        "The body is larger than 500 kB. Send fewer messages at once: clients drop a request that \
         is refused."
    )]
    TooLarge,
    /// The body is compressed by something else than gzip.
    #[error("Send the body as it is, or compressed with `Content-Encoding: gzip`.")]
    UnknownCoding,
    /// The body did not arrive in time.
    #[error("Nothing was recorded, since the body didn’t arrive in time. Send it again.")]
    TooSlow,
    /// The request has no key.
    #[error("Send the source’s key as the user name of `Basic` authentication, or as `writeKey`.")]
    NoKey,
    /// The key does not have the form of one.
    #[error("This is not the key of a source. One starts with `sk_` and has 46 characters.")]
    NotAKey,
    /// There is nothing at this path.
    #[error("There is nothing at this address. Send batches to /v1/batch.")]
    UnknownPath,
    /// Its source cannot accept it, or nothing at the moment.
    #[error(transparent)]
    Source(#[from] SourceRefusal),
}

impl From<BodyError> for SegmentRefusal {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge | BodyError::TooLargeDecompressed => Self::TooLarge,
            BodyError::UnknownCoding => Self::UnknownCoding,
            BodyError::BadGzip(reason) => {
                Self::Malformed(format!("The body can’t be decompressed: {reason}."))
            }
            BodyError::Unreadable(reason) => {
                Self::Malformed(format!("The body can’t be read: {reason}."))
            }
            BodyError::TooSlow => Self::TooSlow,
            BodyError::Busy => Self::Source(SourceRefusal::Busy),
            BodyError::Internal(reason) => {
                tracing::error!(%reason, "a request of a source failed");
                Self::Source(SourceRefusal::Failed)
            }
        }
    }
}

impl ResponseError for SegmentRefusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Envelope(EnvelopeError::TooMany) | Self::TooLarge => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Self::Malformed(_) | Self::Envelope(_) => StatusCode::BAD_REQUEST,
            Self::UnknownCoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::NoKey | Self::NotAKey => StatusCode::UNAUTHORIZED,
            Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::Source(refusal) => refusal.status(),
        }
    }

    /// Without `WWW-Authenticate`, for which a browser would ask a site's visitors for a password.
    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let mut response = HttpResponse::build(status);
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        // At the top, where the client in Python looks: it repeats a refusal without a code.
        let code = status.canonical_reason().unwrap_or_default().to_lowercase().replace(' ', "_");
        response.json(json!({ "success": false, "code": code, "message": self.to_string() }))
    }
}
