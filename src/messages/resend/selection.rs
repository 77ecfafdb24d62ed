//! [`Selection`]: the undelivered messages of some days, and which of them may be resent.

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Int4, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::eligibility;
use super::facts_query::facts;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::ledger::{DaysError, LedgerFilter};
use crate::types::id::{AutomationId, MessageId, SenderId};

/// The largest number of days in a selection.
pub const MAX_DAYS: i64 = 31;

/// How many messages one request resends; the user repeats it for the rest.
pub const MAX_AT_ONCE: usize = 20_000;

/// The undelivered messages of a ledger filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Selection(LedgerFilter);

/// Selects the failed messages `m` of a selection whose cause does not decide about them. Binds:
/// the begin and end of the days, the automation, whether only one-off messages, the sender, and
/// the error codes after which a resend may succeed.
macro_rules! open_failures {
    () => {
        "failures AS failure
         JOIN messages AS m ON m.id = failure.message_id
         WHERE failure.created_at >= {begin}
           AND failure.created_at < {end}
           AND (failure.error_code IS NULL OR failure.error_code = ANY ({codes}))
           AND ({automation_id} IS NULL OR failure.automation_id = {automation_id})
           AND (NOT {one_off} OR failure.automation_id IS NULL)
           AND ({sender_id} IS NULL OR failure.sender_id = {sender_id})"
    };
}
pub(super) use open_failures;

statement! {
    /// Finds messages that may be resent, oldest first.
    struct FindCandidates<'a> {
        begin: DateTime<Utc> => Timestamptz,
        end: DateTime<Utc> => Timestamptz,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
        codes: &'a [i32] => Array<Int4>,
        limit: i64 => BigInt,
    }
    returns SqlUuid, planned for its values;
    concat!(
        "SELECT f.id
     FROM (
         SELECT m.id, m.created_at, ",
        facts!(),
        "
         FROM ",
        open_failures!(),
        "
     ) AS f
     WHERE f.has_contact
       AND f.has_content
       AND NOT f.suppressed
       AND NOT f.at_carrier
       AND NOT f.doubtful
       AND NOT (f.error_code IS NULL AND f.status = 'failed' AND f.accepted)
     ORDER BY f.created_at, f.id
     LIMIT {limit}"
    )
}

impl Selection {
    /// Creates a selection, if the filter has at most [`MAX_DAYS`] days.
    pub fn new(filter: LedgerFilter) -> std::result::Result<Self, DaysError> {
        if filter.days.count() > MAX_DAYS {
            Err(DaysError::MoreThan(MAX_DAYS))
        } else {
            Ok(Self(filter))
        }
    }

    /// The ledger filter.
    #[must_use]
    pub const fn filter(&self) -> &LedgerFilter {
        &self.0
    }
}

/// Finds the messages of a selection that may be resent, oldest first, at most [`MAX_AT_ONCE`].
pub async fn candidates(conn: &mut Conn, selection: &Selection) -> Result<Vec<MessageId>> {
    let filter = selection.filter();
    let (automation_id, one_off) = filter.automation_and_one_off();
    let (begin, end) = (filter.days.begin(), filter.days.end());
    let codes = eligibility::resendable_codes();
    let limit = i64::try_from(MAX_AT_ONCE).unwrap_or(i64::MAX);
    let find = FindCandidates {
        begin,
        end,
        automation_id,
        one_off,
        sender_id: filter.sender_id,
        codes: &codes,
        limit,
    };
    Ok(find.load(conn).await?)
}
