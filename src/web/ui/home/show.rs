//! The home page: the set-up steps, what needs attention, and the figures of the last 30 days.

use serde::Serialize;

use super::attention::{self, Attention};
use super::dashboard::Dashboard;
use super::queue::ActiveSenders;
use super::setup_steps::{self, SetupStep};
use super::system_problems;
use crate::automations::SetupProgress;
use crate::messages::throttle::queue_figures;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{connections, senders};

/// The home page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HomeShowPage {
    /// The set-up steps; empty when all are done.
    steps: Vec<SetupStep>,
    attention: Vec<Attention>,
    /// The figures; none before the first message.
    dashboard: Option<Dashboard>,
}

pub(super) async fn show(visit: Visit<Viewer>) -> PageResult {
    let now = visit.now();
    let mut conn = visit.conn().await?;
    let progress = SetupProgress::load(&mut conn).await?;
    let connections = connections::list(&mut conn).await?;
    let senders = senders::list(&mut conn).await?;
    let sending = ActiveSenders::of(&connections, &senders);
    let queues = queue_figures::of_senders(&mut conn, &senders, now).await?;
    let dashboard =
        Dashboard::load(&mut conn, &senders, &sending, &queues, visit.organization.day_zone, now)
            .await?;
    let mut attention = system_problems::load(&mut conn, visit.user.role, now).await?;
    attention.extend(attention::load(&mut conn, &visit, &connections, &senders, &queues).await?);
    drop(conn);
    let steps = setup_steps::steps(progress, visit.user.role);
    visit.page(&HomeShowPage { steps, attention, dashboard })
}

impl Page for HomeShowPage {
    const TEMPLATE: &'static str = "ui/home/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
