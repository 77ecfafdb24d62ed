//! The timeline of a contact: events, messages, tags, consent and enrollments in one order.
//!
//! It only reads the tables of other slices: each part is one query for the newest rows of an
//! index.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, Queryable,
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::contact::Contact;
use super::tags::TagName;
use crate::consent::{ConsentRecord, record};
use crate::db::Conn;
use crate::db::schema::{
    automations, contact_tags, enrollments, events, messages, removed_tags, tags,
};
use crate::error::Result;
use crate::types::id::{EnrollmentId, MessageId, SenderId};

/// An entry of the timeline: what happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    /// When it happened, or was reported.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EntryKind,
}

/// What happened to or with a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum EntryKind {
    /// They became a contact.
    Created,
    /// They did something that was reported from outside.
    Event {
        /// Its name, e.g. `order_completed`.
        name: String,
        /// What was reported along with it: a JSON object.
        properties: Value,
        /// When they did it.
        occurred_at: DateTime<Utc>,
    },
    /// A message to or from them.
    Message {
        /// Identifies the message.
        id: MessageId,
        /// `outbound` or `inbound`.
        direction: String,
        /// Its status, as `messages/status.rs` defines it.
        status: String,
        /// The number that it went to or came from, if it differs from the contact's current one.
        different_number: Option<String>,
        /// Its text.
        body: String,
        /// How many pictures and other files it has.
        media: usize,
        /// The number of its parts.
        parts: i16,
        /// The sender that it went out from or came to, while there is one.
        sender_id: Option<SenderId>,
        /// The name of the automation that composed it.
        automation: Option<String>,
        /// Why it ended without a delivery report.
        reason: Option<String>,
        /// Twilio's error code.
        error_code: Option<i32>,
    },
    /// They got a tag, which they may have lost since.
    TagAdded(TagName),
    /// They lost a tag.
    TagRemoved(TagName),
    /// Their number was suppressed or lifted.
    Consent(ConsentRecord),
    /// An automation enrolled them.
    Enrolled {
        /// The enrollment.
        id: EnrollmentId,
        /// The name of the automation.
        automation: String,
        /// `active`, `completed` or `failed`.
        status: String,
        /// Why it failed.
        reason: Option<String>,
    },
}

impl EntryKind {
    /// The order of entries with the same time: a cause comes before its effect, as an inbound STOP
    /// before the suppression, the suppression before the tag, and an enrollment before its
    /// message.
    fn rank(&self) -> u8 {
        match self {
            Self::Created => 0,
            Self::Event { .. } => 1,
            Self::Message { direction, .. } if direction == "inbound" => 2,
            Self::Consent(_) => 3,
            Self::TagRemoved(_) => 4,
            Self::TagAdded(_) => 5,
            Self::Enrolled { .. } => 6,
            Self::Message { .. } => 7,
        }
    }
}

/// The largest difference between the time in a message's id and its `created_at`: the id may be
/// later by as long as its transaction waited.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// A page of a timeline, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    /// What happened.
    pub entries: Vec<TimelineEntry>,
    /// The `until` of the next, older page, if there are older entries.
    pub older: Option<DateTime<Utc>>,
}

/// Loads a page of a contact's timeline, up to and including `until`: at most `limit` entries, the
/// newest. Entries with the same time are on the same page; if there are more of them than `limit`,
/// the others of that time are on no page.
pub async fn load(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    limit: usize,
) -> Result<Timeline> {
    // One more than requested shows whether there are others.
    let rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
    let mut entries = vec![TimelineEntry { at: contact.created_at, kind: EntryKind::Created }];
    entries.extend(events(conn, contact, until, rows).await?);
    entries.extend(messages(conn, contact, until, rows).await?);
    entries.extend(tags_added(conn, contact, until, rows).await?);
    entries.extend(tags_removed(conn, contact, until, rows).await?);
    entries.extend(enrolled(conn, contact, until, rows).await?);
    let records = record::of_number_until(conn, &contact.phone, until, rows).await?;
    entries.extend(
        records.into_iter().rev().map(|record| TimelineEntry {
            at: record.recorded_at,
            kind: EntryKind::Consent(record),
        }),
    );
    entries.retain(|entry| entry.at <= until);
    Ok(newest(entries, limit))
}

