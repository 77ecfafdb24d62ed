//! The home page: the next set-up steps, problems, and figures of the last days. [`HomePage`]
//! consists of [`SetupStep`], [`Attention`] and [`Dashboard`]. Start with `show`, which loads all
//! three.

mod active_senders;
mod attention;
mod dashboard;
mod queue;
mod setup_steps;
mod system_status;

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::connections;
use crate::messages::throttle::figures;
use crate::senders;
use crate::web::{Page, PageResult, Viewer, Visit};
use active_senders::ActiveSenders;
use attention::Attention;
use dashboard::Dashboard;
use setup_steps::{SetupProgress, SetupStep};

/// Mounts `/`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(show));
}

/// The home page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HomePage {
    /// The set-up steps; empty when all are done.
    steps: Vec<SetupStep>,
    attention: Vec<Attention>,
    /// The figures; none before the first message.
    dashboard: Option<Dashboard>,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let now = visit.now();
    let mut conn = visit.conn().await?;
    let progress = SetupProgress::load(&mut conn).await?;
    let connections = connections::list(&mut conn).await?;
    let senders = senders::list(&mut conn).await?;
    let sending = ActiveSenders::of(&connections, &senders);
    let queues = figures::of_many(&mut conn, &senders, now).await?;
    let dashboard =
        Dashboard::load(&mut conn, &senders, &sending, &queues, visit.organization.day_zone, now)
            .await?;
    let mut attention = system_status::load(&mut conn, visit.user.role, now).await?;
    attention.extend(attention::load(&mut conn, &visit, &connections, &senders, &queues).await?);
    drop(conn);
    let steps = setup_steps::steps(progress, visit.user.role);
    visit.page(&HomePage { steps, attention, dashboard })
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "ui/home.html";
}

#[cfg(debug_assertions)]
#[path = "samples/home.rs"]
mod samples;
