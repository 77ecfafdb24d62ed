//! A sample of a saved template that two automations send.

use chrono::DateTime;

use super::{PreviewDefaults, SavedTemplate, UseRow, VersionRow, steps_text};
use crate::automations::AutomationStatus;
use crate::types::id::{AutomationId, TemplateId};

impl SavedTemplate {
    pub(in crate::web::ui::templates) fn sample(is_archived: bool) -> Self {
        let used = |name: &str, status, steps: &[usize]| UseRow {
            id: AutomationId::new(),
            name: name.to_owned(),
            status,
            steps: steps_text(steps),
        };
        let version = |number, author: Option<&str>| VersionRow {
            number,
            author: author.map(ToOwned::to_owned),
            created_at: DateTime::UNIX_EPOCH,
        };
        Self {
            id: TemplateId::new(),
            name: "Order <shipped>".to_owned(),
            version: 3,
            author: Some("Ada <Lovelace>".to_owned()),
            is_archived,
            uses: vec![
                used("Thanks & more", AutomationStatus::Active, &[1, 3]),
                used("Later", AutomationStatus::Draft, &[2]),
            ],
            versions: vec![
                version(3, Some("Ada <Lovelace>")),
                version(2, None),
                version(1, Some("Ben")),
            ],
            preview_defaults: PreviewDefaults::default(),
        }
    }
}
