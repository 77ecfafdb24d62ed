//! Checks a template when it is saved, by what its variables have been so far: in the newest events
//! that lead to it, and in contacts.

use serde_json::Value;

use super::definition::Definition;
use super::trigger::Trigger;
use super::uses;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::events;
use crate::templates::{self, NewTemplate, Reach, Template, TemplateError, Variables};
use crate::types::id::TemplateId;
use crate::types::phone::PhoneNumber;

/// Events and contacts that are looked at: the newest ones tell what comes next.
const SAMPLES: i64 = 50;
/// Automations whose events are asked for.
const MAX_USES: i64 = 100;
/// Any number: what a contact's number is called does not matter here.
const NUMBER: &str = "+14155550100";

/// What events and contacts have had, for the variables that a template names.
#[derive(Debug, Default)]
pub struct KnownValues {
    events: Vec<Value>,
    contacts: Vec<Contact>,
}

impl KnownValues {
    /// Finds what a template is checked with; nothing is asked for that it does not name.
    pub async fn load(conn: &mut Conn, new: &NewTemplate, id: Option<TemplateId>) -> Result<Self> {
        let variables = new.variables();
        let names = |root: &str| variables.iter().any(|variable| variable.starts_with(root));
        let mut samples = Self::default();
        if names("event") {
            samples.events = events_for(conn, id).await?;
        }
        if names("contact.attributes") {
            samples.contacts = contacts::newest(conn, SAMPLES).await?;
        }
        Ok(samples)
    }

    /// Notes what fails for every message; what fails only where an if goes a certain way is a
    /// warning in the answer.
    pub fn check(&self, new: &NewTemplate, errors: &mut FieldErrors) -> Vec<String> {
        let Ok(number) = PhoneNumber::from_e164(NUMBER) else { return Vec::new() };
        let of_events = self.events.iter().map(|event| Variables::for_phone(&number, Some(event)));
        let of_contacts = self.contacts.iter().map(|contact| Variables::new(contact, None));
        let samples: Vec<Variables<'_>> = of_events.chain(of_contacts).collect();
        let mut warnings = Vec::new();
        if samples.is_empty() {
            return warnings;
        }
        let mut note =
            |field: &str, checked: std::result::Result<(), (TemplateError, Reach)>| match checked {
                Ok(()) => {}
                Err((error, Reach::Always)) => {
                    errors.add(
                        field,
                        format!(
                            "{error} That is what recent events and contacts have, so every \
                             message would fail."
                        ),
                    );
                }
                Err((error, Reach::Sometimes)) => {
                    warnings.push(format!("{error} That is what recent events and contacts have."));
                }
            };
        note("body", new.body().check_with(&samples));
        for (index, url) in new.media().iter().enumerate() {
            note(&format!("media_urls.{index}"), url.check_with(&samples));
        }
        warnings
    }
}

/// What the templates of an automation probably do not mean as it stands, each with the name of its
/// template.
pub async fn warnings(conn: &Conn, definition: &Definition) -> Result<Vec<String>> {
    let (ids, _) = definition.refers_to();
    let mut templates: Vec<Template> =
        templates::find_many(conn, &ids).await?.into_values().collect();
    templates.sort_by(|one, other| one.name.cmp(&other.name));
    let of = |template: &Template| {
        let name = template.name.clone();
        template.warnings().into_iter().map(move |warning| format!("Template “{name}”: {warning}"))
    };
    Ok(templates.iter().flat_map(of).collect())
}

/// The properties of the newest events that start what sends the template; of all, where none does.
async fn events_for(conn: &mut Conn, id: Option<TemplateId>) -> Result<Vec<Value>> {
    let newest = events::newest(conn, SAMPLES).await?;
    let uses = match id {
        Some(id) => uses::of_template(conn, id, MAX_USES).await?,
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
