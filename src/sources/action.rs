//! Actions: an event of a source sends an SMS, by an ordinary template and an ordinary automation.

use chrono::{DateTime, Utc};

use super::source;
use crate::automations::condition::Conditions;
use crate::automations::template_check::KnownValues;
use crate::automations::{
    self, AutomationName, AutomationStatus, Definition, NewAutomation, Recipient, Step, Trigger,
};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::events::EventName;
use crate::templates::{self, NewTemplate};
use crate::types::free_name::free_name;
use crate::types::id::{AutomationId, SenderId, SourceId, TemplateId};
use crate::types::mistake;
use crate::users::audit::Actor;

/// The longest name that leaves room for a number, in characters.
const MAX_BASE_NAME: usize = 114;

/// An action to create; all texts are as typed.
#[derive(Debug, Clone)]
pub struct NewAction {
    /// The source whose events start it.
    pub source_id: SourceId,
    /// The event that starts it.
    pub event_name: String,
    /// Whom it texts: `$.traits.phone`, `$.properties.phone`, `contact.phone` …
    pub to: String,
    /// The text.
    pub body: String,
    /// The addresses of media; blank ones are left out.
    pub media_urls: Vec<String>,
    /// What it is sent from.
    pub sender_id: String,
    /// The name of automation and template; blank for one by the event.
    pub name: String,
}

/// Creates the automation and the template of an action, and reports all mistakes at once, by field
/// (`event_name`, `to`, `body`, `media_urls.<index>`, `sender_id`, `name`).
///
/// The automation is active, except that one whose text has a likely mistake, such as a merge tag,
/// is a draft. Must run in the caller's transaction.
pub async fn create_action(
    conn: &mut Conn,
    actor: &Actor,
    new: NewAction,
    now: DateTime<Utc>,
) -> Result<(AutomationId, TemplateId)> {
    source::find(conn, new.source_id).await?;
    let mut errors = FieldErrors::default();
    let event_name = errors.check("event_name", EventName::parse(&new.event_name));
    let name = name(conn, &new, event_name.as_ref(), &mut errors).await?;
    let template = template(conn, &new, name.as_ref(), &mut errors).await?;
    let to = errors.check("to", Recipient::parse(&new.to)).unwrap_or_default();
    let sender_id = match new.sender_id.trim() {
        "" => None,
        typed => errors.check("sender_id", mistake::id(typed, "sender")),
    };
    let mut warnings = Vec::new();
    if let (Some(template), Some(event_name)) = (&template, &event_name) {
        let known = KnownValues::of_event(conn, template, event_name).await?;
        warnings = known.check(template, &mut errors);
        warnings.extend(template.warnings());
    }
    let trigger = Trigger::Event {
        name: event_name,
        source_id: Some(new.source_id),
        conditions: Conditions::default(),
        max_age_seconds: None,
    };
    note_what_cannot_run(conn, &trigger, sender_id, &mut errors).await?;
    let (Some(name), Some(template), true) = (name, template, errors.is_empty()) else {
        return Err(Error::Invalid(errors));
    };
    let template_id = templates::create(conn, actor, template, now).await?.id;
    let step = Step::SendSms { template_id: Some(template_id), sender_id, to };
    let definition = Definition { trigger, steps: vec![step] };
    let status =
        if warnings.is_empty() { AutomationStatus::Active } else { AutomationStatus::Draft };
    let new = NewAutomation { name, definition, status };
    Ok((automations::create(conn, actor, new, now).await?.id, template_id))
}

/// The name of the automation: as typed, or a free one by the event.
async fn name(
    conn: &mut Conn,
    new: &NewAction,
    event_name: Option<&EventName>,
    errors: &mut FieldErrors,
) -> Result<Option<AutomationName>> {
    let typed = new.name.trim();
    if !typed.is_empty() {
        let name = errors.check("name", AutomationName::parse(typed));
        let taken = automations::names_starting_with(conn, typed).await?;
        if taken.iter().any(|taken| taken.to_lowercase() == typed.to_lowercase()) {
            errors.add("name", "Another automation has this name. Choose a different one.");
        }
        return Ok(name);
    }
    let Some(event_name) = event_name else { return Ok(None) };
    let base = shortened(&format!("SMS on {event_name}"));
    let name = free_name(&base, &automations::names_starting_with(conn, &base).await?);
    Ok(errors.check("name", AutomationName::parse(&name)))
}

/// The template, with the automation's name, or that and a number if another template has it.
async fn template(
    conn: &mut Conn,
    new: &NewAction,
    name: Option<&AutomationName>,
    errors: &mut FieldErrors,
) -> Result<Option<NewTemplate>> {
    let base = shortened(name.map_or("SMS", AutomationName::as_str));
    let name = free_name(&base, &templates::names_starting_with(conn, &base).await?);
    let filled = new.media_urls.iter().filter(|url| !url.trim().is_empty());
    let media_urls: Vec<String> = filled.cloned().collect();
    Ok(match NewTemplate::parse(&name, &new.body, &media_urls) {
        Ok(template) => Some(template),
        Err(found) => {
            for (field, messages) in found.iter() {
                errors.add_all(field, messages);
            }
            None
        }
    })
}

/// Adds the reasons why an automation with this trigger and sender could not be active.
async fn note_what_cannot_run(
    conn: &mut Conn,
    trigger: &Trigger,
    sender_id: Option<SenderId>,
    errors: &mut FieldErrors,
) -> Result<()> {
    let step = Step::SendSms { template_id: None, sender_id, to: Recipient::default() };
    let definition = Definition { trigger: trigger.clone(), steps: vec![step] };
    let found = match automations::check_can_run(conn, &definition).await {
        Ok(()) => return Ok(()),
        Err(Error::Invalid(found)) => found,
        Err(other) => return Err(other),
    };
    // The template is not made yet, and what could not be read has its error already.
    let known: Vec<String> = errors.iter().map(|(field, _)| field.to_owned()).collect();
    for (path, messages) in found.iter() {
        let field = match path {
            "steps.0.template_id" => continue,
            "steps.0.sender_id" => "sender_id",
            "trigger.name" => "event_name",
            other => other,
        };
        if !known.iter().any(|known| known == field) {
            errors.add_all(field, messages);
        }
    }
    Ok(())
}

fn shortened(name: &str) -> String {
    let start: String = name.chars().take(MAX_BASE_NAME).collect();
    start.trim_end().to_owned()
}
