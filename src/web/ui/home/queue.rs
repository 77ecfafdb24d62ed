//! The queue of all senders together: pending messages, when the queue is empty, and how much of it
//! is blocked.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::connections::{Connection, Status};
use crate::messages::throttle::queue_figures::QueueFigures;
use crate::senders::Sender;
use crate::types::id::SenderId;

/// The messages that are not at Twilio yet.
#[derive(Debug, Default, Serialize)]
pub(super) struct Queue {
    /// All pending messages, whether they wait for a rate, for a worker, or for a sender that is
    /// off.
    messages: i64,
    /// The messages that are blocked: their sender or its connection is disabled or stopped.
    standing: i64,
    /// When the other messages will have been sent, if no more come. Unknown if one of the senders
    /// has no rate limit: it sends as fast as Twilio answers.
    empty_at: Option<DateTime<Utc>>,
}

/// The senders that can send now: neither they nor their connection are disabled or stopped.
pub(super) struct ActiveSenders<'a>(HashMap<SenderId, &'a Sender>);

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
                // The few messages that are in no queue are already being submitted.
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

impl<'a> ActiveSenders<'a> {
    pub(super) fn of(connections: &[Connection], senders: &'a [Sender]) -> Self {
        let is_on = |sender: &&Sender| {
            let connection =
                connections.iter().find(|candidate| candidate.id == sender.connection_id);
            sender.status() == Status::Active
                && connection.is_some_and(|connection| connection.status() == Status::Active)
        };
        Self(senders.iter().filter(is_on).map(|sender| (sender.id, sender)).collect())
    }

    /// How many of `all` senders can send, in a sentence; empty if there are none.
    pub(super) fn readiness(&self, all: usize) -> String {
        match (self.0.len(), all) {
            (_, 0) => String::new(),
            (1, 1) => "Your sender is ready.".to_owned(),
            (0, 1) => "Your sender is off.".to_owned(),
            (2, 2) => "Both senders are ready.".to_owned(),
            (ready, all) if ready == all => format!("All {all} senders are ready."),
            (ready, all) => format!("{ready} of {all} senders are ready."),
        }
    }

    fn find(&self, id: SenderId) -> Option<&'a Sender> {
        self.0.get(&id).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_about_senders_counts_those_that_are_ready() {
        let none = ActiveSenders(HashMap::new());
        let said = [0, 1, 3].map(|all| none.readiness(all));
        assert_eq!(said, ["", "Your sender is off.", "0 of 3 senders are ready."]);
    }
}

#[cfg(debug_assertions)]
#[path = "samples/queue.rs"]
mod samples;
