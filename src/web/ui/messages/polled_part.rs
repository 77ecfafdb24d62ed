//! The part of a message's page that the open page polls: everything except the heading.

use serde::Serialize;

use super::message_view::MessageView;
use crate::db::Conn;
use crate::error::Result;
use crate::types::id::MessageId;
use crate::web::Page;

/// The part of a message's page that the open page polls.
#[derive(Debug, Serialize)]
pub(in crate::web) struct PolledMessagePart {
    pub(super) message: MessageView,
}

impl PolledMessagePart {
    /// Loads the current state.
    pub(super) async fn load(conn: &mut Conn, id: MessageId) -> Result<Self> {
        Ok(Self { message: MessageView::load(conn, id).await? })
    }
}

impl Page for PolledMessagePart {
    const TEMPLATE: &'static str = "ui/messages/_polled_part.html";
}
