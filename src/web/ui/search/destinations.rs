//! The pages and actions that a search finds by their names, each with the role that it requires.

use crate::users::Role;

/// A page, or an action that begins with a page.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) label: &'static str,
    pub(super) path: &'static str,
    pub(super) icon: &'static str,
    role: Role,
    /// Other words that it is found by.
    words: &'static str,
}

const fn of(
    role: Role,
    label: &'static str,
    path: &'static str,
    icon: &'static str,
    words: &'static str,
) -> Destination {
    Destination { label, path, icon, role, words }
}

/// What users do, by the page that it begins with.
pub(super) const ACTIONS: &[Destination] = &[
    of(Role::Marketer, "New contact", "/contacts/new", "user-plus", "add create person"),
    of(Role::Marketer, "New template", "/templates/new", "file-text", "add create text"),
    of(Role::Marketer, "Send message", "/messages/new", "send", "text sms write one"),
    of(Role::Marketer, "New automation", "/automations/starters", "workflow", "add create flow"),
    of(
        Role::Marketer,
        "Resend undelivered messages",
        "/ledger/retry",
        "repeat",
        "retry again failed",
    ),
    of(
        Role::Admin,
        "Connect Twilio",
        "/connections/new",
        "plug",
        "add new connection account sender number",
    ),
    of(
        Role::Admin,
        "New source",
        "/sources/new",
        "webhook",
        "add create segment rudderstack shopify woocommerce stripe webhook events",
    ),
    of(
        Role::Admin,
        "Invite user",
        "/settings/users/invite",
        "user-plus",
        "add new create team member",
    ),
    of(Role::Admin, "Create API key", "/settings/keys/new", "key-round", "add new program token"),
];

/// The pages that every installation has.
pub(super) const PAGES: &[Destination] = &[
    of(Role::Viewer, "Home", "/", "house", "dashboard overview start"),
    of(Role::Viewer, "Messages", "/messages", "message-square-text", "log sms texts inbox replies"),
    of(Role::Viewer, "Reports", "/ledger", "chart-column", "ledger counts statistics costs"),
    of(Role::Viewer, "Contacts", "/contacts", "users", "people audience recipients"),
    of(Role::Viewer, "Templates", "/templates", "file-text", "texts"),
    of(Role::Viewer, "Automations", "/automations", "workflow", "flows journeys"),
    of(
        Role::Viewer,
        "Connection Center",
        "/connections",
        "plug",
        "connections twilio senders numbers webhooks",
    ),
    of(
        Role::Viewer,
        "Sources",
        "/sources",
        "webhook",
        "segment rudderstack shopify woocommerce stripe webhooks events incoming",
    ),
    of(Role::Viewer, "Views of messages", "/messages/views", "bookmark", "saved filters"),
    of(Role::Viewer, "API reference", "/api", "code", "calls openapi programs developers"),
    of(Role::Viewer, "Keyboard shortcuts", "/shortcuts", "keyboard", "keys help"),
    of(
        Role::Viewer,
        "Your account",
        "/account",
        "circle-user",
        "profile password theme time zone sessions",
    ),
    of(Role::Admin, "Team", "/settings/users", "users-round", "settings users members roles"),
    of(Role::Admin, "API keys", "/settings/keys", "key-round", "settings programs tokens"),
    of(
        Role::Admin,
        "Organization",
        "/settings/organization",
        "building-2",
        "settings name country time zone",
    ),
    of(Role::Admin, "Opt-out words", "/settings/opt-out-words", "ban", "settings stop keywords"),
    of(Role::Admin, "Audit log", "/settings/log", "history", "settings changes"),
    of(Role::Admin, "Jobs and workers", "/admin", "activity", "admin queue routines"),
    of(Role::Admin, "Failed jobs", "/admin/failed", "triangle-alert", "admin errors"),
    of(Role::Admin, "Set aside", "/admin/set-aside", "archive", "admin routines errors"),
    of(Role::Admin, "Database", "/admin/database", "database", "admin postgresql size tables"),
    of(Role::Admin, "Version and configuration", "/admin/system", "info", "admin system settings"),
];

impl Destination {
    /// Whether a role may go there.
    pub(super) fn is_for(&self, role: Role) -> bool {
        role >= self.role
    }

    /// Whether each word of a text begins one of its words, in any case.
    pub(super) fn matches(&self, text: &str) -> bool {
        let own = format!("{} {}", self.label, self.words).to_lowercase();
        let begins_one = |word: &str| {
            own.split(|c: char| !c.is_alphanumeric()).any(|own_word| own_word.starts_with(word))
        };
        let text = text.to_lowercase();
        text.split_whitespace().all(begins_one)
    }

    /// Whether its name begins with a text, in any case.
    pub(super) fn begins_with(&self, text: &str) -> bool {
        self.label.to_lowercase().starts_with(&text.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_found_by_the_beginning_of_its_words() {
        let contact = &ACTIONS[0];
        for text in ["new", "New con", "contact new", "add pers"] {
            assert!(contact.matches(text), "{text}");
        }
        assert!(!contact.matches("new automation") && !contact.matches("ontact"));
        assert!(contact.begins_with("NEW c") && !contact.begins_with("contact"));
    }
}
