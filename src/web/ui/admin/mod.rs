//! The workings of an installation, for admins: jobs and workers, what has failed, the database,
//! version and configuration.

pub(super) mod database;
pub(super) mod failed;
pub(super) mod retry;
pub(super) mod set_aside;
mod subjects;
pub(super) mod system;
pub(super) mod words;
pub(super) mod work;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/admin`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/admin").get(work::show))
        .service(web::resource("/admin/work").get(work::now))
        .service(web::resource("/admin/failed").get(failed::show))
        .service(web::resource("/admin/failed/retry").get(retry::ask).post(retry::all))
        .service(web::resource("/admin/failed/{id}/retry").post(retry::one))
        .service(web::resource("/admin/set-aside").get(set_aside::show))
        .service(web::resource("/admin/set-aside/retry").post(set_aside::all))
        .service(web::resource("/admin/set-aside/{id}/retry").post(set_aside::one))
        .service(web::resource("/admin/database").get(database::show))
        .service(web::resource("/admin/system").get(system::show));
}
