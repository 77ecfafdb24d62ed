//! Enrolls contacts into the active automations whose trigger matches, once per cause, many in one
//! statement.

use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use sha2::{Digest, Sha256};
use uuid::{Builder, Uuid};

use super::automation::AutomationStatus;
use super::definition::Definition;
use super::enrollment::EnrollmentStatus;
use super::step::Step;
use super::trigger::Trigger;
use crate::contacts::ContactChange;
use crate::db::Conn;
use crate::db::schema::{automation_versions, automations, enrollments};
use crate::db::statement::statement;
use crate::error::{FieldErrors, Result};
use crate::events::RecordedEvent;
use crate::queue::{self, Job, NewJob};
use crate::types::id::{AutomationId, ContactId, EnrollmentId, EventId};

/// Number of enrollments enqueued per statement when an automation is activated again.
const RESUME_BATCH: i64 = 5_000;

/// A contact that was just enrolled into an automation.
#[expect(clippy::struct_field_names, reason = "they are ids, and named like the columns")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrolled {
    /// The new enrollment.
    pub enrollment_id: EnrollmentId,
    /// The automation.
    pub automation_id: AutomationId,
    /// The contact.
    pub contact_id: ContactId,
    /// The event that caused it, if any.
    pub event_id: Option<EventId>,
}

/// New enrollments, and the jobs to enqueue for them in the same transaction.
#[must_use]
#[derive(Default)]
pub(super) struct NewEnrollments {
    pub(super) enrolled: Vec<Enrolled>,
    pub(super) jobs: Vec<NewJob>,
}

/// The part of an active automation that enrolling needs.
struct ActiveAutomation {
    id: AutomationId,
    version: i32,
    trigger: Trigger,
    /// Duration of the wait that is its first step, if any.
    first_wait: Option<TimeDelta>,
}

/// A contact to enroll.
struct Candidate<'l> {
    automation: &'l ActiveAutomation,
    contact_id: ContactId,
    event_id: Option<EventId>,
    cause: String,
    /// When the cause occurred, in milliseconds since 1970.
    caused_at: u64,
    /// Whether the cause was created in this transaction, so that it cannot have enrolled a contact
    /// before.
    is_new: bool,
}

statement! {
    /// Inserts enrollments whose cause is new, judging by their ids, in one order so that two
    /// batches cannot deadlock. No two transactions share a cause, because the event, contact or
    /// tag was created in the same one.
    struct Insert<'a> {
        entry: batch of InsertRow<'a> {
            id: EnrollmentId => SqlUuid,
            automation_id: AutomationId => SqlUuid,
            version: i32 => Int4,
            contact_id: ContactId => SqlUuid,
            event_id: Option<EventId> => Nullable<SqlUuid>,
            cause: &'a str => Text,
            step: i16 => Int2,
            due_at: DateTime<Utc> => Timestamptz,
            is_new: bool => Bool,
        },
        now: DateTime<Utc> => Timestamptz,
    }
    returns SqlUuid;
    "INSERT INTO enrollments
         (id, automation_id, version, contact_id, event_id, cause, step, due_at, started_at)
     SELECT id, automation_id, version, contact_id, event_id, cause, step, due_at, {now}
     FROM {entry}
     WHERE is_new
        OR (SELECT former.id FROM enrollments AS former WHERE former.id = entry.id) IS NULL
     ORDER BY id
     RETURNING id"
}

