//! Quiet reports: nothing follows from them but the status of their message, as from nearly all. They need no lock and no transaction
//! of several statements: the messages are read, and written where nobody has moved them since.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel_async::RunQueryDsl;

use super::{Recorded, Report, State, apply, write};
use crate::{
    db::Conn,
    error::Result,
    messages::submit::{Current, Read},
    types::id::MessageId,
};

impl Report {
    /// Whether nothing can follow from it but its message's status.
    #[must_use]
    pub const fn is_quiet(&self) -> bool {
        self.error_code.is_none()
    }
}

/// Records quiet reports at once; each is committed when this returns. None stands for one whose message somebody else was moving at
/// the same moment: of that one nothing is recorded yet.
pub async fn record(mut conn: &Conn, reports: &[&Report], now: DateTime<Utc>) -> Result<Vec<Option<Recorded>>> {
    debug_assert!(reports.iter().all(|report| report.is_quiet()), "more follows from a report with an error code");
    let ids: Vec<MessageId> = reports.iter().map(|report| report.message_id).collect();
    let rows: Vec<Current> = Read { ids: &ids }.load(&mut conn).await?;
    let mut states: HashMap<MessageId, State> = rows.into_iter().map(|row| (row.0, State::of(row))).collect();
    let recorded: Vec<Recorded> = reports.iter().map(|report| apply(&mut states, report, &HashMap::new(), now)).collect();
    let moved = write(conn, reports, &recorded, &states, now).await?;
    let written = |id: &MessageId| states.get(id).is_none_or(|state| !state.moves() || moved.contains(id));
    Ok(reports.iter().zip(recorded).map(|(report, recorded)| written(&report.message_id).then_some(recorded)).collect())
}
