//! Admin pages about the installation: jobs and workers, failed jobs, database, configuration. Each
//! page is in the file of its name, such as [`work::WorkPage`] or [`failed::FailedPage`];
//! [`labels`] holds the names of jobs and routines. Start with [`work`].

pub(super) mod database;
pub(super) mod failed;
pub(super) mod labels;
pub(super) mod retry;
pub(super) mod set_aside;
mod subjects;
pub(super) mod system;
pub(super) mod work;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/admin`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/admin").get(work::show))
        .service(web::resource("/admin/work").get(work::poll))
        .service(web::resource("/admin/failed").get(failed::show))
        .service(web::resource("/admin/failed/retry").get(retry::show).post(retry::retry_all))
        .service(web::resource("/admin/failed/{id}/retry").post(retry::retry_one))
        .service(web::resource("/admin/set-aside").get(set_aside::show))
        .service(web::resource("/admin/set-aside/retry").post(set_aside::retry_all))
        .service(web::resource("/admin/set-aside/{id}/retry").post(set_aside::retry_one))
        .service(web::resource("/admin/database").get(database::show))
        .service(web::resource("/admin/system").get(system::show));
}