/// Enrolls the contacts of new events; the caller enqueues the first steps.
///
/// The same event never enrolls twice in one automation. An event that is too old for the trigger,
/// or in the future, enrolls nothing.
pub(super) async fn on_events(
    conn: &mut Conn,
    now: DateTime<Utc>,
    events: &[RecordedEvent<'_>],
) -> Result<NewEnrollments> {
    if events.is_empty() {
        return Ok(NewEnrollments::default());
    }
    let automations = load_active(conn).await?;
    let matching = events.iter().flat_map(|event| {
        let (report, occurred_at) = (event.report, event.report.occurred_at.unwrap_or(now));
        let matches = move |automation: &&ActiveAutomation| {
            let properties = report.properties.value();
            automation.trigger.matches_event(
                &report.name,
                report.source_id,
                properties,
                occurred_at,
                now,
            )
        };
        automations.iter().filter(matches).map(|automation| Candidate {
            automation,
            contact_id: event.contact_id,
            event_id: Some(event.id),
            cause: format!("event:{}", event.id),
            caused_at: uuid_millis(event.id.0),
            is_new: true,
        })
    });
    let candidates: Vec<Candidate<'_>> = matching.collect();
    insert_candidates(conn, now, &candidates).await
}

/// Enrolls contacts that were created or tagged, and enqueues the first steps in the same
/// transaction.
///
/// A tag that is removed and added again enrolls again, because its time is part of the cause.
pub async fn react(
    conn: &mut Conn,
    now: DateTime<Utc>,
    changes: &[ContactChange],
) -> Result<Vec<Enrolled>> {
    let entered = on_changes(conn, now, changes).await?;
    queue::enqueue(conn, &entered.jobs, now).await?;
    Ok(entered.enrolled)
}

/// Enrolls like [`react`], but leaves enqueueing the first steps to the caller.
pub(super) async fn on_changes(
    conn: &mut Conn,
    now: DateTime<Utc>,
    changes: &[ContactChange],
) -> Result<NewEnrollments> {
    if changes.is_empty() {
        return Ok(NewEnrollments::default());
    }
    let automations = load_active(conn).await?;
    let matching = changes.iter().flat_map(|change| {
        automations
            .iter()
            .filter(move |automation| matches_change(&automation.trigger, change))
            .map(move |automation| candidate(automation, change))
    });
    let candidates: Vec<Candidate<'_>> = matching.collect();
    insert_candidates(conn, now, &candidates).await
}

/// Enqueues every unfinished enrollment of an automation when it is activated again.
///
/// A waiting enrollment gets a second job besides its own; the later one finds nothing to do.
pub(super) async fn resume(conn: &mut Conn, id: AutomationId, now: DateTime<Utc>) -> Result<()> {
    let mut after = EnrollmentId(Uuid::nil());
    loop {
        let unfinished: Vec<(EnrollmentId, DateTime<Utc>)> = enrollments::table
            .filter(enrollments::automation_id.eq(id))
            .filter(enrollments::status.eq(EnrollmentStatus::Active))
            .filter(enrollments::id.gt(after))
            .select((enrollments::id, enrollments::due_at))
            .order(enrollments::id)
            .limit(RESUME_BATCH)
            .load(conn)
            .await?;
        let Some((last, _)) = unfinished.last() else { return Ok(()) };
        after = *last;
        let jobs: Vec<NewJob> = unfinished
            .iter()
            .map(|(id, due_at)| NewJob { job: Job::Advance(*id), run_at: *due_at })
            .collect();
        queue::enqueue(conn, &jobs, now).await?;
    }
}

async fn load_active(conn: &mut Conn) -> Result<Vec<ActiveAutomation>> {
    let newest = automation_versions::version.eq(automations::version);
    let rows: Vec<(AutomationId, i32, Value, Option<Value>)> = automations::table
        .inner_join(
            automation_versions::table
                .on(automation_versions::automation_id.eq(automations::id).and(newest)),
        )
        .filter(automations::status.eq(AutomationStatus::Active))
        .select((
            automations::id,
            automations::version,
            automation_versions::trigger,
            automation_versions::steps.retrieve_as_object(0).nullable(),
        ))
        .load(conn)
        .await?;
    let automation = |(id, version, trigger, first): (_, _, Value, Option<Value>)| {
        let no_steps = Value::Array(Vec::new());
        let trigger = Definition::stored(&trigger, &no_steps)?.trigger;
        // A step that cannot be parsed fails when it runs, and is no reason to refuse an event.
        let first_wait = match first
            .and_then(|first| Step::parse("steps.0", &first, &mut FieldErrors::default()))
        {
            Some(Step::Wait { seconds }) => Some(TimeDelta::seconds(i64::from(seconds))),
            Some(Step::SendSms { .. }) | None => None,
        };
        Ok(ActiveAutomation { id, version, trigger, first_wait })
    };
    rows.into_iter().map(automation).collect()
}

fn matches_change(trigger: &Trigger, change: &ContactChange) -> bool {
    match change {
        ContactChange::ContactCreated(_) => trigger.matches_contact_created(),
        ContactChange::TagAdded { tag, .. } => trigger.matches_tag(tag),
    }
}

fn candidate<'l>(automation: &'l ActiveAutomation, change: &ContactChange) -> Candidate<'l> {
    match change {
        ContactChange::ContactCreated(id) => Candidate {
            automation,
            contact_id: *id,
            event_id: None,
            cause: format!("contact:{id}"),
            caused_at: uuid_millis(id.0),
            is_new: false,
        },
        ContactChange::TagAdded { contact_id, tag, added_at } => Candidate {
            automation,
            contact_id: *contact_id,
            event_id: None,
            cause: format!(
                "tag:{contact_id}:{}:{}",
                tag.as_str().to_lowercase(),
                added_at.timestamp_micros()
            ),
            caused_at: u64::try_from(added_at.timestamp_millis()).unwrap_or_default(),
            is_new: false,
        },
    }
}

