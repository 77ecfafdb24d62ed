//! The page of a message: each turn that one can take.

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
        samples::materials()
            .into_iter()
            .map(|material| Self::new(MessageProgress::of(material)))
            .collect()
    }
}
