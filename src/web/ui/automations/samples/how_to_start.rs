//! Samples of how an automation is started: one for each kind of trigger, and by one source.

use serde_json::json;

use super::HowToStart;

impl HowToStart {
    pub(in crate::web::ui::automations) fn samples() -> [Self; 4] {
        let program = |kind, path| {
            let body = json!({ "name": "<order>", "contact": { "phone": "+14155550100" } });
            Self::new(kind, "https://sms.example.com/api/v1", path, &body)
        };
        [
            program("event", "/events"),
            program("tag_added", "/contacts"),
            program("contact_created", "/contacts"),
            Self { kind: "event", curl: None },
        ]
    }
}
