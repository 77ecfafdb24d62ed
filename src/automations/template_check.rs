//! Checks a template on saving against real values of its variables: those of recent events that
//! lead to it, and of contacts.

use serde_json::Value;

use super::definition::Definition;
use super::template_uses;
use super::trigger::Trigger;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::events::{self, EventName};
use crate::templates::{self, Evaluated, NewTemplate, Template, TemplateError, Variables};
use crate::types::id::TemplateId;
use crate::types::phone::PhoneNumber;

/// Number of newest events and contacts to check against, as a sample of what follows.
const MAX_SAMPLES: i64 = 50;
/// Maximum number of automations whose events are considered.
const MAX_USES: i64 = 100;
/// A placeholder number; the value does not matter here.
const SAMPLE_NUMBER: &str = "+14155550100";

/// Sample values for the variables that a template uses.
#[derive(Debug, Default)]
pub struct KnownValues {
    events: Vec<Value>,
    contacts: Vec<Contact>,
}

impl KnownValues {
    /// Loads sample values; queries only what the template uses.
    pub async fn load(conn: &mut Conn, new: &NewTemplate, id: Option<TemplateId>) -> Result<Self> {
        let events = if uses(new, "event") { events_for(conn, id).await? } else { Vec::new() };
        Self::with_contacts(conn, new, events).await
    }

    /// Loads sample values for a template that only events of this name lead to.
    pub async fn of_event(conn: &mut Conn, new: &NewTemplate, name: &EventName) -> Result<Self> {
        let mut events = Vec::new();
        if uses(new, "event") {
            events = events::newest(conn, MAX_SAMPLES).await?;
            events.retain(|event| event.name == *name);
        }
        let properties = events.into_iter().map(|event| event.properties).collect();
        Self::with_contacts(conn, new, properties).await
    }

    async fn with_contacts(conn: &mut Conn, new: &NewTemplate, events: Vec<Value>) -> Result<Self> {
        let mut contacts = Vec::new();
        if uses(new, "contact.attributes") {
            contacts = contacts::newest(conn, MAX_SAMPLES).await?;
        }
        Ok(Self { events, contacts })
    }

    /// Adds an error for what fails for every message; returns a warning for what fails only on
    /// some branch of an `if`.
    pub fn check(&self, new: &NewTemplate, errors: &mut FieldErrors) -> Vec<String> {
        let Ok(number) = PhoneNumber::from_e164(SAMPLE_NUMBER) else { return Vec::new() };
        let of_events = self.events.iter().map(|event| Variables::for_phone(&number, Some(event)));
        let of_contacts = self.contacts.iter().map(|contact| Variables::new(contact, None));
        let samples: Vec<Variables<'_>> = of_events.chain(of_contacts).collect();
        let mut warnings = Vec::new();
        if samples.is_empty() {
            return warnings;
        }
        let mut note =
            |field: &str, checked: std::result::Result<(), (TemplateError, Evaluated)>| {
                match checked {
                    Ok(()) => {}
                    Err((error, Evaluated::Always)) => {
                        errors.add(
                            field,
                            format!(
                                "{error} Recent events and contacts have exactly that, so every \
                                 message would fail."
                            ),
                        );
                    }
                    Err((error, Evaluated::Sometimes)) => {
                        warnings
                            .push(format!("{error} Recent events and contacts have exactly that."));
                    }
                }
            };
        note("body", new.body().check_with(&samples));
        for (index, url) in new.media().iter().enumerate() {
            note(&format!("media_urls.{index}"), url.check_with(&samples));
        }
        warnings
    }
}

/// Whether the template uses variables that begin so.
fn uses(new: &NewTemplate, root: &str) -> bool {
    new.variables().iter().any(|variable| variable.starts_with(root))
}

/// Warnings about likely mistakes in the templates of an automation, each with the template's name.
pub async fn warnings(conn: &Conn, definition: &Definition) -> Result<Vec<String>> {
    let (ids, _) = definition.refers_to();
    let mut templates: Vec<Template> =
        templates::find_many(conn, &ids).await?.into_values().collect();
    templates.sort_by(|left, right| left.name.cmp(&right.name));
    let of = |template: &Template| {
        let name = template.name.clone();
        template.warnings().into_iter().map(move |warning| format!("Template “{name}”: {warning}"))
    };
    Ok(templates.iter().flat_map(of).collect())
}

/// The properties of the newest events that start automations with this template; of all newest
/// events if there are none.
async fn events_for(conn: &mut Conn, id: Option<TemplateId>) -> Result<Vec<Value>> {
    let newest = events::newest(conn, MAX_SAMPLES).await?;
    let uses = match id {
        Some(id) => template_uses::of_template(conn, id, MAX_USES).await?,
        None => Vec::new(),
    };
    let starts = |event: &events::Event| {
        uses.iter().any(|used| {
            matches!(
                &used.automation.definition.trigger,
                Trigger::Event { name: Some(name), .. } if *name == event.name
            )
        })
    };
    let (leading, others): (Vec<_>, Vec<_>) = newest.into_iter().partition(starts);
    let chosen = if leading.is_empty() { others } else { leading };
    Ok(chosen.into_iter().map(|event| event.properties).collect())
}
