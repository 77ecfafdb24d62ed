//! What a search finds: [`find`] asks each slice for a few matches.

use uuid::Uuid;

use super::search_text::SearchText;
use crate::automations::{self, AutomationMatch};
use crate::connections::{self, Connection};
use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::sid_search;
use crate::messages::message::{self, Message};
use crate::senders::{self, Sender};
use crate::templates::{self, TemplateMatch};
use crate::twilio::sid::MessageSid;
use crate::types::id::{
    AutomationId, ConnectionId, ContactId, EnrollmentId, MessageId, SenderId, TemplateId,
};

/// The largest number of matches of each kind.
const MAX_MATCHES: usize = 6;
/// The same for limits of queries.
const LIMIT: i64 = 6;

/// What a search found, at most a few of each kind, exact matches first.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Contacts by name, number, email address or external id.
    pub contacts: Vec<Contact>,
    /// Whether the list of contacts has more matches.
    pub has_more_contacts: bool,
    /// Messages by id or SID.
    pub messages: Vec<FoundMessage>,
    /// Where the search for a message by its SID continues, if it has not been found yet.
    pub continue_before: Option<MessageId>,
    /// Enrollments by id.
    pub enrollments: Vec<FoundEnrollment>,
    /// Automations by name.
    pub automations: Vec<AutomationMatch>,
    /// Templates by name.
    pub templates: Vec<TemplateMatch>,
    /// Senders by name, number or SID.
    pub senders: Vec<Sender>,
    /// Connections by name, or by the name or SID of the account.
    pub connections: Vec<Connection>,
}

/// A message with the contact at its other end.
#[derive(Debug, Clone)]
pub struct FoundMessage {
    /// The message.
    pub message: Message,
    /// The contact; none once it is deleted.
    pub contact: Option<Contact>,
}

/// An enrollment with the name of its automation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEnrollment {
    /// The enrollment.
    pub id: EnrollmentId,
    /// The name of its automation; none once that is deleted.
    pub automation: Option<String>,
}

/// Finds what a text stands for: one row by its id or SID, otherwise matches of each kind.
///
/// `before` continues the search for a message by its SID.
pub async fn find(conn: &mut Conn, text: &SearchText, before: Option<MessageId>) -> Result<Found> {
    if let Some(id) = text.id() {
        return find_by_id(conn, text, id).await;
    }
    if let Some(sid) = text.message_sid() {
        return find_by_message_sid(conn, &sid, before).await;
    }
    let (contacts, has_more_contacts) = find_contacts(conn, text).await?;
    let digits = text.digits();
    Ok(Found {
        contacts,
        has_more_contacts,
        automations: automations::find_by_words(conn, text.as_str(), LIMIT).await?,
        templates: templates::find_by_words(conn, text.as_str(), LIMIT).await?,
        senders: senders::find_by_words(conn, text.as_str(), digits.as_deref(), LIMIT).await?,
        connections: find_connections(conn, text.as_str()).await?,
        ..Found::default()
    })
}

async fn find_contacts(conn: &mut Conn, text: &SearchText) -> Result<(Vec<Contact>, bool)> {
    let mut found = Vec::new();
    if let Some(phone) = text.phone() {
        found.extend(contacts::find_by_phone(conn, &phone).await?);
    }
    found.extend(contacts::find_by_external_id(conn, text.as_str()).await?);
    let filter = ContactFilter {
        search: text.as_str().to_owned(),
        default_country: text.default_country(),
        ..ContactFilter::default()
    };
    let page = contacts::list(conn, &filter, Position::Newest, MAX_MATCHES).await?;
    for contact in page.contacts {
        if !found.iter().any(|known| known.id == contact.id) {
            found.push(contact);
        }
    }
    let has_more = page.older.is_some() || found.len() > MAX_MATCHES;
    found.truncate(MAX_MATCHES);
    Ok((found, has_more))
}

/// The connections with all of these words in their name or that of the account, or with this SID.
async fn find_connections(conn: &mut Conn, text: &str) -> Result<Vec<Connection>> {
    let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    let mut found = connections::list(conn).await?;
    found.retain(|connection| {
        let names = format!("{} {}", connection.name, connection.account_name).to_lowercase();
        let is_sid =
            connection.account_sid == text || connection.api_key_sid.as_deref() == Some(text);
        is_sid || words.iter().all(|word| names.contains(word))
    });
    found.truncate(MAX_MATCHES);
    Ok(found)
}

async fn find_by_message_sid(
    conn: &mut Conn,
    sid: &MessageSid,
    before: Option<MessageId>,
) -> Result<Found> {
    let found = sid_search::find_by_sid(conn, sid, before).await?;
    Ok(Found {
        messages: with_contacts(conn, Vec::from_iter(found.message)).await?,
        continue_before: found.continue_before,
        ..Found::default()
    })
}

/// The rows of every kind with an id, and the contact with it as its id in another system.
async fn find_by_id(conn: &mut Conn, text: &SearchText, id: Uuid) -> Result<Found> {
    let mut contacts = contacts::find_many(conn, &[ContactId(id)]).await?;
    contacts.extend(contacts::find_by_external_id(conn, text.as_str()).await?);
    let messages = message::find_many(conn, &[MessageId(id)]).await?;
    let automations = automations::find_many(conn, &[AutomationId(id)]).await?;
    let templates = templates::find_many(conn, &[TemplateId(id)]).await?;
    let mut connections = connections::list(conn).await?;
    connections.retain(|connection| connection.id == ConnectionId(id));
    Ok(Found {
        contacts,
        messages: with_contacts(conn, messages).await?,
        enrollments: find_enrollments(conn, EnrollmentId(id)).await?,
        automations: automations.into_iter().map(AutomationMatch::from).collect(),
        templates: templates.into_values().map(TemplateMatch::from).collect(),
        senders: senders::find_many(conn, &[SenderId(id)]).await?.into_values().collect(),
        connections,
        ..Found::default()
    })
}

async fn find_enrollments(conn: &mut Conn, id: EnrollmentId) -> Result<Vec<FoundEnrollment>> {
    let mut found = Vec::new();
    for enrollment in automations::find_enrollments(conn, &[id]).await? {
        let automations = automations::find_many(conn, &[enrollment.automation_id]).await?;
        let automation = automations.into_iter().next().map(|automation| automation.name);
        found.push(FoundEnrollment { id: enrollment.id, automation });
    }
    Ok(found)
}

async fn with_contacts(conn: &mut Conn, messages: Vec<Message>) -> Result<Vec<FoundMessage>> {
    let ids: Vec<ContactId> = messages.iter().filter_map(|message| message.contact_id).collect();
    let contacts = contacts::find_many(conn, &ids).await?;
    let with_contact = |message: Message| {
        let is_theirs = |contact: &&Contact| Some(contact.id) == message.contact_id;
        FoundMessage { contact: contacts.iter().find(is_theirs).cloned(), message }
    };
    Ok(messages.into_iter().map(with_contact).collect())
}