/// The timestamp of a UUIDv7, in milliseconds since 1970.
fn uuid_millis(id: Uuid) -> u64 {
    let (seconds, nanoseconds) = id.get_timestamp().map_or((0, 0), |at| at.to_unix());
    seconds * 1_000 + u64::from(nanoseconds) / 1_000_000
}

impl Candidate<'_> {
    /// The id of the enrollment. It is the same for the same cause and automation, so that a cause
    /// never enrolls a contact twice, however often it is reported or retried.
    ///
    /// A UUIDv7 with the time of the cause and 74 bits of a hash instead of random ones. A unique
    /// index on automation and cause would be the table's most expensive one.
    fn enrollment_id(&self) -> EnrollmentId {
        let hash =
            Sha256::new().chain_update(self.automation.id.0).chain_update(&self.cause).finalize();
        let mut bits = [0; 10];
        bits.copy_from_slice(&hash[..10]);
        EnrollmentId(Builder::from_unix_timestamp_millis(self.caused_at, &bits).into_uuid())
    }

    const fn enrolled(&self, enrollment_id: EnrollmentId) -> Enrolled {
        Enrolled {
            enrollment_id,
            automation_id: self.automation.id,
            contact_id: self.contact_id,
            event_id: self.event_id,
        }
    }
}

/// Inserts the enrollments of candidates; a wait as the first step begins here.
async fn insert_candidates(
    conn: &mut Conn,
    now: DateTime<Utc>,
    candidates: &[Candidate<'_>],
) -> Result<NewEnrollments> {
    if candidates.is_empty() {
        return Ok(NewEnrollments::default());
    }
    let entries: Vec<(EnrollmentId, DateTime<Utc>, &Candidate<'_>)> = candidates
        .iter()
        .map(|candidate| {
            let due_at = now + candidate.automation.first_wait.unwrap_or_default();
            (candidate.enrollment_id(), due_at, candidate)
        })
        .collect();
    let rows = entries.iter().map(|(id, due_at, candidate)| InsertRow {
        id: *id,
        automation_id: candidate.automation.id,
        version: candidate.automation.version,
        contact_id: candidate.contact_id,
        event_id: candidate.event_id,
        cause: candidate.cause.as_str(),
        step: i16::from(candidate.automation.first_wait.is_some()),
        due_at: *due_at,
        is_new: candidate.is_new,
    });
    let insert = Insert { entry: rows.collect(), now };
    let new: HashSet<EnrollmentId> = insert.load(conn).await?.into_iter().collect();
    let inserted = entries.into_iter().filter(|(id, ..)| new.contains(id));
    Ok(inserted.fold(NewEnrollments::default(), |mut entered, (id, due_at, candidate)| {
        entered.enrolled.push(candidate.enrolled(id));
        entered.jobs.push(NewJob { job: Job::Advance(id), run_at: due_at });
        entered
    }))
}
