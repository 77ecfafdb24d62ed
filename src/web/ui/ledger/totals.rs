//! The totals of a ledger as pages show them, with the sum that proves that they add up.

use serde::Serialize;

use super::outcome_bar::{BarSlice, bar};
use super::outcome_counts::{OutcomeCount, counts_by_outcome, percent};
use super::query::LedgerPageQuery;
use crate::ledger::Counts;
use crate::ledger::outcome::Outcome;
use crate::web::quantities::grouped;

/// The totals of a filter.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct LedgerTotals {
    recipients: i64,
    recipients_link: String,
    /// The total that shares refer to: all composed messages, except those that a resend replaced.
    messages: i64,
    /// The number of messages that a resend replaced.
    repeated: i64,
    delivered: i64,
    /// The share of delivered messages, such as `96.4 %`.
    delivery_rate: Option<String>,
    adds_up: bool,
    /// The sum of all outcomes.
    sum: i64,
    /// The sum, term by term: `61 = 7 delivered + 54 waiting`; none for fewer than two terms.
    terms: Option<String>,
    outcomes: Vec<OutcomeCount>,
    bar: Vec<BarSlice>,
}

impl LedgerTotals {
    /// The totals of a filter.
    pub(super) fn new(counts: Counts, query: &LedgerPageQuery) -> Self {
        Self {
            recipients: counts.recipients,
            recipients_link: query.messages(None, None, &[]),
            messages: counts.messages(),
            repeated: counts.retried,
            delivered: counts.delivered,
            delivery_rate: percent(counts, Outcome::Delivered),
            adds_up: counts.add_up(),
            sum: counts.sum(),
            terms: terms(counts),
            outcomes: counts_by_outcome(counts, query, None),
            bar: bar(counts),
        }
    }

    /// The totals of one automation over all time.
    pub(in crate::web::ui) fn of_automation(id: impl std::fmt::Display, counts: Counts) -> Self {
        Self::new(
            counts,
            &LedgerPageQuery { automation_id: id.to_string(), ..LedgerPageQuery::default() },
        )
    }
}

/// The sum of the outcomes, term by term.
fn terms(counts: Counts) -> Option<String> {
    let present = Outcome::ALL.iter().filter(|outcome| counts.of(**outcome) > 0);
    let terms: Vec<String> = present.map(|outcome| term(*outcome, counts.of(*outcome))).collect();
    (terms.len() > 1).then(|| format!("{} = {}", grouped(counts.sum()), terms.join(" + ")))
}

fn term(outcome: Outcome, count: i64) -> String {
    format!("{} {}", grouped(count), outcome.word().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_shown_term_by_term() {
        let counts = Counts {
            recipients: 1_203,
            delivered: 1_200,
            failed: 2,
            retried: 1,
            ..Counts::default()
        };
        assert_eq!(
            terms(counts).as_deref(),
            Some("1,203 = 1,200 delivered + 2 not delivered + 1 sent again")
        );
        assert_eq!(terms(Counts { recipients: 5, sent: 5, ..Counts::default() }), None);
    }
}
