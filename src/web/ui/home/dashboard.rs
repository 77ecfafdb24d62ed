//! The figures of a period, and how they compare with the period before. They come from the ledger
//! and from bounded counts, so that the cost does not depend on the number of messages.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use super::kpi::{Better, DailyCounts, Kpi};
use super::queue::Queue;
use super::sources::Sources;
use crate::consent::suppression;
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Calendar, Counts, Days, Grouping, Ledger, LedgerFilter};
use crate::messages::inbound;
use crate::web::ui::ledger::{CauseRow, DayChart, LedgerPageQuery, columns, counts_by_day, period};

/// The largest number of causes shown; the rest is behind a link.
const MAX_CAUSES: usize = 8;

/// The figures of a period.
#[derive(Debug, Serialize)]
pub(super) struct Dashboard {
    /// The number of days.
    span: i64,
    /// The days before, such as `2 to 31 Oct`; none if they had no messages.
    before: Option<String>,
    ledger_link: String,
    kpis: Vec<Kpi>,
    /// The number of messages to be sent.
    messages: i64,
    /// The messages that Twilio or a carrier has.
    sent: i64,
    queue: Queue,
    chart: DayChart,
    sources: Sources,
    /// The number of messages that were not delivered.
    failed: i64,
    causes: Vec<CauseRow>,
    /// Whether there are more causes.
    more_causes: bool,
}

/// What has been counted in a period, and in the period before.
#[derive(Debug)]
struct Counted {
    days: Days,
    by_day: Ledger,
    before: Counts,
    replies: DailyCounts,
    opt_outs: DailyCounts,
}

impl Dashboard {
    /// Loads the figures of the last `span` days; none before the first message.
    pub(super) async fn load(
        conn: &mut Conn,
        span: i64,
        queue: Queue,
        zone: Tz,
        now: DateTime<Utc>,
    ) -> Result<Option<Self>> {
        if !ledger::has_any(conn).await? {
            return Ok(None);
        }
        let both = Days::last(span * 2, now, zone);
        let days = Days::last(span, now, zone);
        let of = |days| LedgerFilter { days, origin: None, sender_id: None };
        let by_day = ledger::read(conn, &of(days), Grouping::Day).await?;
        let before = ledger::read(conn, &of(before(days)), Grouping::Sender).await?.totals;
        let by_automation = ledger::read(conn, &of(days), Grouping::Automation).await?;
        let replies = inbound::received_by_day(conn, both).await?;
        let replies = DailyCounts::new(days, &replies, inbound::MAX_COUNTED);
        let Calendar { days: dates, begins } = both.into();
        let opt_outs = suppression::opt_outs_by_day(conn, &dates, &begins, both.end()).await?;
        let opt_outs = DailyCounts::new(days, &opt_outs, suppression::MAX_COUNTED);
        let sources = Sources::load(conn, &by_automation, &query(days)).await?;
        let counted = Counted { days, by_day, before, replies, opt_outs };
        Ok(Some(Self::new(counted, sources, queue)))
    }

    fn new(counted: Counted, sources: Sources, queue: Queue) -> Self {
        let Counted { days, by_day: Ledger { totals, rows, causes }, before: earlier, .. } =
            counted;
        let query = query(days);
        let outcomes = columns(totals, &[Outcome::Delivered, Outcome::Failed]);
        // The messages that another one replaced are not among those to be sent.
        let outcomes: Vec<Outcome> =
            outcomes.into_iter().filter(|outcome| *outcome != Outcome::Retried).collect();
        let by_day: Vec<Counts> =
            counts_by_day(days, &rows).into_iter().map(|(_, counts)| counts).collect();
        let received =
            format!("/messages?direction=inbound&from_day={}&to_day={}", days.from(), days.to());
        let opted_out = "/contacts?tag=Twilio-Message-stop".to_owned();
        let all = query.messages(None, None, &[]);
        let delivered = query.messages(None, Some(Outcome::Delivered), &[]);
        let kpis = vec![
            Kpi::messages(&by_day, totals, earlier, all),
            Kpi::delivered(&by_day, totals, earlier, delivered),
            Kpi::counted("Replies", &counted.replies, inbound::MAX_COUNTED, Better::More, received),
            Kpi::counted(
                "Opt-outs",
                &counted.opt_outs,
                suppression::MAX_COUNTED,
                Better::Fewer,
                opted_out,
            ),
        ];
        let failed: Vec<_> =
            causes.iter().filter(|cause| cause.outcome == Outcome::Failed).collect();
        let period_before = before(days);
        Self {
            span: days.count(),
            before: (earlier.messages() > 0)
                .then(|| period(period_before.from(), period_before.to())),
            ledger_link: query.link("/ledger"),
            kpis,
            messages: totals.messages(),
            sent: totals.sent,
            queue,
            chart: DayChart::new(days, &rows, totals, &outcomes, &query),
            sources,
            failed: totals.failed,
            more_causes: failed.len() > MAX_CAUSES,
            causes: failed
                .into_iter()
                .take(MAX_CAUSES)
                .map(|cause| CauseRow::new(cause, &query))
                .collect(),
        }
    }

    /// The number of messages that Twilio or a carrier has.
    pub(super) const fn on_the_way(&self) -> i64 {
        self.sent
    }
}

/// The period just before, with as many days.
fn before(days: Days) -> Days {
    let to = days.from() - TimeDelta::days(1);
    let from = to - TimeDelta::days(days.count() - 1);
    Days::new(from, to, days.zone()).unwrap_or(days)
}

fn query(days: Days) -> LedgerPageQuery {
    LedgerPageQuery::default().fixed(days)
}

#[cfg(debug_assertions)]
#[path = "samples/dashboard.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_before_is_as_long_and_ends_the_day_before() {
        let day = |text: &str| text.parse().unwrap();
        let days = Days::new(day("2026-11-02"), day("2026-12-01"), Tz::UTC).unwrap();
        let earlier = before(days);
        assert_eq!(
            (earlier.from().to_string(), earlier.to().to_string(), earlier.count()),
            ("2026-10-03".to_owned(), "2026-11-01".to_owned(), 30)
        );
    }
}
