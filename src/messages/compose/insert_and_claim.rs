//! The statement that inserts drafts as messages, and the rows that it takes.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid};

use super::draft::{Draft, DraftOrigin};
use crate::db::statement::statement;
use crate::messages::message::stored_encoding;
use crate::twilio::parts;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId, WorkerId,
};

statement! {
    /// Inserts drafts as messages: `failed` with a failure, `suppressed` or `skipped` where the
    /// number or contact requires it, else `pending`. With a worker that has capacity, and a sender
    /// without a rate: `submitting` with a first attempt, as a [claim](crate::messages::claim)
    /// would write it.
    pub(super) struct Insert<'a> {
        draft: batch of InsertRow<'a> {
            id: MessageId => SqlUuid,
            contact_id: Option<ContactId> => Nullable<SqlUuid>,
            sender_id: SenderId => SqlUuid,
            to_address: &'a str => Text,
            body: &'a str => Text,
            media: String => Text,
            parts: i16 => Int2,
            encoding: Option<&'static str> => Nullable<Text>,
            failure: Option<&'a str> => Nullable<Text>,
            template_id: Option<TemplateId> => Nullable<SqlUuid>,
            template_version: Option<i32> => Nullable<Int4>,
            automation_id: Option<AutomationId> => Nullable<SqlUuid>,
            enrollment_id: Option<EnrollmentId> => Nullable<SqlUuid>,
            step: Option<i16> => Nullable<Int2>,
            request_key: Option<&'a str> => Nullable<Text>,
            retry_of: Option<MessageId> => Nullable<SqlUuid>,
        },
        now: DateTime<Utc> => Timestamptz,
        worker: Option<WorkerId> => Nullable<SqlUuid>,
        capacity: batch of CapacityRow {
            connection_id: ConnectionId => SqlUuid,
            free: i64 => BigInt,
        },
        other_capacity: i64 => BigInt,
    }
    returns (SqlUuid, Text, SqlUuid);
    "WITH judged AS (
         SELECT draft.*, c.id AS alive_id, s.connection_id,
             CASE WHEN s.kind = 'phone_number' THEN s.address END AS from_address,
             x.reason AS suppression,
             {worker} IS NOT NULL
                 AND s.parts_per_second IS NULL
                 AND s.disabled_at IS NULL AND s.stopped_at IS NULL
                 AND k.disabled_at IS NULL AND k.stopped_at IS NULL
                 AND row_number() OVER (PARTITION BY s.connection_id ORDER BY draft.id)
                     <= coalesce(capacity.free, {other_capacity}) AS goes
         FROM {draft}
         JOIN senders s ON s.id = draft.sender_id
         JOIN connections k ON k.id = s.connection_id
         LEFT JOIN {capacity} ON capacity.connection_id = s.connection_id
         LEFT JOIN contacts c ON c.id = draft.contact_id
         LEFT JOIN LATERAL (
             SELECT reason FROM suppressions
             WHERE phone = draft.to_address AND lifted_at IS NULL
             ORDER BY since LIMIT 1
         ) AS x ON true
     ), inserted AS (
         INSERT INTO messages
             (id, direction, connection_id, sender_id, contact_id, to_address, from_address, body,
              media_urls, parts, encoding, status, reason, template_id, template_version,
              automation_id, enrollment_id, step, request_key, retry_of, created_at, status_at)
         SELECT id, 'outbound', connection_id, sender_id, alive_id, to_address, from_address, body,
             string_to_array(media, E'\\n'), parts, encoding,
             CASE
                 WHEN contact_id IS DISTINCT FROM alive_id THEN 'skipped'
                 WHEN failure IS NOT NULL THEN 'failed'
                 WHEN suppression IS NOT NULL THEN 'suppressed'
                 WHEN goes THEN 'submitting'
                 ELSE 'pending'
             END,
             CASE
                 WHEN contact_id IS DISTINCT FROM alive_id THEN 'The contact was deleted.'
                 ELSE coalesce(failure, suppression)
             END,
             template_id, template_version, automation_id, enrollment_id, step, request_key,
             retry_of, {now}, {now}
         FROM judged
         ON CONFLICT DO NOTHING
         RETURNING id, status, connection_id
     ), attempted AS (
         INSERT INTO attempts (message_id, number, worker_id, claimed_at)
         SELECT id, 1, {worker}, {now} FROM inserted WHERE status = 'submitting'
     ), noted AS (
         INSERT INTO delivery_events (message_id, status, source, applied, received_at)
         SELECT id, status, 'carillon', true, {now}
         FROM inserted
         WHERE status NOT IN ('pending', 'submitting')
     )
     SELECT id, status, connection_id FROM inserted"
}

impl<'a> InsertRow<'a> {
    /// The row of a draft composed at `now`.
    pub(super) fn of(draft: &'a Draft, now: DateTime<Utc>) -> Self {
        let counted = parts::count(draft.body());
        let row = Self {
            id: MessageId::at(now),
            contact_id: draft.contact_id,
            sender_id: draft.sender_id,
            to_address: draft.to_address(),
            body: draft.body(),
            media: draft.media_urls.join("\n"),
            parts: i16::try_from(counted.count).unwrap_or(i16::MAX),
            encoding: stored_encoding(&counted),
            failure: draft.to.as_ref().err().or(draft.text.as_ref().err()).map(String::as_str),
            template_id: draft.template.map(|(id, _)| id),
            template_version: draft.template.map(|(_, version)| version),
            automation_id: None,
            enrollment_id: None,
            step: None,
            request_key: None,
            retry_of: None,
        };
        match &draft.origin {
            DraftOrigin::Automation { automation_id, enrollment_id, step } => Self {
                automation_id: Some(*automation_id),
                enrollment_id: Some(*enrollment_id),
                step: Some(*step),
                ..row
            },
            DraftOrigin::Resend { of, automation_id } => {
                Self { automation_id: *automation_id, retry_of: Some(*of), ..row }
            }
            DraftOrigin::OneOff { request_key } => {
                Self { request_key: request_key.as_deref(), ..row }
            }
        }
    }
}
