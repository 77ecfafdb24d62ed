//! Samples of the ledger: by day, automation and sender; recounted, empty, and with an invalid
//! filter.

use std::collections::HashMap;

use chrono::NaiveDate;

use super::{DifferenceView, Figures, LedgerShowPage, Recount};
use crate::error::FieldErrors;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, Grouping, Ledger, LedgerKey, LedgerRow};
use crate::types::id::AutomationId;
use crate::web::ui::Choice;
use crate::web::ui::ledger::query::LedgerPageQuery;
use crate::web::{Samples, Varies};

impl Samples for LedgerShowPage {
    const VARIES: Varies = Varies {
        texts: &["automations.label", "senders.label", "found.rows.label", "found.causes.title"],
        lists: &["automations", "senders", "found.rows", "found.causes"],
    };

    fn samples() -> Vec<Self> {
        let day = NaiveDate::default();
        let counts = Counts {
            recipients: 12_345,
            delivered: 12_000,
            sent: 300,
            failed: 40,
            retried: 5,
            ..Counts::default()
        };
        let cause = |outcome, error_code, reason: Option<&str>| Cause {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            count: 7,
        };
        let causes = vec![
            cause(Outcome::Failed, Some(30003), None),
            cause(Outcome::Failed, None, Some("event.<b> is not set")),
            cause(Outcome::Suppressed, None, Some("stop")),
            cause(Outcome::Skipped, None, Some("canceled")),
        ];
        let wrong = Counts { recipients: 3, ..counts };
        let ledger = |counts, key| Ledger {
            totals: counts,
            rows: vec![LedgerRow { key, counts }],
            causes: causes.clone(),
        };
        let query = LedgerPageQuery {
            from: "2026-11-01".to_owned(),
            to: "2026-11-21".to_owned(),
            ..LedgerPageQuery::default()
        };
        let page = |ledger, grouping, check| {
            let found = Figures::new(&query, ledger, grouping, &HashMap::new(), check, true);
            let choices = vec![Choice::new("01980d3c-9b5a-7000-8000-000000000000", "Thank <you>")];
            let bare = Self::bare(query.clone(), FieldErrors::default());
            Self { found: Some(found), automations: choices.clone(), senders: choices, ..bare }
        };
        let agreed = Recount { counted: 12_345, differences: Vec::new() };
        let difference = DifferenceView {
            day: day.to_string(),
            outcome: "failed".to_owned(),
            in_ledger: 3,
            in_messages: 2,
        };
        let differs = Recount { counted: 12_345, differences: vec![difference] };
        let empty = Ledger { totals: Counts::default(), rows: Vec::new(), causes: Vec::new() };
        let errors = FieldErrors::default().with("from", "Enter a day such as 2026-11-21.");
        vec![
            page(ledger(counts, LedgerKey::Day(day)), Grouping::Day, None),
            page(
                ledger(counts, LedgerKey::Automation(Some(AutomationId::new()))),
                Grouping::Automation,
                Some(agreed),
            ),
            page(ledger(wrong, LedgerKey::Sender(None)), Grouping::Sender, Some(differs)),
            page(empty, Grouping::Day, None),
            Self::bare(
                LedgerPageQuery { from: "\"><b>".to_owned(), ..LedgerPageQuery::default() },
                errors,
            ),
        ]
    }
}
