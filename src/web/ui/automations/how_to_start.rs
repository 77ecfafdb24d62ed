//! How an active automation is started: by a command for programs, and by what a user can do.

use serde::Serialize;
use serde_json::{Value, json};

use crate::automations::{self, Automation, AutomationStatus, Trigger};
use crate::db::Conn;
use crate::error::Result;
use crate::types::public_url::PublicUrl;
use crate::web::ui::curl::{self, KEY_PLACEHOLDER};
use crate::web::ui::made_up_contact::unassigned_number;

/// How an active automation is started.
#[derive(Debug, Serialize)]
pub(super) struct HowToStart {
    /// The kind of the trigger: `event`, `tag_added` or `contact_created`.
    kind: &'static str,
    /// The command by which a program starts it; none if only the events of one source do.
    curl: Option<String>,
}

impl HowToStart {
    /// How it is started; none unless it is active.
    pub(super) async fn load(
        conn: &mut Conn,
        automation: &Automation,
        public_url: &PublicUrl,
    ) -> Result<Option<Self>> {
        if automation.status != AutomationStatus::Active {
            return Ok(None);
        }
        let phone = unassigned_number()?;
        let (kind, path, body) = match &automation.definition.trigger {
            Trigger::Event { source_id: Some(_), .. } => {
                return Ok(Some(Self { kind: "event", curl: None }));
            }
            Trigger::Event { name, .. } => {
                let properties =
                    automations::sample_event(conn, &automation.definition, &phone).await?;
                let body = json!({
                    "name": name,
                    "contact": { "phone": phone.as_str() },
                    "properties": properties,
                });
                ("event", "/events", body)
            }
            Trigger::TagAdded { tag } => {
                let tag = tag.as_ref().map(ToString::to_string).unwrap_or_default();
                ("tag_added", "/contacts", json!({ "phone": phone.as_str(), "tags": [tag] }))
            }
            Trigger::ContactCreated => {
                ("contact_created", "/contacts", json!({ "phone": phone.as_str() }))
            }
        };
        Ok(Some(Self::new(kind, &public_url.join("/api/v1"), path, &body)))
    }

    fn new(kind: &'static str, api: &str, path: &str, body: &Value) -> Self {
        let url = format!("{api}{path}");
        Self { kind, curl: Some(curl::command("POST", &url, KEY_PLACEHOLDER, Some(body))) }
    }
}

#[cfg(debug_assertions)]
#[path = "samples/how_to_start.rs"]
mod samples;
