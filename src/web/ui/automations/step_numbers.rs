//! The numbers under the cards of a flow, in words for marketers.

use serde::Serialize;

use crate::automations::counts::{STEP_SCAN_LIMIT, StepCounts};
use crate::automations::{Definition, EnrollmentStatus, Step};
use crate::ledger::outcome::Outcome;
use crate::web::quantities::{at_least, grouped};

/// A number with what it counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct StepNumber {
    count: String,
    label: &'static str,
    bad: bool,
}

impl StepNumber {
    fn new(count: i64, label: &'static str) -> Self {
        Self { count: grouped(count), label, bad: false }
    }

    /// A number that should be 0.
    fn bad(count: i64, label: &'static str) -> Self {
        Self { bad: count > 0, ..Self::new(count, label) }
    }

    /// The numbers of the trigger: all contacts who have entered.
    pub(super) fn of_trigger(passages: &StepCounts) -> Vec<Self> {
        let is_cut = passages.scanned >= STEP_SCAN_LIMIT;
        let entered = Self { count: at_least(passages.scanned, is_cut), ..Self::new(0, "entered") };
        let failed = passages.with(EnrollmentStatus::Failed);
        let mut numbers = vec![
            entered,
            Self::new(passages.with(EnrollmentStatus::Active), "inside now"),
            Self::new(passages.with(EnrollmentStatus::Completed), "finished"),
        ];
        numbers.extend((failed > 0).then(|| Self::bad(failed, "stopped by an error")));
        numbers
    }

    /// The numbers of each step. An enrollment in a wait already points to the next step, so it is
    /// counted at the wait and not there.
    pub(super) fn of_steps(definition: &Definition, passages: &StepCounts) -> Vec<Vec<Self>> {
        let is_wait = |index: usize| matches!(definition.steps.get(index), Some(Step::Wait { .. }));
        let numbers = |index: usize| {
            let step = i16::try_from(index).unwrap_or(i16::MAX);
            let after_wait = index > 0 && is_wait(index - 1);
            let about_to = if after_wait { 0 } else { passages.at(EnrollmentStatus::Active, step) };
            let in_wait =
                if is_wait(index) { passages.at(EnrollmentStatus::Active, step + 1) } else { 0 };
            let passed = passages.passed(step) - in_wait;
            let failed = passages.at(EnrollmentStatus::Failed, step);
            let mut numbers = if is_wait(index) {
                vec![Self::new(about_to + in_wait, "waiting"), Self::new(passed, "passed")]
            } else {
                Self::of_texts(passages, step, about_to, passed)
            };
            numbers.extend((failed > 0).then(|| Self::bad(failed, "stopped here")));
            numbers
        };
        (0..definition.steps.len()).map(numbers).collect()
    }

    /// The numbers of a step that sends. Sent are all that left; the rest has its own number, so
    /// that all add up to the contacts who have passed.
    fn of_texts(passages: &StepCounts, step: i16, about_to: i64, passed: i64) -> Vec<Self> {
        let of = |outcome| {
            passages.messages_at(step).find(|(known, _)| *known == outcome).map_or(0, |(_, n)| n)
        };
        let total: i64 = passages.messages_at(step).map(|(_, count)| count).sum();
        let (delivered, failed) = (of(Outcome::Delivered), of(Outcome::Failed));
        let uncertain = of(Outcome::Unconfirmed);
        let sent = delivered + failed + of(Outcome::Sent) + uncertain + of(Outcome::Retried);
        let mut numbers = vec![
            Self::new(sent, "sent"),
            Self::new(delivered, "delivered"),
            Self::bad(failed, "not delivered"),
            Self::new(of(Outcome::Suppressed), "suppressed"),
            Self::new(about_to + of(Outcome::Pending), "waiting"),
        ];
        let rarely = [
            (of(Outcome::Skipped), "left out"),
            (uncertain, "uncertain"),
            (of(Outcome::Retried), "sent again"),
            ((passed - total).max(0), "without a text"),
        ];
        let rarely = rarely.into_iter().filter(|(count, _)| *count > 0);
        numbers.extend(rarely.map(|(count, label)| Self::new(count, label)));
        numbers
    }
}

#[cfg(debug_assertions)]
impl StepNumber {
    /// Numbers of a text that add up.
    pub(super) fn samples() -> Vec<Self> {
        vec![
            Self::new(1_202, "sent"),
            Self::new(1_170, "delivered"),
            Self::bad(12, "not delivered"),
            Self::new(32, "suppressed"),
            Self::new(7, "waiting"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_waiting_contact_is_counted_only_at_the_wait() {
        let sms = json!({"type": "send_sms"});
        let steps = json!([sms, {"type": "wait", "seconds": 60}, sms]);
        let definition = Definition::parse(&json!({"type": "contact_created"}), &steps).unwrap();
        let counts = [
            ((EnrollmentStatus::Active, 0), 2),
            ((EnrollmentStatus::Active, 2), 5),
            ((EnrollmentStatus::Failed, 2), 1),
            ((EnrollmentStatus::Completed, 3), 10),
        ];
        let messages =
            [((0, Outcome::Delivered), 13), ((0, Outcome::Suppressed), 3), ((2, Outcome::Sent), 9)];
        let passages = StepCounts {
            counts: counts.into_iter().collect(),
            messages: messages.into_iter().collect(),
            ..StepCounts::default()
        };
        let said = |numbers: &Vec<StepNumber>| {
            let said = numbers.iter().map(|number| format!("{} {}", number.count, number.label));
            said.collect::<Vec<_>>().join(", ")
        };
        let numbers = StepNumber::of_steps(&definition, &passages);
        assert_eq!(
            numbers.iter().map(said).collect::<Vec<_>>(),
            [
                "13 sent, 13 delivered, 0 not delivered, 3 suppressed, 2 waiting",
                "5 waiting, 11 passed",
                "9 sent, 0 delivered, 0 not delivered, 0 suppressed, 0 waiting, 1 without a text, \
                 1 stopped here",
            ]
        );
    }
}
