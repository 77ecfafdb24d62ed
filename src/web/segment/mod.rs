//! The endpoints of Segment's protocol, `/v1/batch` and its siblings, which clients of Segment and
//! RudderStack call unchanged. [`handlers`] reads a request and answers it; [`SourceBatches`] finds
//! its source and records its messages, in a transaction with those of other requests.
//!
//! The answer is 200 whatever single messages contain, since clients drop a request that is
//! answered with 400. They repeat one that is answered with 429, 500 or 503. Start reading at
//! [`routes`].

mod answer;
mod handlers;
mod refusal;
mod source_batches;
mod source_request;
mod write_key;

use actix_web::http::Method;
use actix_web::http::header::ACCESS_CONTROL_ALLOW_ORIGIN;
use actix_web::middleware::DefaultHeaders;
use actix_web::web::{self, Data, Payload, ServiceConfig};
use actix_web::{HttpRequest, Resource};

use crate::sources::segment::SegmentCall;

pub use source_batches::SourceBatches;

/// The paths below `/v1`, and the call of each; none for a batch. Browsers use the short ones.
const PATHS: [(&str, Option<SegmentCall>); 15] = [
    ("batch", None),
    ("track", Some(SegmentCall::Track)),
    ("identify", Some(SegmentCall::Identify)),
    ("page", Some(SegmentCall::Page)),
    ("screen", Some(SegmentCall::Screen)),
    ("group", Some(SegmentCall::Group)),
    ("alias", Some(SegmentCall::Alias)),
    ("import", None),
    ("b", None),
    ("t", Some(SegmentCall::Track)),
    ("i", Some(SegmentCall::Identify)),
    ("p", Some(SegmentCall::Page)),
    ("s", Some(SegmentCall::Screen)),
    ("g", Some(SegmentCall::Group)),
    ("a", Some(SegmentCall::Alias)),
];

/// Mounts the endpoints. Web sites on any origin may call them: their key is in the page.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    let resources = PATHS.into_iter().map(|(path, call)| resource(path, call));
    let scope = resources.fold(web::scope("/v1"), actix_web::Scope::service);
    cfg.service(
        scope
            .default_service(web::to(handlers::unknown_path))
            .wrap(DefaultHeaders::new().add((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))),
    );
}

fn resource(path: &str, call: Option<SegmentCall>) -> Resource {
    let receive = move |batches: Data<SourceBatches>, request: HttpRequest, payload: Payload| {
        handlers::receive(call, batches, request, payload)
    };
    web::resource([format!("/{path}"), format!("/{path}/")])
        .post(receive)
        .route(web::method(Method::OPTIONS).to(handlers::preflight))
}
