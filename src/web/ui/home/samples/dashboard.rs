//! Samples of the figures: with every part, and without recent messages.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta};
use chrono_tz::Tz;

use super::{Counted, Dashboard, before, query};
use crate::consent::suppression;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, Days, Ledger, LedgerKey, LedgerRow};
use crate::messages::inbound;
use crate::types::id::AutomationId;
use crate::web::ui::home::kpi::DailyCounts;
use crate::web::ui::home::queue::Queue;
use crate::web::ui::home::sources::Sources;

impl Dashboard {
    /// Figures with every part, and figures without recent messages. The numbers add up.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let days = Days::last(30, DateTime::UNIX_EPOCH + TimeDelta::days(40), Tz::UTC);
        let dates: Vec<NaiveDate> =
            days.from().iter_days().take_while(|day| *day <= days.to()).collect();
        let rows: Vec<LedgerRow> = (0..)
            .zip(&dates)
            .map(|(at, day)| LedgerRow { key: LedgerKey::Day(*day), counts: of_day(at) })
            .collect();
        let totals = rows.iter().map(|row| row.counts).fold(Counts::default(), sum);
        let cause = |outcome, error_code, reason: Option<&str>, count| Cause {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            count,
        };
        let causes = vec![
            cause(Outcome::Failed, Some(30006), None, totals.failed - 20),
            cause(Outcome::Failed, Some(30007), None, 16),
            cause(Outcome::Failed, None, Some("event.<b> is not set"), 4),
            cause(Outcome::Suppressed, None, Some("stop"), totals.suppressed),
        ];
        let by_day = Ledger { totals, rows, causes };
        let each = |count: i64| dates.iter().map(|day| (*day, count)).collect::<Vec<_>>();
        let earlier = (before(days).to(), 400);
        let replies: Vec<(NaiveDate, i64)> = each(15).into_iter().chain([earlier]).collect();
        let counted = Counted {
            days,
            by_day,
            before: Counts {
                recipients: 12_000,
                delivered: 11_500,
                failed: 500,
                ..Counts::default()
            },
            replies: DailyCounts::new(days, &replies, inbound::MAX_COUNTED),
            opt_outs: DailyCounts::new(
                days,
                &each(suppression::MAX_COUNTED),
                suppression::MAX_COUNTED,
            ),
        };
        let busy = Self::new(counted, sources(days, totals), Queue::sample());
        let none = Ledger { totals: Counts::default(), rows: Vec::new(), causes: Vec::new() };
        let idle = Counted {
            days,
            by_day: none.clone(),
            before: Counts::default(),
            replies: DailyCounts::new(days, &[], inbound::MAX_COUNTED),
            opt_outs: DailyCounts::new(days, &[], suppression::MAX_COUNTED),
        };
        let no_sources = Sources::new(&none, &HashMap::new(), &query(days));
        vec![busy, Self::new(idle, no_sources, Queue::default())]
    }
}

fn of_day(at: i64) -> Counts {
    let (delivered, failed, suppressed) = (400 + at % 7 * 40, 8 + at % 3, 3);
    let (sent, retried) = if at == 29 { (108, 5) } else { (0, 0) };
    Counts {
        recipients: delivered + failed + suppressed + sent + retried,
        delivered,
        sent,
        failed,
        suppressed,
        retried,
        ..Counts::default()
    }
}

fn sum(one: Counts, other: Counts) -> Counts {
    Counts {
        recipients: one.recipients + other.recipients,
        delivered: one.delivered + other.delivered,
        sent: one.sent + other.sent,
        failed: one.failed + other.failed,
        suppressed: one.suppressed + other.suppressed,
        skipped: one.skipped + other.skipped,
        unconfirmed: one.unconfirmed + other.unconfirmed,
        pending: one.pending + other.pending,
        retried: one.retried + other.retried,
    }
}

/// Two automations and single messages, which make the total.
fn sources(days: Days, totals: Counts) -> Sources {
    let (thanks, welcome) = (AutomationId::new(), AutomationId::new());
    let small = Counts { recipients: 1_100, delivered: 1_090, failed: 10, ..Counts::default() };
    let rest = Counts {
        recipients: totals.recipients - 2 * small.recipients,
        delivered: totals.delivered - 2 * small.delivered,
        failed: totals.failed - 2 * small.failed,
        ..totals
    };
    let row = |id, counts| LedgerRow { key: LedgerKey::Automation(id), counts };
    let rows = vec![row(Some(thanks), rest), row(Some(welcome), small), row(None, small)];
    let names = HashMap::from([
        (thanks, "Thank you <for> your order".to_owned()),
        (welcome, "متجر".to_owned()),
    ]);
    let ledger = Ledger { totals, rows, causes: Vec::new() };
    Sources::new(&ledger, &names, &query(days))
}
