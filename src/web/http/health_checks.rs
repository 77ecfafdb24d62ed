//! Health checks: whether the process is alive, and whether it can work.

use actix_web::HttpResponse;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{self, Data, ServiceConfig};

use crate::context::Context;
use crate::db;

/// Mounts `GET /healthz` and `GET /readyz`.
pub(in crate::web) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/healthz").get(alive).head(alive))
        .service(web::resource("/readyz").get(ready).head(ready));
}

/// Whether a path is a health check, which is answered even at capacity.
pub(in crate::web) fn is_health_check(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz")
}

async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when the database answers and has every migration of this version, else 503 with the reason.
async fn ready(context: Data<Context>) -> HttpResponse {
    match reason_not_ready(&context).await {
        None => HttpResponse::Ok().body("ready\n"),
        Some(reason) => HttpResponse::ServiceUnavailable()
            .insert_header((RETRY_AFTER, "5"))
            .body(format!("not ready: {reason}\n")),
    }
}

async fn reason_not_ready(context: &Context) -> Option<String> {
    let mut conn = match context.db.get().await {
        Ok(conn) => conn,
        Err(error) => return Some(format!("the database can’t be used: {}", error.reason())),
    };
    match db::pending(&mut conn).await {
        Ok(false) => None,
        Ok(true) => Some("the database needs migrations: run `carillon migrate`".to_owned()),
        Err(error) => Some(error.to_string()),
    }
}
