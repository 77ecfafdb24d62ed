//! The query of the list of messages: filter, contact and keyset position.

use serde::{Deserialize, Serialize};

use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::query_parameters::{MessageQuery, filled};
use crate::messages::log::search::{MessagePosition, SearchPage, find_oldest, find_page};
use crate::types::country::Country;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// The largest number of matching contacts to choose from.
const MAX_MATCHES: usize = 8;

/// The query of the list.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct MessageListQuery {
    #[serde(flatten)]
    pub(super) query: MessageQuery,
    /// A contact by name or number, as typed; see [`MessageListQuery::contact_scope`].
    pub(super) contact: String,
    /// `oldest`, or blank for the newest first.
    #[serde(skip_serializing)]
    pub(super) sort: String,
    #[serde(skip_serializing)]
    pub(super) older: Option<MessageId>,
    #[serde(skip_serializing)]
    pub(super) newer: Option<MessageId>,
    /// The message in the side panel.
    #[serde(skip_serializing)]
    pub(super) open: Option<MessageId>,
}

/// The contacts whose messages the list shows, as found by the typed name or number.
#[derive(Debug)]
pub(super) enum ContactScope {
    /// Nothing was typed: all contacts.
    Any,
    /// One contact or number was found: the list of this query.
    These(Box<MessageQuery>),
    /// Several contacts match.
    OneOf(Vec<Contact>),
    /// No contact matches.
    None,
}

impl MessageListQuery {
    /// The keyset position.
    pub(super) fn position(&self) -> MessagePosition {
        match (self.newer, self.older) {
            (Some(after), _) => MessagePosition::NewerThan(after),
            (None, Some(before)) => MessagePosition::OlderThan(before),
            (None, None) => MessagePosition::Newest,
        }
    }

    pub(super) fn is_oldest_first(&self) -> bool {
        self.sort == "oldest"
    }

    /// Finds the messages of the page, in the order of the list. If fewer messages are left before
    /// it than fit on a page, the list of the oldest shows its first page.
    pub(super) async fn find(
        &self,
        conn: &mut Conn,
        filter: &MessageFilter,
        rows: usize,
    ) -> Result<SearchPage> {
        if !self.is_oldest_first() {
            return find_page(conn, filter, self.position(), rows).await;
        }
        let before = match self.older {
            Some(id) => {
                let page = find_page(conn, filter, MessagePosition::OlderThan(id), rows).await?;
                Some(page).filter(|page| page.older.is_some())
            }
            None => None,
        };
        let mut page = match before {
            Some(page) => page,
            None => find_oldest(conn, filter, self.newer, rows).await?,
        };
        page.messages.reverse();
        Ok(page)
    }

    /// Looks up the contact that was typed.
    pub(super) async fn contact_scope(
        &self,
        conn: &mut Conn,
        default_country: Option<Country>,
    ) -> Result<ContactScope> {
        let Some(typed) = filled(&self.contact) else { return Ok(ContactScope::Any) };
        let others =
            MessageQuery { contact_id: String::new(), to: String::new(), ..self.query.clone() };
        let of_contact = |contact: &Contact| {
            let query = MessageQuery { contact_id: contact.id.to_string(), ..others.clone() };
            ContactScope::These(Box::new(query))
        };
        if let Ok(phone) = PhoneNumber::parse(typed, default_country) {
            return Ok(match contacts::find_by_phone(conn, &phone).await? {
                Some(contact) => of_contact(&contact),
                None => ContactScope::These(Box::new(MessageQuery {
                    to: phone.as_str().to_owned(),
                    ..others
                })),
            });
        }
        let filter =
            ContactFilter { search: typed.to_owned(), default_country, ..ContactFilter::default() };
        let found = contacts::list(conn, &filter, Position::Newest, MAX_MATCHES).await?;
        Ok(match found.contacts.as_slice() {
            [] => ContactScope::None,
            [contact] => of_contact(contact),
            _ => ContactScope::OneOf(found.contacts),
        })
    }

