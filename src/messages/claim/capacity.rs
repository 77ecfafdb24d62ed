//! How many messages may be claimed now, per connection: what a worker can call Twilio for at once.

use std::collections::HashMap;

use crate::types::id::ConnectionId;

/// How many messages of each connection may be claimed now.
#[derive(Debug, Clone)]
pub struct Capacity {
    places: HashMap<ConnectionId, usize>,
    otherwise: usize,
}

impl Capacity {
    /// As many as there are.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { places: HashMap::new(), otherwise: usize::MAX }
    }

    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self { places: HashMap::new(), otherwise: 0 }
    }

    /// So many of these connections, and `otherwise` of each other one.
    #[must_use]
    pub const fn new(places: HashMap<ConnectionId, usize>, otherwise: usize) -> Self {
        Self { places, otherwise }
    }

    /// Takes a place of a connection; false when there is none left.
    pub(in crate::messages) fn take(&mut self, connection: ConnectionId) -> bool {
        let left = self.places.entry(connection).or_insert(self.otherwise);
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }

    /// The connections that are named, and their places, as the database counts.
    pub(in crate::messages) fn named(&self) -> impl Iterator<Item = (ConnectionId, i64)> {
        self.places.iter().map(|(id, places)| (*id, count(*places)))
    }

    /// The places of the connections that are not named.
    pub(in crate::messages) fn otherwise(&self) -> i64 {
        count(self.otherwise)
    }
}

fn count(places: usize) -> i64 {
    i64::try_from(places).unwrap_or(i64::MAX)
}
