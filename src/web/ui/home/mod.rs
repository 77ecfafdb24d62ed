//! The home page: the next set-up steps, problems, the figures of a period, recent replies, and
//! what to do next. Start with [`show::show`], which loads them.

mod attention;
mod dashboard;
mod kpi;
mod queue;
mod recent_replies;
mod setup_steps;
pub(super) mod show;
mod sources;
mod system_problems;
mod try_next;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(show::show));
}
