//! The security headers of responses.

use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::DefaultHeaders;

/// Allows only our own files, and neither inline code nor frames. Pictures may come from https, for
/// the media of templates.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: https:; \
     font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

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

/// The headers of every response that does not set them itself; none of them is stored unless it
/// says so.
pub(in crate::web) fn defaults() -> DefaultHeaders {
    HEADERS.iter().fold(DefaultHeaders::new(), |headers, (name, value)| headers.add((name, *value)))
}
