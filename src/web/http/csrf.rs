//! CSRF protection: the token that every POST to a page must carry, that of the browser that sends
//! it. `form_guard.rs` demands it.

use actix_web::HttpRequest;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::web::Data;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;

use super::cookies::Cookies;
use crate::context::Context;
use crate::types::sealed::SecretKey;
use crate::types::storable_text;
use crate::types::token::RandomToken;

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

/// Whether a form carries the token of the browser that sends it, and comes from one of our pages.
pub(super) fn has_valid_token(request: &HttpRequest, body: &[u8]) -> bool {
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
