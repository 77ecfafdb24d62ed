//! The automations that only the events of one source start.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::automation::{Automation, AutomationRow, COLUMNS, with_newest_version};
use crate::db::Conn;
use crate::db::schema::{automation_versions, automations};
use crate::error::Result;
use crate::types::id::SourceId;

/// The automations whose current trigger is limited to the source, by name, without archived ones,
/// at most `limit`.
pub async fn of_source(conn: &mut Conn, id: SourceId, limit: i64) -> Result<Vec<Automation>> {
    let rows: Vec<AutomationRow> = with_newest_version()
        .filter(automations::archived_at.is_null())
        .filter(automation_versions::trigger.contains(json!({ "source_id": id })))
        .select(COLUMNS)
        .order(automations::name)
        .limit(limit)
        .load(conn)
        .await?;
    rows.into_iter().map(Automation::from_row).collect()
}