/// The newest entries first; of the same time, an effect counts as newer than its cause.
fn newest(mut entries: Vec<TimelineEntry>, limit: usize) -> Timeline {
    entries.sort_by_key(|entry| (entry.at, entry.kind.rank()));
    entries.reverse();
    let Some(next) = entries.get(limit).map(|entry| entry.at) else {
        return Timeline { entries, older: None };
    };
    match entries.partition_point(|entry| entry.at > next) {
        // All entries of the page have the same time, and so do others, which are on no page.
        0 => {
            entries.truncate(limit);
            Timeline { entries, older: Some(next - TimeDelta::microseconds(1)) }
        }
        on_this_page => {
            entries.truncate(on_this_page);
            Timeline { entries, older: Some(next) }
        }
    }
}

async fn events(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    rows: i64,
) -> Result<Vec<TimelineEntry>> {
    let found: Vec<(DateTime<Utc>, DateTime<Utc>, String, Value)> = events::table
        .filter(events::contact_id.eq(contact.id))
        .filter(events::received_at.le(until))
        .order(events::id.desc())
        .limit(rows)
        .select((events::received_at, events::occurred_at, events::name, events::properties))
        .load(conn)
        .await?;
    let entries = found.into_iter().rev().map(|(at, occurred_at, name, properties)| {
        TimelineEntry { at, kind: EntryKind::Event { name, properties, occurred_at } }
    });
    Ok(entries.collect())
}

async fn messages(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    rows: i64,
) -> Result<Vec<TimelineEntry>> {
    let found: Vec<MessageRow> = messages::table
        .left_join(automations::table)
        .filter(messages::contact_id.eq(contact.id))
        .filter(messages::id.lt(MessageId::first_at(until + MARGIN)))
        .filter(messages::created_at.le(until))
        .order(messages::id.desc())
        .limit(rows)
        .select((
            messages::created_at,
            messages::id,
            messages::direction,
            messages::status,
            messages::to_address,
            messages::from_address,
            messages::body,
            messages::media_urls,
            messages::parts,
            messages::sender_id,
            automations::name.nullable(),
            messages::reason,
            messages::error_code,
        ))
        .load(conn)
        .await?;
    Ok(found.into_iter().rev().map(|row| row.into_entry(contact)).collect())
}

/// A row of the query for messages.
#[derive(Queryable)]
struct MessageRow {
    created_at: DateTime<Utc>,
    id: MessageId,
    direction: String,
    status: String,
    to_address: String,
    from_address: Option<String>,
    body: String,
    media_urls: Vec<String>,
    parts: i16,
    sender_id: Option<SenderId>,
    automation: Option<String>,
    reason: Option<String>,
    error_code: Option<i32>,
}

impl MessageRow {
    fn into_entry(self, contact: &Contact) -> TimelineEntry {
        let is_inbound = self.direction == "inbound";
        let address = if is_inbound { self.from_address } else { Some(self.to_address) };
        let kind = EntryKind::Message {
            id: self.id,
            different_number: address
                .filter(|address| !address.is_empty() && !contact.phone.is_at(address)),
            direction: self.direction,
            status: self.status,
            body: self.body,
            media: self.media_urls.len(),
            parts: self.parts,
            sender_id: self.sender_id,
            automation: self.automation,
            reason: self.reason,
            error_code: self.error_code,
        };
        TimelineEntry { at: self.created_at, kind }
    }
}

async fn tags_added(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    rows: i64,
) -> Result<Vec<TimelineEntry>> {
    let found: Vec<(DateTime<Utc>, TagName)> = contact_tags::table
        .inner_join(tags::table)
        .filter(contact_tags::contact_id.eq(contact.id))
        .filter(contact_tags::added_at.le(until))
        .order(contact_tags::added_at.desc())
        .limit(rows)
        .select((contact_tags::added_at, tags::name))
        .load(conn)
        .await?;
    Ok(found
        .into_iter()
        .rev()
        .map(|(at, tag)| TimelineEntry { at, kind: EntryKind::TagAdded(tag) })
        .collect())
}

