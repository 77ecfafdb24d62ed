//! The numbers of the last days: everything there is, and nothing lately.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Dashboard, First, Line, SPAN};
use crate::consent::suppression;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, Days, Ledger, LedgerKey, LedgerRow};
use crate::web::ui::home::queue::Queue;

impl Dashboard {
    /// Everything there is, and nothing lately.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let days = Days::last(SPAN, DateTime::UNIX_EPOCH + TimeDelta::days(40), Tz::UTC);
        let counts = Counts {
            recipients: 12_345,
            delivered: 12_000,
            sent: 300,
            failed: 40,
            retried: 5,
            ..Counts::default()
        };
        let rows = vec![LedgerRow { key: LedgerKey::Day(days.to()), counts }];
        let cause = |outcome, error_code| Cause { outcome, error_code, reason: None, count: 7 };
        let causes = vec![
            cause(Outcome::Failed, Some(30003)),
            cause(Outcome::Failed, None),
            cause(Outcome::Suppressed, None),
        ];
        let mut busy =
            Self::new(days, Ledger { totals: counts, rows, causes }, suppression::MAX_COUNTED + 1);
        busy.queue = Queue::sample();
        let line =
            |label: &str| Line::new(label.to_owned(), "/ledger?sender_id=1".to_owned(), counts);
        let idle =
            Line::new("Idle".to_owned(), "/ledger?sender_id=2".to_owned(), Counts::default());
        busy.senders = First {
            rows: vec![line("Shop <1> (+1 500 555 0006)"), line("متجر"), idle],
            more: true,
        };
        busy.automations = First { rows: vec![line("Thank you <for> your order")], more: true };
        busy.errors.more = true;
        let quiet = Self::new(
            days,
            Ledger { totals: Counts::default(), rows: Vec::new(), causes: Vec::new() },
            0,
        );
        vec![busy, quiet]
    }
}
