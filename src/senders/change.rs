//! Changing a sender by hand: its name, its limits, and switching it off and on.

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

/// What changes about a sender; none leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct SenderChange {
    /// What people call it.
    pub name: Option<String>,
    /// How fast it sends and how long its messages may wait; the caller lets what waits go by the
    /// new rate.
    pub limits: Option<Limits>,
    /// `true` switches it off: nothing is claimed for it from the commit on. `false` switches it on
    /// again, whether a person or Carillon had stopped it; the caller wakes what has been waiting.
    pub disabled: Option<bool>,
}

/// Changes a sender, all of it or nothing, and tells in the audit log what is different. Needs the
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
    /// The sender as it will be.
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
