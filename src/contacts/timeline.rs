//! The timeline of a contact: events, messages, tags, consent and enrollments in one order.
//!
//! It reads the tables of other slices, and only reads them: each part is one query for the newest rows of an index.

use chrono::{DateTime, Utc};
use diesel::prelude::{ExpressionMethods, JoinOnDsl, QueryDsl};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::consent::{self, ConsentRecord};
use super::contact::Contact;
use super::tags::TagName;
use crate::db::Conn;
use crate::db::schema::{automations, contact_tags, enrollments, events, messages, removed_tags, tags};
use crate::error::Result;
use crate::types::id::{EnrollmentId, MessageId};

/// Something that happened, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// When it happened, or was reported.
    pub at: DateTime<Utc>,
    /// What happened.
    pub what: What,
}

/// What happened to or with a contact.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// They became a contact.
    Created,
    /// They did something, reported from outside.
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
        /// How far it has come, in the words of DESIGN §4.
        status: String,
        /// Its text.
        body: String,
        /// Why it ended without a delivery report.
        reason: Option<String>,
        /// Twilio's error code.
        error_code: Option<i32>,
    },
    /// They got a tag, whether they have it still or not.
    TagAdded(TagName),
    /// A tag was taken from them.
    TagRemoved(TagName),
    /// Their number was suppressed or lifted.
    Consent(ConsentRecord),
    /// An automation began with them.
    Enrolled {
        /// Their passage through it.
        id: EnrollmentId,
        /// Its name.
        automation: String,
        /// `active`, `completed` or `failed`.
        status: String,
        /// Why it failed.
        reason: Option<String>,
    },
}

/// The newest `limit` entries of a contact, newest first.
pub async fn of(conn: &mut Conn, contact: &Contact, limit: usize) -> Result<Vec<Entry>> {
    let rows = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut entries = vec![Entry { at: contact.created_at, what: What::Created }];
    entries.extend(events(conn, contact, rows).await?);
    entries.extend(messages(conn, contact, rows).await?);
    entries.extend(tags_added(conn, contact, rows).await?);
    entries.extend(tags_removed(conn, contact, rows).await?);
    entries.extend(enrolled(conn, contact, rows).await?);
    let records = consent::of(conn, &contact.phone, rows).await?;
    entries.extend(records.into_iter().rev().map(|record| Entry { at: record.recorded_at, what: What::Consent(record) }));
    Ok(newest(entries, limit))
}

/// Newest first; of the same moment, what was read later (and so depends on the earlier) counts as newer.
fn newest(mut entries: Vec<Entry>, limit: usize) -> Vec<Entry> {
    entries.sort_by_key(|entry| entry.at);
    entries.reverse();
    entries.truncate(limit);
    entries
}

async fn events(conn: &mut Conn, contact: &Contact, rows: i64) -> Result<Vec<Entry>> {
    let found: Vec<(DateTime<Utc>, DateTime<Utc>, String, Value)> = events::table
        .filter(events::contact_id.eq(contact.id))
        .order(events::id.desc())
        .limit(rows)
        .select((events::received_at, events::occurred_at, events::name, events::properties))
        .load(conn)
        .await?;
    let entries = found
        .into_iter()
        .rev()
        .map(|(at, occurred_at, name, properties)| Entry { at, what: What::Event { name, properties, occurred_at } });
    Ok(entries.collect())
}

async fn messages(conn: &mut Conn, contact: &Contact, rows: i64) -> Result<Vec<Entry>> {
    type Row = (DateTime<Utc>, MessageId, String, String, String, Option<String>, Option<i32>);
    let found: Vec<Row> = messages::table
        .filter(messages::contact_id.eq(contact.id))
        .order(messages::id.desc())
        .limit(rows)
        .select((
            messages::created_at,
            messages::id,
            messages::direction,
            messages::status,
            messages::body,
            messages::reason,
            messages::error_code,
        ))
        .load(conn)
        .await?;
    let entries = found.into_iter().rev().map(|(at, id, direction, status, body, reason, error_code)| {
        let what = What::Message { id, direction, status, body, reason, error_code };
        Entry { at, what }
    });
    Ok(entries.collect())
}

async fn tags_added(conn: &mut Conn, contact: &Contact, rows: i64) -> Result<Vec<Entry>> {
    let found: Vec<(DateTime<Utc>, TagName)> = contact_tags::table
        .inner_join(tags::table)
        .filter(contact_tags::contact_id.eq(contact.id))
        .order(contact_tags::added_at.desc())
        .limit(rows)
        .select((contact_tags::added_at, tags::name))
        .load(conn)
        .await?;
    Ok(found.into_iter().rev().map(|(at, tag)| Entry { at, what: What::TagAdded(tag) }).collect())
}

/// Each time that a tag was there: when it came, and when it went.
async fn tags_removed(conn: &mut Conn, contact: &Contact, rows: i64) -> Result<Vec<Entry>> {
    let found: Vec<(DateTime<Utc>, DateTime<Utc>, TagName)> = removed_tags::table
        .inner_join(tags::table)
        .filter(removed_tags::contact_id.eq(contact.id))
        .order(removed_tags::id.desc())
        .limit(rows)
        .select((removed_tags::added_at, removed_tags::removed_at, tags::name))
        .load(conn)
        .await?;
    let came_and_went = |(came, went, tag): (_, _, TagName)| {
        [Entry { at: came, what: What::TagAdded(tag.clone()) }, Entry { at: went, what: What::TagRemoved(tag) }]
    };
    Ok(found.into_iter().rev().flat_map(came_and_went).collect())
}

async fn enrolled(conn: &mut Conn, contact: &Contact, rows: i64) -> Result<Vec<Entry>> {
    type Row = (DateTime<Utc>, EnrollmentId, String, String, Option<String>);
    let found: Vec<Row> = enrollments::table
        .inner_join(automations::table.on(automations::id.eq(enrollments::automation_id)))
        .filter(enrollments::contact_id.eq(contact.id))
        .order(enrollments::id.desc())
        .limit(rows)
        .select((enrollments::started_at, enrollments::id, automations::name, enrollments::status, enrollments::reason))
        .load(conn)
        .await?;
    let entries = found
        .into_iter()
        .rev()
        .map(|(at, id, automation, status, reason)| Entry { at, what: What::Enrolled { id, automation, status, reason } });
    Ok(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_entries_come_first_and_stay() {
        let at = |seconds| DateTime::from_timestamp(seconds, 0).unwrap();
        let tag = |name| What::TagAdded(TagName::parse(name).unwrap());
        let entries =
            vec![Entry { at: at(1), what: What::Created }, Entry { at: at(3), what: tag("late") }, Entry { at: at(1), what: tag("first") }];
        let shown: Vec<_> = newest(entries, 2).into_iter().map(|entry| entry.what).collect();
        assert_eq!(shown, [tag("late"), tag("first")]);
    }
}
