//! The senders that can send now.

use std::collections::HashMap;

use crate::connections::{Connection, Status};
use crate::senders::Sender;
use crate::types::id::SenderId;

/// The senders that can send now: neither they nor their connection are disabled or stopped.
pub(super) struct ActiveSenders<'a>(HashMap<SenderId, &'a Sender>);

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

    pub(super) fn find(&self, id: SenderId) -> Option<&'a Sender> {
        self.0.get(&id).copied()
    }
}
