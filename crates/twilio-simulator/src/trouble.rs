//! Answers that are none: errors on purpose, requests held open, connections cut. And the headers
//! of every answer.

use std::any::Any;
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Extensions, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::rt::net::TcpStream;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::answer::Refusal;
use super::faults::{Aspect, Fault, Reach};
use super::message::new_sid;
use super::shared::Shared;

/// A second hold on a connection, by which a handler can cut it.
pub(super) struct Wire(std::net::TcpStream);

/// Keeps a second hold on each connection.
pub(super) fn keep_wire(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(copy) = stream.as_fd().try_clone_to_owned()
    {
        extensions.insert(Wire(copy.into()));
    }
}

/// What a request gets instead of its answer; `None` when the fault does not take the answer away.
pub(super) async fn instead(
    fault: Fault,
    request: &HttpRequest,
    shared: &Shared,
) -> Option<Refusal> {
    match fault {
        Fault::Refuse { code } => Some(Refusal::new(code)),
        Fault::TooManyRequests => Some(Refusal::new(20429)),
        Fault::ServerError | Fault::ServerErrorRecorded => Some(Refusal::new(20500)),
        Fault::Timeout | Fault::TimeoutRecorded => {
            // Either the time is over or the simulator stops or is reset: both cut the connection.
            let _ = tokio::time::timeout(shared.options.hold, shared.let_go.notified()).await;
            cut(request).await;
            Some(Refusal::new(20503))
        }
        Fault::Reset | Fault::ResetRecorded => {
            cut(request).await;
            Some(Refusal::new(20503))
        }
        Fault::Stall | Fault::StallRecorded => {
            shared.stall().await;
            None
        }
        Fault::Deliver
        | Fault::Undelivered { .. }
        | Fault::Failed { .. }
        | Fault::Slow
        | Fault::Shuffle
        | Fault::Repeat
        | Fault::DropCallbacks => None,
    }
}

/// Cuts the connection without an answer: the server sees its end, and closing it sends a reset.
async fn cut(request: &HttpRequest) {
    let Some(wire) = request.conn_data::<Wire>() else {
        return;
    };
    if let Ok(copy) = wire.0.try_clone()
        && let Ok(stream) = TcpStream::from_std(copy)
    {
        let _ = stream.set_zero_linger();
    }
    let _ = wire.0.shutdown(Shutdown::Read);
    // The server drops this handler as soon as it sees the end of the connection.
    let _ = tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
    let _ = wire.0.shutdown(Shutdown::Both);
}

/// Counts the requests under way, applies the faults that concern reads, and adds Twilio's headers
/// to each answer.
pub(super) async fn front_desk<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let started = Instant::now();
    let shared: Arc<Shared> = match request.app_data::<Data<Shared>>() {
        Some(shared) => Arc::clone(shared),
        None => return Ok(next.call(request).await?.map_into_left_body()),
    };
    let under_way = UnderWay::enter(&shared);
    let too_many =
        shared.options.max_concurrent_requests.is_some_and(|most| under_way.count > most);
    let sends = request.method() == Method::POST && request.path().ends_with("/Messages.json");
    let instead_of_answer = if too_many {
        Some(Refusal::new(20429))
    } else if sends {
        None
    } else {
        let fault = shared.world().faults.meet(Aspect::Answer, Reach::Reads, "");
        match fault {
            Some(fault) => instead(fault, request.request(), &shared).await,
            None => None,
        }
    };
    let mut response = match instead_of_answer {
        Some(refusal) => request.into_response(refusal.error_response()).map_into_right_body(),
        None => next.call(request).await?.map_into_left_body(),
    };
    let headers = response.headers_mut();
    let mut add = |name: &'static str, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    add("twilio-request-id", new_sid("RQ"));
    add("twilio-concurrent-requests", under_way.count.to_string());
    add("twilio-request-duration", format!("{:.3}", started.elapsed().as_secs_f64()));
    add("x-api-domain", "api.twilio.com".into());
    add("x-home-region", "us1".into());
    Ok(response)
}

/// Nothing is at this address.
pub(super) async fn nothing_here(request: HttpRequest) -> HttpResponse {
    Refusal::not_found(request.path()).error_response()
}

struct UnderWay<'a> {
    shared: &'a Shared,
    count: usize,
}

impl<'a> UnderWay<'a> {
    fn enter(shared: &'a Shared) -> Self {
        Self { shared, count: shared.concurrent.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.shared.concurrent.fetch_sub(1, Ordering::Relaxed);
    }
}
