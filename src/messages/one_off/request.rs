//! [`OneOffRequest`]: a single message as a program or a user asks for it, with valid fields.

use crate::messages::message::Message;
use crate::templates::{self, MediaUrl};
use crate::twilio::parts::MAX_BODY;
use crate::types::id::{ContactId, SenderId, TemplateId};
use crate::types::mistake::Mistake;
use crate::types::phone::PhoneNumber;
use crate::types::storable_text::is_storable;

/// A message to one recipient, with valid fields.
#[derive(Debug)]
pub(crate) struct OneOffRequest {
    pub(crate) recipient: MessageRecipient,
    pub(crate) content: MessageContent,
    pub(crate) sender_id: SenderId,
    /// Media instead of those of the template.
    pub(crate) media: Option<Vec<MediaUrl>>,
}

/// The recipient of a request.
#[derive(Debug)]
pub(crate) enum MessageRecipient {
    Contact(ContactId),
    Number(PhoneNumber),
}

/// The text of a request, or the template that it is rendered from.
#[derive(Debug)]
pub(crate) enum MessageContent {
    Template(TemplateId),
    Text(String),
}

impl OneOffRequest {
    /// Warnings about a text that is sent as it is.
    pub(crate) fn warnings(&self) -> Vec<String> {
        match &self.content {
            MessageContent::Text(text) => templates::warnings_of_literal(text),
            MessageContent::Template(_) => Vec::new(),
        }
    }

    /// Whether a message matches this request; later changes of the template or contact do not
    /// matter.
    pub(crate) fn matches(&self, message: &Message) -> bool {
        let same_recipient = match &self.recipient {
            MessageRecipient::Contact(id) => message.contact_id == Some(*id),
            MessageRecipient::Number(phone) => message.to_address == phone.as_str(),
        };
        let same_content = match &self.content {
            MessageContent::Template(id) => message.template_id == Some(*id),
            MessageContent::Text(text) => message.template_id.is_none() && message.body == *text,
        };
        let same = |(url, sent): (&MediaUrl, &String)| url.is_template() || url.as_str() == sent;
        let same_media = self.media.as_ref().is_none_or(|media| {
            media.len() == message.media_urls.len()
                && media.iter().zip(&message.media_urls).all(same)
        });
        same_recipient && same_content && same_media && message.sender_id == Some(self.sender_id)
    }
}

/// Checks a text that is sent as it is; only with media may it be empty.
pub(crate) fn parse_text(text: String, has_media: bool) -> Result<String, String> {
    let length = text.encode_utf16().count();
    if length > MAX_BODY {
        return Err(format!("The text has {length} characters. Shorten it to at most {MAX_BODY}."));
    }
    if text.trim().is_empty() && !has_media {
        return Err(Mistake::Blank.into());
    }
    if !is_storable(&text) {
        return Err(Mistake::Unstorable.into());
    }
    Ok(text)
}
