//! Composing: from a draft to a row of `messages` and its job, many in one statement.

use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{Array, Int2, Int4, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use crate::{
    contacts,
    db::{Conn, schema::messages, statement::statement},
    error::{Error, Result},
    messages::status::MessageStatus,
    queue::{self, Job, NewJob, Receiver, lease::Leased},
    twilio::parts,
    types::{
        id::{AutomationId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId},
        phone::PhoneNumber,
    },
};

/// What a message comes from; it decides when two drafts are one and the same message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A step of an automation: one message per enrollment and step, however often the step runs.
    Automation {
        /// The automation.
        automation_id: AutomationId,
        /// The contact's passage through it.
        enrollment_id: EnrollmentId,
        /// The step's index, from 0.
        step: i16,
    },
    /// A person asked to send again what certainly never reached anybody; a message is repeated once.
    Retry {
        /// The message that it repeats.
        of: MessageId,
        /// What had made that one.
        automation_id: Option<AutomationId>,
    },
    /// A person or a program asked for this one message; the same `request_key` finds it again.
    OneOff {
        /// The caller's idempotency key, made unique per caller.
        request_key: Option<String>,
    },
}

/// A message that is to be composed.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What it comes from.
    pub origin: Origin,
    /// The contact that it is for, when there is one.
    pub contact_id: Option<ContactId>,
    /// What it is sent from.
    pub sender_id: SenderId,
    /// The recipient, or in words why there is none.
    pub to: std::result::Result<PhoneNumber, String>,
    /// The rendered text, or in words why there is none. The message is then kept as `failed` with these words.
    pub text: std::result::Result<String, String>,
    /// The template and its version.
    pub template: Option<(TemplateId, i32)>,
    /// Pictures and the like, as URLs.
    pub media_urls: Vec<String>,
}

/// What was composed.
#[derive(Debug, Default)]
pub struct Composed {
    /// The new messages.
    pub messages: Vec<MessageId>,
    /// The jobs of those to send that went to the receiver.
    pub jobs: Vec<Leased>,
}

statement! {
    /// Inserts drafts as messages: `failed` with their failure, `suppressed` where the number may not be texted, `skipped` where the
    /// contact is not there any more, else `pending`.
    struct Insert<'a> {
        ids: &'a [MessageId] => Array<SqlUuid>,
        contacts: &'a [Option<ContactId>] => Array<Nullable<SqlUuid>>,
        senders: &'a [SenderId] => Array<SqlUuid>,
        addresses: &'a [&'a str] => Array<Text>,
        bodies: &'a [&'a str] => Array<Text>,
        media: &'a [String] => Array<Text>,
        parts: &'a [i16] => Array<Int2>,
        encodings: &'a [&'static str] => Array<Text>,
        failures: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        templates: &'a [Option<TemplateId>] => Array<Nullable<SqlUuid>>,
        versions: &'a [Option<i32>] => Array<Nullable<Int4>>,
        automations: &'a [Option<AutomationId>] => Array<Nullable<SqlUuid>>,
        enrollments: &'a [Option<EnrollmentId>] => Array<Nullable<SqlUuid>>,
        steps: &'a [Option<i16>] => Array<Nullable<Int2>>,
        request_keys: &'a [Option<&'a str>] => Array<Nullable<Text>>,
        retries_of: &'a [Option<MessageId>] => Array<Nullable<SqlUuid>>,
        now: DateTime<Utc> => Timestamptz,
    }
    returns (SqlUuid, Text);
    "WITH draft AS (
        SELECT * FROM unnest({}::uuid[], {}::uuid[], {}::uuid[], {}::text[], {}::text[], {}::text[], {}::smallint[], {}::text[],
            {}::text[], {}::uuid[], {}::int[], {}::uuid[], {}::uuid[], {}::smallint[], {}::text[], {}::uuid[])
            AS d (id, contact_id, sender_id, to_address, body, media, parts, encoding, failure,
                  template_id, template_version, automation_id, enrollment_id, step, request_key, retry_of),
            (SELECT {}::timestamptz AS now) AS clock
     ), alive AS (
        SELECT id FROM contacts WHERE id = ANY (ARRAY(SELECT contact_id FROM draft))
     ), judged AS (
        SELECT d.*, a.id AS alive_id, s.connection_id, CASE WHEN s.kind = 'phone_number' THEN s.address END AS from_address,
            (SELECT x.reason FROM suppressions x
             WHERE x.phone = d.to_address AND x.lifted_at IS NULL ORDER BY x.since LIMIT 1) AS suppression
        FROM draft d JOIN senders s ON s.id = d.sender_id LEFT JOIN alive a ON a.id = d.contact_id
     ), inserted AS (
        INSERT INTO messages (id, direction, connection_id, sender_id, contact_id, to_address, from_address, body, media_urls, parts,
            encoding, status, reason, template_id, template_version, automation_id, enrollment_id, step, request_key, retry_of,
            created_at, status_at)
        SELECT id, 'outbound', connection_id, sender_id, alive_id, to_address, from_address, body,
            string_to_array(media, E'\\n'), parts, encoding,
            CASE WHEN contact_id IS DISTINCT FROM alive_id THEN 'skipped' WHEN failure IS NOT NULL THEN 'failed' WHEN suppression IS NOT NULL THEN 'suppressed' ELSE 'pending' END,
            CASE WHEN contact_id IS DISTINCT FROM alive_id THEN 'The contact was deleted.' ELSE coalesce(failure, suppression) END,
            template_id, template_version, automation_id, enrollment_id, step, request_key, retry_of, now, now
        FROM judged
        ON CONFLICT DO NOTHING
        RETURNING id, status, created_at
     ), noted AS (
        INSERT INTO delivery_events (message_id, status, source, applied, received_at)
        SELECT id, status, 'carillon', true, created_at FROM inserted WHERE status <> 'pending'
     )
     SELECT id, status FROM inserted"
}

