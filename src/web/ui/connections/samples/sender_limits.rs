//! Samples of the limits of a sender: of a number with a queue, and of a service with an error.

use super::{LimitsInput, SenderLimitsPage};
use crate::error::FieldErrors;
use crate::web::ui::connections::connection_view::ConnectionView;
use crate::web::ui::connections::limit_labels;
use crate::web::ui::connections::sender_view::SenderView;
use crate::web::{Samples, Varies};

impl Samples for SenderLimitsPage {
    const VARIES: Varies = Varies { texts: &["connection.name", "sender.label"], lists: &[] };

    fn samples() -> Vec<Self> {
        let page = |sender: SenderView, parts_per_second: &str, errors| Self {
            connection: ConnectionView::sample(),
            usual: limit_labels::usual_rate(&sender.sender.address),
            sender,
            form: LimitsInput {
                parts_per_second: parts_per_second.to_owned(),
                validity_minutes: "2880".to_owned(),
            },
            errors,
        };
        let wrong = FieldErrors::default().with("parts_per_second", "Enter how many <parts>.");
        let mut samples = SenderView::samples();
        let service = samples.pop();
        let pages = samples.pop().map(|sender| page(sender, "1", FieldErrors::default()));
        pages.into_iter().chain(service.map(|sender| page(sender, "<fast>", wrong))).collect()
    }
}
