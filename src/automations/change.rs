//! Creates and changes automations: every definition becomes a version, and status transitions are
//! checked.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::automation::{Automation, AutomationName, AutomationStatus, find, names_starting_with};
use super::definition::Definition;
use super::enroll;
use super::reference_check::check;
use super::step::Step;
use super::trigger::Trigger;
use crate::db::schema::{automation_versions, automations};
use crate::db::{Conn, Tx};
use crate::error::{Error, Result};
use crate::messages::claim::{self, WakeScope};
use crate::types::free_name::free_name;
use crate::types::id::AutomationId;
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// The longest name of a copy, with room for a number.
const MAX_COPY_NAME: usize = 114;

/// An automation to create.
#[derive(Debug, Clone)]
pub struct NewAutomation {
    /// Display name; unique, case-insensitively.
    pub name: AutomationName,
    /// Trigger and steps.
    pub definition: Definition,
    /// Initial status.
    pub status: AutomationStatus,
}

/// Changes to an automation; a field that is `None` leaves the value as it is.
#[derive(Debug, Clone, Default)]
pub struct AutomationChange {
    /// A new name.
    pub name: Option<AutomationName>,
    /// A new trigger.
    pub trigger: Option<Trigger>,
    /// New steps; existing enrollments finish with the former ones.
    pub steps: Option<Vec<Step>>,
    /// A new status.
    pub status: Option<AutomationStatus>,
    /// The version that the change was made to; if another one was saved meanwhile, a new trigger
    /// or new steps are refused.
    pub based_on: Option<i32>,
}

