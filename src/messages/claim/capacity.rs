//! [`Capacity`]: how many messages a worker may claim now, per connection: as many as it can send
//! at once.

use std::collections::HashMap;

use crate::types::id::ConnectionId;

/// How many messages of each connection may be claimed now.
#[derive(Debug, Clone)]
pub struct Capacity {
    by_connection: HashMap<ConnectionId, usize>,
    other: usize,
}

impl Capacity {
    /// No limit.
    #[must_use]
    pub fn unlimited() -> Self {
        Self { by_connection: HashMap::new(), other: usize::MAX }
    }

    /// A capacity of zero for every connection.
    #[must_use]
    pub fn none() -> Self {
        Self { by_connection: HashMap::new(), other: 0 }
    }

    /// A capacity for each named connection, and `other` for every other one.
    #[must_use]
    pub const fn new(by_connection: HashMap<ConnectionId, usize>, other: usize) -> Self {
        Self { by_connection, other }
    }

    /// Uses up one of a connection's capacity; false when none is left.
    pub(in crate::messages) fn use_one(&mut self, connection: ConnectionId) -> bool {
        let left = self.by_connection.entry(connection).or_insert(self.other);
        let is_left = *left > 0;
        *left = left.saturating_sub(1);
        is_left
    }

    /// The named connections and their capacities, as the database's integers.
    pub(in crate::messages) fn by_connection(&self) -> impl Iterator<Item = (ConnectionId, i64)> {
        self.by_connection.iter().map(|(id, free)| (*id, to_bigint(*free)))
    }

    /// The capacity of each connection that is not named, as the database's integer.
    pub(in crate::messages) fn other(&self) -> i64 {
        to_bigint(self.other)
    }
}

fn to_bigint(capacity: usize) -> i64 {
    i64::try_from(capacity).unwrap_or(i64::MAX)
}
