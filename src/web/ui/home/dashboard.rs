//! The figures of the last 30 days. They come from the ledger, so that the cost does not depend on
//! the number of messages.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::queue::{ActiveSenders, Queue};
use crate::automations::{self, Automation};
use crate::consent::suppression;
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Counts, Days, Grouping, Ledger, LedgerFilter, LedgerKey, LedgerRow};
use crate::messages::throttle::queue_figures::QueueFigures;
use crate::senders::Sender;
use crate::types::id::{AutomationId, SenderId};
use crate::web::quantities;
use crate::web::ui::ledger::{BarSlice, CauseRow, LedgerPageQuery, bar, columns, percent};

/// The number of days shown, including today.
const SHOWN_DAYS: i64 = 30;
/// The largest number of errors, senders and automations shown; the rest is behind a link.
const MAX_ROWS: usize = 8;

/// The figures of the last 30 days.
#[derive(Debug, Serialize)]
pub(super) struct Dashboard {
    span: i64,
    ledger_link: String,
    recipients: i64,
    messages_link: String,
    /// The total that rates refer to: [`Counts::messages`].
    messages: i64,
    delivered: i64,
    delivered_link: String,
    delivery_rate: Option<String>,
    /// The number of opt-outs as text: `10,000+`.
    opt_outs: String,
    queue: Queue,
    /// The columns of the chart and its table: the fixed ones, and outcomes that occurred.
    outcomes: Vec<Outcome>,
    /// All days, the oldest first, including those without messages.
    days: Vec<Day>,
    senders: Top<DeliveryRow>,
    errors: Top<CauseRow>,
    automations: Top<DeliveryRow>,
}

/// The first rows of a list.
#[derive(Debug, Serialize)]
struct Top<T> {
    rows: Vec<T>,
    /// Whether there are more rows.
    more: bool,
}

#[derive(Debug, Serialize)]
struct Day {
    /// The day, such as `22 Nov`.
    label: String,
    link: String,
    counts: Vec<i64>,
}

/// The row of a sender or an automation.
#[derive(Debug, Serialize)]
struct DeliveryRow {
    label: String,
    link: String,
    messages: i64,
    delivery_rate: Option<String>,
    failure_rate: Option<String>,
    bar: Vec<BarSlice>,
}

