//! Samples of the page of a message: one in each state.

use super::MessageShowPage;
use crate::web::ui::messages::message_view::MessageView;
use crate::web::ui::messages::samples;
use crate::web::{Samples, Varies};

impl Samples for MessageShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "title",
            "message.body",
            "message.why.words",
            "message.contact.label",
            "message.sender",
            "message.connection.label",
            "message.template.label",
            "message.automation.label",
            "message.story.note",
        ],
        lists: &[
            "message.media_urls",
            "message.holds",
            "message.story",
            "message.attempts",
            "message.reports",
        ],
    };

    fn samples() -> Vec<Self> {
        samples::loaded_messages()
            .into_iter()
            .map(|loaded| Self::new(MessageView::of(loaded)))
            .collect()
    }
}
