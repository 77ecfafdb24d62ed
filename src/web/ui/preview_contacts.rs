//! The contacts to choose from for a preview or a dry run.

use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::{FieldErrors, Result};
use crate::types::id::ContactId;
use crate::users::organization::Organization;

/// The number of contacts to choose from.
const MAX: usize = 20;

/// Loads the contacts that match `find`, or the newest ones if it is blank. The chosen contact
/// stays in the list unless a search finds others; a search without a match is an error on the
/// field `find`.
pub(super) async fn load(
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
    let is_search = !find.trim().is_empty();
    if is_search && found.is_empty() {
        errors.add("find", "No contact matches. Enter a name, number or email.");
    }
    if let Some(id) = chosen
        && (!is_search || found.is_empty())
        && !found.iter().any(|contact| contact.id == id)
    {
        found.extend(contacts::find_many(conn, &[id]).await?);
    }
    Ok(found)
}
