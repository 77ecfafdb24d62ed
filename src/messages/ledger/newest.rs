//! The newest day that has messages of a kind, so that nobody looks for them on the days that have none.

use chrono::NaiveDate;
use diesel::sql_types::{Array, Bool, Date, Int4, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::Maker;
use crate::{
    db::{Conn, statement::statement},
    error::Result,
    messages::{
        filter::MessageFilter,
        list::Direction,
        outcome::{Outcome, Retry},
    },
    types::id::{AutomationId, SenderId},
};

/// What the ledger is asked: as much of a filter as it knows. Whatever fits the filter fits this, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::messages) struct Question {
    outcomes: Vec<Outcome>,
    error_code: Option<i32>,
    reason: Option<String>,
    automation_id: Option<AutomationId>,
    one_off: bool,
    sender_id: Option<SenderId>,
}

statement! {
    /// Finds the day; what is not folded yet is part of it.
    struct Newest<'a> {
        until: NaiveDate => Date,
        outcomes: &'a [Outcome] => Array<Text>,
        error_code: &'a Option<i32> => Nullable<Int4>,
        reason: &'a Option<String> => Nullable<Text>,
        automation_id: &'a Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: &'a Option<SenderId> => Nullable<SqlUuid>,
    }
    returns Nullable<Date>, planned for its values;
    "SELECT max(b.day)
     FROM (SELECT day, automation_id, sender_id, outcome, reason, error_code, count FROM ledger
           UNION ALL
           SELECT day, automation_id, sender_id, outcome, reason, error_code, count FROM ledger_changes) AS b,
        (SELECT {}::date AS until, {}::text[] AS outcomes, {}::int AS error_code, {}::text AS reason, {}::uuid AS automation_id,
            {}::bool AS one_off, {}::uuid AS sender_id) AS wanted
     WHERE b.day <= wanted.until AND b.count > 0 AND b.outcome = ANY (wanted.outcomes)
        AND (wanted.error_code IS NULL OR b.outcome <> 'failed' OR b.error_code = wanted.error_code)
        AND (wanted.reason IS NULL OR b.outcome NOT IN ('suppressed', 'skipped') OR b.reason = wanted.reason)
        AND (wanted.automation_id IS NULL OR b.automation_id = wanted.automation_id)
        AND (NOT wanted.one_off OR b.automation_id IS NULL)
        AND (wanted.sender_id IS NULL OR b.sender_id = wanted.sender_id)"
}

/// The newest day up to `until` with messages that the question is about.
pub(in crate::messages) async fn day(conn: &mut Conn, question: &Question, until: NaiveDate) -> Result<Option<NaiveDate>> {
    let Question { outcomes, error_code, reason, automation_id, one_off, sender_id } = question;
    Ok(Newest { until, outcomes, error_code, reason, automation_id, one_off: *one_off, sender_id }.get_result(conn).await?)
}

impl Question {
    /// What the ledger can be asked about a filter; none if it knows nothing that helps.
    pub(in crate::messages) fn of(filter: &MessageFilter) -> Option<Self> {
        // The ledger counts what goes out.
        if filter.direction == Some(Direction::Inbound) {
            return None;
        }
        let outcomes = match (filter.outcome, filter.status) {
            (Some(outcome), _) => vec![outcome],
            // Whatever its status, a message that was sent again is counted as that.
            (None, Some(status)) => vec![Outcome::of(status, Retry::None)?, Outcome::Retried],
            // It knows who made what on which days at least, and only what goes out has a code or a reason.
            (None, None) if filter.direction.is_some() || filter.error_code.is_some() || filter.reason.is_some() => Outcome::ALL.to_vec(),
            (None, None) => return None,
        };
        Some(Self {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::status::MessageStatus;

    #[test]
    fn the_ledger_is_asked_only_what_it_knows() {
        let of = |filter: MessageFilter| Question::of(&filter).map(|question| question.outcomes);
        let any = MessageFilter::default;
        assert_eq!(of(any()), None);
        assert_eq!(of(MessageFilter { status: Some(MessageStatus::Received), ..any() }), None);
        assert_eq!(of(MessageFilter { status: Some(MessageStatus::Expired), ..any() }), Some(vec![Outcome::Skipped, Outcome::Retried]));
        assert_eq!(of(MessageFilter { outcome: Some(Outcome::Failed), ..any() }), Some(vec![Outcome::Failed]));
        let (outbound, inbound) = (Some(Direction::Outbound), Some(Direction::Inbound));
        assert_eq!(of(MessageFilter { direction: outbound, ..any() }).as_deref(), Some(Outcome::ALL));
        assert_eq!(of(MessageFilter { error_code: Some(30003), ..any() }).as_deref(), Some(Outcome::ALL));
        assert_eq!(of(MessageFilter { error_code: Some(30003), direction: inbound, ..any() }), None);
        assert_eq!(of(MessageFilter { outcome: Some(Outcome::Failed), direction: inbound, ..any() }), None);
    }
}
