//! Samples of the cards of a flow.

use super::FlowCard;

impl FlowCard {
    /// The card of a trigger.
    pub(in crate::web::ui::automations) fn sample_trigger() -> Self {
        Self {
            verb: "When",
            rest: "arrives",
            detail: Some("total is at least 20".to_owned()),
            ..Self::new("trigger", "order_completed")
        }
    }

    /// The card of a text, and of a wait.
    pub(in crate::web::ui::automations) fn samples() -> [Self; 2] {
        let text = "Hi {{ contact.first_name | default(value=\"there\") }}, thanks for order {{ event.order_id }}!";
        let sent =
            Self::send(Some("Thank <you>"), Some(text), Some("Shop (+1 500 555 0006)"), None);
        [sent, Self::wait("3 days")]
    }
}
