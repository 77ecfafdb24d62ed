//! The audit log: who changed what and when, written in the transaction of the change. It contains
//! neither secrets nor phone numbers.

use std::fmt::Display;

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
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
    /// The kind of an actor.
    pub enum ActorKind {
        /// A person who is signed in.
        User = "user",
        /// A program with an API key.
        ApiKey = "api_key",
        /// A person at the server's command line.
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
        /// A template of messages.
        Template = "template",
        /// A trigger and the steps that follow from it.
        Automation = "automation",
        /// A person who receives messages; their consent is in the consent records as well.
        Contact = "contact",
        /// Messages that a user resends.
        Message = "message",
        /// A job of the queue.
        Job = "job",
        /// A source of events and contacts.
        Source = "source",
    }
}

/// The user, program or operator that makes a change, with its current name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    kind: ActorKind,
    id: Option<Uuid>,
    name: String,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Serialize)]
#[diesel(table_name = audit_log, check_for_backend(Pg))]
pub struct AuditEntry {
    /// Identifier; later lines have later ones.
    pub id: AuditId,
    /// When it was done.
    pub at: DateTime<Utc>,
    /// The kind of actor.
    pub actor_kind: ActorKind,
    /// The user or key, unless it was done at the command line.
    pub actor_id: Option<Uuid>,
    /// The actor's name at that time.
    pub actor_name: String,
    /// What it was about.
    pub kind: AuditKind,
    /// The user, key, … that was changed.
    pub subject_id: Option<Uuid>,
    /// What was done, as the rest of a sentence that begins with the actor's name.
    pub summary: String,
}

/// Which lines to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditFilter {
    /// Only changes by this user or key.
    pub actor_id: Option<Uuid>,
    /// Only changes of this kind.
    pub kind: Option<AuditKind>,
    /// Where the list begins, and its order.
    pub position: AuditPosition,
}

/// Where a list of lines begins, and its order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AuditPosition {
    /// At the newest line, going back in time.
    #[default]
    Newest,
    /// Before this line, going back in time.
    OlderThan(AuditId),
    /// At the oldest line, going forward in time.
    Oldest,
    /// After this line, going forward in time.
    NewerThan(AuditId),
}

/// The differences that a change makes, for a line of the log: `the name from Shop to Store, the
/// requests at once from 100 to 250`.
#[derive(Debug, Default)]
pub struct Differences(Vec<String>);

/// Writes a line; `summary` continues after the actor's name: “changed the role of Ben from viewer
/// to admin”.
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

/// The lines that match a filter, in the order of its position.
pub async fn list(conn: &mut Conn, filter: AuditFilter, limit: i64) -> Result<Vec<AuditEntry>> {
    let query = audit_log::table.select(AuditEntry::as_select()).limit(limit).into_boxed();
    let query = filter.apply(query);
    let query = match filter.position {
        AuditPosition::Newest => query.order(audit_log::id.desc()),
        AuditPosition::OlderThan(id) => {
            query.filter(audit_log::id.lt(id)).order(audit_log::id.desc())
        }
        AuditPosition::Oldest => query.order(audit_log::id.asc()),
        AuditPosition::NewerThan(id) => {
            query.filter(audit_log::id.gt(id)).order(audit_log::id.asc())
        }
    };
    Ok(query.load(conn).await?)
}

/// The number of lines that match a filter, wherever the list begins, at most `limit`; none with
/// two conditions, which no index answers together.
pub async fn count(conn: &mut Conn, filter: AuditFilter, limit: i64) -> Result<Option<usize>> {
    if filter.actor_id.is_some() && filter.kind.is_some() {
        return Ok(None);
    }
    let query = filter.apply(audit_log::table.select(audit_log::id).into_boxed());
    let ids: Vec<AuditId> = query.order(audit_log::id.desc()).limit(limit).load(conn).await?;
    Ok(Some(ids.len()))
}

impl AuditFilter {
    /// Restricts a query to the lines that match, wherever the list begins.
    fn apply<T>(
        self,
        mut query: audit_log::BoxedQuery<'_, Pg, T>,
    ) -> audit_log::BoxedQuery<'_, Pg, T> {
        if let Some(actor) = self.actor_id {
            query = query.filter(audit_log::actor_id.eq(actor));
        }
        if let Some(kind) = self.kind {
            query = query.filter(audit_log::kind.eq(kind));
        }
        query
    }
}

impl Differences {
    /// Adds the value called `what` if it differs.
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

    /// Adds what differs without its values, because they are secret or long.
    #[must_use]
    pub fn mention(mut self, what: &str, differs: bool) -> Self {
        if differs {
            self.0.push(what.to_owned());
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
    /// A user or a key with its current name.
    pub(super) fn named(kind: ActorKind, id: Uuid, name: &str) -> Self {
        Self { kind, id: Some(id), name: name.to_owned() }
    }

    /// The signed-in user, if the actor is one.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.id.filter(|_| self.kind == ActorKind::User).map(UserId)
    }

    /// A person at the server's command line.
    #[must_use]
    pub fn command_line() -> Self {
        Self { kind: ActorKind::CommandLine, id: None, name: "The command line".to_owned() }
    }
}
