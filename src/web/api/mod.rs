//! The JSON API under `/api/v1`, one file or folder per noun, each with its `routes` and its part
//! of the OpenAPI [`document`]. Handlers take a [`Caller`] with the role they need, and [`Json`],
//! [`ApiQuery`] and [`Path`]; they return an [`ApiError`] or a response. Start reading at
//! [`routes`].
//!
//! Routes are written as `web::resource("/contacts/{id}").get(find).patch(update)`: a wrong method
//! is then answered with 405, and a test can compare them with the document.

mod authentication;
mod automations;
mod caller;
mod connections;
mod contacts;
mod error;
mod events;
mod extractors;
mod json_bytes;
mod ledger;
mod messages;
mod openapi;
mod opt_out_words;
mod pagination;
mod senders;
mod sources;
mod tags;
mod templates;

use actix_web::middleware::{Compress, from_fn};
use actix_web::web::{self, ServiceConfig};

pub use authentication::ApiKeys;
pub use caller::Caller;
pub use error::{ApiError, ApiResult};
pub use events::EventBatches;
pub use extractors::{ApiQuery, Json, JsonFields, Path};
pub use openapi::document;
pub use pagination::{List, Paging};

/// Mounts the API, the busiest path first: each path with a parameter that is tried before it costs
/// a request time. Unknown paths are answered in JSON as well.
pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(
        web::scope("/api")
            .wrap(from_fn(error::as_json))
            .wrap(Compress::default())
            .service(
                web::scope("/v1")
                    .configure(openapi::routes)
                    .service(
                        web::scope("")
                            .wrap(from_fn(authentication::authenticate))
                            .configure(events::routes)
                            .configure(connections::routes)
                            .configure(senders::routes)
                            .configure(sources::routes)
                            .configure(templates::routes)
                            .configure(contacts::routes)
                            .configure(tags::routes)
                            .configure(opt_out_words::routes)
                            .configure(automations::routes)
                            .configure(messages::routes)
                            .configure(ledger::routes)
                            .default_service(web::to(async || -> ApiResult<&'static str> {
                                Err(ApiError::unknown_path())
                            })),
                    )
                    .default_service(web::to(async || -> ApiResult<&'static str> {
                        Err(ApiError::unknown_path())
                    })),
            )
            .default_service(web::to(async || -> ApiResult<&'static str> {
                Err(ApiError::unknown_path())
            })),
    );
}
