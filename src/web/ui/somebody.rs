//! Finding somebody to try something with: a template, an automation.

use chrono_tz::Tz;

use super::Choice;
use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::events::Event;
use crate::types::id::ContactId;
use crate::users::organization::Organization;

/// Contacts to choose from.
const MAX: usize = 20;

/// An event in a list of choices.
pub(super) fn event_choice(event: &Event, zone: Tz) -> Choice {
    Choice::new(event.id.to_string(), event_label(event, zone))
}

/// An event with its time in the zone of whoever looks.
pub(super) fn event_label(event: &Event, zone: Tz) -> String {
    let at = event.occurred_at.with_timezone(&zone).format("%-d %b %Y, %H:%M");
    format!("{}, {at}", event.name)
}

/// The contacts that `find` looks for, else the newest. Somebody chosen before stays a choice,
/// unless others are looked for and found; that nobody is found is an error of the field `find`.
pub(super) async fn to_try_with(
    conn: &mut Conn,
    organization: &Organization,
    find: &str,
    chosen: Option<ContactId>,
    errors: &mut FieldErrors,
) -> Result<Vec<Contact>> {
    let filter = ContactFilter {
        search: find.to_owned(),
        default_country: organization.default_country,
        ..ContactFilter::default()
    };
    let mut found = contacts::list(conn, &filter, Position::Newest, MAX).await?.contacts;
    let looked_for = !find.trim().is_empty();
    if looked_for && found.is_empty() {
        errors.add("find", "No contact is found by this name, number or email.");
    }
    if let Some(id) = chosen
        && (!looked_for || found.is_empty())
        && !found.iter().any(|contact| contact.id == id)
    {
        found.extend(contacts::find_many(conn, &[id]).await?);
    }
    Ok(found)
}
