//! Changes that users make to a sender: its name and limits, and whether it is enabled.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::sender::NAME_LIMIT;
use super::{Limits, Sender};
use crate::db::Conn;
use crate::db::schema::senders;
use crate::error::{Error, Result};
use crate::types::id::SenderId;
use crate::types::mistake;
use crate::users::audit::{self, Actor, AuditKind, Differences};

/// Changes to a sender; a field that is `None` leaves the value as it is.
#[derive(Debug, Clone, Default)]
pub struct SenderChange {
    /// Display name.
    pub name: Option<String>,
    /// Its rate and validity; the caller reschedules waiting messages by the new rate.
    pub limits: Option<Limits>,
    /// `true` disables it: from the commit on, nothing is claimed for it. `false` enables it again,
    /// whether a user or Carillon had stopped it; the caller wakes the waiting messages.
    pub disabled: Option<bool>,
}

/// Applies all changes or none, and records the differences in the audit log. Must run in the
/// caller's transaction.
pub async fn change(
    conn: &mut Conn,
    actor: &Actor,
    id: SenderId,
    change: &SenderChange,
    now: DateTime<Utc>,
) -> Result<Sender> {
    let before = senders::table
        .find(id)
        .select(Sender::as_select())
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?;
    let before: Sender = before.ok_or(Error::NotFound("sender"))?;
    let after = change.apply(&before, now)?;
    diesel::update(senders::table.find(id))
        .set((
            senders::name.eq(&after.name),
            senders::parts_per_second.eq(after.parts_per_second),
            senders::validity_minutes.eq(after.validity),
            senders::disabled_at.eq(after.disabled_at),
            senders::stopped_at.eq(after.stopped_at),
            senders::stopped_reason.eq(after.stopped_reason.as_deref()),
        ))
        .execute(conn)
        .await?;
    let differences = Differences::default()
        .compare("the name", &before.discreet_label(), &after.discreet_label())
        .compare("the limits", &before.limits(), &after.limits())
        .compare("its state", &before.status(), &after.status());
    if !differences.is_empty() {
        let summary = format!("changed the sender {}: {differences}", before.discreet_label());
        audit::record(conn, actor, AuditKind::Sender, Some(id.0), &summary, now).await?;
    }
    Ok(after)
}

impl SenderChange {
    /// Returns the changed sender.
    fn apply(&self, before: &Sender, now: DateTime<Utc>) -> Result<Sender> {
        let mut after = before.clone();
        if let Some(name) = &self.name {
            let name = mistake::name(name, NAME_LIMIT)
                .map_err(|sentence| Error::field("name", sentence))?;
            name.clone_into(&mut after.name);
        }
        if let Some(Limits { parts_per_second, validity }) = self.limits {
            (after.parts_per_second, after.validity) = (parts_per_second, validity);
        }
        match self.disabled {
            Some(true) => after.disabled_at = before.disabled_at.or(Some(now)),
            Some(false) => {
                (after.disabled_at, after.stopped_at, after.stopped_reason) = (None, None, None);
            }
            None => {}
        }
        Ok(after)
    }
}
