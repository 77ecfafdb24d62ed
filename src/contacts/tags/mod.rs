//! Tags: labels on contacts, unique regardless of case. A [`TagName`] is a valid name. [`add`] and
//! [`remove`] only label a contact; [`add_by_hand`] also suppresses its number for the
//! [`STOP_TAG`]. Start with [`add`].

mod stored_tags;
mod tag_name;
mod tagging;
mod tagging_by_hand;

pub(super) use stored_tags::find_id;
pub use stored_tags::{list, of, of_many};
pub use tag_name::{InvalidTagName, STOP_TAG, TagName};
pub use tagging::{add, add_many, remove, remove_many};
pub use tagging_by_hand::{Tagged, add_by_hand, replace};
