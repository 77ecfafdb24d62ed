//! What is most useful to do next, once an installation is set up.

use serde::Serialize;

use crate::automations::{self, Automation, AutomationStatus, STARTERS, Starter};
use crate::db::Conn;
use crate::error::Result;
use crate::users::Role;

/// The largest number of automations that are considered.
const MAX_CONSIDERED: i64 = 200;

/// A suggestion.
#[derive(Debug, Serialize)]
pub(super) struct TryNext {
    title: String,
    text: String,
    link: String,
    action: &'static str,
}

/// Loads the suggestion for a user of this role, if there is one.
pub(super) async fn load(conn: &mut Conn, role: Role) -> Result<Option<TryNext>> {
    if role < Role::Marketer {
        return Ok(None);
    }
    let automations = automations::list(conn, None, MAX_CONSIDERED).await?;
    Ok(suggestion(&automations))
}

/// A draft is nearly done, so it comes first; then the first starter that has no automation.
fn suggestion(automations: &[Automation]) -> Option<TryNext> {
    let in_status = |status| automations.iter().find(move |one| one.status == status);
    if let Some(draft) = in_status(AutomationStatus::Draft) {
        return Some(TryNext {
            title: format!("Finish {}", draft.name),
            text: "It is a draft and sends nothing until you switch it on.".to_owned(),
            link: format!("/automations/{}", draft.id),
            action: "Open draft",
        });
    }
    if in_status(AutomationStatus::Active).is_none() {
        return Some(TryNext {
            title: "All automations are paused".to_owned(),
            text: "Switch one on to send texts when something happens.".to_owned(),
            link: "/automations".to_owned(),
            action: "Open automations",
        });
    }
    let starter = STARTERS.iter().find(|starter| !is_used(starter, automations))?;
    Some(TryNext {
        title: starter.name.to_owned(),
        text: starter.purpose.to_owned(),
        link: "/automations/starters".to_owned(),
        action: "Choose a starter",
    })
}

/// Whether an automation has the starter's name, or starts with the same thing.
fn is_used(starter: &Starter, automations: &[Automation]) -> bool {
    let name = starter.name.to_lowercase();
    let trigger = starter.trigger().ok();
    automations.iter().any(|automation| {
        automation.name.to_lowercase().starts_with(&name)
            || trigger.as_ref() == Some(&automation.definition.trigger)
    })
}

#[cfg(debug_assertions)]
#[path = "samples/try_next.rs"]
mod samples;