/// The periods in which a tag was present: when it was added, and when it was removed.
async fn tags_removed(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    rows: i64,
) -> Result<Vec<TimelineEntry>> {
    let found: Vec<(DateTime<Utc>, DateTime<Utc>, TagName)> = removed_tags::table
        .inner_join(tags::table)
        .filter(removed_tags::contact_id.eq(contact.id))
        .filter(removed_tags::added_at.le(until))
        .order(removed_tags::id.desc())
        .limit(rows)
        .select((removed_tags::added_at, removed_tags::removed_at, tags::name))
        .load(conn)
        .await?;
    let added_and_removed = |(added_at, removed_at, tag): (_, _, TagName)| {
        [
            TimelineEntry { at: added_at, kind: EntryKind::TagAdded(tag.clone()) },
            TimelineEntry { at: removed_at, kind: EntryKind::TagRemoved(tag) },
        ]
    };
    Ok(found.into_iter().rev().flat_map(added_and_removed).collect())
}

async fn enrolled(
    conn: &mut Conn,
    contact: &Contact,
    until: DateTime<Utc>,
    rows: i64,
) -> Result<Vec<TimelineEntry>> {
    type Row = (DateTime<Utc>, EnrollmentId, String, String, Option<String>);
    let found: Vec<Row> = enrollments::table
        .inner_join(automations::table.on(automations::id.eq(enrollments::automation_id)))
        .filter(enrollments::contact_id.eq(contact.id))
        .filter(enrollments::started_at.le(until))
        .order(enrollments::id.desc())
        .limit(rows)
        .select((
            enrollments::started_at,
            enrollments::id,
            automations::name,
            enrollments::status,
            enrollments::reason,
        ))
        .load(conn)
        .await?;
    let entries = found.into_iter().rev().map(|(at, id, automation, status, reason)| {
        TimelineEntry { at, kind: EntryKind::Enrolled { id, automation, status, reason } }
    });
    Ok(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_the_same_moment_the_cause_is_older_than_its_effect() {
        let message = |direction: &str| EntryKind::Message {
            id: MessageId::new(),
            direction: direction.to_owned(),
            status: "sent".to_owned(),
            different_number: None,
            body: String::new(),
            media: 0,
            parts: 0,
            sender_id: None,
            automation: None,
            reason: None,
            error_code: None,
        };
        let tag = EntryKind::TagAdded(TagName::stop());
        let causes = [EntryKind::Created, message("inbound"), tag, message("outbound")];
        let entries = causes
            .iter()
            .rev()
            .map(|kind| TimelineEntry { at: DateTime::UNIX_EPOCH, kind: kind.clone() })
            .collect();
        let ordered: Vec<_> =
            newest(entries, 10).entries.into_iter().rev().map(|entry| entry.kind).collect();
        assert_eq!(ordered, causes);
    }

    #[test]
    fn the_newest_entries_come_first_and_stay() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let tag = |name| EntryKind::TagAdded(TagName::parse(name).unwrap());
        let entries = vec![
            TimelineEntry { at: at(1), kind: EntryKind::Created },
            TimelineEntry { at: at(3), kind: tag("late") },
            TimelineEntry { at: at(1), kind: tag("first") },
        ];
        let shown =
            |part: Timeline| part.entries.into_iter().map(|entry| entry.kind).collect::<Vec<_>>();
        let all = newest(entries.clone(), 3);
        assert_eq!(
            (all.older, shown(all)),
            (None, vec![tag("late"), tag("first"), EntryKind::Created])
        );
        // Entries of the same time stay together.
        let part = newest(entries.clone(), 2);
        assert_eq!((part.older, shown(part)), (Some(at(1)), vec![tag("late")]));
        let rest: Vec<_> = entries.into_iter().filter(|entry| entry.at <= at(1)).collect();
        assert_eq!(
            newest(rest.clone(), 2),
            Timeline { entries: vec![rest[1].clone(), rest[0].clone()], older: None }
        );
        let part = newest(rest, 1);
        assert_eq!(
            (part.older, shown(part)),
            (Some(at(1) - TimeDelta::microseconds(1)), vec![tag("first")])
        );
    }
}
