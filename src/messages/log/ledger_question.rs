//! The part of a filter that the ledger can answer, so that a search skips days without matching
//! messages.

use super::filter::MessageFilter;
use crate::ledger::MessageOrigin;
use crate::ledger::newest_day::NewestQuery;
use crate::ledger::outcome::Outcome;
use crate::messages::message::Direction;
use crate::messages::status::Resent;

/// The part of a filter that the ledger knows about: every message that matches the filter also
/// matches the question. None if the ledger cannot narrow the search.
pub(super) fn question(filter: &MessageFilter) -> Option<NewestQuery> {
    // The ledger counts outbound messages only.
    if filter.direction == Some(Direction::Inbound) {
        return None;
    }
    let outcomes = match (filter.outcome, filter.status) {
        (Some(outcome), _) => vec![outcome],
        // A resent message counts as resent, whatever its status.
        (None, Some(status)) => vec![status.outcome(Resent::No)?, Outcome::Retried],
        // The ledger knows the automation and day of every outbound message, and only outbound
        // messages have a code or a reason.
        (None, None)
            if filter.direction.is_some()
                || filter.error_code.is_some()
                || filter.reason.is_some() =>
        {
            Outcome::ALL.to_vec()
        }
        (None, None) => return None,
    };
    Some(NewestQuery {
        outcomes,
        error_code: filter.error_code,
        reason: filter.reason.clone(),
        automation_id: match filter.origin {
            Some(MessageOrigin::Automation(id)) => Some(id),
            _ => None,
        },
        one_off: filter.origin == Some(MessageOrigin::OneOff),
        sender_id: filter.sender_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::status::MessageStatus;

    #[test]
    fn the_ledger_gets_only_questions_that_it_can_answer() {
        let of = |filter: MessageFilter| question(&filter).map(|question| question.outcomes);
        let any = MessageFilter::default;
        assert_eq!(of(any()), None);
        assert_eq!(of(MessageFilter { status: Some(MessageStatus::Received), ..any() }), None);
        assert_eq!(
            of(MessageFilter { status: Some(MessageStatus::Expired), ..any() }),
            Some(vec![Outcome::Skipped, Outcome::Retried])
        );
        assert_eq!(
            of(MessageFilter { outcome: Some(Outcome::Failed), ..any() }),
            Some(vec![Outcome::Failed])
        );
        let (outbound, inbound) = (Some(Direction::Outbound), Some(Direction::Inbound));
        assert_eq!(
            of(MessageFilter { direction: outbound, ..any() }).as_deref(),
            Some(Outcome::ALL)
        );
        assert_eq!(
            of(MessageFilter { error_code: Some(30003), ..any() }).as_deref(),
            Some(Outcome::ALL)
        );
        assert_eq!(
            of(MessageFilter { error_code: Some(30003), direction: inbound, ..any() }),
            None
        );
        assert_eq!(
            of(MessageFilter { outcome: Some(Outcome::Failed), direction: inbound, ..any() }),
            None
        );
    }
}
