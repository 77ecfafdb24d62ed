//! The side panel of the list: one message, and the ways to the rows above and below it.

use actix_web::web::Path;
use serde::Serialize;

use super::message_view::MessageView;
use crate::db::Conn;
use crate::error::Result;
use crate::types::id::MessageId;
use crate::web::{Page, PageResult, Viewer, Visit};

/// The content of the panel. Static/message-panel.js sets the paths where it fetches only this.
#[derive(Debug, Serialize)]
pub(super) struct PanelContent {
    pub(super) title: String,
    /// The path of the list without the panel.
    pub(super) close: String,
    /// The path of the list with the message of the row above in the panel.
    pub(super) newer: Option<String>,
    /// The path of the list with the message of the row below in the panel.
    pub(super) older: Option<String>,
    pub(super) message: MessageView,
}

/// The part of the list that shows one message.
#[derive(Debug, Serialize)]
pub(super) struct MessagePanel {
    panel: PanelContent,
}

/// Renders the content of the panel.
pub(super) async fn show(visit: Visit<Viewer>, id: Path<MessageId>) -> PageResult {
    let panel = PanelContent::load(&mut *visit.conn().await?, *id, "/messages".to_owned()).await?;
    visit.page(&MessagePanel { panel })
}

impl PanelContent {
    /// Loads the message.
    pub(super) async fn load(conn: &mut Conn, id: MessageId, close: String) -> Result<Self> {
        Ok(Self::of(MessageView::load(conn, id).await?, close))
    }

    pub(super) fn of(message: MessageView, close: String) -> Self {
        Self { title: message.short_title(), close, newer: None, older: None, message }
    }
}

impl Page for MessagePanel {
    const TEMPLATE: &'static str = "ui/messages/_message_panel.html";
}