/// Composes messages in one statement and enqueues the sending of those that are `pending`, which are the receiver's `sends`.
///
/// The caller holds deletions of contacts off ([`contacts::deletion`]), so that nobody who is deleted at this moment gets a message.
/// Drafts of messages that exist already (same enrollment and step, same request key, retry of the same message) are left out of the answer.
pub async fn compose(conn: &mut Conn, now: DateTime<Utc>, drafts: Vec<Draft>, sends: Receiver) -> Result<Composed> {
    if drafts.is_empty() {
        return Ok(Composed::default());
    }
    let columns = Columns::of(&drafts);
    let statement = Insert {
        ids: &columns.ids,
        contacts: &columns.contacts,
        senders: &columns.senders,
        addresses: &columns.addresses,
        bodies: &columns.bodies,
        media: &columns.media,
        parts: &columns.parts,
        encodings: &columns.encodings,
        failures: &columns.failures,
        templates: &columns.templates,
        versions: &columns.versions,
        automations: &columns.automations,
        enrollments: &columns.enrollments,
        steps: &columns.steps,
        request_keys: &columns.request_keys,
        retries_of: &columns.retries_of,
        now,
    };
    let rows: Vec<(MessageId, MessageStatus)> = statement.load(conn).await?;
    let jobs: Vec<NewJob> = rows
        .iter()
        .filter(|(_, status)| *status == MessageStatus::Pending)
        .map(|(id, _)| NewJob { job: Job::Send(*id), run_at: now })
        .collect();
    let jobs = queue::enqueue_for(conn, sends, &jobs, now).await?;
    Ok(Composed { messages: rows.into_iter().map(|(id, _)| id).collect(), jobs })
}

