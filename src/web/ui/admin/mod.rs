//! Admin pages about the installation: jobs and workers, failed jobs, database, configuration. Each
//! page is in the file of its name, such as [`queue_and_workers::QueueAndWorkersPage`] or
//! [`failed_jobs::FailedJobsPage`]; [`labels`] holds the names of jobs and routines. Start with
//! [`queue_and_workers`].

pub(super) mod database;
mod failed_job_subjects;
pub(super) mod failed_jobs;
pub(super) mod job_retry;
pub(super) mod labels;
pub(super) mod queue_and_workers;
mod retry_effects;
pub(super) mod set_aside;
pub(super) mod system;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/admin`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/admin").get(queue_and_workers::show))
        .service(web::resource("/admin/work").get(queue_and_workers::poll))
        .service(web::resource("/admin/failed").get(failed_jobs::show))
        .service(
            web::resource("/admin/failed/retry").get(job_retry::show).post(job_retry::retry_all),
        )
        .service(web::resource("/admin/failed/{id}/retry").post(job_retry::retry_one))
        .service(web::resource("/admin/set-aside").get(set_aside::show))
        .service(web::resource("/admin/set-aside/retry").post(set_aside::retry_all))
        .service(web::resource("/admin/set-aside/{id}/retry").post(set_aside::retry_one))
        .service(web::resource("/admin/database").get(database::show))
        .service(web::resource("/admin/system").get(system::show));
}
