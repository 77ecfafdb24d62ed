//! Webhooks of any program: how they prove who they are ([`WebhookVerification`]), and where their
//! bodies have the contact and the event ([`WebhookMapping`]).
//!
//! A request becomes a [`Document`], and [`map`] an [`Item`](super::Item) of it. [`presets()`]
//! offers settings for well-known senders. Start with [`WebhookMapping`].

mod document;
mod json_path;
mod kept_headers;
mod locator;
mod mapped_item;
mod mapping;
mod presets;
mod signature;
mod unverified_request;
mod verification;
mod verification_input;

pub use document::{Document, UnreadableBody};
pub use json_path::JsonPath;
pub use kept_headers::KeptHeaders;
pub use locator::Locator;
pub use mapped_item::{MappedItem, map, map_with_remarks, needs_defaults};
pub use mapping::{PropertiesMapping, WebhookMapping};
pub use presets::{WebhookPreset, preset, presets};
pub use signature::{SignatureEncoding, SignaturePreset, SignatureScheme, SignedTimestamp};
pub use unverified_request::{Unproven, UnverifiedRequest};
pub use verification::WebhookVerification;
pub use verification_input::ParsedVerification;
