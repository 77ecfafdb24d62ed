//! The page *Try it*: a dry run of an automation for a chosen contact and event, step by step,
//! without sending anything.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::sentences;
use crate::automations::{
    self, Definition, DryRun, EnrollmentFilter, Start, Step, StepEffect, StepOutcome, TriedEvent,
    Trigger, dry_run,
};
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::events::{self, Event, EventName};
use crate::templates;
use crate::twilio::parts;
use crate::types::id::{AutomationId, SourceId};
use crate::users::User;
use crate::web::http::access::Access;
use crate::web::http::error::PageError;
use crate::web::ui::made_up_contact::{MADE_UP, made_up_contact};
use crate::web::ui::{Choice, preview_contacts, preview_event};
use crate::web::{Page, PageResult, Query, Viewer, Visit, quantities};

/// The number of the contact's newest events to choose from.
const EVENTS: i64 = 20;

/// The prefix of the dry run's fields inside the form of the editor.
pub(super) const FIELD_PREFIX: &str = "try.";

/// The input of a dry run.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct DryRunForm {
    find: String,
    contact_id: String,
    /// The chosen event: an id, `sample` or `written`; blank for the newest one that starts it.
    event_id: String,
    /// The properties of an event written by hand, as JSON.
    event: String,
    /// The initial value of `event`: while both are equal, the user has not edited it.
    begun: String,
}

/// The event of a dry run.
struct ChosenEvent {
    /// The name of a reported event. Without one, the dry run takes the name that the trigger waits
    /// for.
    name: Option<EventName>,
    source_id: Option<SourceId>,
    properties: Value,
}

/// A dry run with its input and the options of its form.
#[derive(Debug, Serialize)]
pub(super) struct AutomationDryRun {
    form: DryRunForm,
    contacts: Vec<Choice>,
    events: Vec<Choice>,
    /// Whether the trigger is an event.
    needs_event: bool,
    run: Option<DryRunView>,
}

/// The result of a dry run, in words.
#[derive(Debug, Serialize)]
struct DryRunView {
    /// The properties of the event.
    event: Option<Value>,
    starts: bool,
    /// The result in a sentence: “Ada would get 2 texts”.
    result: String,
    /// A sentence about whether it would start, and why not.
    start: String,
    steps: Vec<StepView>,
    ends_at: DateTime<Utc>,
    /// The parts of all texts that would be sent.
    parts: u32,
}

/// What one step would do.
#[derive(Debug, Serialize)]
struct StepView {
    number: usize,
    at: DateTime<Utc>,
    /// The effect: `send`, `suppressed`, `held`, `not_sent`, `wait` or `fail`.
    kind: &'static str,
    /// What the step does: “Send” and a template, or “Wait” and a length.
    verb: &'static str,
    name: String,
    /// What becomes of it: where to, or why not.
    text: String,
    body: Option<String>,
    media_urls: Vec<String>,
    characters: usize,
    parts: u16,
}

/// The page for the dry run of a saved automation.
#[derive(Debug, Serialize)]
pub(in crate::web) struct DryRunPage {
    id: AutomationId,
    name: String,
    trigger: String,
    trial: AutomationDryRun,
    errors: FieldErrors,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<AutomationId>,
    form: Query<DryRunForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let (trial, errors) = AutomationDryRun::load(
        &mut conn,
        &visit,
        Some(automation.id),
        &automation.definition,
        form.into_inner(),
    )
    .await?;
    drop(conn);
    let trigger = sentences::trigger(&automation.definition.trigger);
    visit.page(&DryRunPage { id: automation.id, name: automation.name, trigger, trial, errors })
}

