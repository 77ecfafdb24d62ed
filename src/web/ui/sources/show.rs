//! The page of one source: what has arrived, by day, and how to send to it.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::arrivals_chart::{ArrivalCount, ArrivalsChart, outcome_counts, total};
use super::snippets::{self, ClientSnippet, KEY_PLACEHOLDER};
use super::source_view::SourceView;
use crate::ledger::Days;
use crate::sources::counts;
use crate::sources::source_key::{self, SourceKey};
use crate::types::id::SourceId;
use crate::web::{Page, PageResult, Viewer, Visit};
use crate::{automations, sources};

/// The number of days of the chart.
const DAYS: i64 = 30;
/// The number of actions that are counted.
pub(super) const MAX_ACTIONS: i64 = 1_000;

/// The page of one source.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SourceShowPage {
    source: SourceView,
    keys: Vec<KeyView>,
    /// The items of today and of seven days, by outcome.
    today: Vec<ArrivalCount>,
    week: Vec<ArrivalCount>,
    chart: ArrivalsChart,
    /// The number of its actions.
    actions: usize,
    snippets: Vec<ClientSnippet>,
}

/// A key without its secret.
#[derive(Debug, Serialize)]
pub(super) struct KeyView {
    prefix: String,
    created_at: DateTime<Utc>,
    expires_at: Option<DateTime<Utc>>,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<SourceId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let keys = source_key::accepted_keys(&mut conn, *id, visit.now()).await?;
    let days = Days::last(DAYS, visit.now(), visit.organization.day_zone);
    let by_day = counts::by_day(&mut conn, *id, days).await?;
    let actions = automations::of_source(&mut conn, *id, MAX_ACTIONS).await?.len();
    drop(conn);
    let week = Days::last(7, visit.now(), visit.organization.day_zone);
    let since =
        |first| total(by_day.iter().filter(|(day, _)| *day >= first).map(|(_, counted)| counted));
    let public_url = &visit.context.config.public_url;
    let page = SourceShowPage {
        keys: KeyView::all(keys),
        today: outcome_counts(since(days.to())),
        week: outcome_counts(since(week.from())),
        chart: ArrivalsChart::new(days, &by_day),
        actions,
        snippets: snippets::of_source(&source, KEY_PLACEHOLDER, public_url),
        source: SourceView::new(&source, public_url),
    };
    visit.page(&page)
}

impl KeyView {
    pub(super) fn all(keys: Vec<SourceKey>) -> Vec<Self> {
        let view = |key: SourceKey| Self {
            prefix: key.prefix,
            created_at: key.created_at,
            expires_at: key.expires_at,
        };
        keys.into_iter().map(view).collect()
    }
}

impl Page for SourceShowPage {
    const TEMPLATE: &'static str = "ui/sources/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
