//! The page of a message, and the part of it that the open page polls.

use actix_web::web::Path;
use serde::Serialize;

use super::message_view::MessageView;
use super::polled_part::PolledMessagePart;
use crate::types::id::MessageId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The page of a message.
#[derive(Debug, Serialize)]
pub(in crate::web) struct MessageShowPage {
    title: String,
    message: MessageView,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<MessageId>) -> PageResult {
    let message = MessageView::load(&mut *visit.conn().await?, *id).await?;
    visit.page(&MessageShowPage::new(message))
}

/// Renders the part that the open page polls every few seconds until the message cannot change any
/// more.
pub(super) async fn progress(visit: Visit<Viewer>, id: Path<MessageId>) -> PageResult {
    let progress = PolledMessagePart::load(&mut *visit.conn().await?, *id).await?;
    visit.page(&progress)
}

impl MessageShowPage {
    fn new(message: MessageView) -> Self {
        Self { title: message.title(), message }
    }
}

impl Page for MessageShowPage {
    const TEMPLATE: &'static str = "ui/messages/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
