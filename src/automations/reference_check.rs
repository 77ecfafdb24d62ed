//! Checks that the source, templates and senders of a definition exist and can be used.

use std::collections::HashMap;

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;
use diesel_async::RunQueryDsl;

use super::automation::AutomationStatus;
use super::definition::Definition;
use super::step::Step;
use crate::db::Conn;
use crate::db::schema::sources;
use crate::error::{FieldErrors, Result};
use crate::senders::{self, Sender};
use crate::templates::{self, Template};
use crate::types::id::{SenderId, SourceId, TemplateId};
use crate::types::mistake::Mistake;

/// Checks that a definition could be activated; errors are by field (`trigger.…`,
/// `steps.<index>.…`).
pub async fn check_can_run(conn: &mut Conn, definition: &Definition) -> Result<()> {
    check(conn, definition, AutomationStatus::Active).await
}

/// Reports every reason why the definition cannot be saved with this status.
///
/// A draft may be incomplete, but its references must exist; a paused automation must be complete;
/// an active one must be able to send.
pub(super) async fn check(
    conn: &mut Conn,
    definition: &Definition,
    status: AutomationStatus,
) -> Result<()> {
    let mut errors = FieldErrors::default();
    if status != AutomationStatus::Draft {
        errors = definition.missing();
        if !definition.sends() {
            errors.add("steps", "Add a step that sends a text. Without one, nothing happens.");
        }
    }
    if let Some(id) = definition.trigger.source_id()
        && !source_exists(conn, id).await?
    {
        errors.add("trigger.source_id", Mistake::Unknown("source"));
    }
    let references = References::load(conn, definition).await?;
    for (index, step) in definition.steps.iter().enumerate() {
        if let Step::SendSms { template_id, sender_id, .. } = step {
            if let Some(problem) =
                template_id.and_then(|id| template_problem(references.templates.get(&id), status))
            {
                errors.add(&format!("steps.{index}.template_id"), problem);
            }
            if let Some(problem) =
                sender_id.and_then(|id| sender_problem(references.senders.get(&id), status))
            {
                errors.add(&format!("steps.{index}.sender_id"), problem);
            }
        }
    }
    errors.into_result()
}

struct References {
    templates: HashMap<TemplateId, Template>,
    senders: HashMap<SenderId, Sender>,
}

impl References {
    async fn load(conn: &mut Conn, definition: &Definition) -> Result<Self> {
        let (template_ids, sender_ids) = definition.refers_to();
        Ok(Self {
            templates: templates::find_many(conn, &template_ids).await?,
            senders: senders::find_many(conn, &sender_ids).await?,
        })
    }
}

/// Whether there is a source with this id; the slice of sources is above this one.
async fn source_exists(conn: &mut Conn, id: SourceId) -> Result<bool> {
    Ok(select(exists(sources::table.find(id))).get_result(conn).await?)
}

fn template_problem(template: Option<&Template>, status: AutomationStatus) -> Option<String> {
    match template {
        None => Some(Mistake::Unknown("template").into()),
        Some(template) if template.archived_at.is_some() && status == AutomationStatus::Active => {
            Some(format!(
                "The template “{}” is archived. Choose another one, or unarchive it.",
                template.name
            ))
        }
        Some(_) => None,
    }
}

fn sender_problem(sender: Option<&Sender>, status: AutomationStatus) -> Option<String> {
    let Some(sender) = sender else { return Some(Mistake::Unknown("sender").into()) };
    if status != AutomationStatus::Active {
        return None;
    }
    if sender.disabled_at.is_some() {
        let label = sender.label();
        return Some(format!(
            "The sender {label} is disabled. Choose another one, or enable it in the Connection \
             Center."
        ));
    }
    sender.stopped_at?;
    let why = sender.stopped_reason.as_deref().unwrap_or("Twilio refused it.");
    Some(format!("The sender {} is stopped: {why}", sender.label()))
}
