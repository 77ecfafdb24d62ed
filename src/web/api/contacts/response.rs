//! Contacts in responses of the API, with tags and suppression.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::consent::{Reason, Suppression, suppression};
use crate::contacts::Contact;
use crate::contacts::tags::{self, TagName};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;

/// A contact.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Contact)]
pub(crate) struct ContactAnswer {
    #[schema(value_type = String, format = Uuid)]
    pub(super) id: ContactId,
    /// In E.164.
    #[schema(value_type = String, example = "+14155550123")]
    phone: PhoneNumber,
    /// Whether the number is in a range that its country's numbering plan uses. If not, check it.
    phone_valid: bool,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    /// The id of the contact in another system.
    external_id: Option<String>,
    /// Named texts, numbers and booleans.
    #[schema(value_type = Object)]
    attributes: Value,
    #[schema(value_type = Vec<String>)]
    tags: Vec<TagName>,
    /// Why the number may not be texted; `null` if it may.
    suppression: Option<SuppressionAnswer>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

/// Why a number may not be texted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Suppression)]
struct SuppressionAnswer {
    /// `stop`, `carrier_21610`, `manual`, `carrier_blocked` or `invalid_number`.
    #[schema(value_type = String, example = "stop")]
    reason: Reason,
    since: DateTime<Utc>,
    /// Whether the contact used no opt-out keyword, and clear wording was read as an opt-out, which
    /// users can undo.
    read_as_opt_out: bool,
}

/// Creates the response for a contact, with its tags and suppression.
pub(crate) async fn contact_answer(conn: &mut Conn, contact: Contact) -> Result<ContactAnswer> {
    contact_answers(conn, vec![contact]).await?.pop().ok_or(Error::NotFound("contact"))
}

/// Creates the responses for contacts, with their tags and suppressions, in the same order; runs
/// two queries.
pub(super) async fn contact_answers(
    conn: &mut Conn,
    contacts: Vec<Contact>,
) -> Result<Vec<ContactAnswer>> {
    let ids: Vec<_> = contacts.iter().map(|contact| contact.id).collect();
    let phones: Vec<_> = contacts.iter().map(|contact| contact.phone.clone()).collect();
    let mut tags = tags::of_many(conn, &ids).await?;
    let mut suppressed = suppression::active_many(conn, &phones).await?;
    let answers = contacts.into_iter().map(|contact| {
        let tags = tags.remove(&contact.id).unwrap_or_default();
        let suppression = suppressed.remove(&contact.phone);
        ContactAnswer::new(contact, tags, suppression)
    });
    Ok(answers.collect())
}

impl ContactAnswer {
    fn new(contact: Contact, tags: Vec<TagName>, suppression: Option<Suppression>) -> Self {
        let Contact {
            id,
            phone,
            first_name,
            last_name,
            email,
            external_id,
            attributes,
            created_at,
            updated_at,
        } = contact;
        let suppression = suppression.map(|found| SuppressionAnswer {
            reason: found.reason,
            since: found.since,
            read_as_opt_out: found.by_wording,
        });
        let phone_valid = phone.is_valid();
        Self {
            id,
            phone,
            phone_valid,
            first_name,
            last_name,
            email,
            external_id,
            attributes,
            tags,
            suppression,
            created_at,
            updated_at,
        }
    }
}
