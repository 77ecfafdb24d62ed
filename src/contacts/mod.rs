//! Contacts: people with one phone number, their tags, suppressions and consent, and what they ask
//! for by text.

mod change;
pub mod consent;
mod contact;
pub mod deletion;
mod fields;
mod list;
mod patch;
mod search;
mod sql;
pub mod suppressions;
pub mod tags;
pub mod timeline;

pub use change::Change;
pub use contact::{
    Contact, NewContact, create, existing, find, find_by_external_id, find_by_phone, find_many,
    find_or_create_by_phone, find_or_create_many_by_phone, ids_by_external_id, ids_by_phone,
    newest,
};
pub use fields::{Attributes, Email, ExternalId, InvalidField, Name};
pub use list::{ContactFilter, ContactPage, Position, SCAN_LIMIT, count, list, list_ids};
pub use patch::{AttributesPatch, ContactPatch, Patch, Updated, update};
