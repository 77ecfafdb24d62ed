//! What is shown once: a link to join or to choose a new password, or an API key.

use serde::Serialize;

use crate::web::Page;

/// Something secret to copy now; it is nowhere to be read afterwards.
#[derive(Debug, Serialize)]
pub(in crate::web) struct LinkPage {
    title: String,
    lead: String,
    /// What the field with the secret is called.
    label: &'static str,
    secret: String,
    /// What to do with it, and until when.
    advice: String,
    /// Where it goes on.
    back: String,
    back_label: &'static str,
}

impl LinkPage {
    pub(super) fn invitation(email: &str, link: String) -> Self {
        Self {
            title: "Invitation made".to_owned(),
            lead: format!("Send this link to {email}: Carillon sends no e-mail by itself."),
            label: "Link",
            secret: link,
            advice: "It is shown this once, is good for one person and ends after 7 days. Whoever \
                     has it can join in their place, so send it by a way that you trust."
                .to_owned(),
            back: "/settings/users".to_owned(),
            back_label: "Users",
        }
    }

    pub(super) fn reset(name: &str, link: String, back: String) -> Self {
        Self {
            title: "Link for a new password".to_owned(),
            lead: format!("Give this link to {name}: Carillon sends no e-mail by itself."),
            label: "Link",
            secret: link,
            advice: "It is shown this once, can be used once and ends after 7 days. The present \
                     password stays good until then. When a new one is chosen, all their sessions \
                     end."
                .to_owned(),
            back,
            back_label: "Back to the user",
        }
    }

    pub(super) fn key(name: &str, key: String) -> Self {
        Self {
            title: "API key made".to_owned(),
            lead: format!("This is the key for {name}."),
            label: "API key",
            secret: key,
            advice: "It is shown this once. Keep it where your programs keep their secrets, and \
                     send it as “Authorization: Bearer …”. If it is lost, revoke it and make \
                     another one."
                .to_owned(),
            back: "/settings/keys".to_owned(),
            back_label: "API keys",
        }
    }
}

impl Page for LinkPage {
    const TEMPLATE: &'static str = "ui/settings/link.html";
}

#[cfg(debug_assertions)]
#[path = "samples/link.rs"]
mod samples;
