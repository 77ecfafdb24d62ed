//! The middleware of the API, for what all of its requests have in common.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use actix_web::ResponseError;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::faults::{Aspect, Reach};
use super::message::new_sid;
use super::refusal::Refusal;
use super::response_faults;
use super::shared_state::Shared;

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
        let fault = shared.world().faults.next_fault(Aspect::Response, Reach::Reads, "");
        match fault {
            Some(fault) => response_faults::apply(fault, request.request(), &shared).await,
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