    /// The path of the list with the same filter, from a row on.
    pub(super) fn link(&self, direction: &str, id: MessageId) -> String {
        self.path(&[(direction, id.to_string())])
    }

    /// The path of this part of the list, without the side panel.
    pub(super) fn without_panel(&self) -> String {
        self.path(&self.place())
    }

    /// The path of this part of the list up to the id of the message in the side panel.
    pub(super) fn panel_prefix(&self) -> String {
        let mut parameters = self.place();
        parameters.push(("open", String::new()));
        self.path(&parameters)
    }

    /// The path of the list with the same filter in the other order.
    pub(super) fn reordered(&self) -> String {
        let sort = if self.is_oldest_first() { "" } else { "oldest" };
        let query = self.query.clone();
        Self { query, sort: sort.to_owned(), ..Self::default() }.path(&[])
    }

    fn place(&self) -> Vec<(&'static str, String)> {
        match self.position() {
            MessagePosition::Newest => Vec::new(),
            MessagePosition::OlderThan(id) => vec![("older", id.to_string())],
            MessagePosition::NewerThan(id) => vec![("newer", id.to_string())],
        }
    }

    /// The path of the list with the same filter and further parameters.
    fn path(&self, parameters: &[(&str, String)]) -> String {
        let chosen = self.query.chosen().map(|(name, value)| (name, value.to_owned()));
        let sort = self.is_oldest_first().then_some(("sort", "oldest"));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(chosen)
            .extend_pairs(sort)
            .extend_pairs(parameters)
            .finish();
        if query.is_empty() { "/messages".to_owned() } else { format!("/messages?{query}") }
    }
}

/// The path of the list with a filter, from its start.
pub(super) fn path_of(query: &MessageQuery) -> String {
    match query.to_link() {
        query if query.is_empty() => "/messages".to_owned(),
        query => format!("/messages?{query}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_another_page_keeps_the_filter() {
        let query = MessageQuery {
            status: "failed".to_owned(),
            to: "+1 415 555 0123".to_owned(),
            ..MessageQuery::default()
        };
        let list_query = MessageListQuery { query, ..MessageListQuery::default() };
        let id = MessageId::new();
        assert_eq!(
            list_query.link("older", id),
            format!("/messages?status=failed&to=%2B1+415+555+0123&older={id}")
        );
        let start = "/messages?status=failed&to=%2B1+415+555+0123";
        assert_eq!(
            (list_query.without_panel(), list_query.panel_prefix()),
            (start.to_owned(), format!("{start}&open="))
        );
        let later = MessageListQuery { older: Some(id), ..MessageListQuery::default() };
        assert_eq!(later.panel_prefix(), format!("/messages?older={id}&open="));
        assert_eq!(MessageListQuery::default().without_panel(), "/messages");
        let oldest = MessageListQuery { sort: "oldest".to_owned(), ..list_query.clone() };
        assert_eq!(oldest.link("newer", id), format!("{start}&sort=oldest&newer={id}"));
        assert_eq!(
            (oldest.reordered(), list_query.reordered()),
            (start.to_owned(), format!("{start}&sort=oldest"))
        );
        assert_eq!(
            (path_of(&list_query.query), path_of(&MessageQuery::default())),
            ("/messages?status=failed&to=%2B1+415+555+0123".to_owned(), "/messages".to_owned())
        );
    }

    #[test]
    fn a_query_is_read_with_its_position() {
        let id = MessageId::new();
        let text = format!("status=sent&contact=Ann&older={id}");
        let list_query = crate::web::Query::<MessageListQuery>::read(&text).unwrap().into_inner();
        assert_eq!(
            (list_query.query.status.as_str(), list_query.contact.as_str(), list_query.position()),
            ("sent", "Ann", MessagePosition::OlderThan(id))
        );
    }
}