/// Creates an automation; errors are by field (`name`, `trigger.…`, `steps.<index>.…`). Must run in
/// the caller's transaction.
pub async fn create(
    conn: &mut Conn,
    actor: &Actor,
    new: NewAutomation,
    now: DateTime<Utc>,
) -> Result<Automation> {
    check(conn, &new.definition, new.status).await?;
    let id = AutomationId::new();
    diesel::insert_into(automations::table)
        .values((
            automations::id.eq(id),
            automations::name.eq(new.name.as_str()),
            automations::status.eq(new.status),
            automations::created_at.eq(now),
            automations::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(|error| name_taken(error.into()))?;
    insert_version(conn, id, 1, &new.definition, now).await?;
    let summary = format!("created the automation “{}”, {}", new.name.as_str(), new.status);
    audit::record(conn, actor, AuditKind::Automation, Some(id.0), &summary, now).await?;
    find(conn, id).await
}

/// Creates a draft with the name “Copy of …” and the same trigger and steps. Must run in the
/// caller's transaction.
pub async fn duplicate(
    conn: &mut Conn,
    actor: &Actor,
    id: AutomationId,
    now: DateTime<Utc>,
) -> Result<Automation> {
    let original = find(conn, id).await?;
    let name: String = format!("Copy of {}", original.name).chars().take(MAX_COPY_NAME).collect();
    let name = free_name(name.trim_end(), &names_starting_with(conn, name.trim_end()).await?);
    let name = AutomationName::parse(&name).map_err(|error| Error::field("name", error))?;
    let definition = original.definition;
    create(conn, actor, NewAutomation { name, definition, status: AutomationStatus::Draft }, now)
        .await
}

/// Changes an automation. Activating it resumes its enrollments and the messages already composed.
///
/// Errors as for [`create`]; an invalid status transition is an error on the field `status`, an
/// outdated version one on `form`.
pub async fn update(
    mut tx: Tx<'_>,
    actor: &Actor,
    id: AutomationId,
    change: AutomationChange,
    now: DateTime<Utc>,
) -> Result<Automation> {
    let conn: &mut Conn = &mut tx;
    let locked: Option<AutomationId> = automations::table
        .find(id)
        .select(automations::id)
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    locked.ok_or(Error::NotFound("automation"))?;
    let before = find(conn, id).await?;
    let status = change.status.unwrap_or(before.status);
    check_transition(before.status, status)?;
    if before.archived_at.is_some() && status == AutomationStatus::Active {
        return Err(Error::field("status", "This automation is archived. Unarchive it first."));
    }
    let changed = Definition {
        trigger: change.trigger.unwrap_or_else(|| before.definition.trigger.clone()),
        steps: change.steps.unwrap_or_else(|| before.definition.steps.clone()),
    };
    let definition = Some(changed).filter(|changed| *changed != before.definition);
    if definition.is_some() && change.based_on.is_some_and(|version| version != before.version) {
        return Err(version_conflict(before.version));
    }
    let activated = status == AutomationStatus::Active && before.status != AutomationStatus::Active;
    if definition.is_some() || activated {
        check(conn, definition.as_ref().unwrap_or(&before.definition), status).await?;
    }
    let name = change.name.as_ref().map_or(before.name.as_str(), AutomationName::as_str);
    if definition.is_none() && status == before.status && name == before.name {
        return Ok(before);
    }

    let version = before.version + i32::from(definition.is_some());
    if let Some(definition) = &definition {
        insert_version(conn, id, version, definition, now).await?;
    }
    diesel::update(automations::table.find(id))
        .set((
            automations::name.eq(name),
            automations::status.eq(status),
            automations::version.eq(version),
            automations::updated_at.eq(now),
        ))
        .execute(conn)
        .await
        .map_err(|error| name_taken(error.into()))?;
    let differences = Differences::default()
        .compare("the name", before.name.as_str(), name)
        .compare("its state", &before.status, &status)
        .compare(
            "what it does",
            &format!("version {}", before.version),
            &format!("version {version}"),
        );
    let summary = format!("changed the automation “{}”: {differences}", before.name);
    audit::record(conn, actor, AuditKind::Automation, Some(id.0), &summary, now).await?;
    let updated = find(conn, id).await?;
    if activated {
        enroll::resume(conn, id, now).await?;
        claim::wake(&mut tx.close(), WakeScope::Automation(id), now).await?;
    }
    Ok(updated)
}

fn check_transition(from: AutomationStatus, to: AutomationStatus) -> Result<()> {
    use AutomationStatus::{Active, Draft, Paused};
    match (from, to) {
        (Draft, Paused) => {
            Err(Error::field("status", "A draft can’t be paused. Switch it on first."))
        }
        (Active | Paused, Draft) => Err(Error::field(
            "status",
            "An automation that has run can’t become a draft again. Pause it instead.",
        )),
        (Draft, Draft | Active) | (Active | Paused, Active | Paused) => Ok(()),
    }
}

async fn insert_version(
    conn: &mut Conn,
    id: AutomationId,
    version: i32,
    definition: &Definition,
    now: DateTime<Utc>,
) -> Result<()> {
    let (trigger, steps) = definition.to_json()?;
    diesel::insert_into(automation_versions::table)
        .values((
            automation_versions::automation_id.eq(id),
            automation_versions::version.eq(version),
            automation_versions::trigger.eq(trigger),
            automation_versions::steps.eq(steps),
            automation_versions::created_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The error for a definition that is based on a version that is not the newest any more.
fn version_conflict(newest: i32) -> Error {
    let text = format!(
        "Version {newest} was saved while you were writing. Your input is kept: press “Save” again \
         to make it version {}.",
        newest + 1
    );
    Error::field("form", text)
}

fn name_taken(error: Error) -> Error {
    error.on_constraint(
        "automations_name_key",
        "name",
        "Another automation has this name. Choose a different one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_run_is_paused_and_never_a_draft_again() {
        use AutomationStatus::{Active, Draft, Paused};
        for (from, to) in
            [(Draft, Draft), (Draft, Active), (Active, Paused), (Paused, Active), (Paused, Paused)]
        {
            assert!(check_transition(from, to).is_ok(), "{from} -> {to}");
        }
        for (from, to) in [(Draft, Paused), (Active, Draft), (Paused, Draft)] {
            let error = check_transition(from, to).unwrap_err().to_string();
            assert!(error.starts_with("status: "), "{from} -> {to}: {error}");
        }
    }
}
