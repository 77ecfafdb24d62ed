//! What a request of a source says, in the form that both kinds of source share.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use crate::contacts::{Email, ExternalId, Name};
use crate::error::FieldErrors;
use crate::events::{ClientId, EventName, Properties};
use crate::types::id::EventId;
use crate::types::phone::PhoneNumber;

/// One thing that a source says of one person: who they are, what is known about them, and what
/// they did.
#[derive(Debug, Clone)]
pub struct Item {
    /// What it calls the person.
    pub person: PersonKeys,
    /// What it says about the person; empty for a bare event.
    pub description: Description,
    /// What the person did, if anything.
    pub event: Option<ItemEvent>,
    /// An earlier id of the same person (Segment's `alias`), user id or anonymous id.
    pub previous_id: Option<String>,
    /// When it happened; none means now.
    pub at: Option<DateTime<Utc>>,
}

/// What an item calls its person; at least one is present.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonKeys {
    /// The id in the user's own system: the contact's external id.
    pub user_id: Option<ExternalId>,
    /// The id of a browser or device before the person is known; up to 200 characters.
    pub anonymous_id: Option<String>,
    /// Their email address.
    pub email: Option<Email>,
    /// Their phone number, by which a contact is created.
    pub phone: Option<PhoneNumber>,
}

/// What is said about a person; absent fields stay as they are.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Description {
    /// Their first name.
    pub first_name: Option<Name>,
    /// Their last name.
    pub last_name: Option<Name>,
    /// Attributes to set; null removes one. Names and values are valid (see
    /// [`Attributes`](crate::contacts::Attributes)).
    pub attributes: Map<String, Value>,
}

impl Description {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.first_name.is_none() && self.last_name.is_none() && self.attributes.is_empty()
    }
}

/// What a person did.
#[derive(Debug, Clone)]
pub struct ItemEvent {
    /// The source's own id of it, after the id of the source, so that two sources cannot collide.
    pub client_id: Option<ClientId>,
    /// What happened.
    pub name: EventName,
    /// Details.
    pub properties: Properties,
}

/// What became of an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemOutcome {
    /// Recorded: the event, if it has one, and how many automations it started.
    Accepted {
        /// The event that was stored.
        event_id: Option<EventId>,
        /// How many automations it started.
        started: usize,
    },
    /// An event that was reported before.
    Repeated(EventId),
    /// The person has no phone number yet; a description is kept, an event is not.
    Unreachable,
    /// Cannot be recorded, whatever is tried; the errors say why.
    Rejected(FieldErrors),
}
