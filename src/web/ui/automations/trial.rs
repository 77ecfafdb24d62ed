//! *Try it*: what an automation would do for a chosen contact and event, each step with its outcome, text and time. Nothing is sent.

use actix_web::web::{Path, Query};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::words;
use crate::automations::{self, Definition, DryRun, EnrollmentFilter, Outcome, Start, Trigger, What, dry_run};
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::events::{self, Event};
use crate::twilio::parts;
use crate::types::id::{AutomationId, ContactId};
use crate::users::User;
use crate::web::error::PageError;
use crate::web::ui::{Choice, somebody};
use crate::web::visit::Access;
use crate::web::{Page, PageResult, Varies, Viewer, Visit};

/// The newest events of a contact to choose from.
const EVENTS: i64 = 20;

/// What is chosen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TrialForm {
    find: String,
    contact_id: String,
    event_id: String,
}

/// What would happen.
#[derive(Debug, Serialize)]
pub(super) struct Trial {
    form: TrialForm,
    contacts: Vec<Choice>,
    events: Vec<Choice>,
    /// Whether an event has to start it.
    needs_event: bool,
    run: Option<Run>,
    errors: FieldErrors,
}

/// A dry run in words.
#[derive(Debug, Serialize)]
struct Run {
    contact: String,
    contact_id: ContactId,
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
pub(in crate::web) struct TryPage {
    id: AutomationId,
    name: String,
    trigger: String,
    trial: Trial,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<AutomationId>, form: Query<TrialForm>) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let trial = Trial::load(&mut conn, &visit, Some(automation.id), &automation.definition, form.into_inner()).await?;
    drop(conn);
    let trigger = words::trigger(&automation.definition.trigger);
    visit.page(&TryPage { id: automation.id, name: automation.name, trigger, trial })
}

impl TrialForm {
    /// Reads the fields from among those of a larger form, where they are called `try.…`.
    pub(super) fn from_pairs(pairs: &[(String, String)]) -> Self {
        let field = |name: &str| pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).unwrap_or_default();
        Self { find: field("try.find"), contact_id: field("try.contact_id"), event_id: field("try.event_id") }
    }
}

impl Trial {
    /// Finds contact and event, those that are chosen or else the newest, and runs the steps without sending anything. Who has entered the
    /// automation last is who it is tried with at first.
    pub(super) async fn load(
        conn: &mut Conn,
        visit: &Visit<impl Access<Who = User>>,
        automation: Option<AutomationId>,
        definition: &Definition,
        mut form: TrialForm,
    ) -> Result<Self, PageError> {
        if let (true, true, Some(id)) = (form.contact_id.is_empty(), form.find.trim().is_empty(), automation) {
            let last = automations::enrollments(conn, id, &EnrollmentFilter::default(), None, 1).await?.pop();
            form.contact_id = last.map(|last| last.contact_id.to_string()).unwrap_or_default();
        }
        let needs_event = matches!(definition.trigger, Trigger::Event { .. });
        let mut errors = FieldErrors::default();
        let found = somebody::to_try_with(conn, &visit.organization, &form.find, form.contact_id.parse().ok(), &mut errors).await?;
        let chosen = found.iter().find(|contact| contact.id.to_string() == form.contact_id).or(found.first());
        form.contact_id = chosen.map(|contact| contact.id.to_string()).unwrap_or_default();
        let events = match chosen {
            Some(contact) if needs_event => events::of_contact(conn, contact.id, EVENTS).await?,
            _ => Vec::new(),
        };
        let event = choose_event(&events, &definition.trigger, &form.event_id);
        form.event_id = event.map(|event| event.id.to_string()).unwrap_or_default();
        let run = match chosen {
            Some(contact) => {
                let event = event.map(|event| (&event.name, &event.properties));
                let dry = dry_run(conn, &visit.app.renderer, &visit.organization, definition, contact, event, visit.now()).await?;
                Some(Run::new(contact, dry))
            }
            None => None,
        };
        Ok(Self {
            contacts: found.iter().map(|contact| Choice::new(contact.id.to_string(), contact.long_label())).collect(),
            events: events.iter().map(|event| somebody::event_choice(event, visit.zone())).collect(),
            form,
            needs_event,
            run,
            errors,
        })
    }
}

/// The chosen event, else the newest that would start it, else the newest.
fn choose_event<'e>(events: &'e [Event], trigger: &Trigger, chosen: &str) -> Option<&'e Event> {
    let asked = events.iter().find(|event| event.id.to_string() == chosen);
    let starting = || events.iter().find(|event| trigger.matches_event(&event.name, &event.properties));
    asked.or_else(starting).or(events.first())
}

