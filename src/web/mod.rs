//! The web edge: pages for people, the JSON API, and the hooks that Twilio calls, on the plumbing of
//! [`http`].

pub mod api;
mod connect_error;
mod hooks;
mod http;
pub mod ui;

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig, scope};

use crate::context::Context;

pub use hooks::Hooks;
pub use http::cursor::Cursor;
pub use http::error::{PageError, PageResult};
pub use http::form::Form;
pub use http::intake::Intake;
pub use http::page::{Page, Pages, Varies};
pub use http::query::Query;
pub use http::redirect::Redirect;
pub use http::server::listen;
pub use http::visit::{Access, Admin, Anyone, Marketer, Viewer, Visit};
pub use ui::LiveMessages;

/// What the web edge of one process shares, beside the [`Context`].
pub struct Web {
    /// The templates of the pages.
    pub pages: Pages,
    /// What the server takes in at once.
    pub intake: Intake,
    /// What the hooks share.
    pub hooks: Hooks,
    /// The batch that reports of single events commit in.
    pub events: api::EventReports,
    /// The look-up of API keys.
    pub api_keys: api::ApiKeys,
    /// Tells open pages of messages what has changed.
    pub live: LiveMessages,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Web")
    }
}

impl Web {
    /// Loads the pages and starts the batchers on the present runtime.
    pub fn start(context: &Context) -> Result<Self, tera::Error> {
        let (db, clock) = (&context.db, &context.clock);
        Ok(Self {
            pages: Pages::load(&context.config.public_url)?,
            intake: Intake::new(&context.config),
            hooks: Hooks::start(db, clock),
            events: api::EventReports::start(db, clock, &context.handover),
            api_keys: api::ApiKeys::start(db, clock),
            live: LiveMessages::new(db, clock),
        })
    }
}

/// The whole web application, for the server and for tests: routes, security headers, request log.
pub fn application(
    context: Data<Context>,
    web: Data<Web>,
) -> actix_web::App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    actix_web::App::new()
        .app_data(context)
        .app_data(web)
        .wrap(from_fn(http::intake::guard))
        .configure(configure)
}

/// Mounts every group of routes, the busiest first; pages come last, since their group answers
/// whatever is left. What answers with more than a line compresses it.
///
/// Twilio's hooks answer a program with an empty body, many thousand times a minute: headers that
/// protect people are not for them.
pub fn configure(cfg: &mut ServiceConfig) {
    hooks::routes(cfg);
    cfg.service(
        scope("")
            .wrap(from_fn(http::headers::protect))
            .wrap(tracing_actix_web::TracingLogger::<http::headers::RequestSpan>::new())
            .configure(http::health::routes)
            .configure(api::routes)
            .configure(http::assets::routes)
            .configure(ui::routes),
    );
}
