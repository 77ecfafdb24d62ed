//! Tags: labels on contacts, unique regardless of case. A [`TagName`] is a valid name. [`add`] and
//! [`remove`] only label a contact; [`add_by_hand`] also suppresses its number for the
//! [`STOP_TAG`]. Start with [`add`].

mod tag_name;
mod tagging;
mod tagging_by_hand;

pub use tag_name::{InvalidTagName, STOP_TAG, TagName};
pub(super) use tagging::find_id;
pub use tagging::{add, add_many, list, of, of_many, remove, remove_many};
pub use tagging_by_hand::{Tagged, add_by_hand, replace};
