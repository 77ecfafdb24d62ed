//! Samples of the audit log: empty, and with an entry for each kind of actor.

use uuid::Uuid;

use super::{AuditLogPage, AuditLogQuery, kinds, rows};
use crate::types::id::AuditId;
use crate::users::audit::{ActorKind, AuditEntry, AuditKind};
use crate::web::ui::Choice;
use crate::web::{Samples, Varies};

impl Samples for AuditLogPage {
    const VARIES: Varies = Varies {
        texts: &["people.label", "rows.entry.actor_name", "rows.entry.summary"],
        lists: &["people", "rows"],
    };

    fn samples() -> Vec<Self> {
        let entry = |actor_kind, actor_id, kind, summary: &str| AuditEntry {
            id: AuditId::new(),
            at: chrono::DateTime::UNIX_EPOCH,
            actor_kind,
            actor_id,
            actor_name: "Ada <Lovelace>".to_owned(),
            kind,
            subject_id: Some(Uuid::nil()),
            summary: summary.to_owned(),
        };
        let entries = vec![
            entry(ActorKind::User, Some(Uuid::nil()), AuditKind::User, "disabled Ben <Osei>"),
            entry(
                ActorKind::ApiKey,
                Some(Uuid::nil()),
                AuditKind::ApiKey,
                "revoked the API key “shop”",
            ),
            entry(ActorKind::CommandLine, None, AuditKind::ApiKey, "created the API key “shop”"),
        ];
        let query = AuditLogQuery { kind: "user".to_owned(), ..AuditLogQuery::default() };
        let older = Some(query.path(false, Some(("before", "a"))));
        let people = vec![Choice::new("1", "Ada <Lovelace>")];
        let empty = Self {
            wanted: query.clone(),
            people: Vec::new(),
            kinds: kinds(),
            rows: Vec::new(),
            total: None,
            oldest_first: true,
            reversed: query.path(false, None),
            newer: None,
            older: None,
        };
        vec![
            empty,
            Self {
                newer: Some(query.path(false, None)),
                older,
                total: Some("More than 1,000 changes".to_owned()),
                oldest_first: false,
                reversed: query.path(true, None),
                people,
                kinds: kinds(),
                rows: rows(entries),
                wanted: query,
            },
        ]
    }
}
