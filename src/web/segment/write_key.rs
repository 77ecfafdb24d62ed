//! The key that a request presents: as the user name of Basic authentication, or in its body.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::refusal::SegmentRefusal;
use crate::sources::SourceKeySecret;

/// The key in the header, or else the one in the body.
pub(super) fn presented(
    request: &HttpRequest,
    in_body: Option<&str>,
) -> Result<SourceKeySecret, SegmentRefusal> {
    let in_header = user_name(request);
    let parse = |text: &str| SourceKeySecret::parse(text.trim());
    match in_header.as_deref().and_then(parse).or_else(|| in_body.and_then(parse)) {
        Some(key) => Ok(key),
        None if in_header.is_none() && in_body.is_none() => Err(SegmentRefusal::NoKey),
        None => Err(SegmentRefusal::NotAKey),
    }
}

/// The user name of Basic authentication; the password is ignored, and empty in clients.
fn user_name(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    Some(credentials.split(':').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::types::token::RandomToken;

    fn found(header: Option<&str>, in_body: Option<&str>) -> Result<String, SegmentRefusal> {
        let mut request = TestRequest::default();
        if let Some(header) = header {
            request = request.insert_header((AUTHORIZATION, header));
        }
        let key = presented(&request.to_http_request(), in_body)?;
        Ok(key.expose().to_owned())
    }

    fn basic(credentials: &str) -> String {
        format!("Basic {}", STANDARD.encode(credentials))
    }

    #[test]
    fn a_key_is_found_in_the_header_and_in_the_body() {
        let key = || format!("sk_{}", RandomToken::generate().expose());
        let (one, other) = (key(), key());
        for (header, in_body) in [
            (Some(basic(&format!("{one}:"))), None),
            (Some(basic(&one).replace("Basic", "basic ")), None),
            (Some(basic(&format!("{one}:{other}"))), Some(other.as_str())),
            (None, Some(one.as_str())),
            (Some(basic("not a key:")), Some(one.as_str())),
            (Some(format!("Bearer {other}")), Some(one.as_str())),
            (Some("Basic ???".to_owned()), Some(one.as_str())),
        ] {
            assert_eq!(found(header.as_deref(), in_body).unwrap(), one, "{header:?} {in_body:?}");
        }
    }

    #[test]
    fn without_a_key_a_request_is_refused() {
        assert!(matches!(found(None, None), Err(SegmentRefusal::NoKey)));
        assert!(matches!(found(Some("Basic"), None), Err(SegmentRefusal::NoKey)));
        assert!(matches!(found(Some(&basic("x:")), None), Err(SegmentRefusal::NotAKey)));
        assert!(matches!(found(None, Some("ck_x")), Err(SegmentRefusal::NotAKey)));
    }
}
