//! *Try it*: what an automation would do for a chosen contact and event, each step with its
//! outcome, text and time. Nothing is sent.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::words;
use crate::automations::{
    self, Definition, DryRun, EnrollmentFilter, Start, StepEffect, StepOutcome, TriedEvent,
    Trigger, dry_run,
};
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::events::{self, Event, EventName};
use crate::twilio::parts;
use crate::types::id::{AutomationId, ContactId};
use crate::users::User;
use crate::web::http::access::Access;
use crate::web::http::error::PageError;
use crate::web::ui::{Choice, made_event, somebody};
use crate::web::{Page, PageResult, Query, Viewer, Visit};

/// The newest events of a contact to choose from.
const EVENTS: i64 = 20;

/// What its fields begin with inside a larger form.
pub(super) const TRY: &str = "try.";

/// What is chosen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TrialForm {
    find: String,
    contact_id: String,
    /// Which event: the id of one of the contact's, `sample` or `written`; nothing for one that
    /// starts it.
    event_id: String,
    /// The properties of the event that is written by hand, as JSON.
    event: String,
    /// What these began with: while both are the same, nobody has written anything.
    begun: String,
}

/// The event to try it with.
struct Picked {
    /// None where nobody has reported it: then it is called what the trigger waits for.
    name: Option<EventName>,
    properties: Value,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub(super) struct AutomationTrial {
    form: TrialForm,
    contacts: Vec<Choice>,
    events: Vec<Choice>,
    /// Whether an event has to start it.
    needs_event: bool,
    run: Option<Run>,
}

/// A dry run in words.
#[derive(Debug, Serialize)]
struct Run {
    contact: String,
    contact_id: ContactId,
    /// The properties of the event that it is tried with.
    event: Option<Value>,
    starts: bool,
    /// Whether it would start, and why not.
    start: String,
    steps: Vec<StepView>,
    ends_at: DateTime<Utc>,
    messages: usize,
}

/// What one step would come to.
#[derive(Debug, Serialize)]
struct StepView {
    number: usize,
    at: DateTime<Utc>,
    /// `send`, `suppressed`, `held`, `not_sent`, `wait` or `fail`.
    kind: &'static str,
    text: String,
    body: Option<String>,
    media_urls: Vec<String>,
    parts: u16,
}

/// The page of an automation that is saved.
#[derive(Debug, Serialize)]
pub(in crate::web) struct TrialPage {
    id: AutomationId,
    name: String,
    trigger: String,
    trial: AutomationTrial,
    errors: FieldErrors,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<AutomationId>,
    form: Query<TrialForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let (trial, errors) = AutomationTrial::load(
        &mut conn,
        &visit,
        Some(automation.id),
        &automation.definition,
        form.into_inner(),
    )
    .await?;
    drop(conn);
    let trigger = words::trigger(&automation.definition.trigger);
    visit.page(&TrialPage { id: automation.id, name: automation.name, trigger, trial, errors })
}

impl TrialForm {
    /// Reads the fields from among those of a larger form, where they begin with [`TRY`].
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let field = |name: &str| {
            let found = pairs.iter().find(|(known, _)| known.strip_prefix(TRY) == Some(name));
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let [find, contact_id, event_id, event, begun] =
            ["find", "contact_id", "event_id", "event", "begun"].map(field);
        Self { find, contact_id, event_id, event, begun }
    }

