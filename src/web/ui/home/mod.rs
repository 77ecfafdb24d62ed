//! The home page: the next set-up steps, problems, and figures of the last days. Start with
//! [`show::show`], which loads all three.

mod attention;
mod dashboard;
mod queue;
mod setup_steps;
pub(super) mod show;
mod system_problems;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(show::show));
}
