//! One-off messages: a single message that a user or a program asks for, without an automation.
//!
//! The API and the page *Send message* parse their input to a [`OneOffRequest`], and [`compose`]
//! it; `draft` finds the records that it names and renders the text. Start with
//! [`compose`].

mod draft;
mod request;

use chrono::{DateTime, Utc};

use super::compose::compose_one;
use super::message::{self, Message};
use crate::db::{Begun, Closing};
use crate::error::Result;
use crate::templates::Renderer;
use draft::create_draft;

pub(crate) use request::{MessageContent, MessageRecipient, OneOffRequest, parse_text};

/// The message of a request.
#[derive(Debug)]
pub(crate) struct ComposedOneOff<'t> {
    pub(crate) message: Message,
    /// Whether this request created it; else an earlier one with the same key did.
    pub(crate) is_new: bool,
    /// The rest of the transaction.
    pub(crate) closing: Closing<'t>,
}

/// Composes the message of a request. A number that may not be texted is not an error: its message
/// is stored as `suppressed`. A repeated key returns the message that it created the first time.
pub(crate) async fn compose<'t>(
    mut tx: Begun<'t>,
    request: &OneOffRequest,
    key: Option<String>,
    renderer: &Renderer,
    organization: &str,
    now: DateTime<Utc>,
) -> Result<ComposedOneOff<'t>> {
    if let Some(key) = &key
        && let Some(first) = message::find_by_request_key(tx.reads(), key).await?
    {
        let closing = tx.open().close();
        return Ok(ComposedOneOff { message: first, is_new: false, closing });
    }
    let draft = create_draft(tx.reads(), request, key, renderer, organization).await?;
    let (id, mut closing) = compose_one(tx, now, draft).await?;
    let message = message::find(closing.without_waiting(), id).await?;
    Ok(ComposedOneOff { message, is_new: true, closing })
}
