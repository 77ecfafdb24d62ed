//! Samples of the list of rejected webhooks: empty, and each reason, with and without a connection.

use super::RejectedWebhooksPage;
use crate::connections::rejected_webhooks::{Hook, RejectedWebhook, RejectionReason};
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::{Samples, Varies};

impl Samples for RejectedWebhooksPage {
    const VARIES: Varies = Varies { texts: &["connection.name"], lists: &["webhooks"] };

    fn samples() -> Vec<Self> {
        let webhook = |reason| RejectedWebhook {
            id: 1,
            hook: Hook::Inbound,
            reason,
            detail: "Signed over https://sms.example.com/hooks <b>".to_owned(),
            received_at: chrono::DateTime::UNIX_EPOCH,
        };
        let webhooks =
            || RejectionReason::ALL.iter().map(|reason| webhook(*reason)).collect::<Vec<_>>();
        vec![
            Self::new(Some(ConnectionView::sample()), Vec::new()),
            Self::new(Some(ConnectionView::sample()), webhooks()),
            Self::new(None, Vec::new()),
            Self::new(None, webhooks()),
        ]
    }
}
