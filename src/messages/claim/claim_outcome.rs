//! [`ClaimOutcome`]: the result of claiming a message; [`ClaimedMessage`]: what a worker needs to
//! submit it.

use crate::types::deadline::Deadline;
use crate::types::id::{ConnectionId, MessageId, SenderId};

/// A message that this worker alone may now submit, once.
#[derive(Debug, Clone)]
pub struct ClaimedMessage {
    /// The message.
    pub message_id: MessageId,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// The connection whose keys are used.
    pub connection_id: ConnectionId,
    /// The sender.
    pub sender_id: SenderId,
    /// The recipient, in Twilio's format.
    pub to_address: String,
    /// The number or Messaging Service that it is sent from.
    pub sender_address: String,
    /// The text.
    pub body: String,
    /// The URLs of its media.
    pub media_urls: Vec<String>,
    /// How many SMS parts it has.
    pub parts: i16,
    /// How long Twilio may hold it before sending it, in seconds, up to 36,000.
    pub validity_seconds: u32,
    /// When the checks of the claim began; what they found may soon be out of date.
    pub checked_at: Deadline,
}

/// The result of claiming a message.
#[derive(Debug, Clone)]
pub enum ClaimOutcome {
    /// It is `submitting` now: call Twilio, then record the outcome.
    Claimed(Box<ClaimedMessage>),
    /// The number may not be texted; the message is `suppressed` now.
    Suppressed,
    /// Its connection, sender or automation is switched off. It stays `pending` until
    /// [`wake()`](super::wake()).
    Held,
    /// Its contact was deleted during an attempt that did not send it; it is `skipped` now.
    Skipped,
    /// It waited longer than its sender's validity; it is `expired` now.
    Expired,
    /// It waits in its sender's queue and needs no job: the queue releases it when the sender's
    /// rate allows.
    Queued,
    /// Its connection is at capacity. Nothing was written: try again shortly.
    AtCapacity(ConnectionId),
    /// It is no longer `pending`: there is nothing to send.
    Gone,
    /// Another worker or transaction has it: try again shortly.
    Busy,
    /// A worker died between claim and record. It is `unconfirmed` now: Twilio may have it.
    Interrupted,
}
