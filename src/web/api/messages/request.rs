//! Messages in requests to the API, and their parsing, field by field.

use std::str::FromStr;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::{Error, FieldErrors, Result};
use crate::messages::one_off::{MessageContent, MessageRecipient, OneOffRequest, parse_text};
use crate::templates::{self, MediaUrl};
use crate::types::country::Country;
use crate::types::mistake::{self, Mistake};
use crate::types::phone::PhoneNumber;

/// A message to one recipient.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = NewMessage)]
pub(super) struct MessageRequest {
    /// The contact to send to; alternatively, give `to`.
    #[schema(format = "uuid")]
    contact_id: Option<String>,
    /// The number to send to, if you do not know the contact; alternatively, give `contact_id`.
    #[schema(example = "+14155550123")]
    to: Option<String>,
    /// The template to render; alternatively, give `body`.
    #[schema(format = "uuid")]
    template_id: Option<String>,
    /// The text exactly as it is to arrive, up to 1,600 characters; alternatively, give
    /// `template_id`. May be empty if there are media.
    body: Option<String>,
    /// The sender to send from.
    #[schema(format = "uuid", required = true, nullable = false)]
    sender_id: Option<String>,
    /// Addresses of up to 10 pictures and other files to send along (MMS), which Twilio must be
    /// able to fetch. By default, those of the template; with a template, variables are filled in.
    media_urls: Option<Vec<String>>,
}

impl MessageRequest {
    /// Parses the fields, and reports all errors at once.
    pub(super) fn parse(self, default_country: Option<Country>) -> Result<OneOffRequest> {
        let mut errors = FieldErrors::default();
        let recipient = recipient(self.contact_id, self.to, default_country, &mut errors);
        let media = self.media_urls.map(|urls| templates::check_media_urls(&urls, &mut errors));
        let has_media = media.as_ref().is_some_and(|urls| !urls.is_empty());
        if self.template_id.is_none()
            && let Some(index) =
                media.as_ref().and_then(|media| media.iter().position(MediaUrl::is_template))
        {
            errors.add(
                &format!("media_urls.{index}"),
                "Leave this out. Carillon sends a body as it is, and fills in variables only with \
                 a template_id.",
            );
        }
        let content = content(self.template_id, self.body, has_media, &mut errors);
        let sender_id = match self.sender_id {
            Some(text) => id("sender_id", &text, "sender", &mut errors),
            None => {
                errors.add("sender_id", Mistake::Missing.with_hint("GET /senders lists them."));
                None
            }
        };
        match (recipient, content, sender_id) {
            (Some(recipient), Some(content), Some(sender_id)) if errors.is_empty() => {
                Ok(OneOffRequest { recipient, content, sender_id, media })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

fn recipient(
    contact_id: Option<String>,
    to: Option<String>,
    default_country: Option<Country>,
    errors: &mut FieldErrors,
) -> Option<MessageRecipient> {
    match (contact_id, to) {
        (Some(text), None) => {
            id("contact_id", &text, "contact", errors).map(MessageRecipient::Contact)
        }
        (None, Some(text)) if text.trim().is_empty() => {
            errors.add("to", Mistake::Blank);
            None
        }
        (None, Some(text)) => errors
            .check("to", PhoneNumber::parse(&text, default_country))
            .map(MessageRecipient::Number),
        (Some(_), Some(_)) => {
            errors.add("to", "Give either contact_id or to, not both.");
            None
        }
        (None, None) => {
            errors.add(
                "to",
                Mistake::Missing.with_hint("Give a number here, or a contact in contact_id."),
            );
            None
        }
    }
}

fn content(
    template_id: Option<String>,
    body: Option<String>,
    has_media: bool,
    errors: &mut FieldErrors,
) -> Option<MessageContent> {
    match (template_id, body) {
        (Some(text), None) => {
            id("template_id", &text, "template", errors).map(MessageContent::Template)
        }
        (None, Some(text)) => {
            errors.check("body", parse_text(text, has_media)).map(MessageContent::Text)
        }
        (Some(_), Some(_)) => {
            errors.add("body", "Give either template_id or body, not both.");
            None
        }
        (None, None) if has_media => Some(MessageContent::Text(String::new())),
        (None, None) => {
            errors.add(
                "body",
                Mistake::Missing.with_hint("Give a text here, or a template in template_id."),
            );
            None
        }
    }
}

fn id<T: FromStr>(
    field: &str,
    text: &str,
    noun: &'static str,
    errors: &mut FieldErrors,
) -> Option<T> {
    errors.check(field, mistake::id(text, noun))
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
