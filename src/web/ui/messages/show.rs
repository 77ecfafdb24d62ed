//! The page of one message, and the part of it that follows what happens.

use actix_web::web::Path;
use serde::Serialize;

use super::progress::MessageProgress;
use crate::types::id::MessageId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct MessageShowPage {
    title: String,
    #[serde(flatten)]
    progress: MessageProgress,
}

pub(super) async fn show(visit: Visit<Viewer>, id: Path<MessageId>) -> PageResult {
    let progress = MessageProgress::load(&mut *visit.conn().await?, *id).await?;
    visit.page(&MessageShowPage::new(progress))
}

/// What the open page asks for every few seconds, until nothing more is expected.
pub(super) async fn progress(visit: Visit<Viewer>, id: Path<MessageId>) -> PageResult {
    let progress = MessageProgress::load(&mut *visit.conn().await?, *id).await?;
    visit.page(&progress)
}

impl MessageShowPage {
    fn new(progress: MessageProgress) -> Self {
        Self { title: progress.title(), progress }
    }
}

impl Page for MessageShowPage {
    const TEMPLATE: &'static str = "ui/messages/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
