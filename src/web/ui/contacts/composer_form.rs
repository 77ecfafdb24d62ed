//! The input of the box that sends a message, and the message that it asks for.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::consent::suppression;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::one_off::{self, MessageContent, MessageRecipient, OneOffRequest};
use crate::senders::Sender;
use crate::types::id::{ContactId, SenderId, TemplateId};

/// The input of the box.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct ComposerForm {
    /// The idempotency key, with which submitting the form again creates no second message.
    pub(super) request_key: String,
    /// What is sent: `text` or `template`.
    pub(super) mode: String,
    pub(super) text: String,
    pub(super) template_id: String,
    pub(super) sender_id: String,
    /// The pressed button: `send` or `preview`.
    #[serde(skip_serializing)]
    pub(super) action: String,
}

impl ComposerForm {
    /// Whether a template is sent, not a text.
    pub(super) fn is_template(&self) -> bool {
        self.mode == "template"
    }

    /// The text as it is sent. Forms end lines with CR and LF, which would cost characters.
    pub(super) fn plain_text(&self) -> String {
        self.text.replace("\r\n", "\n").trim_end().to_owned()
    }

    /// Parses the input, and checks that the contact may be texted. Every error stands beside its
    /// field.
    pub(super) async fn request(
        &self,
        conn: &mut Conn,
        contact: &Contact,
    ) -> Result<OneOffRequest> {
        let mut errors = FieldErrors::default();
        if let Some(held) = suppression::active(conn, &contact.phone).await? {
            errors.add("to", format!("Not sent. {}", held.meaning()));
        }
        let sender_id = self.sender_id.parse::<SenderId>();
        let sender_id = errors.check("sender_id", sender_id.map_err(|_| "Choose a sender."));
        let content = if self.is_template() {
            let id = self.template_id.parse::<TemplateId>();
            errors
                .check("template_id", id.map_err(|_| "Choose a template."))
                .map(MessageContent::Template)
        } else {
            errors.check("text", self.parse_text()).map(MessageContent::Text)
        };
        match (content, sender_id) {
            (Some(content), Some(sender_id)) if errors.is_empty() => {
                let recipient = MessageRecipient::Contact(contact.id);
                Ok(OneOffRequest { recipient, content, sender_id, media: None })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }

    fn parse_text(&self) -> std::result::Result<String, String> {
        let text = self.plain_text();
        if text.trim().is_empty() {
            return Err("Write a text.".to_owned());
        }
        one_off::parse_text(text, false)
    }

    /// The key of the message. After the browser's Back button, the same form may ask for another
    /// message, which must not be taken for the first one.
    pub(super) fn key(&self, contact: ContactId) -> String {
        let form = self.request_key.parse::<Uuid>().unwrap_or_else(|_| Uuid::new_v4());
        let content = if self.is_template() { self.template_id.clone() } else { self.plain_text() };
        let input = format!("{contact} {} {} {content}", self.sender_id, self.is_template());
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(input));
        format!("{form}:{digest}")
    }

    /// Fills in what the user has not chosen: the sender that the contact knows, if it can send.
    pub(super) fn with_defaults(mut self, senders: &[Sender], known: Option<SenderId>) -> Self {
        if self.request_key.is_empty() {
            self.request_key = Uuid::now_v7().to_string();
        }
        if !self.is_template() {
            "text".clone_into(&mut self.mode);
        }
        if self.sender_id.is_empty() {
            let known = senders.iter().find(|sender| Some(sender.id) == known);
            self.sender_id =
                known.or(senders.first()).map(|sender| sender.id.to_string()).unwrap_or_default();
        }
        self
    }
}

/// Whether an error is one of the box.
pub(super) fn has_errors(errors: &FieldErrors) -> bool {
    let fields = ["form", "to", "text", "template_id", "sender_id"];
    errors.iter().any(|(field, _)| fields.contains(&field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::parts::MAX_BODY;

    fn form(text: &str) -> ComposerForm {
        ComposerForm {
            request_key: Uuid::nil().to_string(),
            text: text.to_owned(),
            ..ComposerForm::default()
        }
    }

    #[test]
    fn a_form_has_one_key_for_the_same_input() {
        let key = |form: ComposerForm| form.key(ContactId(Uuid::nil()));
        assert_eq!(key(form("Hi")), key(form("Hi")));
        assert_ne!(key(form("Hi")), key(form("Ho")));
        let invalid = || ComposerForm { request_key: String::new(), ..form("Hi") };
        assert_ne!(key(invalid()), key(invalid()));
    }

    #[test]
    fn a_text_is_sent_as_typed_with_plain_line_breaks() {
        assert_eq!(form(" Hi\r\nAnn \r\n").parse_text().unwrap(), " Hi\nAnn");
        assert_eq!(form(" \r\n").parse_text().unwrap_err(), "Write a text.");
        assert!(form(&"x".repeat(MAX_BODY)).parse_text().is_ok());
        let too_long = form(&"x".repeat(MAX_BODY + 1)).parse_text().unwrap_err();
        assert!(too_long.starts_with("The text has 1601 characters"), "{too_long}");
    }
}
