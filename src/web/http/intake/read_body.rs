//! Reads the body of a request: within a size limit, and decompressed.

use std::io;
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use futures::StreamExt;

use super::content_coding::ContentCoding;
use super::gzip::{GunzipError, gunzip};
use super::incoming_body::BodyTracker;
use super::limits::Intake;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(in crate::web) enum BodyError {
    /// Larger than allowed as it arrives.
    #[error("it is larger than allowed")]
    TooLarge,
    /// Larger than allowed without its compression.
    #[error("it is larger than allowed without compression")]
    TooLargeDecompressed,
    /// Compressed by something else than gzip.
    #[error("its Content-Encoding is not gzip")]
    UnknownCoding,
    /// Not the gzip that it should be.
    #[error("{0}")]
    BadGzip(String),
    /// It did not arrive in time.
    #[error("it didn’t arrive in time")]
    TooSlow,
    /// No memory is available for it.
    #[error("too many large requests arrive at the moment")]
    Busy,
    /// The connection failed, or what arrived is not HTTP.
    #[error("{0}")]
    Unreadable(String),
    /// A fault of the server.
    #[error("{0}")]
    Internal(String),
}

/// Reads a body of at most `limit` bytes, with and without its compression.
pub(in crate::web) fn read_body(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> impl Future<Output = Result<Vec<u8>, BodyError>> + use<> {
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    let coding = request.extensions().get::<ContentCoding>().copied();
    let (intake, tracker) = (
        request.app_data::<Data<Intake>>().cloned(),
        request.extensions().get::<Rc<BodyTracker>>().cloned(),
    );
    async move {
        if coding == Some(ContentCoding::Other) {
            return Err(BodyError::UnknownCoding);
        }
        if declared.is_some_and(|length| length > limit) {
            return Err(BodyError::TooLarge);
        }
        let mut body = Vec::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk?;
            if body.len() + chunk.len() > limit {
                return Err(BodyError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        if coding.is_none() {
            return Ok(body);
        }
        let (Some(intake), Some(tracker)) = (intake, tracker) else {
            let reason = "a body did not arrive through our server".to_owned();
            return Err(BodyError::Internal(reason));
        };
        Ok(gunzip(&intake, &tracker, body, limit).await?)
    }
}

impl From<PayloadError> for BodyError {
    fn from(error: PayloadError) -> Self {
        match error {
            PayloadError::Io(error) if error.kind() == io::ErrorKind::TimedOut => Self::TooSlow,
            PayloadError::Io(error) if error.kind() == io::ErrorKind::OutOfMemory => Self::Busy,
            error => Self::Unreadable(error.to_string()),
        }
    }
}

impl From<GunzipError> for BodyError {
    fn from(error: GunzipError) -> Self {
        match error {
            GunzipError::TooLarge => Self::TooLargeDecompressed,
            GunzipError::Malformed(_) => Self::BadGzip(error.to_string()),
            GunzipError::Busy(_) => Self::Busy,
            GunzipError::Stopped => Self::Internal(error.to_string()),
        }
    }
}
