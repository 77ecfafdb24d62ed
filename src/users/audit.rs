//! The audit log: who changed what and when, written in the transaction of the change. Neither
//! secrets nor phone numbers are in it.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::audit_log;
use crate::error::Result;
use crate::types::id::{AuditId, UserId};
use crate::types::text_enum::text_enum;

text_enum! {
    /// What sort of actor changes something.
    pub enum ActorKind {
        /// A person who is signed in.
        User = "user",
        /// A program with an API key.
        ApiKey = "api_key",
        /// Whoever works at the server itself.
        CommandLine = "command_line",
    }
}

text_enum! {
    /// What a change is about.
    pub enum AuditKind {
        /// A person's account, or an invitation to one.
        User = "user",
        /// A key of the JSON API.
        ApiKey = "api_key",
        /// The settings of the whole installation.
        Organization = "organization",
        /// A connected Twilio account.
        Connection = "connection",
        /// A number or a Messaging Service that messages are sent from.
        Sender = "sender",
        /// The text of messages.
        Template = "template",
        /// What sends by itself.
        Automation = "automation",
        /// A person who gets messages; what they consent to is in the consent records besides.
        Contact = "contact",
        /// Messages that are sent again.
        Message = "message",
        /// Work of the queue.
        Job = "job",
    }
}

/// Somebody who changes something, as they are called now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    id: Option<Uuid>,
    name: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = audit_log, check_for_backend(diesel::pg::Pg))]
pub struct AuditEntry {
    /// Identifier; later lines have later ones.
    pub id: AuditId,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What sort of actor did it.
    pub actor_kind: ActorKind,
    /// The user or key, unless it was done at the command line.
    pub actor_id: Option<Uuid>,
    /// As the actor was called then.
    pub actor_name: String,
    /// What it was about.
    pub kind: AuditKind,
    /// The user, key, … that was changed.
    pub subject_id: Option<Uuid>,
    /// What was done, as the rest of a sentence that begins with the actor's name.
    pub summary: String,
}

/// Which lines are wanted.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter {
    /// Only what this user or key did.
    pub actor_id: Option<Uuid>,
    /// Only what was about this.
    pub kind: Option<AuditKind>,
    /// Only what comes before this line.
    pub before: Option<AuditId>,
}

/// What a change has made different, for a line of the log: `the name from Shop to Store, the
/// requests at once from 100 to 250`.
#[derive(Debug, Default)]
pub struct Differences(Vec<String>);

/// Writes a line. `summary` goes on after the actor's name: “changed the role of Ben from viewer to
/// admin”.
pub async fn record(
    conn: &mut Conn,
    actor: &Actor,
    kind: AuditKind,
    subject: Option<Uuid>,
    summary: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(audit_log::table)
        .values((
            audit_log::id.eq(AuditId::new()),
            audit_log::at.eq(now),
            audit_log::actor_kind.eq(actor.kind),
            audit_log::actor_id.eq(actor.id),
            audit_log::actor_name.eq(&actor.name),
            audit_log::kind.eq(kind),
            audit_log::subject_id.eq(subject),
            audit_log::summary.eq(summary),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Lines that fit, the newest first.
pub async fn list(conn: &mut Conn, filter: AuditFilter, limit: i64) -> Result<Vec<AuditEntry>> {
    let mut query = audit_log::table
        .select(AuditEntry::as_select())
        .order(audit_log::id.desc())
        .limit(limit)
        .into_boxed();
    if let Some(actor) = filter.actor_id {
        query = query.filter(audit_log::actor_id.eq(actor));
    }
    if let Some(kind) = filter.kind {
        query = query.filter(audit_log::kind.eq(kind));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit_log::id.lt(before));
    }
    Ok(query.load(conn).await?)
}

impl Differences {
    /// Names what is changed if the two are not the same.
    #[must_use]
    pub fn compare<T: PartialEq + Display + ?Sized>(
        mut self,
        what: &str,
        before: &T,
        after: &T,
    ) -> Self {
        if before != after {
            self.0.push(format!("{what} from {before} to {after}"));
        }
        self
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Differences {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl Actor {
    /// A user or a key, by the name that it has now.
    pub(super) fn named(kind: ActorKind, id: Uuid, name: &str) -> Self {
        Self { kind, id: Some(id), name: name.to_owned() }
    }

    /// The person who is signed in, if it is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.id.filter(|_| self.kind == ActorKind::User).map(UserId)
    }

    /// Whoever works at the server itself.
    #[must_use]
    pub fn command_line() -> Self {
        Self { kind: ActorKind::CommandLine, id: None, name: "The command line".to_owned() }
    }
}