/// Composes a single message, as the first thing in a transaction, and returns its id; a repeated request key returns the message that it made the first time.
pub async fn compose_one(conn: &mut Conn, now: DateTime<Utc>, draft: Draft) -> Result<MessageId> {
    let key = match &draft.origin {
        Origin::OneOff { request_key } => request_key.clone(),
        Origin::Automation { .. } | Origin::Retry { .. } => None,
    };
    contacts::deletion::hold_off(conn).await?;
    let composed = compose(conn, now, vec![draft], Receiver::Anyone).await?;
    if let [message_id, ..] = composed.messages.as_slice() {
        return Ok(*message_id);
    }
    let found = match key {
        Some(key) => {
            let same = messages::table.filter(messages::request_key.eq(key)).filter(messages::direction.eq("outbound"));
            same.select(messages::id).first(conn).await.optional()?
        }
        None => None,
    };
    found.ok_or(Error::NotFound("sender"))
}

/// The drafts turned on their side: one array per column, as `unnest` wants them.
struct Columns<'a> {
    ids: Vec<MessageId>,
    contacts: Vec<Option<ContactId>>,
    senders: Vec<SenderId>,
    addresses: Vec<&'a str>,
    bodies: Vec<&'a str>,
    media: Vec<String>,
    parts: Vec<i16>,
    encodings: Vec<&'static str>,
    failures: Vec<Option<&'a str>>,
    templates: Vec<Option<TemplateId>>,
    versions: Vec<Option<i32>>,
    automations: Vec<Option<AutomationId>>,
    enrollments: Vec<Option<EnrollmentId>>,
    steps: Vec<Option<i16>>,
    request_keys: Vec<Option<&'a str>>,
    retries_of: Vec<Option<MessageId>>,
}

impl<'a> Columns<'a> {
    fn of(drafts: &'a [Draft]) -> Self {
        let text = |draft: &'a Draft| draft.text.as_deref().unwrap_or_default();
        let counted: Vec<parts::Parts> = drafts.iter().map(|draft| parts::count(text(draft))).collect();
        let origin = |draft: &Draft| match draft.origin {
            Origin::Automation { automation_id, enrollment_id, step } => (Some(automation_id), Some(enrollment_id), Some(step)),
            Origin::Retry { automation_id, .. } => (automation_id, None, None),
            Origin::OneOff { .. } => (None, None, None),
        };
        Self {
            ids: drafts.iter().map(|_| MessageId::new()).collect(),
            contacts: drafts.iter().map(|draft| draft.contact_id).collect(),
            senders: drafts.iter().map(|draft| draft.sender_id).collect(),
            addresses: drafts.iter().map(|draft| draft.to.as_ref().map_or("", PhoneNumber::as_str)).collect(),
            bodies: drafts.iter().map(text).collect(),
            media: drafts.iter().map(|draft| draft.media_urls.join("\n")).collect(),
            parts: counted.iter().map(|parts| i16::try_from(parts.count).unwrap_or(i16::MAX)).collect(),
            encodings: counted.iter().map(|parts| encoding_word(parts.encoding)).collect(),
            failures: drafts.iter().map(|draft| draft.to.as_ref().err().or(draft.text.as_ref().err()).map(String::as_str)).collect(),
            templates: drafts.iter().map(|draft| draft.template.map(|(id, _)| id)).collect(),
            versions: drafts.iter().map(|draft| draft.template.map(|(_, version)| version)).collect(),
            automations: drafts.iter().map(|draft| origin(draft).0).collect(),
            enrollments: drafts.iter().map(|draft| origin(draft).1).collect(),
            steps: drafts.iter().map(|draft| origin(draft).2).collect(),
            request_keys: drafts
                .iter()
                .map(|draft| match &draft.origin {
                    Origin::OneOff { request_key } => request_key.as_deref(),
                    Origin::Automation { .. } | Origin::Retry { .. } => None,
                })
                .collect(),
            retries_of: drafts
                .iter()
                .map(|draft| match draft.origin {
                    Origin::Retry { of, .. } => Some(of),
                    Origin::Automation { .. } | Origin::OneOff { .. } => None,
                })
                .collect(),
        }
    }
}

/// How the database writes an encoding.
pub(super) const fn encoding_word(encoding: parts::Encoding) -> &'static str {
    match encoding {
        parts::Encoding::Gsm7 => "gsm7",
        parts::Encoding::Ucs2 => "ucs2",
    }
}