impl Run {
    fn new(contact: &Contact, dry: DryRun) -> Self {
        let steps: Vec<StepView> = dry.outcomes.into_iter().map(StepView::from).collect();
        Self {
            contact: contact.long_label(),
            contact_id: contact.id,
            starts: dry.start == Start::Yes,
            start: start(&dry.start),
            messages: steps.iter().filter(|step| step.kind == "send").count(),
            steps,
            ends_at: dry.ends_at,
        }
    }
}

fn start(start: &Start) -> String {
    match start {
        Start::Yes => "It would start.".to_owned(),
        Start::Open => "It cannot start yet: the trigger is not complete.".to_owned(),
        Start::NoEvent => {
            "It would not start: this contact has reported no event. The steps are shown as if one without properties had come.".to_owned()
        }
        Start::OtherEvent(wanted) => {
            format!("It would not start: it waits for the event “{wanted}”. The steps are shown as if this one did.")
        }
        Start::Unmet(unmet) => {
            let unmet: Vec<String> = unmet.iter().map(words::condition).collect();
            format!(
                "It would not start with this event, since it is not so that {}. The steps are shown as if it did.",
                unmet.join(", nor that ")
            )
        }
    }
}

impl From<Outcome> for StepView {
    fn from(outcome: Outcome) -> Self {
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
            What::Wait(until) => {
                let seconds = u32::try_from((until - outcome.at).num_seconds()).unwrap_or_default();
                step("wait", format!("Wait {}", words::duration(seconds)))
            }
            What::NotSent(why) => step("not_sent", why),
            What::Fail(why) => step("fail", why),
            What::Send { to, text, media_urls, sender, suppressed, held } => {
                let (kind, words) = match suppressed {
                    Some(reason) => ("suppressed", format!("Nothing is sent to {}: {}", to.international(), reason.label())),
                    None if held => ("held", format!("To {} from {}, once that sender sends again", to.international(), sender.label())),
                    None => ("send", format!("To {} from {}", to.international(), sender.label())),
                };
                let parts = parts::count(&text).count;
                Self { body: Some(text), media_urls, parts, ..step(kind, words) }
            }
        }
    }
}

impl Trial {
    /// For tests of templates: every outcome once.
    pub(super) fn samples() -> Vec<Self> {
        let step = |number, kind, body: Option<&str>| StepView {
            number,
            at: DateTime::UNIX_EPOCH,
            kind,
            text: "To +1 415 555 0123 from <Shop>".to_owned(),
            body: body.map(str::to_owned),
            media_urls: body.map(|_| "https://example.com/a.jpg".to_owned()).into_iter().collect(),
            parts: 2,
        };
        let kinds = ["send", "suppressed", "held"].map(|kind| (kind, Some("Thank <you>, Ada!")));
        let silent = ["not_sent", "wait", "fail"].map(|kind| (kind, None));
        let steps = kinds.into_iter().chain(silent).enumerate().map(|(index, (kind, body))| step(index + 1, kind, body)).collect();
        let run = Run {
            contact: "Ada <Lovelace>".to_owned(),
            contact_id: ContactId::new(),
            starts: false,
            start: "It would not start: it waits for the event “order”.".to_owned(),
            steps,
            ends_at: DateTime::UNIX_EPOCH,
            messages: 1,
        };
        let full = Self {
            form: TrialForm { find: "ada".to_owned(), ..TrialForm::default() },
            contacts: vec![Choice::new("1", "Ada <Lovelace>")],
            events: vec![Choice::new("1", "order_completed, 1 Jan 1970, 00:00")],
            needs_event: true,
            run: Some(run),
            errors: FieldErrors::default(),
        };
        let nobody = Self {
            form: TrialForm::default(),
            contacts: Vec::new(),
            events: Vec::new(),
            needs_event: false,
            run: None,
            errors: FieldErrors::default().with("find", "No contact is found."),
        };
        vec![full, nobody]
    }
}

impl Page for TryPage {
    const TEMPLATE: &'static str = "ui/automations/try.html";
    const VARIES: Varies = Varies {
        texts: &["name", "trigger", "trial.contacts.label", "trial.run.steps.text", "trial.run.steps.body"],
        lists: &["trial.contacts", "trial.events", "trial.run.steps"],
    };

    fn samples() -> Vec<Self> {
        let page = |trial| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            trigger: "When a contact is created".to_owned(),
            trial,
        };
        Trial::samples().into_iter().map(page).collect()
    }
}
