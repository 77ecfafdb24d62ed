//! Advancing: enrollments move on by their steps up to the next wait, many in a handful of
//! statements.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Int2, Int4, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures::{TryFutureExt, try_join};
use serde_json::Value;

use super::automation::AutomationStatus;
use super::definition::Definition;
use super::enrollment::{Enrollment, EnrollmentStatus};
use super::run::{Material, Passage, Ran, Standing, run};
use crate::contacts::{self, Contact, deletion};
use crate::db::schema::enrollments;
use crate::db::statement::statement;
use crate::db::{Conn, generic_plans};
use crate::error::Result;
use crate::events;
use crate::messages::compose::{self, Composed, Sends};
use crate::queue::{self, Job, NewJob};
use crate::senders;
use crate::templates::{self, Renderer};
use crate::types::id::{AutomationId, ContactId, EnrollmentId, EventId, SenderId, TemplateId};
use crate::users::organization;

/// A job that comes up to this much before its time is put back; see [`advance`].
const CLOCK_SLACK: TimeDelta = TimeDelta::seconds(60);

/// What became of one enrollment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advanced {
    /// The enrollment.
    pub enrollment_id: EnrollmentId,
    /// Where it stands.
    pub state: State,
}

/// Where an enrollment stands after [`advance`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It runs on at this time; the job for it exists.
    Waiting(DateTime<Utc>),
    /// All steps are done.
    Completed,
    /// A step could not be done; the reason in words.
    Failed(String),
    /// Its automation is not active: it stands still, and activating it enqueues it again.
    Held,
    /// It had finished before, or does not exist any more: its contact was deleted.
    Gone,
}

