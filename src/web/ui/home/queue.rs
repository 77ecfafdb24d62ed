//! What waits to be handed to Twilio, of all senders together: how much, until when, and how much
//! of it stands still.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::sending::ActiveSenders;
use crate::messages::throttle::figures::QueueFigures;
use crate::types::id::SenderId;

/// The messages that are not at Twilio yet.
#[derive(Debug, Default, Serialize)]
pub(super) struct Queue {
    /// All of them, whether they wait for a rate, for a turn or for somebody to switch their sender
    /// on.
    messages: i64,
    /// How many of them stand still, because their sender or its connection is disabled or stopped.
    standing: i64,
    /// When the last of the others goes, if no more come; none where nobody knows: a sender without
    /// a rate goes as fast as Twilio answers.
    empty_at: Option<DateTime<Utc>>,
}

impl Queue {
    pub(super) fn of(
        pending: &HashMap<Option<SenderId>, i64>,
        sending: &ActiveSenders<'_>,
        queues: &HashMap<SenderId, QueueFigures>,
    ) -> Self {
        let mut queue = Self::default();
        let mut has_unknown = false;
        for (sender, messages) in pending {
            queue.messages += messages;
            match sender.and_then(|id| sending.find(id)) {
                None => queue.standing += messages,
                Some(sender) if sender.parts_per_second.is_none() => has_unknown = true,
                // Those few that are in no queue are on their way to Twilio already.
                Some(sender) => {
                    queue.empty_at = queue
                        .empty_at
                        .max(queues.get(&sender.id).and_then(|figures| figures.empty_at));
                }
            }
        }
        if has_unknown {
            queue.empty_at = None;
        }
        queue
    }
}

#[cfg(debug_assertions)]
#[path = "samples/queue.rs"]
mod samples;
