//! Security headers of responses, and the span of the request log.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::DefaultHeaders;
use tracing::Span;
use tracing_actix_web::RootSpanBuilder;

use crate::types::hook_address::redacted;

/// Allows only our own files, and neither inline code nor frames. Pictures may come from https, for
/// the media of templates.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; \
     connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const HEADERS: [(HeaderName, &str); 7] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// The headers of every answer that does not set them itself; none of them is stored unless it says
/// so.
pub(in crate::web) fn defaults() -> DefaultHeaders {
    HEADERS.iter().fold(DefaultHeaders::new(), |headers, (name, value)| headers.add((name, *value)))
}

/// One line per request, without the query (it may contain phone numbers), the secret of a webhook,
/// and client addresses.
pub(in crate::web) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        tracing::debug_span!(
            "request",
            http.method = %request.method(),
            http.path = %redacted(request.path()),
            http.status = tracing::field::Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.status", status.as_u16());
        span.in_scope(|| tracing::debug!("answered"));
    }
}
