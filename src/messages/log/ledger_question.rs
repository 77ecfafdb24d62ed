//! What the ledger is asked about a filter, so that a search leaves out days without such messages.

use super::filter::MessageFilter;
use crate::ledger::Maker;
use crate::ledger::newest::Question;
use crate::ledger::outcome::Outcome;
use crate::messages::message::Direction;
use crate::messages::status::Resent;

/// As much of a filter as the ledger knows: what fits the filter fits the question, too. None if it
/// knows nothing that helps.
pub(super) fn question(filter: &MessageFilter) -> Option<Question> {
    // The ledger counts what goes out.
    if filter.direction == Some(Direction::Inbound) {
        return None;
    }
    let outcomes = match (filter.outcome, filter.status) {
        (Some(outcome), _) => vec![outcome],
        // Whatever its status, a message that was sent again is counted as that.
        (None, Some(status)) => vec![status.outcome(Resent::No)?, Outcome::Retried],
        // It knows who made what on which days at least, and only what goes out has a code or a
        // reason.
        (None, None)
            if filter.direction.is_some()
                || filter.error_code.is_some()
                || filter.reason.is_some() =>
        {
            Outcome::ALL.to_vec()
        }
        (None, None) => return None,
    };
    Some(Question {
        outcomes,
        error_code: filter.error_code,
        reason: filter.reason.clone(),
        automation_id: match filter.maker {
            Some(Maker::Automation(id)) => Some(id),
            _ => None,
        },
        one_off: filter.maker == Some(Maker::OneOff),
        sender_id: filter.sender_id,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::status::MessageStatus;

    #[test]
    fn the_ledger_is_asked_only_what_it_knows() {
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
