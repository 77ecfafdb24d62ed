//! The people whom items are about. [`resolve()`] finds them by their keys, creates and changes
//! their contacts, and keeps profiles of those who have no number yet.
//!
//! A person is known by user id first, then by number, anonymous id and email address. The user id
//! is the external id of the contact; if that has another one, a key of the person's profile.
//! `walk.rs` has the rules, and decides about a batch without the database: once with what an
//! unlocked read found, to know what has to be locked, and once more with what is locked. A batch
//! of events of known people changes nothing, and so locks nothing.
//!
//! Start with `resolve.rs`, then `walk.rs`.

mod changes;
mod directory;
mod lookup;
mod person;
mod resolve;
mod store;
mod traits;
mod walk;

pub(super) use lookup::find;
pub use lookup::{FoundBy, ProfileKeyKind};
pub(super) use resolve::resolve;
pub(super) use store::is_conflict;
