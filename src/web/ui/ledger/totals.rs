//! The figures of the ledger as pages show them: counts that link to their messages, shares, and a
//! bar.

use serde::Serialize;

use super::query::LedgerPageQuery;
use crate::consent::Reason;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, LedgerKey, Share};
use crate::messages::claim::EXPIRED;
use crate::templates::NO_DEFAULT;
use crate::twilio::errors;
use crate::web::http::filters::grouped;

/// The width of the bar, in its own units.
const WIDTH: i64 = 1_000;

/// The totals of a filter.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct LedgerTotals {
    recipients: i64,
    recipients_link: String,
    /// The total that shares refer to: recipients without messages that were sent again as another
    /// one.
    messages: i64,
    /// The number of messages that were sent again as another one.
    repeated: i64,
    delivered: i64,
    /// The share of delivered messages, such as `96.4 %`.
    delivery_rate: Option<String>,
    adds_up: bool,
    /// The sum of all outcomes.
    sum: i64,
    /// The sum, term by term: `61 = 7 delivered + 1 sent`; none for fewer than two terms.
    terms: Option<String>,
    outcomes: Vec<OutcomeCount>,
    bar: Vec<Slice>,
}

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

/// A slice of the bar: an outcome with its position and width.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::web::ui) struct Slice {
    outcome: Outcome,
    x: i64,
    width: i64,
}

/// A cause of undelivered messages, with a link to them.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct CauseRow {
    outcome: Outcome,
    words: String,
    advice: Option<&'static str>,
    count: i64,
    /// The path of the messages; none if no filter tells them from others of the same outcome.
    link: Option<String>,
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
            outcomes: outcome_counts(counts, query, None),
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

/// The number of messages for each outcome.
pub(super) fn outcome_counts(
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

impl CauseRow {
    /// The row of a cause.
    pub(in crate::web::ui) fn new(cause: &Cause, query: &LedgerPageQuery) -> Self {
        let code = cause.error_code.map(|code| code.to_string());
        let parameters = match (&code, &cause.reason) {
            (Some(code), _) => vec![("error_code", code.as_str())],
            (None, Some(reason)) if reason != "canceled" => vec![("reason", reason.as_str())],
            (None, Some(_)) => vec![("status", "canceled")],
            (None, None) => Vec::new(),
        };
        let link = (!parameters.is_empty())
            .then(|| query.messages(None, Some(cause.outcome), &parameters));
        Self {
            outcome: cause.outcome,
            words: cause_text(cause.error_code, cause.reason.as_deref()),
            advice: advice(cause),
            count: cause.count,
            link,
        }
    }
}

/// Advice on a cause, if something can be done about it.
fn advice(cause: &Cause) -> Option<&'static str> {
    match (cause.error_code, cause.reason.as_deref().unwrap_or_default()) {
        (Some(code), _) => Some(errors::lookup(code).advice),
        (None, reason) if reason.ends_with(NO_DEFAULT) => Some(
            "Give it a default in the template, or have your program report it with the event.",
        ),
        (None, EXPIRED) => Some(
            "Raise the rate of the sender, or how long its messages may wait, under the limits of \
             the sender.",
        ),
        (None, _) => None,
    }
}

/// The text of a cause: the error code with its title, the suppression, or the stored reason.
pub(in crate::web::ui) fn cause_text(error_code: Option<i32>, reason: Option<&str>) -> String {
    match (error_code, reason) {
        (Some(code), _) => format!("{code}: {}", errors::lookup(code).title),
        (None, Some("canceled")) => "Canceled before Twilio sent it".to_owned(),
        (None, Some(reason)) => reason
            .parse::<Reason>()
            .map_or_else(|_| reason.to_owned(), |reason| reason.label().to_owned()),
        (None, None) => "No reason was given".to_owned(),
    }
}

/// The sum of the outcomes, term by term.
fn terms(counts: Counts) -> Option<String> {
    let present = Outcome::ALL.iter().filter(|outcome| counts.of(**outcome) > 0);
    let terms: Vec<String> =
        present.map(|outcome| format!("{} {outcome}", grouped(counts.of(*outcome)))).collect();
    (terms.len() > 1).then(|| format!("{} = {}", grouped(counts.sum()), terms.join(" + ")))
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

/// The slices of the bar. Each outcome that occurs gets a visible width.
pub(in crate::web::ui) fn bar(counts: Counts) -> Vec<Slice> {
    let sum = counts.sum().max(1);
    let present: Vec<Outcome> =
        Outcome::ALL.iter().copied().filter(|outcome| counts.of(*outcome) > 0).collect();
    let raw_width = |outcome: &Outcome| (counts.of(*outcome) * WIDTH / sum).max(6);
    let all: i64 = present.iter().map(raw_width).sum();
    let mut x = 0;
    let slice = |outcome: &Outcome| {
        let width = raw_width(outcome) * WIDTH / all;
        let slice = Slice { outcome: *outcome, x, width };
        x += width;
        slice
    };
    let mut slices: Vec<Slice> = present.iter().map(slice).collect();
    // The rounding error goes to the widest slice, where it is not visible.
    if let Some(widest) = (0..slices.len()).max_by_key(|at| slices[*at].width) {
        let rest = WIDTH - x;
        slices[widest].width += rest;
        for slice in &mut slices[widest + 1..] {
            slice.x += rest;
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_has_a_fixed_width_and_shows_even_one_in_a_million() {
        let counts =
            Counts { recipients: 1_000_001, delivered: 1_000_000, failed: 1, ..Counts::default() };
        let slices = bar(counts);
        assert_eq!(slices.iter().map(|slice| slice.width).sum::<i64>(), WIDTH);
        assert!(slices.len() == 2 && (4..=6).contains(&slices[1].width), "{slices:?}");
        assert_eq!(slices[1].x, slices[0].width);
        assert!(bar(Counts::default()).is_empty());
    }

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
            Some("1,203 = 1,200 delivered + 2 failed + 1 retried")
        );
        assert_eq!(terms(Counts { recipients: 5, sent: 5, ..Counts::default() }), None);
    }

    #[test]
    fn causes_have_advice_with_or_without_an_error_code() {
        let advice = |error_code, reason: Option<&str>| {
            advice(&Cause {
                outcome: Outcome::Failed,
                error_code,
                reason: reason.map(str::to_owned),
                count: 1,
            })
        };
        assert!(advice(Some(30003), None).is_some_and(|words| !words.is_empty()));
        assert!(
            advice(None, Some(&format!("event.city is not set in this event, {NO_DEFAULT}")))
                .unwrap()
                .contains("default")
        );
        assert!(advice(None, Some(EXPIRED)).unwrap().contains("rate"));
        assert_eq!((advice(None, Some("stop")), advice(None, None)), (None, None));
    }

    #[test]
    fn each_cause_has_a_text() {
        assert!(cause_text(Some(30003), Some("stop")).starts_with("30003: "));
        assert_eq!(cause_text(None, Some("stop")), "Texted STOP");
        assert_eq!(cause_text(None, Some("event.city is not set")), "event.city is not set");
        assert_eq!(cause_text(None, None), "No reason was given");
    }
}
