//! What becomes of the wish to claim a message, and what a claimed message brings along.

use crate::types::deadline::Deadline;
use crate::types::id::{ConnectionId, MessageId, SenderId};

/// A message that this worker, and no other, may now submit once.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// The message.
    pub message_id: MessageId,
    /// Which attempt this is, from 1.
    pub attempt: i16,
    /// The connection whose keys are used.
    pub connection_id: ConnectionId,
    /// The sender.
    pub sender_id: SenderId,
    /// Where it goes, as Twilio wants it.
    pub to_address: String,
    /// What it is sent from: a number or a Messaging Service.
    pub sender_address: String,
    /// The text.
    pub body: String,
    /// Pictures and the like.
    pub media_urls: Vec<String>,
    /// How many SMS parts it has.
    pub parts: i16,
    /// How long Twilio may keep it before it must be sent, in seconds, up to 36,000.
    pub validity_seconds: u32,
    /// When it began to be judged: what was found true of it then may be true no longer a little
    /// later.
    pub judged_at: Deadline,
}

/// What became of the wish to claim a message.
#[derive(Debug, Clone)]
pub enum Claim {
    /// It is `submitting` now: call Twilio, then record.
    Claimed(Box<Claimed>),
    /// The number may not be texted; the message is `suppressed` now.
    Suppressed,
    /// Its connection, sender or automation is switched off. It stays `pending` until
    /// [`wake()`](super::wake()).
    Held,
    /// Its contact was deleted while it was being sent, and it was not; it is `skipped` now.
    Skipped,
    /// It waited longer than its sender lets messages wait: it is `expired` now.
    Expired,
    /// It stands in its sender's queue, from where it is sent when the sender's rate allows; there
    /// it needs no job.
    Queued,
    /// Its connection has no room for it now. Nothing was written: ask again shortly.
    AtCapacity(ConnectionId),
    /// It has left `pending` already: there is nothing to send.
    Gone,
    /// Another transaction has it in hand: ask again shortly.
    Busy,
    /// A worker died between claim and record. It is `unconfirmed` now: Twilio may have it.
    Interrupted,
}
