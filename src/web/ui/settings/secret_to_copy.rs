//! The page that shows a secret once: an invitation link, a password reset link or an API key.

use serde::Serialize;
use serde_json::json;

use crate::types::public_url::PublicUrl;
use crate::users::Role;
use crate::web::Page;
use crate::web::ui::curl;

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
    /// How to use it, if it is an API key.
    example: Option<ApiExample>,
}

/// The first call with a new API key.
#[derive(Debug, Serialize)]
struct ApiExample {
    base_url: String,
    label: &'static str,
    curl: String,
}

impl SecretToCopyPage {
    pub(super) fn invitation(email: &str, link: String) -> Self {
        Self {
            title: "Invitation created".to_owned(),
            lead: format!("Send this link to {email}. Carillon doesn’t email it."),
            label: "Link",
            secret: link,
            advice: "Copy it now: Carillon shows it once. It works for one person, for 7 days. \
                     Anyone with the link can join, so send it safely."
                .to_owned(),
            back: "/settings/users".to_owned(),
            back_label: "Team",
            example: None,
        }
    }

    pub(super) fn reset(name: &str, link: String, back: String) -> Self {
        Self {
            title: "Password link created".to_owned(),
            lead: format!("Send this link to {name}. Carillon doesn’t email it."),
            label: "Link",
            secret: link,
            advice: "Copy it now: Carillon shows it once. It works once, for 7 days. The current \
                     password works until then. A new password ends all their sessions."
                .to_owned(),
            back,
            back_label: "Back to the user",
            example: None,
        }
    }

    pub(super) fn key(name: &str, role: Role, secret: String, public_url: &PublicUrl) -> Self {
        Self {
            example: Some(ApiExample::new(&secret, role, public_url)),
            title: "API key created".to_owned(),
            lead: format!("This is the key for “{name}”."),
            label: "API key",
            secret,
            advice:
                "Copy it now: Carillon shows it once. Store it with your programs’ secrets. If you \
                 lose it, revoke it and create another."
                    .to_owned(),
            back: "/settings/keys".to_owned(),
            back_label: "API keys",
        }
    }
}

impl ApiExample {
    /// A call that the role of the key allows.
    fn new(key: &str, role: Role, public_url: &PublicUrl) -> Self {
        let base_url = public_url.join("/api/v1");
        let (label, curl) = if role >= Role::Marketer {
            let event =
                json!({ "name": "order_completed", "contact": { "phone": "+14155550100" } });
            let url = format!("{base_url}/events");
            ("Report an event", curl::command("POST", &url, key, Some(&event)))
        } else {
            let url = format!("{base_url}/messages");
            ("List messages", curl::command("GET", &url, key, None))
        };
        Self { base_url, label, curl }
    }
}

impl Page for SecretToCopyPage {
    const TEMPLATE: &'static str = "ui/settings/secret_to_copy.html";
}

#[cfg(debug_assertions)]
#[path = "samples/secret_to_copy.rs"]
mod samples;
