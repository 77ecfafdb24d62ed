//! Suppressing a number and lifting its suppressions, together with the STOP tag of its contact.

use chrono::{DateTime, Utc};

use super::ContactChange;
use super::create::find_or_create_by_phone;
use super::stop_tag::remove_stop_tag;
use super::tags::{self, TagName};
use crate::consent::{Evidence, Reason, suppression};
use crate::db::Conn;
use crate::error::Result;

/// The result of [`suppress`].
#[must_use = "automations react to the changes: pass them to automations::enroll::react in the \
              same transaction"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Whether the number was not suppressed for this reason before.
    pub newly: bool,
    /// The contact that was created and the tag that was added, if so.
    pub changes: Vec<ContactChange>,
}

/// The result of [`lift`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The reasons that were lifted.
    pub reasons: Vec<Reason>,
}

/// Suppresses a number and records the evidence. An opt-out also creates the contact if it is
/// unknown, and adds [`tags::STOP_TAG`].
///
/// An existing suppression for the reason stays as it is; its evidence is recorded nevertheless,
/// except Twilio's repeated refusals. The caller takes back pending messages, see
/// `messages::stop_lock`.
pub async fn suppress(
    conn: &mut Conn,
    evidence: Evidence,
    now: DateTime<Utc>,
) -> Result<Suppressed> {
    let newly = suppression::begin(conn, &evidence, now).await?;
    let mut changes = Vec::new();
    if evidence.reason.is_opt_out() {
        let (contact, created) = find_or_create_by_phone(conn, &evidence.phone, now).await?;
        changes.extend(created);
        changes.extend(tags::add(conn, contact.id, &TagName::stop(), now).await?);
    }
    Ok(Suppressed { newly, changes })
}

/// Lifts the suppressions of a number that have one of these reasons, and records the evidence (its
/// own `reason` is ignored); removes [`tags::STOP_TAG`] if no opt-out is left.
///
/// A keyword lifts opt-outs only. A user or program has to give a reason; without one, it is an
/// error on the field `note`.
pub async fn lift(
    conn: &mut Conn,
    reasons: &[Reason],
    evidence: Evidence,
    now: DateTime<Utc>,
) -> Result<Lifted> {
    let reasons = suppression::end(conn, reasons, &evidence, now).await?;
    remove_stop_tag(conn, &reasons, &evidence, now).await?;
    Ok(Lifted { reasons })
}

/// Undoes an opt-out that was read from wording, and records the evidence with the required reason.
/// An opt-out by keyword stays, even if it came later.
pub async fn undo_reading(
    conn: &mut Conn,
    evidence: Evidence,
    now: DateTime<Utc>,
) -> Result<Lifted> {
    let reasons = suppression::end_reading(conn, &evidence, now).await?;
    remove_stop_tag(conn, &reasons, &evidence, now).await?;
    Ok(Lifted { reasons })
}
