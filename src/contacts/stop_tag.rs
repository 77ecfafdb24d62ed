//! The STOP tag: added to contacts whose number has opted out, and removed when no opt-out is left.

use chrono::{DateTime, Utc};

use super::ContactChange;
use super::contact::{Contact, find_by_phone};
use super::tags::{self, TagName};
use crate::consent::{Evidence, Reason, suppression};
use crate::db::Conn;
use crate::error::Result;
use crate::types::id::ContactId;

/// Adds [`tags::STOP_TAG`] to those of these contacts whose number has opted out, so that a contact
/// who is created again does not seem reachable.
pub(super) async fn tag_stopped(
    conn: &mut Conn,
    contacts: &[Contact],
    now: DateTime<Utc>,
) -> Result<Vec<ContactChange>> {
    let phones: Vec<_> = contacts.iter().map(|contact| contact.phone.clone()).collect();
    let stopped = suppression::opted_out(conn, &phones).await?;
    let opted_out = |contact: &&Contact| stopped.contains(&contact.phone);
    let ids: Vec<ContactId> = contacts.iter().filter(opted_out).map(|contact| contact.id).collect();
    tags::add_many(conn, &ids, &TagName::stop(), now).await
}

/// Removes [`tags::STOP_TAG`] from the contact if no opt-out of its number is left.
pub(super) async fn remove_stop_tag(
    conn: &mut Conn,
    lifted: &[Reason],
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<()> {
    let opted_out = suppression::all_active(conn, &evidence.phone)
        .await?
        .iter()
        .any(|suppression| suppression.reason.is_opt_out());
    if !opted_out
        && (!lifted.is_empty() || evidence.source.is_texted())
        && let Some(contact) = find_by_phone(conn, &evidence.phone).await?
    {
        tags::remove(conn, contact.id, &TagName::stop(), now).await?;
    }
    Ok(())
}
