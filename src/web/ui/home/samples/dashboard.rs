//! Samples of the figures: with every part, and without recent messages.

use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use super::{Dashboard, DeliveryRow, SHOWN_DAYS, Top};
use crate::consent::suppression;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, Days, Ledger, LedgerKey, LedgerRow};
use crate::web::ui::home::queue::Queue;

impl Dashboard {
    /// Figures with every part, and figures without recent messages.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let days = Days::last(SHOWN_DAYS, DateTime::UNIX_EPOCH + TimeDelta::days(40), Tz::UTC);
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
        let line = |label: &str| {
            DeliveryRow::new(label.to_owned(), "/ledger?sender_id=1".to_owned(), counts)
        };
        let idle = DeliveryRow::new(
            "Idle".to_owned(),
            "/ledger?sender_id=2".to_owned(),
            Counts::default(),
        );
        busy.senders = Top {
            rows: vec![line("Shop <1> (+1 500 555 0006)"), line("متجر"), idle],
            more: true,
        };
        busy.automations = Top { rows: vec![line("Thank you <for> your order")], more: true };
        busy.errors.more = true;
        let empty = Self::new(
            days,
            Ledger { totals: Counts::default(), rows: Vec::new(), causes: Vec::new() },
            0,
        );
        vec![busy, empty]
    }
}
