//! Drafts as the rows that the database takes, and back into what a worker submits.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::InsertRow;
use super::draft::{Draft, Origin};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::claim::{Claimed, validity_seconds};
use crate::messages::message::encoding_word;
use crate::senders;
use crate::twilio::parts;
use crate::types::deadline::Deadline;
use crate::types::id::{ConnectionId, MessageId, SenderId};
use crate::types::phone::PhoneNumber;

impl<'a> InsertRow<'a> {
    /// The row of a draft that is composed now.
    pub(super) fn of(draft: &'a Draft, now: DateTime<Utc>) -> Self {
        let counted = parts::count(text(draft));
        let row = Self {
            id: MessageId::at(now),
            contact_id: draft.contact_id,
            sender_id: draft.sender_id,
            to_address: address(draft),
            body: text(draft),
            media: draft.media_urls.join("\n"),
            parts: i16::try_from(counted.count).unwrap_or(i16::MAX),
            encoding: encoding_word(&counted),
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
            Origin::Automation { automation_id, enrollment_id, step } => Self {
                automation_id: Some(*automation_id),
                enrollment_id: Some(*enrollment_id),
                step: Some(*step),
                ..row
            },
            Origin::Retry { of, automation_id } => {
                Self { automation_id: *automation_id, retry_of: Some(*of), ..row }
            }
            Origin::OneOff { request_key } => Self { request_key: request_key.as_deref(), ..row },
        }
    }
}

/// What a worker needs to submit those messages that were claimed, each of a connection; `parts`
/// names the message of each draft, and how many parts it has.
pub(super) async fn claimed(
    conn: &mut Conn,
    parts: &[(MessageId, i16)],
    drafts: &[Draft],
    begun: HashMap<MessageId, ConnectionId>,
    judged_at: Deadline,
    now: DateTime<Utc>,
) -> Result<HashMap<MessageId, Claimed>> {
    if begun.is_empty() {
        return Ok(HashMap::new());
    }
    let senders: HashSet<SenderId> = drafts.iter().map(|draft| draft.sender_id).collect();
    let senders = senders::find_many(conn, &senders.into_iter().collect::<Vec<_>>()).await?;
    let claimed = parts.iter().zip(drafts).filter_map(|((id, parts), draft)| {
        let (connection_id, sender) = (*begun.get(id)?, senders.get(&draft.sender_id)?);
        let claimed = Claimed {
            message_id: *id,
            attempt: 1,
            connection_id,
            sender_id: draft.sender_id,
            to_address: address(draft).to_owned(),
            sender_address: sender.address.as_str().to_owned(),
            body: text(draft).to_owned(),
            media_urls: draft.media_urls.clone(),
            parts: *parts,
            validity_seconds: validity_seconds(sender.validity.end_of(now) - now),
            judged_at,
        };
        Some((*id, claimed))
    });
    Ok(claimed.collect())
}

fn address(draft: &Draft) -> &str {
    draft.to.as_ref().map_or("", PhoneNumber::as_str)
}

fn text(draft: &Draft) -> &str {
    draft.text.as_deref().unwrap_or_default()
}
