//! Samples of the confirmation before an automation is switched on or paused.

use super::SwitchPage;
use crate::automations::SCAN_LIMIT;
use crate::types::id::AutomationId;
use crate::web::ui::automations::show::StepRow;
use crate::web::{Samples, Varies};

impl Samples for SwitchPage {
    const VARIES: Varies = Varies {
        texts: &["name", "trigger", "steps.text", "warnings"],
        lists: &["steps", "warnings"],
    };

    fn samples() -> Vec<Self> {
        let page = |activates, has_run| Self {
            id: AutomationId::new(),
            name: "Thank <you>".to_owned(),
            activates,
            has_run,
            trigger: "When a contact is created".to_owned(),
            steps: StepRow::samples(),
            inside: "1,234".to_owned(),
            has_contacts_inside: has_run,
            only_newest: has_run.then_some(SCAN_LIMIT),
            waiting: i64::from(has_run),
            warnings: vec!["Shop <1> can’t send now.".to_owned()],
        };
        let empty = Self {
            warnings: Vec::new(),
            steps: Vec::new(),
            has_contacts_inside: false,
            waiting: 0,
            ..page(true, false)
        };
        vec![page(true, false), page(true, true), page(false, true), empty]
    }
}
