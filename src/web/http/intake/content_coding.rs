//! The content coding of a request's body.

use actix_web::http::header::{CONTENT_ENCODING, HeaderMap};

/// How the body of a request is compressed; an extension of the request, missing if the body is not
/// compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum ContentCoding {
    /// `gzip`, alone.
    Gzip,
    /// Any other, or several.
    Other,
}

/// The content coding of a body, if it has one.
pub(super) fn coding(headers: &HeaderMap) -> Option<ContentCoding> {
    if !headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    let values: Vec<&str> = headers
        .get_all(CONTENT_ENCODING)
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("identity"))
        .collect();
    match values.as_slice() {
        [] => None,
        [one] if one.eq_ignore_ascii_case("gzip") || one.eq_ignore_ascii_case("x-gzip") => {
            Some(ContentCoding::Gzip)
        }
        _ => Some(ContentCoding::Other),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn compressed_bodies_are_recognised_in_every_spelling() {
        let of = |values: &[&str]| {
            let mut request = TestRequest::default();
            for value in values {
                request = request.append_header((CONTENT_ENCODING, *value));
            }
            coding(request.to_http_request().headers())
        };
        for plain in [&[][..], &["identity"], &[""], &["Identity, identity"]] {
            assert_eq!(of(plain), None, "{plain:?}");
        }
        for gzip in [&["gzip"][..], &["GZip"], &["x-gzip"], &[" identity, gzip "]] {
            assert_eq!(of(gzip), Some(ContentCoding::Gzip), "{gzip:?}");
        }
        for other in [
            &["br"][..],
            &["deflate"],
            &["zstd"],
            &["gzip, gzip"],
            &["gzip", "gzip"],
            &["gzip;q=1"],
            &["compress"],
        ] {
            assert_eq!(of(other), Some(ContentCoding::Other), "{other:?}");
        }
    }
}
