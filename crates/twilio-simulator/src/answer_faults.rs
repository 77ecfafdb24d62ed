//! The faults of the API's responses: errors, held requests and closed connections.
//! [`api_middleware`] also adds Twilio's headers to every response.

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

use super::faults::{Aspect, Fault, Reach};
use super::message::new_sid;
use super::refusal::Refusal;
use super::shared::Shared;

/// A duplicate handle of a connection's socket, with which a handler can close the connection.
pub(super) struct Socket(std::net::TcpStream);

/// Stores a duplicate handle of each connection's socket.
pub(super) fn store_socket(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>()
        && let Ok(copy) = stream.as_fd().try_clone_to_owned()
    {
        extensions.insert(Socket(copy.into()));
    }
}

/// Applies a fault of the response. Returns the refusal to send instead of the response, or `None`
/// if the response is sent as usual.
pub(super) async fn apply(fault: Fault, request: &HttpRequest, shared: &Shared) -> Option<Refusal> {
    match fault {
        Fault::Refuse { code } => Some(Refusal::new(code)),
        Fault::TooManyRequests => Some(Refusal::new(20429)),
        Fault::ServerError | Fault::ServerErrorRecorded => Some(Refusal::new(20500)),
        Fault::Timeout | Fault::TimeoutRecorded => {
            // Ends after the hold time, or earlier when the simulator stops or is reset.
            let released = shared.release_stalled.notified();
            let _ = tokio::time::timeout(shared.options.hold, released).await;
            close_connection(request).await;
            Some(Refusal::new(20503))
        }
        Fault::Reset | Fault::ResetRecorded => {
            close_connection(request).await;
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

/// Closes the connection with a TCP reset and without a response.
async fn close_connection(request: &HttpRequest) {
    let Some(socket) = request.conn_data::<Socket>() else {
        return;
    };
    if let Ok(copy) = socket.0.try_clone()
        && let Ok(stream) = TcpStream::from_std(copy)
    {
        let _ = stream.set_zero_linger();
    }
    let _ = socket.0.shutdown(Shutdown::Read);
    // The server drops this handler when it detects the end of the connection.
    let _ = tokio::time::timeout(Duration::from_secs(5), std::future::pending::<()>()).await;
    let _ = socket.0.shutdown(Shutdown::Both);
}

/// Counts concurrent requests, applies the faults of reads, and adds Twilio's headers to each
/// response.
pub(super) async fn api_middleware<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let started = Instant::now();
    let shared: Arc<Shared> = match request.app_data::<Data<Shared>>() {
        Some(shared) => Arc::clone(shared),
        None => return Ok(next.call(request).await?.map_into_left_body()),
    };
    let concurrent = ConcurrentRequest::enter(&shared);
    let too_many = shared.options.max_concurrent_requests.is_some_and(|max| concurrent.count > max);
    let is_send = request.method() == Method::POST && request.path().ends_with("/Messages.json");
    let refusal = if too_many {
        Some(Refusal::new(20429))
    } else if is_send {
        None
    } else {
        let fault = shared.world().faults.next_fault(Aspect::Answer, Reach::Reads, "");
        match fault {
            Some(fault) => apply(fault, request.request(), &shared).await,
            None => None,
        }
    };
    let mut response = match refusal {
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
    add("twilio-concurrent-requests", concurrent.count.to_string());
    add("twilio-request-duration", format!("{:.3}", started.elapsed().as_secs_f64()));
    add("x-api-domain", "api.twilio.com".into());
    add("x-home-region", "us1".into());
    Ok(response)
}

/// The response for an unknown path.
pub(super) async fn not_found(request: HttpRequest) -> HttpResponse {
    Refusal::not_found(request.path()).error_response()
}

/// Counts an API request as in progress until it is dropped.
struct ConcurrentRequest<'a> {
    shared: &'a Shared,
    /// The number of API requests in progress, this one included.
    count: usize,
}

impl<'a> ConcurrentRequest<'a> {
    fn enter(shared: &'a Shared) -> Self {
        Self { shared, count: shared.concurrent.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for ConcurrentRequest<'_> {
    fn drop(&mut self) {
        self.shared.concurrent.fetch_sub(1, Ordering::Relaxed);
    }
}
