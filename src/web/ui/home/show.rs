//! The home page: the set-up steps, what needs attention, the figures of a period, recent replies,
//! and what to do next.

use std::cmp::Ordering;

use chrono::{DateTime, Timelike, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use super::attention::{self, Attention};
use super::dashboard::Dashboard;
use super::queue::{ActiveSenders, Queue};
use super::recent_replies::{self, RecentReply};
use super::setup_steps::{self, SetupStep};
use super::system_problems;
use super::try_next::{self, TryNext};
use crate::automations::SetupProgress;
use crate::messages::throttle::queue_figures;
use crate::web::quantities::counted;
use crate::web::{Page, PageResult, Query, Viewer, Visit};
use crate::{connections, ledger, senders};

/// The periods to choose from, in days.
const SPANS: [i64; 3] = [7, 30, 90];
/// The period without a choice.
const DEFAULT_SPAN: i64 = 30;

/// The query of the home page.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HomeQuery {
    /// The number of days; anything but one of [`SPANS`] means the default.
    days: String,
}

/// The home page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HomeShowPage {
    /// `Good morning`, by the visitor's clock.
    greeting: &'static str,
    /// The state of senders and messages, in a sentence or two.
    lead: String,
    spans: Vec<SpanLink>,
    /// The set-up steps; empty when all are done.
    steps: Vec<SetupStep>,
    /// The number of steps that are done.
    done: usize,
    attention: Vec<Attention>,
    /// The figures; none before the first message.
    dashboard: Option<Dashboard>,
    replies: Vec<RecentReply>,
    next: Option<TryNext>,
}

/// The link to a period.
#[derive(Debug, Serialize)]
struct SpanLink {
    days: i64,
    link: String,
    is_current: bool,
}

pub(super) async fn show(visit: Visit<Viewer>, query: Query<HomeQuery>) -> PageResult {
    let now = visit.now();
    let span = query.into_inner().span();
    let mut conn = visit.conn().await?;
    let progress = SetupProgress::load(&mut conn).await?;
    let connections = connections::list(&mut conn).await?;
    let senders = senders::list(&mut conn).await?;
    let sending = ActiveSenders::of(&connections, &senders);
    let queues = queue_figures::of_senders(&mut conn, &senders, now).await?;
    let queue = Queue::of(&ledger::pending_by_sender(&mut conn).await?, &sending, &queues);
    let lead = sending.readiness(senders.len());
    let dashboard =
        Dashboard::load(&mut conn, span, queue, visit.organization.day_zone, now).await?;
    let mut attention = system_problems::load(&mut conn, visit.user.role, now).await?;
    attention.extend(attention::load(&mut conn, &visit, &connections, &senders, &queues).await?);
    let replies = recent_replies::load(&mut conn, now).await?;
    let next = try_next::load(&mut conn, visit.user.role).await?;
    drop(conn);
    let steps = setup_steps::steps(progress, visit.user.role);
    let page = HomeShowPage { attention, replies, ..HomeShowPage::new(span, steps, dashboard) };
    let page = HomeShowPage {
        greeting: greeting(now, visit.zone()),
        lead: page.lead(lead),
        next: next.filter(|_| page.steps.is_empty()),
        ..page
    };
    visit.page(&page)
}

impl HomeQuery {
    fn span(&self) -> i64 {
        let chosen = self.days.parse().ok().filter(|days| SPANS.contains(days));
        chosen.unwrap_or(DEFAULT_SPAN)
    }
}

impl HomeShowPage {
    fn new(span: i64, steps: Vec<SetupStep>, dashboard: Option<Dashboard>) -> Self {
        let link = |days| SpanLink {
            days,
            link: if days == DEFAULT_SPAN { "/".to_owned() } else { format!("/?days={days}") },
            is_current: days == span,
        };
        Self {
            greeting: "Good morning",
            lead: String::new(),
            spans: SPANS.map(link).into(),
            done: steps.iter().filter(|step| step.is_done()).count(),
            steps,
            attention: Vec::new(),
            dashboard,
            replies: Vec::new(),
            next: None,
        }
    }

    /// The sentence below the greeting: whether senders are ready, and what is on the way.
    fn lead(&self, readiness: String) -> String {
        let Some(dashboard) = &self.dashboard else { return readiness };
        let on_the_way = dashboard.on_the_way();
        match on_the_way.cmp(&1) {
            Ordering::Less => readiness,
            Ordering::Equal => format!("{readiness} One message is on the way."),
            Ordering::Greater => format!(
                "{readiness} {} are on the way.",
                counted(usize::try_from(on_the_way).unwrap_or_default(), "message")
            ),
        }
    }
}

fn greeting(now: DateTime<Utc>, zone: Tz) -> &'static str {
    match now.with_timezone(&zone).hour() {
        5..12 => "Good morning",
        12..18 => "Good afternoon",
        _ => "Good evening",
    }
}

impl Page for HomeShowPage {
    const TEMPLATE: &'static str = "ui/home/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_follows_the_clock_of_the_visitor() {
        let at = |time: &str| greeting(time.parse().unwrap(), Tz::America__Los_Angeles);
        assert_eq!(at("2026-11-30T16:00:00Z"), "Good morning");
        assert_eq!(at("2026-11-30T22:00:00Z"), "Good afternoon");
        assert_eq!(at("2026-12-01T04:00:00Z"), "Good evening");
    }

    #[test]
    fn an_unknown_period_is_the_default() {
        let span = |days: &str| HomeQuery { days: days.to_owned() }.span();
        assert_eq!([span("7"), span("90"), span(""), span("8"), span("x")], [7, 90, 30, 30, 30]);
    }
}