statement! {
    /// The definitions of pairs of automation and version, and whether the automation runs.
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
    /// Writes down where enrollments stand.
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

/// The definitions that a batch needs; none where a stored one cannot be read.
type Versions =
    HashMap<(AutomationId, i32), (AutomationStatus, std::result::Result<Definition, String>)>;

/// Moves enrollments on: runs their steps up to the next wait, composes the messages and enqueues
/// what comes next.
///
/// Safe to call again at any time, by any worker, as the first thing in the caller's transaction:
/// the rows are locked (in the order of their ids) and each step is taken once. One whose time has
/// not come is left alone. Its own job exists, since it was enqueued when the wait began; only
/// within a minute of its time is it put back, because then a clock that went back may have brought
/// this very job too early. The messages that follow are sent by whom `sends` names, from the
/// commit on.
pub async fn advance(
    conn: &mut Conn,
    now: DateTime<Utc>,
    ids: &[EnrollmentId],
    renderer: &Renderer,
    sends: Sends<'_>,
) -> Result<(Vec<Advanced>, Composed)> {
    try_join!(generic_plans::force(conn).err_into(), deletion::hold_off(conn))?;
    let wanted: BTreeSet<EnrollmentId> = ids.iter().copied().collect();
    let active = lock_active(conn, &wanted).await?;
    let versions = load_versions(conn, &active).await?;
    let mut batch = Batch::default();
    let mut due = Vec::new();
    for enrollment in active {
        match versions.get(&(enrollment.automation_id, enrollment.version)) {
            None | Some((AutomationStatus::Draft | AutomationStatus::Paused, _)) => {
                batch.held(&enrollment);
            }
            Some((AutomationStatus::Active, _)) if enrollment.due_at > now => {
                batch.early(&enrollment, now);
            }
            Some((AutomationStatus::Active, definition)) => due.push((enrollment, definition)),
        }
    }
    run_due(conn, now, due, renderer, &mut batch).await?;
    let composed = batch.save(conn, now, sends).await?;
    let gone = |id| Advanced { enrollment_id: id, state: State::Gone };
    let advanced = |id| {
        batch.states.remove(&id).map_or(gone(id), |state| Advanced { enrollment_id: id, state })
    };
    Ok((wanted.into_iter().map(advanced).collect(), composed))
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
        active.iter().map(|one| (one.automation_id, one.version)).collect();
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
    let contact_ids: BTreeSet<ContactId> = due.iter().map(|(one, _)| one.contact_id).collect();
    let contact_ids: Vec<ContactId> = contact_ids.into_iter().collect();
    let event_ids: Vec<EventId> = due.iter().filter_map(|(one, _)| one.event_id).collect();
    let (template_ids, sender_ids) = referred(&due);
    // Asked together, which takes one round trip.
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
    let material = Material {
        templates: &templates,
        senders: &senders,
        renderer,
        organization: &organization.name,
        default_country: organization.default_country,
    };
    for (enrollment, definition) in &due {
        let ran = match (definition, contacts.get(&enrollment.contact_id)) {
            (Ok(definition), Some(contact)) => {
                let event = enrollment.event_id.and_then(|id| events.get(&id));
                run(&Passage { enrollment, definition, contact, event }, &material, now)
            }
            (Err(reason), _) => failed(enrollment, reason.clone()),
            (_, None) => failed(enrollment, "The contact was deleted.".to_owned()),
        };
        batch.ran(enrollment, ran, now);
    }
    Ok(())
}

fn failed(enrollment: &Enrollment, reason: String) -> Ran {
    Ran { drafts: Vec::new(), standing: Standing::Failed { step: enrollment.step, reason } }
}

/// The templates and senders that the definitions name.
fn referred(due: &[Due<'_>]) -> (Vec<TemplateId>, Vec<SenderId>) {
    let (mut templates, mut senders) = (BTreeSet::new(), BTreeSet::new());
    for definition in due.iter().filter_map(|(_, definition)| definition.as_ref().ok()) {
        let (of_templates, of_senders) = definition.refers_to();
        templates.extend(of_templates);
        senders.extend(of_senders);
    }
    (templates.into_iter().collect(), senders.into_iter().collect())
}

/// What is written at the end: where the enrollments stand, messages and jobs.
#[derive(Default)]
struct Batch {
    states: HashMap<EnrollmentId, State>,
    moved: Vec<MoveRow>,
    drafts: Vec<compose::Draft>,
    jobs: Vec<NewJob>,
}

impl Batch {
    fn held(&mut self, enrollment: &Enrollment) {
        self.states.insert(enrollment.id, State::Held);
    }

    fn early(&mut self, enrollment: &Enrollment, now: DateTime<Utc>) {
        if enrollment.due_at - now <= CLOCK_SLACK {
            self.jobs.push(NewJob { job: Job::Advance(enrollment.id), run_at: enrollment.due_at });
        }
        self.states.insert(enrollment.id, State::Waiting(enrollment.due_at));
    }

    fn ran(&mut self, enrollment: &Enrollment, ran: Ran, now: DateTime<Utc>) {
        self.drafts.extend(ran.drafts);
        let (status, step, due_at, state) = match ran.standing {
            Standing::Waiting { step, due_at } => {
                self.jobs.push(NewJob { job: Job::Advance(enrollment.id), run_at: due_at });
                (EnrollmentStatus::Active, step, due_at, State::Waiting(due_at))
            }
            Standing::Completed { step } => {
                (EnrollmentStatus::Completed, step, enrollment.due_at, State::Completed)
            }
            Standing::Failed { step, reason } => {
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

    async fn save(
        &mut self,
        conn: &mut Conn,
        now: DateTime<Utc>,
        sends: Sends<'_>,
    ) -> Result<Composed> {
        if !self.moved.is_empty() {
            let moved = std::mem::take(&mut self.moved).into_iter().collect();
            Move { moved }.execute(conn).await?;
        }
        queue::enqueue(conn, &self.jobs, now).await?;
        // Last: from here on the transaction may hold the gate of STOP.
        compose::compose(conn, now, std::mem::take(&mut self.drafts), sends).await
    }
}
