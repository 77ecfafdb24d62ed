//! How many messages have come that belong before the first row of an open page.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::search;
use crate::types::id::MessageId;

/// New messages are counted up to this.
pub(super) const MAX_NEW: usize = 100;
/// A message may be committed so long after it got its id.
const LATE: TimeDelta = TimeDelta::seconds(10);

/// The messages that belong before the first row of a page.
pub(super) struct News {
    /// The filter, with its link, by which equal ones are known.
    link: String,
    filter: MessageFilter,
    /// The first row.
    after: MessageId,
    /// What is before this is known. At first it is the first row: a browser opens stream after
    /// stream, and more may have come meanwhile.
    from: MessageId,
    come: HashSet<MessageId>,
}

/// A filter, and from where on messages are looked for that fit.
pub(super) type NewsQuestion = (MessageFilter, MessageId);

/// What a look has found for one filter.
#[derive(Debug)]
pub(super) struct Come {
    /// From where it looked.
    from: MessageId,
    /// From where the next one may look: who is told of this one knows what is before.
    next: MessageId,
    ids: Vec<MessageId>,
}

impl News {
    pub(super) fn new(link: String, filter: MessageFilter, after: MessageId) -> Self {
        Self { link, filter, after, from: after, come: HashSet::new() }
    }

    /// Takes in what was found, and says how many have come in all if some have since the last
    /// time.
    pub(super) fn take(&mut self, found: &HashMap<String, Come>) -> Option<usize> {
        let found = found.get(&self.link)?;
        let before = self.come.len();
        self.come.extend(found.ids.iter().copied().filter(|id| *id > self.after));
        // A look that was under way when the page was opened has not seen everything since its
        // first row.
        if found.from <= self.from {
            self.from = self.from.max(found.next);
        }
        (self.come.len() > before).then_some(self.come.len())
    }
}

/// What to look for, each filter once, from where the page that knows least needs it.
pub(super) fn questions<'a>(news: impl Iterator<Item = &'a News>) -> HashMap<String, NewsQuestion> {
    let mut questions: HashMap<String, NewsQuestion> = HashMap::new();
    for news in news.filter(|news| news.come.len() < MAX_NEW) {
        let (_, from) =
            questions.entry(news.link.clone()).or_insert_with(|| (news.filter.clone(), news.from));
        *from = news.from.min(*from);
    }
    questions
}

/// Looks for all of them.
pub(super) async fn look(
    conn: &mut Conn,
    questions: &HashMap<String, NewsQuestion>,
    now: DateTime<Utc>,
) -> Result<HashMap<String, Come>> {
    let next = MessageId::first_at(now - LATE);
    let mut come = HashMap::new();
    for (link, (filter, from)) in questions {
        let ids = search::ids_since(conn, filter, *from, MAX_NEW).await?;
        come.insert(link.clone(), Come { from: *from, next, ids });
    }
    Ok(come)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(after: MessageId) -> News {
        News::new(String::new(), MessageFilter::default(), after)
    }

    fn found(from: MessageId, next: MessageId, ids: &[MessageId]) -> HashMap<String, Come> {
        HashMap::from([(String::new(), Come { from, next, ids: ids.to_vec() })])
    }

    #[test]
    fn what_has_come_is_counted_once() {
        let (first, one, two) = (MessageId::new(), MessageId::new(), MessageId::new());
        let mut news = news(first);
        let looks: [&[MessageId]; 4] = [&[first], &[one, first], &[one], &[two, one]];
        assert_eq!(
            looks.map(|ids| news.take(&found(first, first, ids))),
            [None, Some(1), None, Some(2)]
        );
    }

    #[test]
    fn a_page_is_looked_for_from_its_first_row_on_until_it_is_told() {
        let [first, second, third] = [(); 3].map(|()| MessageId::new());
        let mut newly_opened = news(first);
        newly_opened.take(&found(second, third, &[]));
        assert_eq!(newly_opened.from, first, "the look of others began later");
        newly_opened.take(&found(first, second, &[]));
        assert_eq!(newly_opened.from, second);
        newly_opened.take(&found(first, first, &[]));
        assert_eq!(newly_opened.from, second, "it never goes back");
        let both = questions([&newly_opened, &news(first)].into_iter());
        assert_eq!(both[""].1, first, "two pages, one look, as far as either needs");
    }
}
