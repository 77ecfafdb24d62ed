//! The tabs above the list: the usual views, and those that users have saved.

use serde::Serialize;

use super::list_query::path_of;
use crate::db::Conn;
use crate::error::Result;
use crate::ledger::days_input::Today;
use crate::ledger::outcome::Outcome;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::saved_views::View;
use crate::messages::log::view_counts::{self, MAX_COUNTED};
use crate::messages::message::Direction;
use crate::types::country::Country;
use crate::web::quantities::capped_count;

/// A view as a tab.
#[derive(Debug, Serialize)]
pub(super) struct ViewTab {
    name: String,
    path: String,
    current: bool,
    /// How many messages it has, as far as that is cheap to count: `61`, `1,000+`.
    pub(super) count: Option<String>,
    #[serde(skip)]
    query: MessageQuery,
}

impl ViewTab {
    /// All tabs; the one of this filter is current.
    pub(super) fn all(saved: Vec<View>, query: &MessageQuery) -> Vec<Self> {
        let of_direction = |direction: Direction| MessageQuery {
            direction: direction.as_str().to_owned(),
            ..MessageQuery::default()
        };
        let of_outcome = |outcome: Outcome| MessageQuery {
            outcome: outcome.as_str().to_owned(),
            ..MessageQuery::default()
        };
        let fixed = [
            ("All", MessageQuery::default()),
            ("Sent", of_direction(Direction::Outbound)),
            ("Received", of_direction(Direction::Inbound)),
            (Outcome::Failed.word(), of_outcome(Outcome::Failed)),
            (Outcome::Sent.word(), of_outcome(Outcome::Sent)),
        ];
        let saved = saved.into_iter().map(|view| (view.name, MessageQuery::of_link(&view.query)));
        let mut tabs: Vec<Self> = fixed
            .into_iter()
            .map(|(name, view)| (name.to_owned(), view))
            .chain(saved)
            .map(|(name, view)| Self {
                name,
                path: path_of(&view),
                current: false,
                count: None,
                query: view,
            })
            .collect();
        let path = path_of(query);
        // A saved view that equals a fixed one is the later of the two.
        if let Some(tab) = tabs.iter_mut().rev().find(|tab| tab.path == path) {
            tab.current = true;
        }
        tabs
    }

    /// Adds how many messages the tabs have.
    pub(super) async fn count_each(
        tabs: &mut [Self],
        conn: &mut Conn,
        default_country: Option<Country>,
        today: Today,
    ) -> Result<()> {
        let (mut counted, mut views) = (Vec::new(), Vec::new());
        for tab in tabs {
            if let Ok(filter) = tab.query.filter(default_country, today) {
                counted.push(tab);
                views.push(filter);
            }
        }
        let counts = view_counts::count_each(conn, &views).await?;
        for (tab, count) in counted.into_iter().zip(counts) {
            tab.count = count.map(|count| capped_count(count, MAX_COUNTED));
        }
        Ok(())
    }

    pub(super) const fn is_current(&self) -> bool {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::types::id::SavedViewId;

    #[test]
    fn the_tab_of_the_filter_is_current() {
        let view = |name: &str, query: &str| View {
            id: SavedViewId::new(),
            name: name.to_owned(),
            query: query.to_owned(),
            made_by: None,
            created_at: DateTime::UNIX_EPOCH,
        };
        let current = |query: &str| {
            let saved = vec![view("Trouble", "outcome=failed"), view("Gifts", "text=gift")];
            let tabs = ViewTab::all(saved, &MessageQuery::of_link(query));
            let names = tabs.into_iter().filter(ViewTab::is_current).map(|tab| tab.name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(current(""), ["All"]);
        assert_eq!(current("direction=inbound"), ["Received"]);
        assert_eq!(current("outcome=failed"), ["Trouble"]);
        assert_eq!(current("text=gift"), ["Gifts"]);
        assert!(current("text=other").is_empty());
    }
}
