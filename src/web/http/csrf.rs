//! CSRF protection: every POST to a page must carry the token of the browser that sends it.
//!
//! Forms with a text that cannot be stored are refused here as well, so that handlers need not
//! check.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::Method;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{Error, HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::StreamExt;
use hmac::Mac;

use super::cookies::Cookies;
use super::error::PageError;
use super::form::MAX_FORM_BYTES;
use super::intake::ContentCoding;
use crate::context::Context;
use crate::types::sealed::SecretKey;
use crate::types::storable_text;
use crate::types::token::RandomToken;
use crate::users::sessions;

/// The largest form of a visitor who is not signed in, in bytes: log-in, set-up, invitation, new
/// password.
const MAX_SIGNED_OUT_FORM_BYTES: usize = 64 * 1024;

const TOKEN_BYTES: usize = 32;

/// The token for the forms of the browser that holds `anchor` (its session's or visitor's cookie).
///
/// Random bytes mask it, so that it differs on every page and compression does not reveal it
/// (BREACH).
pub(in crate::web) fn token(key: &SecretKey, anchor: &RandomToken) -> String {
    let mask: [u8; TOKEN_BYTES] = rand::random();
    let mut bytes = mask.to_vec();
    bytes.extend(
        mac(key, anchor).finalize().into_bytes().iter().zip(mask).map(|(byte, mask)| byte ^ mask),
    );
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Whether `token` was created for the browser that holds `anchor`.
fn matches(key: &SecretKey, anchor: &RandomToken, token: &str) -> bool {
    let Ok(bytes) = URL_SAFE_NO_PAD.decode(token) else { return false };
    let Some((mask, masked)) = bytes.split_first_chunk::<TOKEN_BYTES>() else { return false };
    let unmasked: Vec<u8> = masked.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    mac(key, anchor).verify_slice(&unmasked).is_ok()
}

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
    if !has_valid_token(request.request(), &body) {
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

fn has_valid_token(request: &HttpRequest, body: &[u8]) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if header("sec-fetch-site").is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return false;
    }
    if !header(CONTENT_TYPE.as_str())
        .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"))
    {
        return false;
    }
    let Some(context) = request.app_data::<Data<Context>>() else { return false };
    let cookies = Cookies::of(&context.config.public_url);
    let Some(anchor) = cookies.session(request).or_else(|| cookies.visitor(request)) else {
        return false;
    };
    storable_text::pairs(body)
        .find(|(name, _)| name == "csrf")
        .is_some_and(|(_, token)| matches(&context.secret_key, &anchor, &token))
}

fn mac(key: &SecretKey, anchor: &RandomToken) -> impl Mac {
    key.mac("csrf", anchor.expose().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_valid_for_its_browser_only_and_always_differs() {
        let (key, anchor) = (SecretKey::generate(), RandomToken::generate());
        let (one, other) = (token(&key, &anchor), token(&key, &anchor));
        assert_ne!(one, other);
        assert!(matches(&key, &anchor, &one) && matches(&key, &anchor, &other));
        assert!(!matches(&key, &RandomToken::generate(), &one));
        assert!(!matches(&SecretKey::generate(), &anchor, &one));
    }

    #[test]
    fn a_malformed_token_is_refused() {
        let (key, anchor) = (SecretKey::generate(), RandomToken::generate());
        let right = token(&key, &anchor);
        for bad in ["", "x", "ä", &right[1..], &"A".repeat(86), &right[..43]] {
            assert!(!matches(&key, &anchor, bad), "{bad}");
        }
    }
}
