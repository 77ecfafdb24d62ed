//! The web application: its shared state, and every route.

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{Data, ServiceConfig, scope};

use super::api::{self, ApiKeys, EventBatches};
use super::hooks::{self, Hooks};
use super::http::intake::Intake;
use super::http::page::Pages;
use super::segment::{self, SourceBatches};
use super::ui::{self, LiveMessages};
use super::{http, webhook_sources};
use crate::context::Context;

/// The shared state of the web edge of one process, beside the [`Context`]; cheap to clone. Each
/// part is registered separately as app data, so that a handler takes only what it needs.
#[derive(Clone)]
pub struct Web {
    /// The page templates.
    pages: Data<Pages>,
    /// The limits of connections and request bodies.
    intake: Data<Intake>,
    /// The shared state of the webhooks.
    hooks: Hooks,
    /// Commits reports of single events in batches.
    events: Data<EventBatches>,
    /// Commits what sources send in batches.
    sources: Data<SourceBatches>,
    /// Looks up API keys in batches.
    api_keys: Data<ApiKeys>,
    /// Notifies open message pages of changes.
    pub live: Data<LiveMessages>,
}

impl std::fmt::Debug for Web {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Web")
    }
}

impl Web {
    /// Loads the page templates and starts the batchers on the current runtime.
    pub fn start(context: &Context) -> Result<Self, tera::Error> {
        let (db, clock) = (&context.db, &context.clock);
        Ok(Self {
            pages: Data::new(Pages::load(&context.config.public_url)?),
            intake: Data::new(Intake::new(&context.config)),
            hooks: Hooks::start(db, clock),
            events: Data::new(EventBatches::start(db, clock, &context.handover)),
            sources: Data::new(SourceBatches::start(db, clock, &context.handover)),
            api_keys: Data::new(ApiKeys::start(db, clock)),
            live: Data::new(LiveMessages::new(db, clock)),
        })
    }

    /// Registers each part as app data.
    pub fn register(&self, cfg: &mut ServiceConfig) {
        cfg.app_data(self.pages.clone())
            .app_data(self.intake.clone())
            .app_data(self.events.clone())
            .app_data(self.sources.clone())
            .app_data(self.api_keys.clone())
            .app_data(self.live.clone());
        self.hooks.register(cfg);
    }

    /// The limits of connections and request bodies.
    pub(in crate::web) fn intake(&self) -> &Intake {
        &self.intake
    }
}

/// The complete web application, for the server and for tests: routes, security headers and request
/// log.
#[expect(clippy::needless_pass_by_value, reason = "the returned application must not borrow")]
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

/// Mounts every group of routes, the busiest first. Pages come last, since their group answers
/// every remaining path. Groups whose responses are longer than a line compress them.
///
/// Webhooks and Segment's protocol get no security headers and no log of their addresses, which may
/// contain secrets: they answer programs with short bodies, many thousand times a minute.
pub fn configure(cfg: &mut ServiceConfig) {
    hooks::routes(cfg);
    segment::routes(cfg);
    webhook_sources::routes(cfg);
    cfg.service(
        scope("")
            .wrap(http::security_headers::defaults())
            .wrap(tracing_actix_web::TracingLogger::<http::request_log::RequestSpan>::new())
            .configure(http::health_checks::routes)
            .configure(ui::api_reference_routes)
            .configure(api::routes)
            .configure(http::assets::routes)
            .configure(ui::routes),
    );
}
