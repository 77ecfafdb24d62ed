//! Advances enrollments: runs their steps up to the next wait, in batches of a few statements.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Int2, Int4, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures::try_join;
use serde_json::Value;

use super::automation::AutomationStatus;
use super::definition::Definition;
use super::enrollment::{Enrollment, EnrollmentStatus};
use super::step_runner::{Resources, RunEnd, RunInput, RunResult, run};
use crate::contacts::deletion::{self, ContactsHeld};
use crate::contacts::{self, Contact};
use crate::db::schema::enrollments;
use crate::db::statement::statement;
use crate::db::{Begun, Closing, Conn};
use crate::error::Result;
use crate::messages::compose::{self, Composed, SendBy};
use crate::queue::{self, Job, NewJob};
use crate::templates::{self, Renderer};
use crate::types::id::{AutomationId, ContactId, EnrollmentId, EventId, SenderId, TemplateId};
use crate::users::organization;
use crate::{events, senders};

/// How early a job may run before its enrollment is due and still be rescheduled; see [`advance`].
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(60);

/// The result of advancing one enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The enrollment.
    pub enrollment_id: EnrollmentId,
    /// Its state afterwards.
    pub state: State,
}

/// State of an enrollment after [`advance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Continues at this time; its job exists.
    Waiting(DateTime<Utc>),
    /// All steps are done.
    Completed,
    /// A step failed; the reason in a sentence.
    Failed(String),
    /// Its automation is not active; activating it enqueues the enrollment again.
    Held,
    /// Already finished, or deleted with its contact.
    Gone,
}

statement! {
    /// The definitions of pairs of automation and version, and the status of each automation.
    struct Definitions {
        wanted: batch of DefinitionsRow {
            automation_id: AutomationId => SqlUuid,
            version: i32 => Int4,
        },
    }
    returns (SqlUuid, Int4, Text, Jsonb, Jsonb);
    "SELECT v.automation_id, v.version, a.status, v.trigger, v.steps
     FROM {wanted}
     JOIN automation_versions v
         ON v.automation_id = wanted.automation_id AND v.version = wanted.version
     JOIN automations a ON a.id = v.automation_id"
}

statement! {
    /// Saves the progress of enrollments.
    struct Move {
        moved: batch of MoveRow {
            id: EnrollmentId => SqlUuid,
            status: EnrollmentStatus => Text,
            step: i16 => Int2,
            due_at: DateTime<Utc> => Timestamptz,
            finished_at: Option<DateTime<Utc>> => Nullable<Timestamptz>,
            reason: Option<String> => Nullable<Text>,
        },
    }
    returns ();
    "UPDATE enrollments
     SET status = moved.status, step = moved.step, due_at = moved.due_at,
         finished_at = moved.finished_at, reason = moved.reason
     FROM {moved}
     WHERE enrollments.id = moved.id"
}

/// The definitions that a batch needs; `Err` if a stored one cannot be parsed.
type Versions =
    HashMap<(AutomationId, i32), (AutomationStatus, std::result::Result<Definition, String>)>;