    /// The event that is chosen, else the newest of the contact's that would start it, else a
    /// made-up one; none if what is written cannot be read. The form then names it, and offers its
    /// properties to begin writing with.
    fn event(
        &mut self,
        events: &[Event],
        trigger: &Trigger,
        sample: Value,
        errors: &mut FieldErrors,
    ) -> Option<Picked> {
        let chosen = match self.event_id.as_str() {
            made_event::SAMPLE | made_event::WRITTEN => None,
            id => {
                let starting = || {
                    events.iter().find(|event| {
                        trigger.matches_event(
                            &event.name,
                            &event.properties,
                            event.occurred_at,
                            event.received_at,
                        )
                    })
                };
                events.iter().find(|event| event.id.to_string() == id).or_else(starting)
            }
        };
        let written = self.event_id == made_event::WRITTEN;
        let picked = match chosen {
            Some(event) => {
                Picked { name: Some(event.name.clone()), properties: event.properties.clone() }
            }
            None => Picked { name: None, properties: sample },
        };
        let untouched = self.event.replace("\r\n", "\n") == self.begun.replace("\r\n", "\n");
        if self.event.trim().is_empty() || (untouched && !written) {
            self.event = made_event::to_begin_with(&picked.properties);
            self.begun.clone_from(&self.event);
        }
        if written {
            return errors
                .check("event", made_event::parse(&self.event))
                .flatten()
                .map(|properties| Picked { name: None, properties });
        }
        self.event_id =
            chosen.map_or_else(|| made_event::SAMPLE.to_owned(), |event| event.id.to_string());
        Some(picked)
    }
}

impl AutomationTrial {
    /// Finds contact and event, those that are chosen or else the newest, and runs the steps
    /// without sending anything. Who has entered the automation last is who it is tried with at
    /// first. What is wrong with the form comes beside it.
    pub(super) async fn load(
        conn: &mut Conn,
        visit: &Visit<impl Access<Who = User>>,
        automation: Option<AutomationId>,
        definition: &Definition,
        mut form: TrialForm,
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
        let found = somebody::to_try_with(
            conn,
            &visit.organization,
            &form.find,
            form.contact_id.parse().ok(),
            &mut errors,
        )
        .await?;
        let chosen = found
            .iter()
            .find(|contact| contact.id.to_string() == form.contact_id)
            .or(found.first());
        form.contact_id = chosen.map(|contact| contact.id.to_string()).unwrap_or_default();
        let mut events = Vec::new();
        let mut run = None;
        if let Some(contact) = chosen {
            let mut event = None;
            if needs_event {
                events = events::of_contact(conn, contact.id, EVENTS).await?;
                let sample = automations::sample_event(conn, definition, &contact.phone).await?;
                event = form.event(&events, &definition.trigger, sample, &mut errors);
            }
            if event.is_some() || !needs_event {
                let tried = event.as_ref().map(|event| TriedEvent {
                    name: event.name.as_ref(),
                    properties: &event.properties,
                });
                let dry = dry_run(
                    conn,
                    &visit.context.renderer,
                    &visit.organization,
                    definition,
                    contact,
                    tried,
                    visit.now(),
                )
                .await?;
                run = Some(Run::new(contact, event, dry));
            }
        }
        let contacts = found
            .iter()
            .map(|contact| Choice::new(contact.id.to_string(), contact.long_label()))
            .collect();
        let of_contact = events.iter().map(|event| somebody::event_choice(event, visit.zone()));
        let events = of_contact.chain(made_choices()).collect();
        Ok((Self { form, contacts, events, needs_event, run }, errors))
    }
}

fn made_choices() -> [Choice; 2] {
    [
        Choice::new(made_event::SAMPLE, "Made up to fit"),
        Choice::new(made_event::WRITTEN, "Written by hand"),
    ]
}

impl Run {
    fn new(contact: &Contact, event: Option<Picked>, dry: DryRun) -> Self {
        let steps: Vec<StepView> = dry.outcomes.into_iter().map(StepView::from).collect();
        Self {
            contact: contact.long_label(),
            contact_id: contact.id,
            starts: dry.start == Start::Yes,
            start: start(&dry.start, event.as_ref()),
            event: event.map(|event| event.properties),
            messages: steps.iter().filter(|step| step.kind == "send").count(),
            steps,
            ends_at: dry.ends_at,
        }
    }
}

fn start(start: &Start, event: Option<&Picked>) -> String {
    match start {
        Start::Yes if event.is_some_and(|event| event.name.is_none()) => {
            "It would start with this event, which nobody has reported.".to_owned()
        }
        Start::Yes => "It would start.".to_owned(),
        Start::Open => "It cannot start yet: the trigger is not complete.".to_owned(),
        Start::NoEvent => "It would not start without an event. The steps are shown as if one \
                           without properties had come."
            .to_owned(),
        Start::OtherEvent(wanted) => {
            format!(
                "It would not start: it waits for the event “{wanted}”. The steps are shown as if \
                 this one did."
            )
        }
        Start::Unmet(unmet) => {
            let unmet: Vec<String> = unmet.iter().map(words::condition).collect();
            format!(
                "It would not start with this event, since it is not so that {}. The steps are \
                 shown as if it did.",
                unmet.join(", nor that ")
            )
        }
    }
}

impl From<StepOutcome> for StepView {
    fn from(outcome: StepOutcome) -> Self {
        let step = |kind, text: String| Self {
            number: outcome.step + 1,
            at: outcome.at,
            kind,
            text,
            body: None,
            media_urls: Vec::new(),
            parts: 0,
        };
        match outcome.what {
            StepEffect::Wait(until) => {
                let seconds = u32::try_from((until - outcome.at).num_seconds()).unwrap_or_default();
                step("wait", format!("Wait {}", words::duration(seconds)))
            }
            StepEffect::NotSent(why) => step("not_sent", why),
            StepEffect::Fail(why) => step("fail", why),
            StepEffect::Send { to, text, media_urls, sender, suppressed, held } => {
                let (kind, words) = match suppressed {
                    Some(reason) => (
                        "suppressed",
                        format!("Nothing is sent to {}: {}", to.international(), reason.label()),
                    ),
                    None if held => (
                        "held",
                        format!(
                            "To {} from {}, once that sender sends again",
                            to.international(),
                            sender.label()
                        ),
                    ),
                    None => ("send", format!("To {} from {}", to.international(), sender.label())),
                };
                let parts = parts::count(&text).count;
                Self { body: Some(text), media_urls, parts, ..step(kind, words) }
            }
        }
    }
}

impl Page for TrialPage {
    const TEMPLATE: &'static str = "ui/automations/trial.html";
}

#[cfg(debug_assertions)]
#[path = "samples/trial.rs"]
mod samples;
