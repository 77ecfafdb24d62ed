//! The HTTP server: its routes, and the protection of the pages against cross-site requests.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, ResponseError};
use tokio::task::JoinHandle;

use super::api_middleware::api_middleware;
use super::refusal::Refusal;
use super::shared_state::Shared;
use super::{
    account_api, control_api, messages_api, numbers_api, phone_pages, registrations_api,
    response_faults, services_api,
};

/// A running server.
pub(super) struct Server {
    addr: SocketAddr,
    handle: ServerHandle,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    pub(super) fn start(shared: &Arc<Shared>, bind: &str) -> io::Result<Self> {
        let data: Data<Shared> = Arc::clone(shared).into();
        let server = HttpServer::new(move || App::new().app_data(data.clone()).configure(routes))
            .workers(shared.options.workers.max(1))
            .keep_alive(Duration::from_secs(75))
            .shutdown_timeout(1)
            .h1_allow_half_closed(false)
            .on_connect(response_faults::store_socket)
            .disable_signals()
            .bind(bind)?;
        let addr = server
            .addrs()
            .first()
            .copied()
            .ok_or_else(|| io::Error::other("no address to listen on"))?;
        let server = server.run();
        Ok(Self { addr, handle: server.handle(), task: tokio::spawn(server) })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(super) async fn stop(self) {
        self.handle.stop(false).await;
    }

    pub(super) async fn wait(self) -> io::Result<()> {
        self.task.await.map_err(io::Error::other)?
    }
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(
            web::scope("/2010-04-01/Accounts")
                .wrap(from_fn(api_middleware))
                .route("/{account}.json", web::get().to(account_api::fetch))
                .route("/{account}/Messages.json", web::post().to(messages_api::create))
                .route("/{account}/Messages.json", web::get().to(messages_api::list))
                .route("/{account}/Messages/{sid}.json", web::get().to(messages_api::fetch))
                .route("/{account}/Messages/{sid}.json", web::post().to(messages_api::update))
                .route("/{account}/Messages/{sid}.json", web::delete().to(messages_api::delete))
                .route("/{account}/IncomingPhoneNumbers.json", web::get().to(numbers_api::list))
                .route(
                    "/{account}/IncomingPhoneNumbers/{sid}.json",
                    web::get().to(numbers_api::fetch_or_update),
                )
                .route(
                    "/{account}/IncomingPhoneNumbers/{sid}.json",
                    web::post().to(numbers_api::fetch_or_update),
                )
                .route(
                    "/{account}/SMS/ShortCodes.json",
                    web::get().to(numbers_api::list_short_codes),
                )
                .route(
                    "/{account}/SMS/ShortCodes/{sid}.json",
                    web::get().to(numbers_api::fetch_or_update),
                )
                .route(
                    "/{account}/SMS/ShortCodes/{sid}.json",
                    web::post().to(numbers_api::fetch_or_update),
                )
                .default_service(web::to(not_found)),
        )
        .service(
            web::scope("/v1/Services")
                .wrap(from_fn(api_middleware))
                .route("", web::get().to(services_api::list))
                .route("/{sid}", web::get().to(services_api::fetch_or_update))
                .route("/{sid}", web::post().to(services_api::fetch_or_update))
                .route(
                    "/{sid}/{kind:PhoneNumbers|ShortCodes}",
                    web::get().to(services_api::senders),
                )
                .route("/{sid}/Compliance/Usa2p", web::get().to(registrations_api::campaigns))
                .default_service(web::to(not_found)),
        )
        .service(
            web::scope("/v1/Tollfree")
                .wrap(from_fn(api_middleware))
                .route("/Verifications", web::get().to(registrations_api::verifications))
                .default_service(web::to(not_found)),
        )
        .service(
            web::scope("/simulator/api")
                .wrap(from_fn(same_site))
                .configure(control_api::routes)
                .default_service(web::to(not_found)),
        )
        .service(web::scope("").wrap(from_fn(same_site)).configure(phone_pages::routes))
        .default_service(web::to(not_found));
}

/// Refuses cross-site requests that change something, and adds security headers to every response.
async fn same_site<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
        connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    if !request.method().is_safe() && !is_same_origin(&request) {
        let refusal = HttpResponse::Forbidden().body(
            "This request came from another website. Open the simulator's own page and try \
                 again there.\n",
        );
        return Ok(request.into_response(refusal).map_into_right_body());
    }
    let mut response = next.call(request).await?.map_into_left_body();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    Ok(response)
}

/// Whether a request has the same origin, by the headers that browsers send. Programs such as curl
/// send none of them and act only for their own user, so their requests are allowed.
fn is_same_origin(request: &ServiceRequest) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match (text("origin"), text("host")) {
        (None, _) => true,
        (Some(origin), Some(host)) => {
            origin.split_once("://").is_some_and(|(_, authority)| authority == host)
        }
        (Some(_), None) => false,
    }
}

/// The response for an unknown path.
async fn not_found(request: HttpRequest) -> HttpResponse {
    Refusal::not_found(request.path()).error_response()
}
