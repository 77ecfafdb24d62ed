//! Drafts turned on their side, as the database takes them, and back into what a worker submits.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::{Draft, Origin, encoding_word};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::claim::{Claimed, validity_seconds};
use crate::senders;
use crate::twilio::parts;
use crate::types::deadline::Deadline;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId,
};
use crate::types::phone::PhoneNumber;

/// The drafts turned on their side: one array per column, as `unnest` wants them.
pub(super) struct Columns<'a> {
    pub(super) ids: Vec<MessageId>,
    pub(super) contacts: Vec<Option<ContactId>>,
    pub(super) senders: Vec<SenderId>,
    pub(super) addresses: Vec<&'a str>,
    pub(super) bodies: Vec<&'a str>,
    pub(super) media: Vec<String>,
    pub(super) parts: Vec<i16>,
    pub(super) encodings: Vec<Option<&'static str>>,
    pub(super) failures: Vec<Option<&'a str>>,
    pub(super) templates: Vec<Option<TemplateId>>,
    pub(super) versions: Vec<Option<i32>>,
    pub(super) automations: Vec<Option<AutomationId>>,
    pub(super) enrollments: Vec<Option<EnrollmentId>>,
    pub(super) steps: Vec<Option<i16>>,
    pub(super) request_keys: Vec<Option<&'a str>>,
    pub(super) retries_of: Vec<Option<MessageId>>,
}

impl<'a> Columns<'a> {
    /// Turns drafts of messages that are composed now on their side.
    pub(super) fn of(drafts: &'a [Draft], now: DateTime<Utc>) -> Self {
        let text = |draft: &'a Draft| draft.text.as_deref().unwrap_or_default();
        let counted: Vec<parts::Parts> =
            drafts.iter().map(|draft| parts::count(text(draft))).collect();
        let origin = |draft: &Draft| match draft.origin {
            Origin::Automation { automation_id, enrollment_id, step } => {
                (Some(automation_id), Some(enrollment_id), Some(step))
            }
            Origin::Retry { automation_id, .. } => (automation_id, None, None),
            Origin::OneOff { .. } => (None, None, None),
        };
        Self {
            ids: drafts.iter().map(|_| MessageId::at(now)).collect(),
            contacts: drafts.iter().map(|draft| draft.contact_id).collect(),
            senders: drafts.iter().map(|draft| draft.sender_id).collect(),
            addresses: drafts
                .iter()
                .map(|draft| draft.to.as_ref().map_or("", PhoneNumber::as_str))
                .collect(),
            bodies: drafts.iter().map(text).collect(),
            media: drafts.iter().map(|draft| draft.media_urls.join("\n")).collect(),
            parts: counted
                .iter()
                .map(|parts| i16::try_from(parts.count).unwrap_or(i16::MAX))
                .collect(),
            encodings: counted.iter().map(encoding_word).collect(),
            failures: drafts
                .iter()
                .map(|draft| {
                    draft.to.as_ref().err().or(draft.text.as_ref().err()).map(String::as_str)
                })
                .collect(),
            templates: drafts.iter().map(|draft| draft.template.map(|(id, _)| id)).collect(),
            versions: drafts
                .iter()
                .map(|draft| draft.template.map(|(_, version)| version))
                .collect(),
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

impl Columns<'_> {
    /// What a worker needs to submit those drafts that were claimed, each of a connection.
    pub(super) async fn claimed(
        &self,
        conn: &mut Conn,
        begun: HashMap<MessageId, ConnectionId>,
        drafts: &[Draft],
        judged_at: Deadline,
        now: DateTime<Utc>,
    ) -> Result<HashMap<MessageId, Claimed>> {
        if begun.is_empty() {
            return Ok(HashMap::new());
        }
        let senders: HashSet<SenderId> = self.senders.iter().copied().collect();
        let senders = senders::find_many(conn, &senders.into_iter().collect::<Vec<_>>()).await?;
        let each = self.ids.iter().zip(drafts).enumerate();
        let claimed = each.filter_map(|(at, (id, draft))| {
            let (connection_id, sender) = (*begun.get(id)?, senders.get(&draft.sender_id)?);
            let claimed = Claimed {
                message_id: *id,
                attempt: 1,
                connection_id,
                sender_id: draft.sender_id,
                to_address: self.addresses[at].to_owned(),
                sender_address: sender.address.as_str().to_owned(),
                body: self.bodies[at].to_owned(),
                media_urls: draft.media_urls.clone(),
                parts: self.parts[at],
                validity_seconds: validity_seconds(sender.validity.end_of(now) - now),
                judged_at,
            };
            Some((*id, claimed))
        });
        Ok(claimed.collect())
    }
}
