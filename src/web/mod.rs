//! The web edge: pages for people, the JSON API, the hooks that Twilio calls, assets and health.

pub mod api;
mod assets;
mod browser;
mod client_address;
pub(crate) mod connecting;
mod csrf;
mod cursor;
mod days;
mod error;
mod filters;
mod flash;
mod form;
mod headers;
mod health;
mod hooks;
mod intake;
mod known_browser;
#[cfg(all(test, debug_assertions))]
mod markup;
mod message_query;
mod narrowing;
mod page;
mod query;
mod reply;
mod retrying;
#[cfg(debug_assertions)]
pub mod samples;
mod server;
mod session;
mod test_message;
pub mod ui;
mod visit;
mod whole_numbers;
mod wire;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};

use crate::app::App;

pub use cursor::Cursor;
pub use error::{PageError, PageResult};
pub use form::Form;
pub use hooks::Hooks;
pub use intake::Intake;
pub use page::{Page, Pages, Varies};
pub use query::Query;
pub use reply::Redirect;
pub use server::listen;
pub use ui::LiveMessages;
pub use visit::{Access, Admin, Anyone, Marketer, Viewer, Visit};

/// The whole web application, for the server and for tests: routes, security headers, request log.
pub fn application(
    app: Data<App>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    actix_web::App::new().app_data(app).wrap(from_fn(intake::guard)).configure(configure)
}

/// Mounts every group of routes, the busiest first; pages come last, since their group answers
/// whatever is left. What answers with more than a line compresses it.
///
/// Twilio's hooks answer a program with an empty body, many thousand times a minute: headers that
/// protect people are not for them.
pub fn configure(cfg: &mut ServiceConfig) {
    hooks::routes(cfg);
    cfg.service(
        web::scope("")
            .wrap(from_fn(headers::protect))
            .wrap(tracing_actix_web::TracingLogger::<headers::RequestSpan>::new())
            .configure(health::routes)
            .configure(api::routes)
            .configure(assets::routes)
            .configure(ui::routes),
    );
}
