//! The numbers of the ledger as pages show them: each a link to its messages, all together a bar.

use serde::Serialize;

use super::query::LedgerPageQuery;
use crate::consent::Reason;
use crate::ledger::outcome::Outcome;
use crate::ledger::{Cause, Counts, LedgerKey, Share};
use crate::messages::claim::EXPIRED;
use crate::templates::NO_DEFAULT;
use crate::twilio::errors;
use crate::web::http::filters::grouped;

/// The bar is this wide, in its own units.
const WIDTH: i64 = 1_000;

/// All numbers together.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct LedgerTotals {
    recipients: i64,
    recipients_link: String,
    /// What shares are of: recipients without those that another one repeats.
    messages: i64,
    /// How many were repeated.
    repeated: i64,
    delivered: i64,
    /// The share that was delivered, such as `96.4 %`.
    delivery_rate: Option<String>,
    adds_up: bool,
    /// What the outcomes sum up to.
    sum: i64,
    /// The sum, term by term: `61 = 7 delivered + 1 sent`; none where there is one term or none.
    terms: Option<String>,
    outcomes: Vec<Number>,
    bar: Vec<Slice>,
}

/// How many have one outcome.
#[derive(Debug, Serialize)]
pub(super) struct Number {
    outcome: Outcome,
    count: i64,
    /// Of all that was to be sent, such as `96.4 %`: [`Counts::share`].
    share: Option<String>,
    meaning: &'static str,
    link: String,
}

/// A part of the bar.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::web::ui) struct Slice {
    outcome: Outcome,
    x: i64,
    width: i64,
}

/// Why messages did not arrive, as a line with a link.
#[derive(Debug, Serialize)]
pub(in crate::web::ui) struct CauseRow {
    outcome: Outcome,
    words: String,
    advice: Option<&'static str>,
    count: i64,
    /// The messages; none where nothing tells them from others of the same outcome.
    link: Option<String>,
}

impl LedgerTotals {
    /// The numbers of a choice.
    pub(super) fn new(counts: Counts, wanted: &LedgerPageQuery) -> Self {
        Self {
            recipients: counts.recipients,
            recipients_link: wanted.messages(None, None, &[]),
            messages: counts.messages(),
            repeated: counts.retried,
            delivered: counts.delivered,
            delivery_rate: percent(counts, Outcome::Delivered),
            adds_up: counts.add_up(),
            sum: counts.sum(),
            terms: terms(counts),
            outcomes: numbers(counts, wanted, None),
            bar: bar(counts),
        }
    }

    /// The numbers of one automation, whenever its messages were composed.
    pub(in crate::web::ui) fn of_automation(id: impl std::fmt::Display, counts: Counts) -> Self {
        Self::new(
            counts,
            &LedgerPageQuery { automation_id: id.to_string(), ..LedgerPageQuery::default() },
        )
    }
}

/// A number for every outcome.
pub(super) fn numbers(
    counts: Counts,
    wanted: &LedgerPageQuery,
    key: Option<LedgerKey>,
) -> Vec<Number> {
    let number = |outcome: Outcome| Number {
        outcome,
        count: counts.of(outcome),
        share: percent(counts, outcome),
        meaning: outcome.meaning(),
        link: wanted.messages(key, Some(outcome), &[]),
    };
    Outcome::ALL.iter().copied().map(number).collect()
}

impl Number {
    /// Whether it is of one of these outcomes.
    pub(super) fn is_in(&self, outcomes: &[Outcome]) -> bool {
        outcomes.contains(&self.outcome)
    }
}

impl CauseRow {
    /// A line of the causes.
    pub(in crate::web::ui) fn new(cause: &Cause, wanted: &LedgerPageQuery) -> Self {
        let code = cause.error_code.map(|code| code.to_string());
        let by = match (&code, &cause.reason) {
            (Some(code), _) => vec![("error_code", code.as_str())],
            (None, Some(reason)) if reason != "canceled" => vec![("reason", reason.as_str())],
            (None, Some(_)) => vec![("status", "canceled")],
            (None, None) => Vec::new(),
        };
        let link = (!by.is_empty()).then(|| wanted.messages(None, Some(cause.outcome), &by));
        Self {
            outcome: cause.outcome,
            words: words(cause.error_code, cause.reason.as_deref()),
            advice: advice(cause),
            count: cause.count,
            link,
        }
    }
}

/// What to do about it, where something can be done.
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

/// Why, in words: the error code with its title, the suppression, or the reason as it is.
pub(in crate::web::ui) fn words(error_code: Option<i32>, reason: Option<&str>) -> String {
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

/// The outcomes that a table has columns for: those that it always has, and whichever occur.
pub(in crate::web::ui) fn columns(totals: Counts, always: &[Outcome]) -> Vec<Outcome> {
    Outcome::ALL
        .iter()
        .copied()
        .filter(|outcome| always.contains(outcome) || totals.of(*outcome) != 0)
        .collect()
}

/// The outcomes side by side; what is there can be seen.
pub(in crate::web::ui) fn bar(counts: Counts) -> Vec<Slice> {
    let of = counts.sum().max(1);
    let present: Vec<Outcome> =
        Outcome::ALL.iter().copied().filter(|outcome| counts.of(*outcome) > 0).collect();
    let wide = |outcome: &Outcome| (counts.of(*outcome) * WIDTH / of).max(6);
    let all: i64 = present.iter().map(wide).sum();
    let mut x = 0;
    let slice = |outcome: &Outcome| {
        let width = wide(outcome) * WIDTH / all;
        let slice = Slice { outcome: *outcome, x, width };
        x += width;
        slice
    };
    let mut slices: Vec<Slice> = present.iter().map(slice).collect();
    // What rounding has left over goes to the widest, where it does not show.
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
    fn the_bar_is_as_wide_as_it_is_and_shows_even_one_in_a_million() {
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
    fn what_can_be_done_is_said_with_or_without_a_code() {
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
    fn causes_are_told_in_words() {
        assert!(words(Some(30003), Some("stop")).starts_with("30003: "));
        assert_eq!(words(None, Some("stop")), "Texted STOP");
        assert_eq!(words(None, Some("event.city is not set")), "event.city is not set");
        assert_eq!(words(None, None), "No reason was given");
    }
}
