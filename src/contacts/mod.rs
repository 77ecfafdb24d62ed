//! Contacts: people with one phone number, their tags and attributes, and what happened to them.
//!
//! A [`Contact`] is found or created by its number. [`suppress`] and [`lift`] keep its STOP tag in
//! sync with the suppressions of its number, which the slice `consent` stores. The functions return
//! what happened to a contact as a [`ContactChange`], for automations to react to.
//!
//! Start with [`create()`] and [`update`].

mod bulk;
mod contact;
mod contact_change;
mod create;
pub mod deletion;
mod fields;
mod filter;
mod list;
mod list_scan;
mod patch;
mod search_probes;
mod sql_functions;
mod stop_tag;
mod suppress_and_lift;
pub mod tags;
pub mod timeline;

pub use bulk::{RowLock, create_many, lock_many, release_external_ids, update_many};
pub use contact::{
    Contact, existing, find, find_by_external_id, find_by_phone, find_many, ids_by_external_id,
    ids_by_phone, newest,
};
pub use contact_change::ContactChange;
pub use create::{NewContact, create, find_or_create_by_phone, find_or_create_many_by_phone};
pub use fields::{Attributes, Email, ExternalId, InvalidField, MAX_ATTRIBUTES, Name};
pub use filter::{ContactFilter, Position};
pub use list::{ContactPage, count, estimate, list, list_ids};
pub use list_scan::SCAN_LIMIT;
pub use patch::{AttributesPatch, ContactPatch, Patch, Updated, carry_suppressions, update};
pub use suppress_and_lift::{Lifted, Suppressed, lift, suppress, undo_reading};
