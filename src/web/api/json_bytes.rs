//! The bytes of a request's JSON body: received within a size limit and decompressed, or the error
//! that says why they could not be received.

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::FutureExt;
use futures::future::LocalBoxFuture;

use super::error::ApiError;
use crate::error::Error;
use crate::web::http::intake::{BodyError, read_body};

/// The largest body, in bytes: a thousand events with generous properties.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The bytes of a body that is declared to be JSON.
pub(super) struct JsonBytes(pub(super) Vec<u8>);

impl FromRequest for JsonBytes {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let kind = request.content_type().to_ascii_lowercase();
        let has_content_type = request.headers().contains_key(CONTENT_TYPE);
        let body = read_body(request, payload.take(), MAX_BYTES);
        async move {
            if !(kind == "application/json" || kind.ends_with("+json")) {
                let message = if has_content_type {
                    "Send the body as `Content-Type: application/json`, not in another format."
                } else {
                    "Send `Content-Type: application/json` with the body."
                };
                return Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_media_type",
                    message,
                ));
            }
            body.await.map(Self).map_err(unreadable)
        }
        .boxed_local()
    }
}

/// The error of a body that did not arrive, or not as it should.
fn unreadable(error: BodyError) -> ApiError {
    match error {
        BodyError::TooLarge => {
            let message = format!(
                "The body is larger than {} MB. Send less at once.",
                MAX_BYTES / 1024 / 1024
            );
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
        BodyError::TooLargeDecompressed => {
            let message = format!(
                "The body is larger than {} MB without compression. Send less at once.",
                MAX_BYTES / 1024 / 1024
            );
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
        BodyError::UnknownCoding => ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_encoding",
            "Send the body as it is, or compressed with `Content-Encoding: gzip`.",
        ),
        BodyError::BadGzip(reason) => {
            ApiError::malformed(format!("The body can’t be decompressed: {reason}."))
        }
        BodyError::TooSlow => ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "Nothing was changed, since the body didn’t arrive in time. Send it again.",
        ),
        BodyError::Busy => ApiError::busy(),
        BodyError::Unreadable(reason) => {
            ApiError::malformed(format!("The body can’t be read: {reason}."))
        }
        BodyError::Internal(reason) => Error::Internal(reason).into(),
    }
}
