//! The newest day on which messages match, so that searches skip the later ones.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::sql_types::{Array, Bool, Date, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::days::{date, end_of};
use super::outcome::Outcome;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::types::id::{AutomationId, SenderId};
use crate::users::organization;

/// The precision of the time of a change.
const QUARTER: TimeDelta = TimeDelta::minutes(15);

/// The messages to search the ledger for; all conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewestQuery {
    /// Those with one of these outcomes.
    pub(crate) outcomes: Vec<Outcome>,
    /// Those with this error code, if they failed.
    pub(crate) error_code: Option<i32>,
    /// Those with this reason, if they were not sent.
    pub(crate) reason: Option<String>,
    /// Those created by this automation.
    pub(crate) automation_id: Option<AutomationId>,
    /// Those created by no automation.
    pub(crate) one_off: bool,
    /// Those from this sender.
    pub(crate) sender_id: Option<SenderId>,
}

statement! {
    /// Finds the newest folded day, reading the ledger backwards from its end, the newest quarter
    /// of an hour that is not folded yet, and the time zone of the days.
    struct Newest<'a> {
        until: NaiveDate => Date,
        moment: DateTime<Utc> => Timestamptz,
        outcomes: &'a [Outcome] => Array<Text>,
        error_code: Option<i32> => Nullable<Int4>,
        reason: Option<&'a str> => Nullable<Text>,
        automation_id: Option<AutomationId> => Nullable<SqlUuid>,
        one_off: bool => Bool,
        sender_id: Option<SenderId> => Nullable<SqlUuid>,
    }
    returns (Nullable<Date>, Nullable<Timestamptz>, Text), planned for its values;
    "SELECT
        (SELECT day FROM ledger
         WHERE day <= {until}
           AND count > 0
           AND outcome = ANY ({outcomes})
           AND ({error_code} IS NULL OR outcome <> 'failed' OR error_code = {error_code})
           AND ({reason} IS NULL
                OR outcome NOT IN ('suppressed', 'skipped')
                OR reason = {reason})
           AND ({automation_id} IS NULL OR automation_id = {automation_id})
           AND (NOT {one_off} OR automation_id IS NULL)
           AND ({sender_id} IS NULL OR sender_id = {sender_id})
         ORDER BY day DESC
         LIMIT 1),
        (SELECT max(quarter) FROM ledger_changes
         WHERE quarter <= {moment}
           AND count > 0
           AND outcome = ANY ({outcomes})
           AND ({error_code} IS NULL OR outcome <> 'failed' OR error_code = {error_code})
           AND ({reason} IS NULL
                OR outcome NOT IN ('suppressed', 'skipped')
                OR reason = {reason})
           AND ({automation_id} IS NULL OR automation_id = {automation_id})
           AND (NOT {one_off} OR automation_id IS NULL)
           AND ({sender_id} IS NULL OR sender_id = {sender_id})),
        (SELECT ledger_time_zone FROM organization)"
}

/// When the newest day or quarter of an hour with a match before `until` ends: from then on until
/// `until`, no message matches. `None` if no message matches at all.
pub(crate) async fn end_of_matches(
    conn: &mut Conn,
    query: &NewestQuery,
    until: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let zone = organization::find(conn).await?.day_zone;
    let NewestQuery { outcomes, error_code, reason, automation_id, one_off, sender_id } = query;
    let newest = Newest {
        until: date(until, zone),
        moment: until,
        outcomes,
        error_code: *error_code,
        reason: reason.as_deref(),
        automation_id: *automation_id,
        one_off: *one_off,
        sender_id: *sender_id,
    };
    let (day, quarter, ledger_zone): (Option<NaiveDate>, Option<DateTime<Utc>>, String) =
        newest.get_result(conn).await?;
    if ledger_zone != zone.name() {
        // The ledger was recounted between the two queries.
        return Ok(Some(until));
    }
    Ok(day.map(|day| end_of(day, zone)).max(quarter.map(|quarter| quarter + QUARTER)))
}
