//! The STOP tag of contacts that are created with, or change to, a number that has opted out.

use chrono::{DateTime, Utc};

use super::Change;
use super::contact::Contact;
use super::tags::{self, TagName};
use crate::consent::suppression;
use crate::db::Conn;
use crate::error::Result;
use crate::types::id::ContactId;

/// Adds [`tags::STOP_TAG`] to those of these contacts whose number has opted out, so that a contact
/// who is created again does not seem reachable.
pub(super) async fn tag_stopped(
    conn: &mut Conn,
    contacts: &[Contact],
    now: DateTime<Utc>,
) -> Result<Vec<Change>> {
    let phones: Vec<_> = contacts.iter().map(|contact| contact.phone.clone()).collect();
    let stopped = suppression::opted_out(conn, &phones).await?;
    let opted_out = |contact: &&Contact| stopped.contains(&contact.phone);
    let ids: Vec<ContactId> = contacts.iter().filter(opted_out).map(|contact| contact.id).collect();
    tags::add_many(conn, &ids, &TagName::stop(), now).await
}
