//! In front of everything: who may be answered, and bodies that are neither endless, nor packed,
//! nor for ever under way.

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

use super::Intake;
use super::body::{Body, BodyFailure, Incoming};
use super::content_coding::coding;
use crate::web::api::ApiError;
use crate::web::http::health;
use crate::web::http::server::connections::{Answering, HttpConnection};

const FULL: &str = "There are too many connections at the moment. Try again in a few seconds.\n";

/// A body of an answer, which keeps its connection from being put out.
struct Answered {
    body: BoxBody,
    _answering: Answering,
}

/// Watches over a request from its head to the end of its answer.
///
/// The header `Content-Encoding` goes no further: what reads bodies by itself, as the framework's
/// extractors do, would unpack them without a limit. Whoever can do so looks for
/// [`ContentCoding`](super::ContentCoding).
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
    let mut answering = connection.as_ref().map(HttpConnection::answer);
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
            let body = Rc::new(Body::new(&intake, context.config.request_timeout, connection));
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
