//! Every message that was recorded, found by SID, by handset, or newest first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::message::{Message, Status};

/// The messages in the order in which they were recorded.
#[derive(Default)]
pub(super) struct MessageLog {
    all: Vec<Message>,
    by_sid: HashMap<u128, usize>,
    handsets: HashMap<Arc<str>, Handset>,
    generation: u64,
}

/// What one handset has seen.
#[derive(Default)]
pub(super) struct Handset {
    messages: Vec<usize>,
    /// Rises with every change that the handset's page would show.
    pub(super) version: u64,
}

impl MessageLog {
    /// Appends a message and returns its place.
    pub(super) fn push(&mut self, message: Message) -> usize {
        let place = self.all.len();
        if let Some(number) = sid_number(&message.sid) {
            self.by_sid.insert(number, place);
        }
        self.generation += 1;
        let handset = match self.handsets.get_mut(message.handset()) {
            Some(handset) => handset,
            None => self.handsets.entry(message.handset().into()).or_default(),
        };
        handset.messages.push(place);
        handset.version = self.generation;
        self.all.push(message);
        place
    }

    /// The message at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Message> {
        self.all.get(place)
    }

    /// Changes the message at a place.
    pub(super) fn change(
        &mut self,
        place: usize,
        change: impl FnOnce(&mut Message),
    ) -> Option<&Message> {
        let message = self.all.get_mut(place)?;
        change(message);
        self.generation += 1;
        if let Some(handset) = self.handsets.get_mut(message.handset()) {
            handset.version = self.generation;
        }
        Some(message)
    }

    /// The place of the message with a SID.
    pub(super) fn find(&self, sid: &str) -> Option<usize> {
        let place = *self.by_sid.get(&sid_number(sid)?)?;
        (self.all[place].sid == sid).then_some(place)
    }

    /// The messages in the order in which they were recorded.
    pub(super) fn all(&self) -> &[Message] {
        &self.all
    }

    /// The messages of a handset, oldest first.
    pub(super) fn of_handset(&self, number: &str) -> impl DoubleEndedIterator<Item = &Message> {
        self.handsets
            .get(number)
            .into_iter()
            .flat_map(|handset| &handset.messages)
            .map(|place| &self.all[*place])
    }

    /// The places of a handset's messages, oldest first.
    pub(super) fn places_of_handset(&self, number: &str) -> &[usize] {
        self.handsets.get(number).map_or(&[], |handset| &handset.messages)
    }

    /// A number that rises with every change that the handset's page would show.
    pub(super) fn version_of_handset(&self, number: &str) -> u64 {
        self.handsets.get(number).map_or(0, |handset| handset.version)
    }

    /// A number that rises with every change.
    pub(super) fn version(&self) -> u64 {
        self.generation
    }

    /// The handsets that took part last, newest first, with their last message.
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

    /// How many handsets took part.
    pub(super) fn handset_count(&self) -> usize {
        self.handsets.len()
    }

    /// The places of messages that wait for their time.
    pub(super) fn scheduled(&self) -> Vec<usize> {
        (0..self.all.len()).filter(|place| self.all[*place].status == Status::Scheduled).collect()
    }

    /// Forgets everything; versions go on rising, so that pages notice.
    pub(super) fn clear(&mut self) {
        *self = Self { generation: self.generation + 1, ..Self::default() };
    }
}

/// Whether a message was last changed before a time; used by the date filters.
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
