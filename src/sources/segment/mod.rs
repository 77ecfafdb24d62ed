//! Segment's protocol: the calls identify, track, page, screen, group and alias, singly or in
//! batches, parsed into [`Item`](super::Item)s.
//!
//! An [`Envelope`] is the body of a request; [`parse_item()`] parses one message of it, as the
//! [`SegmentMapping`] of the source says. One message in error prevents no other. A detail of a
//! person that is wrong is left out, because clients never see an error: they drop what is refused.
//!
//! Facts: <https://segment.com/docs/connections/spec/common/>. Start with [`parse_item()`].

mod attributes;
mod call;
mod description;
mod envelope;
mod event;
mod happened_at;
mod mapping;
mod message_context;
mod message_parts;
mod parse_item;
mod person;

#[cfg(test)]
mod tests;

pub use call::SegmentCall;
pub use envelope::{Envelope, EnvelopeError, MAX_MESSAGE_BYTES, MAX_MESSAGES};
pub use mapping::SegmentMapping;
pub use message_context::MessageContext;
pub use parse_item::parse_item;
