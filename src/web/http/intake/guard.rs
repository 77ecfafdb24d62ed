//! In front of everything: who may be answered, and bodies that are neither endless, nor packed,
//! nor for ever under way.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, HeaderMap, HeaderValue, RETRY_AFTER,
};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures::StreamExt;

use super::body::{Body, BodyFailure, Incoming};
use crate::web::Web;
use crate::web::api::ApiError;
use crate::web::http::health;
use crate::web::http::server::connections::{Answering, Connection};

const FULL: &str = "There are too many connections at the moment. Try again in a few seconds.\n";

/// How the body of a request is packed; where this is not among the request's extensions, it is
/// not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::web) enum ContentCoding {
    /// `gzip`, alone.
    Gzip,
    /// Any other, or several.
    Other,
}

/// A body of an answer, which keeps its connection from being put out.
struct Answered {
    body: BoxBody,
    _answering: Answering,
}

/// Watches over a request from its head to the end of its answer.
///
/// The header `Content-Encoding` goes no further: what reads bodies by itself, as the framework's
/// extractors do, would unpack them without a limit. Whoever can do so looks for [`ContentCoding`].
pub(in crate::web) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (Some(context), Some(web)) = (
        request.app_data::<Data<crate::context::Context>>().cloned(),
        request.app_data::<Data<Web>>().cloned(),
    ) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let connection = request.conn_data::<Arc<Connection>>().cloned();
    let mut answering = connection.as_ref().map(Connection::answer);
    let is_hook = request.path().starts_with("/hooks/");
    if connection.as_ref().is_some_and(|connection| connection.is_in_reserve())
        && !is_hook
        && !health::is_asked_for(request.path())
    {
        let full = if request.path().starts_with("/api/") {
            ApiError::busy().error_response()
        } else {
            busy(FULL)
        };
        return Ok(request.into_response(full));
    }
    if let Some(coding) = coding(request.headers()) {
        if is_hook {
            return Ok(request.into_response(packed()));
        }
        request.headers_mut().remove(CONTENT_ENCODING);
        request.extensions_mut().insert(coding);
    }
    let body = match request.take_payload() {
        Payload::None => None,
        payload => {
            let body = Rc::new(Body::new(&web.intake, context.config.request_timeout, connection));
            request
                .set_payload(Payload::from(Incoming::new(payload, Rc::clone(&body)).boxed_local()));
            request.extensions_mut().insert(Rc::clone(&body));
            Some(body)
        }
    };
    let response = next.call(request).await?.map_into_boxed_body();
    if let (Some(answering), Some(body)) = (&mut answering, &body)
        && !body.is_whole()
    {
        answering.rest_is_missing();
    }
    let failure =
        body.and_then(|body| body.failure()).filter(|_| response.status().is_client_error());
    let response = match failure {
        Some(BodyFailure::TooSlow) if response.status() != 408 => response.into_response(
            HttpResponse::RequestTimeout().body("The request did not arrive in time.\n"),
        ),
        Some(BodyFailure::Busy) => response.into_response(busy(
            "Too many large requests arrive at the moment. Try again in a second.\n",
        )),
        _ => response,
    };
    Ok(match answering {
        Some(answering)
            if !matches!(
                response.response().body().size(),
                BodySize::None | BodySize::Sized(0)
            ) =>
        {
            response.map_body(|_, body| BoxBody::new(Answered { body, _answering: answering }))
        }
        _ => response,
    })
}

/// How a body is packed, if it is.
fn coding(headers: &HeaderMap) -> Option<ContentCoding> {
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

fn packed() -> HttpResponse {
    HttpResponse::UnsupportedMediaType()
        .insert_header((ACCEPT_ENCODING, "identity"))
        .body("Webhooks are read as they are: send this one without Content-Encoding.\n")
}

fn busy(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, HeaderValue::from_static("2")))
        .force_close()
        .body(why)
}

impl MessageBody for Answered {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn packed_bodies_are_recognised_however_it_is_written() {
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
