//! Samples of received messages: from contacts, and from a number without a name.

use chrono::{DateTime, TimeDelta};

use super::{RecentReply, ago, excerpt, initials};

impl RecentReply {
    /// Three replies.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let reply = |name: Option<&str>, text: &str, minutes| Self {
            who: name.unwrap_or("+1 415 555 0112").to_owned(),
            initials: name.map(initials),
            link: "/contacts/1".to_owned(),
            text: excerpt(text),
            received_at: DateTime::UNIX_EPOCH,
            ago: ago(TimeDelta::minutes(minutes)),
        };
        vec![
            reply(Some("Lucía <b> Fernández"), "Can you grind it for espresso?", 2),
            reply(Some("متجر"), "5! Best espresso I made in years", 33),
            reply(None, "", 3_000),
        ]
    }
}
