//! Tags that a user or program sets: of these, the STOP tag also suppresses the number.

use chrono::{DateTime, Utc};

use super::stored_tags::of;
use super::tag_name::{STOP_TAG, TagName};
use super::tagging::{add, remove};
use crate::consent::{Evidence, Reason, Requester, suppression};
use crate::contacts::ContactChange;
use crate::contacts::contact::Contact;
use crate::contacts::suppress_and_lift::suppress;
use crate::db::Conn;
use crate::error::Result;

/// The result of adding tags by hand.
#[must_use = "automations react to the changes, and messages pending to a suppressed number are \
              suppressed"]
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tagged {
    /// The tags that were added.
    pub changes: Vec<ContactChange>,
    /// Why the number may not be texted from now on, if [`STOP_TAG`] was added.
    pub suppressed: Option<Reason>,
}

/// Adds tags at the request of a user or program; [`STOP_TAG`] also suppresses the number.
pub async fn add_by_hand(
    conn: &mut Conn,
    contact: &Contact,
    wanted: &[TagName],
    requester: Requester,
    now: DateTime<Utc>,
) -> Result<Tagged> {
    let mut tagged = Tagged::default();
    for tag in wanted {
        tagged.changes.extend(add(conn, contact.id, tag, now).await?);
        if tag.is_stop() && !is_suppressed_on_request(conn, contact).await? {
            let note = Some(format!("The tag {STOP_TAG} was added."));
            let evidence = Evidence {
                note,
                ..Evidence::new(contact.phone.clone(), Reason::Manual, requester)
            };
            tagged.changes.extend(suppress(conn, evidence, now).await?.changes);
            tagged.suppressed = Some(Reason::Manual);
        }
    }
    Ok(tagged)
}

/// Whether the number is suppressed at the request of the person or a user. Other reasons may be
/// lifted later, which must not lose the request.
async fn is_suppressed_on_request(conn: &mut Conn, contact: &Contact) -> Result<bool> {
    let active = suppression::all_active(conn, &contact.phone).await?;
    Ok(active.iter().any(|one| one.reason.is_opt_out() || one.reason == Reason::Manual))
}

/// Replaces the contact's tags by these; only [`STOP_TAG`] stays, unless it is removed by its own
/// name.
pub async fn replace(
    conn: &mut Conn,
    contact: &Contact,
    wanted: &[TagName],
    requester: Requester,
    now: DateTime<Utc>,
) -> Result<Tagged> {
    let present = of(conn, contact.id).await?;
    for tag in present.iter().filter(|tag| !tag.is_stop() && !wanted.contains(tag)) {
        remove(conn, contact.id, tag, now).await?;
    }
    let new: Vec<_> = wanted.iter().filter(|tag| !present.contains(tag)).cloned().collect();
    add_by_hand(conn, contact, &new, requester, now).await
}
