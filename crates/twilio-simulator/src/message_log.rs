//! The log of recorded messages, with indexes by SID and by handset.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::message::{Message, Status};

/// The recorded messages, oldest first.
#[derive(Default)]
pub(super) struct MessageLog {
    all: Vec<Message>,
    by_sid: HashMap<u128, usize>,
    handsets: HashMap<Arc<str>, Handset>,
    generation: u64,
}

/// The messages of one handset.
#[derive(Default)]
pub(super) struct Handset {
    messages: Vec<usize>,
    /// Increases with every change to the handset's page.
    pub(super) version: u64,
}

impl MessageLog {
    /// Appends a message and returns its index.
    pub(super) fn push(&mut self, message: Message) -> usize {
        let index = self.all.len();
        if let Some(number) = sid_number(&message.sid) {
            self.by_sid.insert(number, index);
        }
        self.generation += 1;
        let handset = match self.handsets.get_mut(message.handset()) {
            Some(handset) => handset,
            None => self.handsets.entry(message.handset().into()).or_default(),
        };
        handset.messages.push(index);
        handset.version = self.generation;
        self.all.push(message);
        index
    }

    /// The message at an index.
    pub(super) fn get(&self, index: usize) -> Option<&Message> {
        self.all.get(index)
    }

    /// Changes the message at an index.
    pub(super) fn change(
        &mut self,
        index: usize,
        change: impl FnOnce(&mut Message),
    ) -> Option<&Message> {
        let message = self.all.get_mut(index)?;
        change(message);
        self.generation += 1;
        if let Some(handset) = self.handsets.get_mut(message.handset()) {
            handset.version = self.generation;
        }
        Some(message)
    }

    /// The index of the message with a SID.
    pub(super) fn find(&self, sid: &str) -> Option<usize> {
        let index = *self.by_sid.get(&sid_number(sid)?)?;
        (self.all[index].sid == sid).then_some(index)
    }

    /// All messages, oldest first.
    pub(super) fn all(&self) -> &[Message] {
        &self.all
    }

    /// The messages of a handset, oldest first.
    pub(super) fn of_handset(&self, number: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.handsets
            .get(number)
            .into_iter()
            .flat_map(|handset| &handset.messages)
            .map(|index| &self.all[*index])
    }

    /// The indexes of a handset's messages, oldest first.
    pub(super) fn indexes_of_handset(&self, number: &str) -> &[usize] {
        self.handsets.get(number).map_or(&[], |handset| &handset.messages)
    }

    /// The version of a handset's page; increases with every change.
    pub(super) fn version_of_handset(&self, number: &str) -> u64 {
        self.handsets.get(number).map_or(0, |handset| handset.version)
    }

    /// The version of the log; increases with every change.
    pub(super) fn version(&self) -> u64 {
        self.generation
    }

    /// The handsets with the most recent messages, newest first, each with its last message.
    pub(super) fn latest_handsets(&self, limit: usize) -> Vec<(&str, &Message)> {
        let mut seen = HashSet::new();
        self.all
            .iter()
            .rev()
            .filter(|message| seen.insert(message.handset()))
            .map(|message| (message.handset(), message))
            .take(limit)
            .collect()
    }

    /// The number of handsets with messages.
    pub(super) fn handset_count(&self) -> usize {
        self.handsets.len()
    }

    /// The indexes of the scheduled messages.
    pub(super) fn scheduled(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|index| self.all[*index].status == Status::Scheduled).collect()
    }

    /// Deletes all messages; the version increases, so that open pages refresh.
    pub(super) fn clear(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }
}

/// Whether a message was sent within a range of times; without a limit, unsent messages match too.
pub(super) fn sent_between(
    message: &Message,
    from: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
) -> bool {
    if from.is_none() && until.is_none() {
        return true;
    }
    message.sent.is_some_and(|sent| {
        from.is_none_or(|from| sent >= from) && until.is_none_or(|until| sent <= until)
    })
}

fn sid_number(sid: &str) -> Option<u128> {
    u128::from_str_radix(sid.get(2..)?, 16).ok()
}
