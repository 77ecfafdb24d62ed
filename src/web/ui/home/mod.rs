//! The first page after log-in: what to do next, how messages fare, what needs attention.

mod attention;
mod dashboard;
mod queue;
mod sending;
mod steps;
mod workings;

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::messages::throttle::figures;
use crate::users::Role;
use crate::web::{Page, PageResult, Varies, Viewer, Visit};
use crate::{connections, senders};
use attention::Attention;
use dashboard::Dashboard;
use sending::Sending;
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
    let sending = Sending::of(&connections, &senders);
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
    const VARIES: Varies = Varies {
        texts: &[
            "attention.text",
            "dashboard.senders.rows.label",
            "dashboard.automations.rows.label",
            "dashboard.errors.rows.words",
        ],
        lists: &[
            "attention",
            "dashboard.senders.rows",
            "dashboard.automations.rows",
            "dashboard.errors.rows",
        ],
    };

    fn samples() -> Vec<Self> {
        let nothing = |role| Self {
            steps: steps::steps(Done::default(), role),
            attention: Vec::new(),
            dashboard: None,
        };
        let busy = |dashboard| Self {
            steps: steps::steps(Done::ALL, Role::Admin),
            attention: attention::samples(),
            dashboard: Some(dashboard),
        };
        [Role::Admin, Role::Viewer]
            .map(nothing)
            .into_iter()
            .chain(Dashboard::samples().into_iter().map(busy))
            .collect()
    }
}
