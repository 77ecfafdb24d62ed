//! Suppressing and lifting a number, with the tag of its contact that says so.

use chrono::{DateTime, Utc};

use super::Change;
use super::contact::find_by_phone;
use super::create::find_or_create_by_phone;
use super::tags::{self, TagName};
use crate::consent::{Evidence, Reason, suppression};
use crate::db::Conn;
use crate::error::Result;

/// What a call of [`suppress`] did.
#[must_use = "automations react to the changes: pass them to automations::enroll::react in the \
              same transaction"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    /// Whether the number was not suppressed for this reason before.
    pub newly: bool,
    /// The contact that was created and the tag that was added, if so.
    pub changes: Vec<Change>,
}

/// What a call of [`lift`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lifted {
    /// The reasons that held until now, and do not any more.
    pub reasons: Vec<Reason>,
}

/// Suppresses a number and keeps the evidence. An opt-out also creates the contact if it is
/// unknown, and adds [`tags::STOP_TAG`].
///
/// What is already suppressed for the reason stays as it is; evidence is kept nevertheless, except
/// Twilio's repeated refusals. Pending messages are the caller's to take back, see
/// `messages::stop`.
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

/// Lifts the suppressions of a number that have one of these reasons, and keeps the evidence (its
/// own `reason` does not matter); [`tags::STOP_TAG`] goes when no opt-out is left.
///
/// A keyword lifts opt-outs only. A person or program has to say why, or it is an error of the
/// field `note`.
pub async fn lift(
    conn: &mut Conn,
    reasons: &[Reason],
    evidence: Evidence,
    now: DateTime<Utc>,
) -> Result<Lifted> {
    let reasons = suppression::end(conn, reasons, &evidence, now).await?;
    remove_tag(conn, &reasons, &evidence, now).await?;
    Ok(Lifted { reasons })
}

/// Undoes an opt-out that was read from a text which is no keyword, and keeps the evidence with the
/// reason that has to be given. An opt-out that was said by keyword stays, also where it came
/// between.
pub async fn undo_reading(
    conn: &mut Conn,
    evidence: Evidence,
    now: DateTime<Utc>,
) -> Result<Lifted> {
    let reasons = suppression::end_reading(conn, &evidence, now).await?;
    remove_tag(conn, &reasons, &evidence, now).await?;
    Ok(Lifted { reasons })
}

/// Takes [`tags::STOP_TAG`] from the contact when no opt-out of its number is left.
async fn remove_tag(
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
