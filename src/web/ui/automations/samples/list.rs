//! Samples of the list of automations: empty, and one of each status.

use super::{AutomationListPage, Row};
use crate::automations::AutomationStatus;
use crate::types::id::AutomationId;
use crate::web::{Samples, Varies};

impl Samples for AutomationListPage {
    const VARIES: Varies =
        Varies { texts: &["automations.name", "automations.trigger"], lists: &["automations"] };

    fn samples() -> Vec<Self> {
        let row = |status| Row {
            id: AutomationId::new(),
            name: "Thank you <for> your order".to_owned(),
            status,
            trigger: "When the event “order_completed” is reported and total is at least 100"
                .to_owned(),
            enrollments: "10,000+".to_owned(),
            messages: "7".to_owned(),
        };
        let rows = AutomationStatus::ALL.iter().map(|status| row(*status)).collect();
        vec![
            Self { automations: Vec::new(), newer: None, older: None },
            Self {
                automations: rows,
                newer: Some("/automations".to_owned()),
                older: Some("/automations?before=x".to_owned()),
            },
        ]
    }
}
