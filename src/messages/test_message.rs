//! A test message: one message that a user sends to try something out, through the same pipeline as
//! every other message.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::compose::{Draft, DraftOrigin, compose_one};
use crate::contacts;
use crate::db::{self, Conn};
use crate::error::Result;
use crate::types::id::{MessageId, SenderId, TemplateId, UserId};
use crate::types::phone::PhoneNumber;
use crate::users::test_message_phone;

/// A test message to send; a number that may not be texted gets nothing.
#[derive(Debug)]
pub(crate) struct TestMessage {
    pub(crate) to: PhoneNumber,
    pub(crate) sender_id: SenderId,
    pub(crate) text: String,
    /// The template and version that the text comes from.
    pub(crate) template: Option<(TemplateId, i32)>,
    pub(crate) media_urls: Vec<String>,
}

impl TestMessage {
    /// Queues the message and remembers the number as the user's own. The `request_key` comes
    /// with the form, so that submitting the form again creates no second message.
    pub(crate) async fn send(
        self,
        conn: &mut Conn,
        user: UserId,
        now: DateTime<Utc>,
        request_key: &str,
    ) -> Result<MessageId> {
        let contact = contacts::find_by_phone(conn, &self.to).await?;
        let key = request_key.parse::<Uuid>().unwrap_or_else(|_| Uuid::new_v4());
        test_message_phone::remember(conn, user, &self.to).await?;
        let draft = Draft {
            origin: DraftOrigin::OneOff { request_key: Some(format!("test:{user}:{key}")) },
            contact_id: contact.map(|contact| contact.id),
            sender_id: self.sender_id,
            to: Ok(self.to),
            text: Ok(self.text),
            template: self.template,
            media_urls: self.media_urls,
        };
        db::transaction(conn, async |tx| {
            let (message_id, _) = compose_one(tx, now, draft).await?;
            Ok(message_id)
        })
        .await
    }
}
