//! The page *Try it*: a dry run of an automation for a chosen contact and event, step by step,
//! without sending anything.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::labels;
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
    contact: String,
    contact_id: ContactId,
    /// The properties of the event.
    event: Option<Value>,
    starts: bool,
    /// A sentence about whether it would start, and why not.
    start: String,
    steps: Vec<StepView>,
    ends_at: DateTime<Utc>,
    messages: usize,
}

/// What one step would do.
#[derive(Debug, Serialize)]
struct StepView {
    number: usize,
    at: DateTime<Utc>,
    /// The effect: `send`, `suppressed`, `held`, `not_sent`, `wait` or `fail`.
    kind: &'static str,
    text: String,
    body: Option<String>,
    media_urls: Vec<String>,
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
    let trigger = labels::trigger(&automation.definition.trigger);
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
            Some(event) => {
                ChosenEvent { name: Some(event.name.clone()), properties: event.properties.clone() }
            }
            None => ChosenEvent { name: None, properties: sample },
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
                .map(|properties| ChosenEvent { name: None, properties });
        }
        self.event_id =
            chosen.map_or_else(|| preview_event::SAMPLE.to_owned(), |event| event.id.to_string());
        Some(event)
    }
}

impl AutomationDryRun {
    /// Runs the steps for the chosen contact and event, without sending anything. The preset
    /// contact is the last one enrolled. Errors of the form are returned beside the result.
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
                run = Some(DryRunView::new(contact, event, result));
            }
        }
        let contacts = found
            .iter()
            .map(|contact| Choice::new(contact.id.to_string(), contact.long_label()))
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
    fn new(contact: &Contact, event: Option<ChosenEvent>, result: DryRun) -> Self {
        let steps: Vec<StepView> = result.outcomes.into_iter().map(StepView::from).collect();
        Self {
            contact: contact.long_label(),
            contact_id: contact.id,
            starts: result.start == Start::Yes,
            start: start_text(&result.start, event.as_ref()),
            event: event.map(|event| event.properties),
            messages: steps.iter().filter(|step| step.kind == "send").count(),
            steps,
            ends_at: result.ends_at,
        }
    }
}

fn start_text(start: &Start, event: Option<&ChosenEvent>) -> String {
    match start {
        Start::Yes if event.is_some_and(|event| event.name.is_none()) => {
            "It would start with this event, which nobody has reported.".to_owned()
        }
        Start::Yes => "It would start.".to_owned(),
        Start::Incomplete => "It cannot start yet: the trigger is not complete.".to_owned(),
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
            let unmet: Vec<String> = unmet.iter().map(labels::condition).collect();
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
        match outcome.effect {
            StepEffect::Wait(until) => {
                let seconds = u32::try_from((until - outcome.at).num_seconds()).unwrap_or_default();
                step("wait", format!("Wait {}", quantities::duration(seconds)))
            }
            StepEffect::NotSent(why) => step("not_sent", why),
            StepEffect::Fail(why) => step("fail", why),
            StepEffect::Send { to, text, media_urls, sender, suppressed, held } => {
                let (kind, text_line) = match suppressed {
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
                Self { body: Some(text), media_urls, parts, ..step(kind, text_line) }
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
