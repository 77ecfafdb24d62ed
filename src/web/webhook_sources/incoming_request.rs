//! A webhook's request as it arrived: its headers, its query and its body within the limits.

use std::borrow::Cow;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpRequest};

use crate::sources::deliveries::ReceivedDelivery;
use crate::sources::webhook::{
    Document, KeptHeaders, UnreadableBody, UnverifiedRequest, WebhookMapping, WebhookVerification,
};
use crate::types::storable_text;
use crate::web::api::{ApiError, ApiResult};
use crate::web::http::intake::ContentCoding;

/// The largest body, in bytes.
pub(super) const MAX_BYTES: usize = 1 << 20;

/// A request whose body has arrived.
pub(super) struct IncomingRequest {
    body: Bytes,
    query: Vec<(String, String)>,
    content_type: Option<String>,
}

impl IncomingRequest {
    /// Takes the body, or says why it is not accepted.
    pub(super) fn take(request: &HttpRequest, body: Result<Bytes, Error>) -> ApiResult<Self> {
        if request.extensions().get::<ContentCoding>().is_some() {
            let message = "Send this webhook without Content-Encoding.";
            return Err(refused(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                message,
            ));
        }
        let owned =
            |(name, value): (Cow<'_, str>, Cow<'_, str>)| (name.into_owned(), value.into_owned());
        let content_type = request.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        Ok(Self {
            body: body.map_err(|error| unreadable(&error))?,
            query: storable_text::pairs(request.query_string().as_bytes()).map(owned).collect(),
            content_type: content_type.map(str::to_owned),
        })
    }

    pub(super) const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The request for its verification.
    pub(super) fn received<'r>(
        &'r self,
        headers: &'r [(&'r str, &'r str)],
    ) -> UnverifiedRequest<'r> {
        UnverifiedRequest { headers, query: &self.query, body: &self.body }
    }

    /// The headers that describe the event.
    pub(super) fn kept_headers(
        headers: &[(&str, &str)],
        mapping: &WebhookMapping,
        verification: &WebhookVerification,
    ) -> KeptHeaders {
        let (named, secret) = (mapping.headers(), verification.proof_headers());
        KeptHeaders::of(headers.iter().copied(), &named, &secret)
    }

    /// The body as a document.
    pub(super) fn document(&self, headers: KeptHeaders) -> Result<Document, UnreadableBody> {
        Document::read(self.content_type.as_deref(), headers, &self.body)
    }

    /// The request as it is kept.
    pub(super) fn delivery(&self, headers: &KeptHeaders) -> ReceivedDelivery {
        ReceivedDelivery::new(self.content_type.as_deref(), headers.to_value(), &self.body)
    }
}

/// The headers whose values are text.
pub(super) fn text_headers(headers: &HeaderMap) -> Vec<(&str, &str)> {
    let text =
        headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
    text.collect()
}

/// The error of a body that did not arrive. The guard of all requests answers slow ones.
fn unreadable(error: &Error) -> ApiError {
    let is_too_large = matches!(error.as_error::<PayloadError>(), Some(PayloadError::Overflow))
        || error.as_response_error().status_code() == StatusCode::PAYLOAD_TOO_LARGE;
    if is_too_large {
        let message = "The body is larger than 1 MB. Send less at once.";
        return refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
    }
    refused(StatusCode::BAD_REQUEST, "malformed", "The body can’t be read.")
}

fn refused(status: StatusCode, code: &'static str, message: &str) -> ApiError {
    ApiError::new(status, code, message)
}
