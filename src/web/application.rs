//! The web application: what its parts share, and every route.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig, scope};

use super::api::{self, ApiKeys, EventReports};
use super::hooks::{self, Hooks};
use super::http;
use super::http::intake::Intake;
use super::http::page::Pages;
use super::ui::{self, LiveMessages};
use crate::context::Context;

/// What the web edge of one process shares, beside the [`Context`]; cheap to clone. Each part is
/// registered as data of its own, so that a handler takes only what it needs.
#[derive(Clone)]
pub struct Web {
    /// The templates of the pages.
    pages: Data<Pages>,
    /// What the server takes in at once.
    intake: Data<Intake>,
    /// What the hooks share.
    hooks: Hooks,
    /// The batch that reports of single events commit in.
    events: Data<EventReports>,
    /// The look-up of API keys.
    api_keys: Data<ApiKeys>,
    /// Tells open pages of messages what has changed.
    pub live: Data<LiveMessages>,
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
            pages: Data::new(Pages::load(&context.config.public_url)?),
            intake: Data::new(Intake::new(&context.config)),
            hooks: Hooks::start(db, clock),
            events: Data::new(EventReports::start(db, clock, &context.handover)),
            api_keys: Data::new(ApiKeys::start(db, clock)),
            live: Data::new(LiveMessages::new(db, clock)),
        })
    }

    /// Registers each part as data of the application.
    pub fn register(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.pages.clone())
            .app_data(self.intake.clone())
            .app_data(self.events.clone())
            .app_data(self.api_keys.clone())
            .app_data(self.live.clone());
        self.hooks.register(cfg);
    }

    /// What the server takes in at once.
    pub(in crate::web) fn intake(&self) -> &Intake {
        &self.intake
    }
}

/// The whole web application, for the server and for tests: routes, security headers, request log.
#[expect(clippy::needless_pass_by_value, reason = "what is returned must borrow nothing")]
pub fn application(
    context: Data<Context>,
    web: Web,
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
        .configure(|cfg| web.register(cfg))
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
