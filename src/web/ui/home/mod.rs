//! The first page after log-in: what to do next, how messages fare, what needs attention.

mod attention;
mod dashboard;
mod queue;
mod sending;
mod steps;
mod workings;

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::connections;
use crate::messages::throttle::figures;
use crate::senders;
use crate::web::{Page, PageResult, Viewer, Visit};
use attention::Attention;
use dashboard::Dashboard;
use sending::ActiveSenders;
use steps::{Done, SetupStep};

/// Mounts `/`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(show));
}

/// The home page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HomePage {
    /// Empty when all are done.
    steps: Vec<SetupStep>,
    attention: Vec<Attention>,
    /// None before the first message.
    dashboard: Option<Dashboard>,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let now = visit.now();
    let mut conn = visit.conn().await?;
    let done = Done::load(&mut conn).await?;
    let connections = connections::list(&mut conn).await?;
    let senders = senders::list(&mut conn).await?;
    let sending = ActiveSenders::of(&connections, &senders);
    let queues = figures::of_many(&mut conn, &senders, now).await?;
    let dashboard =
        Dashboard::load(&mut conn, &senders, &sending, &queues, visit.organization.day_zone, now)
            .await?;
    let mut attention = workings::load(&mut conn, visit.user.role, now).await?;
    attention.extend(attention::load(&mut conn, &visit, &connections, &senders, &queues).await?);
    drop(conn);
    let steps = steps::steps(done, visit.user.role);
    visit.page(&HomePage { steps, attention, dashboard })
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "ui/home.html";
}

#[cfg(debug_assertions)]
#[path = "samples/home.rs"]
mod samples;
