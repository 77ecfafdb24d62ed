//! Samples of the list of automations: empty, and one of each status.

use chrono::DateTime;

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
            sent: 1_204,
            delivered: (status != AutomationStatus::Draft).then(|| "97.2 %".to_owned()),
            last_activity: (status != AutomationStatus::Draft).then_some(DateTime::UNIX_EPOCH),
        };
        let rows = || AutomationStatus::ALL.iter().map(|status| row(*status)).collect();
        let empty = |archived| Self {
            automations: Vec::new(),
            archived,
            in_use: 1_234,
            in_archive: 0,
            by_name: false,
            reordered: "/automations?sort=name".to_owned(),
            newer: None,
            older: None,
        };
        vec![
            empty(false),
            empty(true),
            Self {
                automations: rows(),
                newer: Some("/automations".to_owned()),
                older: Some("/automations?before=x".to_owned()),
                ..empty(false)
            },
            Self { automations: rows(), by_name: true, ..empty(false) },
        ]
    }
}
