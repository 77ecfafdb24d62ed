//! Saves what the editor contains.

use chrono::{DateTime, Utc};

use super::form::AutomationForm;
use crate::automations::{self, Automation, AutomationChange, AutomationStatus, NewAutomation};
use crate::db::{self, Conn};
use crate::error::Error;
use crate::types::id::AutomationId;
use crate::users::audit::Actor;

/// The automation that the form edits; its id is none for a new one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) id: Option<AutomationId>,
    pub(super) status: AutomationStatus,
    /// Its newest version before the request; zero for a new one.
    pub(super) version: i32,
}

impl Subject {
    /// An automation that is not saved yet.
    pub(super) const NEW: Self = Self { id: None, status: AutomationStatus::Draft, version: 0 };

    pub(super) const fn of(automation: &Automation) -> Self {
        Self { id: Some(automation.id), status: automation.status, version: automation.version }
    }
}

/// How complete an automation has to be in order to be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// As its status requires: a draft may be incomplete.
    ForStatus,
    /// Complete enough to be switched on next; errors name what is missing.
    Runnable,
}

/// Creates or changes the automation. Its status stays: switching on has its own page, which says
/// first what will happen.
pub(super) async fn save(
    conn: &mut Conn,
    actor: &Actor,
    now: DateTime<Utc>,
    subject: Subject,
    form: &AutomationForm,
    completeness: Completeness,
) -> Result<Automation, Error> {
    let (name, definition) = form.parse().map_err(Error::Invalid)?;
    db::transaction(conn, async |tx| {
        let mut tx = tx.open();
        if completeness == Completeness::Runnable {
            automations::check_can_run(&mut tx, &definition).await?;
        }
        match subject.id {
            None => {
                automations::create(
                    &mut tx,
                    actor,
                    NewAutomation { name, definition, status: AutomationStatus::Draft },
                    now,
                )
                .await
            }
            Some(id) => {
                let change = AutomationChange {
                    name: Some(name),
                    trigger: Some(definition.trigger),
                    steps: Some(definition.steps),
                    status: None,
                    based_on: form.version.parse().ok(),
                };
                automations::update(tx, actor, id, change, now).await
            }
        }
    })
    .await
}
