//! Samples of how an automation is started, one for each kind of trigger.

use serde_json::json;

use super::HowToStart;

impl HowToStart {
    pub(in crate::web::ui::automations) fn samples() -> [Self; 3] {
        [("event", "/events"), ("tag_added", "/contacts"), ("contact_created", "/contacts")].map(
            |(kind, path)| {
                let body = json!({ "name": "<order>", "contact": { "phone": "+14155550100" } });
                Self::new(kind, "https://sms.example.com/api/v1", path, &body)
            },
        )
    }
}
