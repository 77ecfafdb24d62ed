//! What sent the messages of a period: automations, and messages sent manually or by API, with
//! their total.

use std::collections::HashMap;

use serde::Serialize;

use crate::automations;
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::{Counts, Ledger, LedgerKey, LedgerRow, Share};
use crate::types::id::AutomationId;
use crate::web::quantities::counted;
use crate::web::ui::ledger::LedgerPageQuery;

/// The largest number of rows; the others are one row together, so that the rows add up.
const MAX_ROWS: usize = 8;

/// What sent messages, the most messages first.
#[derive(Debug, Serialize)]
pub(super) struct Sources {
    rows: Vec<SourceRow>,
    total: SourceRow,
}

/// The messages of one source.
#[derive(Debug, Serialize)]
pub(super) struct SourceRow {
    label: String,
    /// The page of the source; none for the total.
    link: Option<String>,
    icon: &'static str,
    messages: i64,
    delivered_rate: Option<String>,
    sent: i64,
    failed: i64,
    suppressed: i64,
}

impl Sources {
    /// Loads the names of the automations in a ledger that is grouped by automation.
    pub(super) async fn load(
        conn: &mut Conn,
        ledger: &Ledger,
        query: &LedgerPageQuery,
    ) -> Result<Self> {
        let shown = ledger.rows.iter().take(MAX_ROWS + 1);
        let ids: Vec<AutomationId> = shown
            .filter_map(|row| match row.key {
                LedgerKey::Automation(id) => id,
                _ => None,
            })
            .collect();
        let names = automations::find_many(conn, &ids)
            .await?
            .into_iter()
            .map(|automation| (automation.id, automation.name))
            .collect();
        Ok(Self::new(ledger, &names, query))
    }

    /// The rows of a ledger that is grouped by automation.
    pub(super) fn new(
        ledger: &Ledger,
        names: &HashMap<AutomationId, String>,
        query: &LedgerPageQuery,
    ) -> Self {
        let with_messages: Vec<&LedgerRow> =
            ledger.rows.iter().filter(|row| row.counts.messages() > 0).collect();
        let few = with_messages.len() <= MAX_ROWS;
        let (shown, others) =
            with_messages.split_at(if few { with_messages.len() } else { MAX_ROWS - 1 });
        let mut rows: Vec<SourceRow> =
            shown.iter().map(|row| SourceRow::of(row, names, query)).collect();
        if !others.is_empty() {
            let others_counts: Vec<Counts> = others.iter().map(|row| row.counts).collect();
            rows.push(SourceRow {
                link: Some(format!("{}&group_by=automation", query.link("/ledger"))),
                ..SourceRow::new(counted(others.len(), "other"), "ellipsis", &others_counts)
            });
        }
        Self { rows, total: SourceRow::new("Total".to_owned(), "", &[ledger.totals]) }
    }
}

impl SourceRow {
    fn of(row: &LedgerRow, names: &HashMap<AutomationId, String>, query: &LedgerPageQuery) -> Self {
        let (label, icon, link) = match row.key {
            LedgerKey::Automation(Some(id)) => (
                names.get(&id).cloned().unwrap_or_else(|| "A deleted automation".to_owned()),
                "workflow",
                names.get(&id).map(|_| format!("/automations/{id}")),
            ),
            key => (
                "Sent manually or by API".to_owned(),
                "send",
                Some(query.messages(Some(key), None, &[])),
            ),
        };
        Self { link, ..Self::new(label, icon, &[row.counts]) }
    }

    fn new(label: String, icon: &'static str, counts: &[Counts]) -> Self {
        let sum = |of: fn(&Counts) -> i64| counts.iter().map(of).sum::<i64>();
        let messages = sum(Counts::messages);
        Self {
            label,
            link: None,
            icon,
            messages,
            delivered_rate: Share { count: sum(|one| one.delivered), of: messages }.percent(),
            sent: sum(|one| one.sent),
            failed: sum(|one| one.failed),
            suppressed: sum(|one| one.suppressed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: Option<AutomationId>, recipients: i64) -> LedgerRow {
        let delivered = recipients - 1;
        let counts = Counts { recipients, delivered, failed: 1, ..Counts::default() };
        LedgerRow { key: LedgerKey::Automation(id), counts }
    }

    #[test]
    fn rows_beyond_the_limit_are_one_so_that_all_rows_make_the_total() {
        let rows: Vec<LedgerRow> =
            (0..12).map(|at| row(Some(AutomationId::new()), 100 - at)).collect();
        let total: i64 = rows.iter().map(|row| row.counts.recipients).sum();
        let totals =
            Counts { recipients: total, delivered: total - 12, failed: 12, ..Counts::default() };
        let ledger = Ledger { totals, rows, causes: Vec::new() };
        let sources = Sources::new(&ledger, &HashMap::new(), &LedgerPageQuery::default());
        assert_eq!(sources.rows.len(), MAX_ROWS);
        assert_eq!(sources.rows.last().unwrap().label, "5 others");
        assert_eq!(sources.rows.iter().map(|row| row.messages).sum::<i64>(), total);
        assert_eq!(sources.rows.iter().map(|row| row.failed).sum::<i64>(), sources.total.failed);
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
        let line = SourceRow::new(String::new(), "", &[counts]);
        assert_eq!(line.delivered_rate.as_deref(), Some("45.0 %"));
        assert_eq!((line.messages, line.sent, line.failed, line.suppressed), (100, 3, 1, 50));
        let none = SourceRow::new(String::new(), "", &[Counts::default()]);
        assert_eq!(none.delivered_rate, None);
    }
}
