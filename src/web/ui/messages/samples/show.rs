//! Samples of the page of a message: one in each state.

use super::MessageShowPage;
use crate::web::ui::messages::progress::MessageProgress;
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
        samples::details()
            .into_iter()
            .map(|details| Self::new(MessageProgress::of(details)))
            .collect()
    }
}
