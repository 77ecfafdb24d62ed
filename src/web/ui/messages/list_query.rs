//! Which messages the list is to show, and from where on.

use serde::{Deserialize, Serialize};

use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::log::query::{MessageQuery, filled};
use crate::messages::log::search::MessagePosition;
use crate::types::country::Country;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// More people of one name are not offered for choosing.
const PEOPLE: usize = 8;

/// What was chosen.
#[derive(Debug, Default, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct MessageListQuery {
    #[serde(flatten)]
    pub(super) query: MessageQuery,
    /// A contact by name or number, as it was typed; see [`MessageListQuery::whose`].
    pub(super) contact: String,
    #[serde(skip_serializing)]
    pub(super) older: Option<MessageId>,
    #[serde(skip_serializing)]
    pub(super) newer: Option<MessageId>,
}

/// Whose messages the list shows.
#[derive(Debug)]
pub(super) enum ContactScope {
    /// Anybody's.
    Any,
    /// Those of this query.
    These(Box<MessageQuery>),
    /// One of them is meant.
    OneOf(Vec<Contact>),
    /// There is nobody of this name.
    None,
}

impl MessageListQuery {
    /// From where on.
    pub(super) fn place(&self) -> MessagePosition {
        match (self.newer, self.older) {
            (Some(after), _) => MessagePosition::NewerThan(after),
            (None, Some(before)) => MessagePosition::OlderThan(before),
            (None, None) => MessagePosition::Newest,
        }
    }

    /// Looks up the contact that was typed.
    pub(super) async fn whose(
        &self,
        conn: &mut Conn,
        default_country: Option<Country>,
    ) -> Result<ContactScope> {
        let Some(typed) = filled(&self.contact) else { return Ok(ContactScope::Any) };
        let others =
            MessageQuery { contact_id: String::new(), to: String::new(), ..self.query.clone() };
        let of = |contact: &Contact| {
            let query = MessageQuery { contact_id: contact.id.to_string(), ..others.clone() };
            ContactScope::These(Box::new(query))
        };
        if let Ok(phone) = PhoneNumber::parse(typed, default_country) {
            return Ok(match contacts::find_by_phone(conn, &phone).await? {
                Some(contact) => of(&contact),
                None => ContactScope::These(Box::new(MessageQuery {
                    to: phone.as_str().to_owned(),
                    ..others
                })),
            });
        }
        let filter =
            ContactFilter { search: typed.to_owned(), default_country, ..ContactFilter::default() };
        let found = contacts::list(conn, &filter, Position::Newest, PEOPLE).await?;
        Ok(match found.contacts.as_slice() {
            [] => ContactScope::None,
            [one] => of(one),
            _ => ContactScope::OneOf(found.contacts),
        })
    }

    /// Whether something is chosen that stands behind “More filters”.
    pub(super) fn is_particular(&self) -> bool {
        let query = &self.query;
        [
            &query.template_id,
            &query.sender_id,
            &query.direction,
            &query.error_code,
            &query.outcome,
            &query.from_day,
            &query.to_day,
        ]
        .into_iter()
        .any(|value| filled(value).is_some())
    }

    /// The list with the same filter from another place on.
    pub(super) fn link(&self, direction: &str, id: MessageId) -> String {
        let chosen = self.query.chosen().map(|(name, value)| (name, value.to_owned()));
        let place = std::iter::once((direction, id.to_string()));
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(chosen.chain(place))
            .finish();
        format!("/messages?{query}")
    }
}

/// The list with a filter, from its beginning.
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
        let wanted = MessageListQuery { query, ..MessageListQuery::default() };
        let id = MessageId::new();
        assert_eq!(
            wanted.link("older", id),
            format!("/messages?status=failed&to=%2B1+415+555+0123&older={id}")
        );
        assert!(!wanted.is_particular());
        assert_eq!(
            (path_of(&wanted.query), path_of(&MessageQuery::default())),
            ("/messages?status=failed&to=%2B1+415+555+0123".to_owned(), "/messages".to_owned())
        );
    }

    #[test]
    fn a_query_is_read_with_its_place() {
        let id = MessageId::new();
        let text = format!("status=sent&contact=Ann&older={id}");
        let wanted = crate::web::Query::<MessageListQuery>::read(&text).unwrap().into_inner();
        assert_eq!(
            (wanted.query.status.as_str(), wanted.contact.as_str(), wanted.place()),
            ("sent", "Ann", MessagePosition::OlderThan(id))
        );
    }
}
