//! The guard in front of all pages: it reads the form of every POST up to a limit, and refuses it
//! without a valid CSRF token.
//!
//! Forms with a text that cannot be stored are refused here as well, so that handlers need not
//! check.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::CONTENT_LENGTH;
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{Error, HttpMessage, HttpRequest};
use futures::StreamExt;

use super::cookies::Cookies;
use super::csrf;
use super::error::PageError;
use super::form::MAX_FORM_BYTES;
use super::intake::ContentCoding;
use crate::context::Context;
use crate::types::storable_text;
use crate::users::sessions;

/// The largest form of a visitor who is not signed in, in bytes: log-in, set-up, invitation, new
/// password.
const MAX_SIGNED_OUT_FORM_BYTES: usize = 64 * 1024;

/// Checks the token and the texts of a form: the only place that does, in front of all pages, for
/// every method that changes something.
pub(in crate::web) async fn check(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let body = match read(&mut request).await {
        Ok(body) => body,
        Err(error) => return Ok(request.error_response(error)),
    };
    if !csrf::has_valid_token(request.request(), &body) {
        return Ok(request.error_response(PageError::Expired));
    }
    if let Some(field) = storable_text::unstorable_field(&body) {
        return Ok(request.error_response(PageError::Unstorable(field)));
    }
    let replay = futures::stream::once(async { Ok::<Bytes, PayloadError>(body) });
    request.set_payload(Payload::from(replay.boxed_local()));
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Reads a form. Signed-in users may send larger ones; other visitors have only small ones to fill
/// in.
async fn read(request: &mut ServiceRequest) -> Result<Bytes, PageError> {
    if request.extensions().contains::<ContentCoding>() {
        return Err(PageError::Compressed);
    }
    let declared = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok())
        .and_then(|length| length.parse().ok());
    if declared.is_some_and(|length: usize| length > MAX_FORM_BYTES) {
        return Err(PageError::TooLarge);
    }
    let mut payload = request.take_payload();
    let mut body = BytesMut::new();
    let mut limit = MAX_SIGNED_OUT_FORM_BYTES;
    while let Some(bytes) = payload.next().await {
        let bytes = bytes.map_err(|error| PageError::from_payload(&error))?;
        let length = body.len() + bytes.len();
        if length > limit && limit < MAX_FORM_BYTES && is_signed_in(request.request()).await? {
            limit = MAX_FORM_BYTES;
        }
        if length > limit {
            return Err(PageError::TooLarge);
        }
        body.extend_from_slice(&bytes);
    }
    Ok(body.freeze())
}

async fn is_signed_in(request: &HttpRequest) -> Result<bool, PageError> {
    let Some(context) = request.app_data::<Data<Context>>() else { return Ok(false) };
    let Some(token) = Cookies::of(&context.config.public_url).session(request) else {
        return Ok(false);
    };
    Ok(sessions::find(&mut *context.db.get().await?, &token, context.clock.now()).await?.is_some())
}
