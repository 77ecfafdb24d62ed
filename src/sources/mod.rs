//! Sources: where events and contacts come from, besides programs with an API key. A [`Source`] is
//! a program that speaks Segment's protocol ([`segment`]) or a webhook ([`webhook`]), with its own
//! keys and its list of what it sent last.
//!
//! Both kinds turn a request into [`Item`]s, which [`ingest()`] records: it finds or creates the
//! people (`people`), and reports the events to `automations`. Start with [`Item`].

mod action;
mod change;
pub mod counts;
mod create;
pub mod deliveries;
mod ingest;
mod item;
mod item_defaults;
mod people;
mod replay;
pub mod segment;
mod settings;
mod source;
pub mod source_key;
pub mod webhook;

pub use action::{NewAction, create_action};
pub use change::{SourcePatch, delete, update};
pub use counts::ItemCounts;
pub use create::{NewSource, create};
pub use ingest::{IngestRequest, Ingested, MAX_ITEMS, ingest, is_ingest_conflict};
pub use item::{Description, Item, ItemEvent, ItemOutcome, PersonKeys};
pub use item_defaults::ItemDefaults;
pub use people::{FoundBy, ProfileKeyKind};
pub use replay::replay;
pub(crate) use settings::check_name;
pub use source::{MAX_SOURCES, Source, SourceKind, find, list};
pub use source_key::{SourceKeySecret, replace_key};