/// Advances enrollments: runs their steps up to the next wait, composes the messages and enqueues
/// the next jobs.
///
/// Idempotent, by any worker: it locks the rows in the order of their ids and runs each step once.
/// `sends` says who sends the messages after the commit.
///
/// An enrollment that is not due yet is left alone, because its job was enqueued when the wait
/// began. Within a minute of its time the job is enqueued again, because a clock that was set back
/// may have started that very job too early.
pub async fn advance<'t>(
    tx: Begun<'t>,
    now: DateTime<Utc>,
    ids: &[EnrollmentId],
    renderer: &Renderer,
    sends: SendBy<'_>,
) -> Result<(Vec<Advanced>, Composed, Closing<'t>)> {
    let mut tx = deletion::hold_off_with_generic_plans(tx).await?;
    let wanted: BTreeSet<EnrollmentId> = ids.iter().copied().collect();
    let active = lock_active(&mut tx, &wanted).await?;
    let versions = load_versions(&mut tx, &active).await?;
    let mut batch = Batch::default();
    let mut due = Vec::new();
    for enrollment in active {
        match versions.get(&(enrollment.automation_id, enrollment.version)) {
            None | Some((AutomationStatus::Draft | AutomationStatus::Paused, _)) => {
                batch.add_held(&enrollment);
            }
            Some((AutomationStatus::Active, _)) if enrollment.due_at > now => {
                batch.add_early(&enrollment, now);
            }
            Some((AutomationStatus::Active, definition)) => due.push((enrollment, definition)),
        }
    }
    run_due(&mut tx, now, due, renderer, &mut batch).await?;
    let (composed, closing) = batch.save(tx, now, sends).await?;
    let gone = |id| Advanced { enrollment_id: id, state: State::Gone };
    let advanced = |id| {
        batch.states.remove(&id).map_or(gone(id), |state| Advanced { enrollment_id: id, state })
    };
    Ok((wanted.into_iter().map(advanced).collect(), composed, closing))
}

async fn lock_active(conn: &mut Conn, ids: &BTreeSet<EnrollmentId>) -> Result<Vec<Enrollment>> {
    let ids: Vec<EnrollmentId> = ids.iter().copied().collect();
    let active = enrollments::table
        .filter(enrollments::id.eq_any(ids))
        .filter(enrollments::status.eq(EnrollmentStatus::Active))
        .order(enrollments::id)
        .select(Enrollment::as_select())
        .for_no_key_update();
    Ok(active.load(conn).await?)
}

async fn load_versions(conn: &mut Conn, active: &[Enrollment]) -> Result<Versions> {
    let pairs: BTreeSet<(AutomationId, i32)> =
        active.iter().map(|enrollment| (enrollment.automation_id, enrollment.version)).collect();
    if pairs.is_empty() {
        return Ok(HashMap::new());
    }
    let wanted = pairs
        .into_iter()
        .map(|(automation_id, version)| DefinitionsRow { automation_id, version })
        .collect();
    let rows: Vec<(AutomationId, i32, AutomationStatus, Value, Value)> =
        Definitions { wanted }.load(conn).await?;
    let version = |(id, version, status, trigger, steps): (_, _, _, Value, Value)| {
        let definition = Definition::stored(&trigger, &steps).map_err(|error| error.to_string());
        ((id, version), (status, definition))
    };
    Ok(rows.into_iter().map(version).collect())
}

type Due<'v> = (Enrollment, &'v std::result::Result<Definition, String>);

async fn run_due(
    conn: &mut Conn,
    now: DateTime<Utc>,
    due: Vec<Due<'_>>,
    renderer: &Renderer,
    batch: &mut Batch,
) -> Result<()> {
    if due.is_empty() {
        return Ok(());
    }
    let contact_ids: BTreeSet<ContactId> =
        due.iter().map(|(enrollment, _)| enrollment.contact_id).collect();
    let contact_ids: Vec<ContactId> = contact_ids.into_iter().collect();
    let event_ids: Vec<EventId> =
        due.iter().filter_map(|(enrollment, _)| enrollment.event_id).collect();
    let (template_ids, sender_ids) = references(&due);
    // Pipelined: all queries take one round trip.
    let conn: &Conn = conn;
    let (contacts, events, templates, senders, organization) = try_join!(
        contacts::find_many(conn, &contact_ids),
        events::find_many(conn, &event_ids),
        templates::find_many(conn, &template_ids),
        senders::find_many(conn, &sender_ids),
        organization::find(conn),
    )?;
    let contacts: HashMap<ContactId, Contact> =
        contacts.into_iter().map(|contact| (contact.id, contact)).collect();
    let events: HashMap<EventId, Value> =
        events.into_iter().map(|event| (event.id, event.properties)).collect();
    let resources = Resources {
        templates: &templates,
        senders: &senders,
        renderer,
        organization: &organization.name,
        default_country: organization.default_country,
    };
    for (enrollment, definition) in &due {
        let result = match (definition, contacts.get(&enrollment.contact_id)) {
            (Ok(definition), Some(contact)) => {
                let event = enrollment.event_id.and_then(|id| events.get(&id));
                run(&RunInput { enrollment, definition, contact, event }, &resources, now)
            }
            (Err(reason), _) => failed(enrollment, reason.clone()),
            (_, None) => failed(enrollment, "The contact was deleted.".to_owned()),
        };
        batch.add_result(enrollment, result, now);
    }
    Ok(())
}

