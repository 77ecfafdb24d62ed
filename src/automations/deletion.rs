//! Deletes automations that no contact has entered.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;
use diesel_async::RunQueryDsl;

use super::automation::{Automation, AutomationStatus, lock};
use crate::db::Conn;
use crate::db::schema::{automations, enrollments};
use crate::error::{Error, Result};
use crate::types::id::AutomationId;
use crate::users::audit::{self, Actor, AuditKind};

/// How long an automation has to be off: longer than any transaction that began while it was on and
/// may still enroll a contact.
const OFF_FOR: TimeDelta = TimeDelta::minutes(10);

/// Deletes an automation with its versions; refused once a contact has entered it. Must run in the
/// caller's transaction.
pub async fn delete(
    conn: &mut Conn,
    actor: &Actor,
    id: AutomationId,
    now: DateTime<Utc>,
) -> Result<()> {
    let automation = lock(conn, id).await?;
    check_off(&automation, now)?;
    if has_enrollments(conn, id).await? {
        return Err(Error::Refused(
            "Contacts have entered this automation. Archive it instead.".to_owned(),
        ));
    }
    diesel::delete(automations::table.find(id)).execute(conn).await?;
    let summary = format!("deleted the automation “{}”", automation.name);
    audit::record(conn, actor, AuditKind::Automation, Some(id.0), &summary, now).await
}

/// Whether a contact has ever entered the automation.
pub async fn has_enrollments(conn: &mut Conn, id: AutomationId) -> Result<bool> {
    let of_it = enrollments::table.filter(enrollments::automation_id.eq(id));
    Ok(select(exists(of_it)).get_result(conn).await?)
}

fn check_off(automation: &Automation, now: DateTime<Utc>) -> Result<()> {
    match automation.status {
        AutomationStatus::Active => {
            Err(Error::Refused("This automation is switched on. Pause it first.".to_owned()))
        }
        AutomationStatus::Paused if automation.updated_at + OFF_FOR > now => Err(Error::Refused(
            "This automation was just changed. Delete it in ten minutes.".to_owned(),
        )),
        AutomationStatus::Draft | AutomationStatus::Paused => Ok(()),
    }
}
