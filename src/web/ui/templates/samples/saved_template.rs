//! A sample of a saved template that two automations send.

use chrono::DateTime;

use super::{PreviewDefaults, SavedTemplate, UseRow, steps_text};
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
        Self {
            id: TemplateId::new(),
            name: "Order <shipped>".to_owned(),
            version: 3,
            updated_at: DateTime::UNIX_EPOCH,
            author: Some("Ada <Lovelace>".to_owned()),
            is_archived,
            uses: vec![
                used("Thanks & more", AutomationStatus::Active, &[1, 3]),
                used("Later", AutomationStatus::Draft, &[2]),
            ],
            preview_defaults: PreviewDefaults::default(),
        }
    }
}