impl DryRunForm {
    /// Reads the fields of a dry run from the editor's form, where they start with
    /// [`FIELD_PREFIX`].
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let field = |name: &str| {
            let found =
                pairs.iter().find(|(known, _)| known.strip_prefix(FIELD_PREFIX) == Some(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let [find, contact_id, event_id, event, begun] =
            ["find", "contact_id", "event_id", "event", "begun"].map(field);
        Self { find, contact_id, event_id, event, begun }
    }

    /// Picks the chosen event, else the contact's newest that would start the automation, else a
    /// generated sample; none if the written properties are invalid. Updates the form to match.
    fn event(
        &mut self,
        events: &[Event],
        trigger: &Trigger,
        sample: Value,
        errors: &mut FieldErrors,
    ) -> Option<ChosenEvent> {
        let chosen = match self.event_id.as_str() {
            preview_event::SAMPLE | preview_event::WRITTEN => None,
            id => {
                let newest_starting = || {
                    events.iter().find(|event| {
                        trigger.matches_event(
                            &event.name,
                            event.source_id,
                            &event.properties,
                            event.occurred_at,
                            event.received_at,
                        )
                    })
                };
                events.iter().find(|event| event.id.to_string() == id).or_else(newest_starting)
            }
        };
        let written = self.event_id == preview_event::WRITTEN;
        let event = match chosen {
            Some(event) => ChosenEvent {
                name: Some(event.name.clone()),
                source_id: event.source_id,
                properties: event.properties.clone(),
            },
            None => ChosenEvent { name: None, source_id: None, properties: sample },
        };
        let untouched = self.event.replace("\r\n", "\n") == self.begun.replace("\r\n", "\n");
        if self.event.trim().is_empty() || (untouched && !written) {
            self.event = preview_event::initial_properties(&event.properties);
            self.begun.clone_from(&self.event);
        }
        if written {
            return errors
                .check("event", preview_event::parse_properties(&self.event))
                .flatten()
                .map(|properties| ChosenEvent { name: None, source_id: None, properties });
        }
        self.event_id =
            chosen.map_or_else(|| preview_event::SAMPLE.to_owned(), |event| event.id.to_string());
        Some(event)
    }
}

impl AutomationDryRun {
    /// Runs the steps for the chosen contact and event, without sending anything. The preset
    /// contact is the last one enrolled, else the newest, else a made-up one. Errors of the form
    /// are returned beside the result.
    pub(super) async fn load(
        conn: &mut Conn,
        visit: &Visit<impl Access<Who = User>>,
        automation: Option<AutomationId>,
        definition: &Definition,
        mut form: DryRunForm,
    ) -> Result<(Self, FieldErrors), PageError> {
        if let (true, true, Some(id)) =
            (form.contact_id.is_empty(), form.find.trim().is_empty(), automation)
        {
            let last = automations::enrollments(conn, id, &EnrollmentFilter::default(), None, 1)
                .await?
                .pop();
            form.contact_id = last.map(|last| last.contact_id.to_string()).unwrap_or_default();
        }
        let needs_event = matches!(definition.trigger, Trigger::Event { .. });
        let mut errors = FieldErrors::default();
        let found = preview_contacts::load(
            conn,
            &visit.organization,
            &form.find,
            form.contact_id.parse().ok(),
            &mut errors,
        )
        .await?;
        let made_up = made_up_contact(visit.now())?;
        // A search that finds contacts replaces the made-up one, as it replaces any other.
        let offers_made_up = found.is_empty() || form.find.trim().is_empty();
        let lacks_contacts = found.is_empty() && form.find.trim().is_empty();
        let is_made_up = lacks_contacts || (offers_made_up && form.contact_id == MADE_UP);
        let chosen = if is_made_up {
            Some(&made_up)
        } else {
            found.iter().find(|contact| contact.id.to_string() == form.contact_id).or(found.first())
        };
        form.contact_id = match chosen {
            Some(_) if is_made_up => MADE_UP.to_owned(),
            Some(contact) => contact.id.to_string(),
            None => String::new(),
        };
        let mut events = Vec::new();
        let mut run = None;
        if let Some(contact) = chosen {
            let mut event = None;
            if needs_event {
                if !is_made_up {
                    events = events::of_contact(conn, contact.id, EVENTS).await?;
                }
                let sample = automations::sample_event(conn, definition, &contact.phone).await?;
                event = form.event(&events, &definition.trigger, sample, &mut errors);
            }
            if event.is_some() || !needs_event {
                let tried = event.as_ref().map(|event| TriedEvent {
                    name: event.name.as_ref(),
                    source_id: event.source_id,
                    properties: &event.properties,
                });
                let result = dry_run(
                    conn,
                    &visit.context.renderer,
                    &visit.organization,
                    definition,
                    contact,
                    tried,
                    visit.now(),
                )
                .await?;
                let templates = templates::find_many(conn, &definition.refers_to().0).await?;
                let names = |index: usize| match definition.steps.get(index) {
                    Some(Step::SendSms { template_id: Some(id), .. }) => {
                        templates.get(id).map(|template| template.name.clone())
                    }
                    _ => None,
                };
                run = Some(DryRunView::new(&contact.label(), event, result, names));
            }
        }
        let contacts = found
            .iter()
            .map(|contact| Choice::new(contact.id.to_string(), contact.long_label()))
            .chain(offers_made_up.then(|| Choice::new(MADE_UP, "A made-up contact")))
            .collect();
        let of_contact = events.iter().map(|event| preview_event::choice(event, visit.zone()));
        let events = of_contact.chain(unreported_choices()).collect();
        Ok((Self { form, contacts, events, needs_event, run }, errors))
    }
}

fn unreported_choices() -> [Choice; 2] {
    [
        Choice::new(preview_event::SAMPLE, "Made up to fit"),
        Choice::new(preview_event::WRITTEN, "Written by hand"),
    ]
}

impl DryRunView {
    /// `names`: the names of the templates that steps send.
    fn new(
        contact: &str,
        event: Option<ChosenEvent>,
        result: DryRun,
        names: impl Fn(usize) -> Option<String>,
    ) -> Self {
        let view = |outcome: StepOutcome| {
            let name = names(outcome.step);
            StepView::new(outcome, name)
        };
        let steps: Vec<StepView> = result.outcomes.into_iter().map(view).collect();
        let sent = || steps.iter().filter(|step| step.kind == "send");
        let starts = result.start == Start::Yes;
        Self {
            starts,
            result: sentences::dry_run_result(contact, starts, sent().count()),
            start: start_text(&result.start, event.as_ref()),
            event: event.map(|event| event.properties),
            parts: sent().map(|step| u32::from(step.parts)).sum(),
            steps,
            ends_at: result.ends_at,
        }
    }
}

fn start_text(start: &Start, event: Option<&ChosenEvent>) -> String {
    match start {
        Start::Yes if event.is_some_and(|event| event.name.is_none()) => {
            "The trigger fits. This event is made up.".to_owned()
        }
        Start::Yes => "The trigger fits.".to_owned(),
        Start::Incomplete => "The trigger is not complete yet.".to_owned(),
        Start::NoEvent => "The trigger needs an event. These steps follow without one.".to_owned(),
        Start::OtherEvent(wanted) => {
            format!(
                "The trigger waits for the event “{wanted}”. These steps follow if it \
                     arrives."
            )
        }
        Start::OtherSource => {
            "The trigger waits for another source. These steps follow if it reports it.".to_owned()
        }
        Start::Unmet(unmet) => {
            let unmet: Vec<String> = unmet.iter().map(sentences::condition).collect();
            format!("Required: {}. These steps follow if it fits.", unmet.join(", "))
        }
    }
}

impl StepView {
    fn new(outcome: StepOutcome, template: Option<String>) -> Self {
        let send = |kind, text: String| Self {
            number: outcome.step + 1,
            at: outcome.at,
            kind,
            verb: "Send",
            name: template.unwrap_or_else(|| "a text".to_owned()),
            text,
            body: None,
            media_urls: Vec::new(),
            characters: 0,
            parts: 0,
        };
        match outcome.effect {
            StepEffect::Wait(until) => {
                let seconds = u32::try_from((until - outcome.at).num_seconds()).unwrap_or_default();
                let name = quantities::duration(seconds);
                Self { verb: "Wait", name, ..send("wait", String::new()) }
            }
            StepEffect::NotSent(why) => send("not_sent", format!("Not sent: {why}")),
            StepEffect::Fail(why) => send("fail", format!("The flow ends here: {why}")),
            StepEffect::Send { to, text, media_urls, sender, suppressed, held } => {
                let to = to.international();
                let (kind, line) = match suppressed {
                    Some(reason) => {
                        ("suppressed", format!("Suppressed, not sent to {to}: {}", reason.label()))
                    }
                    None if held => (
                        "held",
                        format!("To {to} from {}, once that sender sends again", sender.label()),
                    ),
                    None => ("send", format!("To {to} from {}", sender.label())),
                };
                let parts = parts::count(&text).count;
                let characters = text.chars().count();
                Self { body: Some(text), media_urls, characters, parts, ..send(kind, line) }
            }
        }
    }
}

impl Page for DryRunPage {
    const TEMPLATE: &'static str = "ui/automations/dry_run.html";
}

#[cfg(debug_assertions)]
#[path = "samples/dry_run.rs"]
mod samples;