impl Dashboard {
    /// Loads the figures; none before the first message.
    pub(super) async fn load(
        conn: &mut Conn,
        senders: &[Sender],
        sending: &ActiveSenders<'_>,
        queues: &HashMap<SenderId, QueueFigures>,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>> {
        if !ledger::has_any(conn).await? {
            return Ok(None);
        }
        let days = Days::last(SHOWN_DAYS, now, zone);
        let filter = LedgerFilter { days, origin: None, sender_id: None };
        let by_day = ledger::read(conn, &filter, Grouping::Day).await?;
        let by_sender = ledger::read(conn, &filter, Grouping::Sender).await?;
        let by_automation = ledger::read(conn, &filter, Grouping::Automation).await?;
        let active = automations::list_active(conn).await?;
        let opt_outs = suppression::count_opt_outs(conn, days.begin()).await?;
        let mut dashboard = Self::new(days, by_day, opt_outs);
        dashboard.queue = Queue::of(&ledger::pending_by_sender(conn).await?, sending, queues);
        dashboard.show_senders(by_sender.rows, senders);
        dashboard.show_automations(&by_automation.rows, active);
        Ok(Some(dashboard))
    }

    fn new(days: Days, ledger: Ledger, opt_outs: i64) -> Self {
        let Ledger { totals, rows, causes } = ledger;
        let query = LedgerPageQuery::default().fixed(days);
        let outcomes = columns(totals, &[Outcome::Delivered, Outcome::Sent, Outcome::Failed]);
        let errors = causes.iter().filter(|cause| cause.outcome == Outcome::Failed);
        Self {
            span: days.count(),
            ledger_link: query.link("/ledger"),
            recipients: totals.recipients,
            messages_link: query.messages(None, None, &[]),
            messages: totals.messages(),
            delivered: totals.delivered,
            delivered_link: query.messages(None, Some(Outcome::Delivered), &[]),
            delivery_rate: percent(totals, Outcome::Delivered),
            opt_outs: quantities::capped_count(opt_outs, suppression::MAX_COUNTED),
            queue: Queue::default(),
            days: each_day(days, &rows, &outcomes, &query),
            outcomes,
            senders: Top::of(Vec::new()),
            errors: Top::of(errors.map(|cause| CauseRow::new(cause, &query)).collect()),
            automations: Top::of(Vec::new()),
        }
    }

    fn show_senders(&mut self, rows: Vec<LedgerRow>, senders: &[Sender]) {
        let sender_labels: HashMap<SenderId, String> =
            senders.iter().map(|sender| (sender.id, sender.label())).collect();
        let sent = rows.into_iter().filter_map(|row| match row.key {
            LedgerKey::Sender(Some(id)) if row.counts.messages() > 0 => Some((id, row.counts)),
            _ => None,
        });
        let line = |(id, counts)| {
            let label =
                sender_labels.get(&id).cloned().unwrap_or_else(|| "A deleted sender".to_owned());
            DeliveryRow::new(label, format!("/ledger?sender_id={id}"), counts)
        };
        self.senders = Top::of(sent.map(line).collect());
    }

    fn show_automations(&mut self, rows: &[LedgerRow], active: Vec<Automation>) {
        let counts: HashMap<AutomationId, Counts> = rows
            .iter()
            .filter_map(|row| match row.key {
                LedgerKey::Automation(Some(id)) => Some((id, row.counts)),
                _ => None,
            })
            .collect();
        let line = |automation: Automation| {
            let counts = counts.get(&automation.id).copied().unwrap_or_default();
            DeliveryRow::new(automation.name, format!("/automations/{}", automation.id), counts)
        };
        let mut lines: Vec<DeliveryRow> = active.into_iter().map(line).collect();
        lines.sort_by_key(|line| std::cmp::Reverse(line.messages));
        self.automations = Top::of(lines);
    }
}

impl<T> Top<T> {
    fn of(mut rows: Vec<T>) -> Self {
        let more = rows.len() > MAX_ROWS;
        rows.truncate(MAX_ROWS);
        Self { rows, more }
    }
}

impl DeliveryRow {
    fn new(label: String, link: String, counts: Counts) -> Self {
        Self {
            label,
            link,
            messages: counts.messages(),
            delivery_rate: percent(counts, Outcome::Delivered),
            failure_rate: percent(counts, Outcome::Failed),
            bar: bar(counts),
        }
    }
}

fn each_day(
    days: Days,
    rows: &[LedgerRow],
    outcomes: &[Outcome],
    query: &LedgerPageQuery,
) -> Vec<Day> {
    let counts: HashMap<NaiveDate, Counts> = rows
        .iter()
        .filter_map(|row| match row.key {
            LedgerKey::Day(day) => Some((day, row.counts)),
            _ => None,
        })
        .collect();
    let day = |at| {
        let day = days.from() + TimeDelta::days(at);
        let counts = counts.get(&day).copied().unwrap_or_default();
        Day {
            label: day.format("%-d %b").to_string(),
            link: query.messages(Some(LedgerKey::Day(day)), None, &[]),
            counts: outcomes.iter().map(|outcome| counts.of(*outcome)).collect(),
        }
    };
    (0..days.count()).map(day).collect()
}

#[cfg(debug_assertions)]
#[path = "samples/dashboard.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_messages_are_shown_too() {
        let busy = Dashboard::samples().remove(0);
        assert_eq!(busy.days.len(), 30);
        assert_eq!(
            (busy.days[0].label.as_str(), busy.days[29].label.as_str()),
            ("12 Jan", "10 Feb")
        );
        assert!(busy.days[..29].iter().all(|day| day.counts.iter().all(|count| *count == 0)));
        let last: Vec<(Outcome, i64)> =
            busy.outcomes.iter().copied().zip(busy.days[29].counts.iter().copied()).collect();
        assert_eq!(last[..2], [(Outcome::Delivered, 12_000), (Outcome::Sent, 300)]);
    }

    #[test]
    fn a_rate_is_the_share_of_all_messages_in_the_ledger() {
        let counts = Counts {
            recipients: 100,
            delivered: 45,
            sent: 3,
            failed: 1,
            unconfirmed: 1,
            suppressed: 50,
            ..Counts::default()
        };
        let line = DeliveryRow::new(String::new(), String::new(), counts);
        assert_eq!(
            (line.delivery_rate.as_deref(), line.failure_rate.as_deref()),
            (Some("45.0 %"), Some("1.0 %"))
        );
        assert_eq!(
            DeliveryRow::new(String::new(), String::new(), Counts::default()).delivery_rate,
            None
        );
    }
}
