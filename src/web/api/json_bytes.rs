//! The bytes of a request's JSON body: received within a size limit and decompressed, or the error
//! that says why they could not be received.

use std::io;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures::future::LocalBoxFuture;
use futures::{FutureExt, StreamExt};

use super::error::ApiError;
use crate::error::Error;
use crate::web::http::intake::{BodyTracker, ContentCoding, GunzipError, Intake, gunzip};

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
        let declared = request
            .headers()
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
        let coding = request.extensions().get::<ContentCoding>().copied();
        let (intake, tracker) = (
            request.app_data::<Data<Intake>>().cloned(),
            request.extensions().get::<Rc<BodyTracker>>().cloned(),
        );
        let mut payload = payload.take();
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
            if coding == Some(ContentCoding::Other) {
                let message = "Send the body as it is, or compressed with `Content-Encoding: \
                               gzip`.";
                return Err(ApiError::new(
                    StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    "unsupported_encoding",
                    message,
                ));
            }
            if declared.is_some_and(|length| length > MAX_BYTES) {
                return Err(too_large());
            }
            let mut body = Vec::new();
            while let Some(chunk) = payload.next().await {
                let chunk = chunk.map_err(|error| unreadable(&error))?;
                if body.len() + chunk.len() > MAX_BYTES {
                    return Err(too_large());
                }
                body.extend_from_slice(&chunk);
            }
            if coding.is_some() {
                body = decompress(intake, tracker, body).await?;
            }
            Ok(Self(body))
        }
        .boxed_local()
    }
}

fn too_large() -> ApiError {
    let message =
        format!("The body is larger than {} MB. Send less at once.", MAX_BYTES / 1024 / 1024);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
}

/// The error of a body that did not arrive.
fn unreadable(error: &PayloadError) -> ApiError {
    match error {
        PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "timeout",
            "Nothing was changed, since the body didn’t arrive in time. Send it again.",
        ),
        PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => ApiError::busy(),
        error => ApiError::malformed(format!("The body can’t be read: {error}.")),
    }
}

/// Decompresses a gzip body; the result has the same size limit as a body that is not compressed.
async fn decompress(
    intake: Option<Data<Intake>>,
    tracker: Option<Rc<BodyTracker>>,
    compressed: Vec<u8>,
) -> Result<Vec<u8>, ApiError> {
    let (Some(intake), Some(tracker)) = (intake, tracker) else {
        return Err(Error::Internal("a body did not arrive through our server".to_owned()).into());
    };
    gunzip(&intake, &tracker, compressed, MAX_BYTES).await.map_err(|error| match error {
        GunzipError::TooLarge => {
            let message = format!(
                "The body is larger than {} MB without compression. Send less at once.",
                MAX_BYTES / 1024 / 1024
            );
            ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message)
        }
        GunzipError::Malformed(_) => {
            ApiError::malformed(format!("The body can’t be decompressed: {error}."))
        }
        GunzipError::Busy(_) => ApiError::busy(),
        GunzipError::Stopped => Error::Internal(error.to_string()).into(),
    })
}
