//! Samples of the list of actions: empty, and with actions of every status.

use super::{ActionLine, ActionListPage};
use crate::automations::AutomationStatus;
use crate::types::id::AutomationId;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::{Samples, Varies};

impl Samples for ActionListPage {
    const VARIES: Varies = Varies {
        texts: &["source.name", "actions.name", "actions.event", "actions.to"],
        lists: &["actions"],
    };

    fn samples() -> Vec<Self> {
        let action = |status: AutomationStatus, event: Option<&str>, messages| ActionLine {
            id: AutomationId::new(),
            name: "Order thanks <1>".to_owned(),
            status,
            event: event.map(str::to_owned),
            messages,
            to: (messages > 0).then(|| "$.traits.phone".to_owned()),
        };
        let actions = vec![
            action(AutomationStatus::Active, Some("Order Completed"), 1),
            action(AutomationStatus::Paused, Some("Order Completed"), 2),
            action(AutomationStatus::Draft, None, 0),
        ];
        let page = |actions| SourceView::sample().map(|source| Self { source, actions });
        [page(Vec::new()), page(actions)].into_iter().flatten().collect()
    }
}
