//! The outermost middleware: refuses requests at capacity, and bodies that are endless, too slow or
//! unexpectedly compressed.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, HeaderValue, RETRY_AFTER};
use actix_web::middleware::Next;
use actix_web::web::{Bytes, Data};
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use futures::StreamExt;

use super::content_coding::coding;
use super::incoming_body::{BodyFailure, BodyTracker, IncomingBody};
use super::limits::Intake;
use crate::web::api::ApiError;
use crate::web::http::health_checks;
use crate::web::http::server::connections::{ActiveRequest, HttpConnection};

const FULL: &str = "Too many connections at the moment. Try again in a few seconds.\n";

/// The body of a response, which keeps its connection from being evicted.
struct ProtectedBody {
    body: BoxBody,
    _request: ActiveRequest,
}

/// Guards a request from its head to the end of its response.
///
/// It removes the header `Content-Encoding`: code that reads bodies by itself, such as the
/// framework's extractors, would decompress them without a limit. Handlers that can decompress
/// check for [`ContentCoding`](super::ContentCoding).
pub(in crate::web) async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let (Some(context), Some(intake)) = (
        request.app_data::<Data<crate::context::Context>>().cloned(),
        request.app_data::<Data<Intake>>().cloned(),
    ) else {
        return Ok(next.call(request).await?.map_into_boxed_body());
    };
    let connection = request.conn_data::<Arc<HttpConnection>>().cloned();
    let mut active = connection.as_ref().map(HttpConnection::begin_answer);
    let is_hook = request.path().starts_with("/hooks/");
    if connection.as_ref().is_some_and(|connection| connection.is_in_reserve())
        && !is_hook
        && !health_checks::is_health_check(request.path())
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
            return Ok(request.into_response(compressed_webhook()));
        }
        request.headers_mut().remove(CONTENT_ENCODING);
        request.extensions_mut().insert(coding);
    }
    let body = match request.take_payload() {
        Payload::None => None,
        payload => {
            let body =
                Rc::new(BodyTracker::new(&intake, context.config.request_timeout, connection));
            request.set_payload(Payload::from(
                IncomingBody::new(payload, Rc::clone(&body)).boxed_local(),
            ));
            request.extensions_mut().insert(Rc::clone(&body));
            Some(body)
        }
    };
    let response = next.call(request).await?.map_into_boxed_body();
    if let (Some(active), Some(body)) = (&mut active, &body)
        && !body.is_complete()
    {
        active.expect_rest_of_request();
    }
    let failure =
        body.and_then(|body| body.failure()).filter(|_| response.status().is_client_error());
    let response = match failure {
        Some(BodyFailure::TooSlow) if response.status() != 408 => response.into_response(
            HttpResponse::RequestTimeout().body("The request didn’t arrive in time.\n"),
        ),
        Some(BodyFailure::Busy) => response
            .into_response(busy("Too many large requests at the moment. Try again in a second.\n")),
        _ => response,
    };
    Ok(match active {
        Some(active)
            if !matches!(
                response.response().body().size(),
                BodySize::None | BodySize::Sized(0)
            ) =>
        {
            response.map_body(|_, body| BoxBody::new(ProtectedBody { body, _request: active }))
        }
        _ => response,
    })
}

fn compressed_webhook() -> HttpResponse {
    HttpResponse::UnsupportedMediaType()
        .insert_header((ACCEPT_ENCODING, "identity"))
        .body("Send this webhook without Content-Encoding.\n")
}

fn busy(why: &'static str) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .insert_header((RETRY_AFTER, HeaderValue::from_static("2")))
        .force_close()
        .body(why)
}

impl MessageBody for ProtectedBody {
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
