//! The page that shows a secret once: an invitation link, a password reset link or an API key.

use serde::Serialize;

use crate::web::Page;

/// The page with a secret to copy, which cannot be read again later.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SecretToCopyPage {
    title: String,
    lead: String,
    /// The label of the field with the secret.
    label: &'static str,
    secret: String,
    /// A sentence about what to do with it, and how long it is valid.
    advice: String,
    /// The path of the next page.
    back: String,
    back_label: &'static str,
}

impl SecretToCopyPage {
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

impl Page for SecretToCopyPage {
    const TEMPLATE: &'static str = "ui/settings/secret_to_copy.html";
}

#[cfg(debug_assertions)]
#[path = "samples/secret_to_copy.rs"]
mod samples;
