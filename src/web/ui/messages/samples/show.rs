//! Samples of the page of a message: one in each state.

use super::MessageShowPage;
use crate::web::ui::messages::polled_part::PolledMessagePart;
use crate::web::ui::messages::samples;
use crate::web::{Samples, Varies};

impl Samples for MessageShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "title",
            "body",
            "why.words",
            "contact.label",
            "sender",
            "connection.label",
            "template.label",
            "automation.label",
            "story.note",
        ],
        lists: &["media_urls", "holds", "story", "attempts", "reports"],
    };

    fn samples() -> Vec<Self> {
        samples::loaded_messages()
            .into_iter()
            .map(|loaded| Self::new(PolledMessagePart::of(loaded)))
            .collect()
    }
}
