//! The number of messages for each outcome as tables show them: counts that link to their messages,
//! shares, and the columns to show.

use serde::Serialize;

use super::query::LedgerPageQuery;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Counts, LedgerKey, Share};

/// The number of messages with one outcome.
#[derive(Debug, Serialize)]
pub(super) struct OutcomeCount {
    outcome: Outcome,
    count: i64,
    /// The share of all messages, such as `96.4 %`: [`Counts::share`].
    share: Option<String>,
    meaning: &'static str,
    link: String,
}

/// The number of messages for each outcome.
pub(super) fn counts_by_outcome(
    counts: Counts,
    query: &LedgerPageQuery,
    key: Option<LedgerKey>,
) -> Vec<OutcomeCount> {
    let number = |outcome: Outcome| OutcomeCount {
        outcome,
        count: counts.of(outcome),
        share: percent(counts, outcome),
        meaning: outcome.meaning(),
        link: query.messages(key, Some(outcome), &[]),
    };
    Outcome::ALL.iter().copied().map(number).collect()
}

impl OutcomeCount {
    /// Whether the outcome is one of these.
    pub(super) fn is_in(&self, outcomes: &[Outcome]) -> bool {
        outcomes.contains(&self.outcome)
    }
}

/// The share of an outcome, such as `96.4 %`: [`Counts::share`].
pub(in crate::web::ui) fn percent(counts: Counts, outcome: Outcome) -> Option<String> {
    counts.share(outcome).and_then(Share::percent)
}

/// The columns of a table: the outcomes it always shows, and those that occur.
pub(in crate::web::ui) fn columns(totals: Counts, always: &[Outcome]) -> Vec<Outcome> {
    Outcome::ALL
        .iter()
        .copied()
        .filter(|outcome| always.contains(outcome) || totals.of(*outcome) != 0)
        .collect()
}
