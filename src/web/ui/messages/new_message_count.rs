//! Counts the new messages that belong before the first row of an open page.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::search;
use crate::types::id::MessageId;

/// The limit of the count.
pub(super) const MAX_NEW: usize = 100;
/// How long after the creation of its id a message may be committed.
const MAX_COMMIT_DELAY: TimeDelta = TimeDelta::seconds(10);

/// The new messages of a page, which belong before its first row.
pub(super) struct NewMessageCount {
    /// The filter as a link, which identifies equal filters.
    link: String,
    filter: MessageFilter,
    /// The id of the first row.
    after: MessageId,
    /// The id up to which the search is complete. It starts at the first row, since a browser opens
    /// stream after stream and messages may have come in between.
    from: MessageId,
    seen: HashSet<MessageId>,
}

/// A filter, and the id from which on to search.
pub(super) type NewMessagesQuery = (MessageFilter, MessageId);

/// The result of a poll for one filter.
#[derive(Debug)]
pub(super) struct NewMessagesFound {
    /// The id from which on the poll searched.
    from: MessageId,
    /// The id from which on the next poll has to search, once this result is recorded.
    next: MessageId,
    ids: Vec<MessageId>,
}

impl NewMessageCount {
    pub(super) fn new(link: String, filter: MessageFilter, after: MessageId) -> Self {
        Self { link, filter, after, from: after, seen: HashSet::new() }
    }

    /// Records the result of a poll, and returns the total count if it has grown.
    pub(super) fn record(&mut self, found: &HashMap<String, NewMessagesFound>) -> Option<usize> {
        let found = found.get(&self.link)?;
        let before = self.seen.len();
        self.seen.extend(found.ids.iter().copied().filter(|id| *id > self.after));
        // A poll that was running when the page was opened may not have searched from its first row
        // on.
        if found.from <= self.from {
            self.from = self.from.max(found.next);
        }
        (self.seen.len() > before).then_some(self.seen.len())
    }
}

/// The queries of a poll: each filter once, from the lowest id that any page needs.
pub(super) fn queries<'a>(
    pages: impl Iterator<Item = &'a NewMessageCount>,
) -> HashMap<String, NewMessagesQuery> {
    let mut queries: HashMap<String, NewMessagesQuery> = HashMap::new();
    for page in pages.filter(|page| page.seen.len() < MAX_NEW) {
        let (_, from) =
            queries.entry(page.link.clone()).or_insert_with(|| (page.filter.clone(), page.from));
        *from = page.from.min(*from);
    }
    queries
}

/// Runs the queries.
pub(super) async fn poll(
    conn: &mut Conn,
    queries: &HashMap<String, NewMessagesQuery>,
    now: DateTime<Utc>,
) -> Result<HashMap<String, NewMessagesFound>> {
    let next = MessageId::first_at(now - MAX_COMMIT_DELAY);
    let mut found = HashMap::new();
    for (link, (filter, from)) in queries {
        let ids = search::ids_since(conn, filter, *from, MAX_NEW).await?;
        found.insert(link.clone(), NewMessagesFound { from: *from, next, ids });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(after: MessageId) -> NewMessageCount {
        NewMessageCount::new(String::new(), MessageFilter::default(), after)
    }

    fn found(
        from: MessageId,
        next: MessageId,
        ids: &[MessageId],
    ) -> HashMap<String, NewMessagesFound> {
        HashMap::from([(String::new(), NewMessagesFound { from, next, ids: ids.to_vec() })])
    }

    #[test]
    fn each_new_message_is_counted_once() {
        let (first, one, two) = (MessageId::new(), MessageId::new(), MessageId::new());
        let mut page = page(first);
        let polls: [&[MessageId]; 4] = [&[first], &[one, first], &[one], &[two, one]];
        assert_eq!(
            polls.map(|ids| page.record(&found(first, first, ids))),
            [None, Some(1), None, Some(2)]
        );
    }

    #[test]
    fn a_page_is_polled_from_its_first_row_until_a_poll_covers_it() {
        let [first, second, third] = [(); 3].map(|()| MessageId::new());
        let mut newly_opened = page(first);
        newly_opened.record(&found(second, third, &[]));
        assert_eq!(newly_opened.from, first, "the poll for other pages started later");
        newly_opened.record(&found(first, second, &[]));
        assert_eq!(newly_opened.from, second);
        newly_opened.record(&found(first, first, &[]));
        assert_eq!(newly_opened.from, second, "the position never decreases");
        let both = queries([&newly_opened, &page(first)].into_iter());
        assert_eq!(both[""].1, first, "one query covers both pages");
    }
}