fn failed(enrollment: &Enrollment, reason: String) -> RunResult {
    RunResult { drafts: Vec::new(), end: RunEnd::Failed { step: enrollment.step, reason } }
}

/// The templates and senders that the definitions refer to.
fn references(due: &[Due<'_>]) -> (Vec<TemplateId>, Vec<SenderId>) {
    let (mut templates, mut senders) = (BTreeSet::new(), BTreeSet::new());
    for definition in due.iter().filter_map(|(_, definition)| definition.as_ref().ok()) {
        let (of_templates, of_senders) = definition.refers_to();
        templates.extend(of_templates);
        senders.extend(of_senders);
    }
    (templates.into_iter().collect(), senders.into_iter().collect())
}

/// Changes that [`advance`] saves at the end: progress of the enrollments, messages and jobs.
#[derive(Default)]
struct Batch {
    states: HashMap<EnrollmentId, State>,
    moved: Vec<MoveRow>,
    drafts: Vec<compose::Draft>,
    jobs: Vec<NewJob>,
}

impl Batch {
    fn add_held(&mut self, enrollment: &Enrollment) {
        self.states.insert(enrollment.id, State::Held);
    }

    fn add_early(&mut self, enrollment: &Enrollment, now: DateTime<Utc>) {
        if enrollment.due_at - now <= CLOCK_SLACK {
            self.jobs.push(NewJob { job: Job::Advance(enrollment.id), run_at: enrollment.due_at });
        }
        self.states.insert(enrollment.id, State::Waiting(enrollment.due_at));
    }

    fn add_result(&mut self, enrollment: &Enrollment, result: RunResult, now: DateTime<Utc>) {
        self.drafts.extend(result.drafts);
        let (status, step, due_at, state) = match result.end {
            RunEnd::Waiting { step, due_at } => {
                self.jobs.push(NewJob { job: Job::Advance(enrollment.id), run_at: due_at });
                (EnrollmentStatus::Active, step, due_at, State::Waiting(due_at))
            }
            RunEnd::Completed { step } => {
                (EnrollmentStatus::Completed, step, enrollment.due_at, State::Completed)
            }
            RunEnd::Failed { step, reason } => {
                (EnrollmentStatus::Failed, step, enrollment.due_at, State::Failed(reason))
            }
        };
        let reason = match &state {
            State::Failed(reason) => Some(reason.clone()),
            _ => None,
        };
        let finished_at = (status != EnrollmentStatus::Active).then_some(now);
        let id = enrollment.id;
        self.moved.push(MoveRow { id, status, step, due_at, finished_at, reason });
        self.states.insert(enrollment.id, state);
    }

    async fn save<'t>(
        &mut self,
        mut tx: ContactsHeld<'t>,
        now: DateTime<Utc>,
        sends: SendBy<'_>,
    ) -> Result<(Composed, Closing<'t>)> {
        if !self.moved.is_empty() {
            let moved = std::mem::take(&mut self.moved).into_iter().collect();
            Move { moved }.execute(&mut *tx).await?;
        }
        queue::enqueue(&mut tx, &self.jobs, now).await?;
        compose::compose_many(tx, now, std::mem::take(&mut self.drafts), sends).await
    }
}
