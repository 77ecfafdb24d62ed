//! The input of the page that sends one message, and the recipient that it names.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::consent::suppression;
use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::one_off::{self, MessageContent, MessageRecipient, OneOffRequest};
use crate::types::country::Country;
use crate::types::id::{ContactId, SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

/// The largest number of matching contacts to choose from.
const MAX_MATCHES: usize = 8;

/// The input of the form.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct NewMessageForm {
    /// Generated with the page, so that submitting the form twice sends one message.
    pub(super) request_key: String,
    /// The chosen contact, which counts instead of `to`.
    pub(super) contact_id: String,
    /// A name or a number, as typed.
    pub(super) to: String,
    pub(super) sender_id: String,
    /// The chosen template, which counts instead of `body`.
    pub(super) template_id: String,
    pub(super) body: String,
    /// The pressed button.
    #[serde(skip_serializing)]
    pub(super) action: String,
}

impl Default for NewMessageForm {
    fn default() -> Self {
        Self {
            request_key: Uuid::new_v4().to_string(),
            contact_id: String::new(),
            to: String::new(),
            sender_id: String::new(),
            template_id: String::new(),
            body: String::new(),
            action: String::new(),
        }
    }
}

/// Whom a message goes to.
#[derive(Debug, Clone)]
pub(super) enum NewMessageRecipient {
    Contact(Box<Contact>),
    /// A number that belongs to no contact.
    Number(PhoneNumber),
}

/// The recipients that the input names.
#[derive(Debug)]
pub(super) enum RecipientsFound {
    /// None; errors say why, if something was entered.
    None,
    One(NewMessageRecipient),
    /// Contacts to choose from.
    Several(Vec<Contact>),
}

impl RecipientsFound {
    /// The recipient, if there is exactly one.
    pub(super) const fn chosen(&self) -> Option<&NewMessageRecipient> {
        match self {
            Self::One(recipient) => Some(recipient),
            Self::None | Self::Several(_) => None,
        }
    }
}

impl NewMessageRecipient {
    pub(super) const fn phone(&self) -> &PhoneNumber {
        match self {
            Self::Contact(contact) => &contact.phone,
            Self::Number(phone) => phone,
        }
    }

    /// The name with the number, or the number.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Contact(contact) => contact.long_label(),
            Self::Number(phone) => phone.international(),
        }
    }
}

impl NewMessageForm {
    /// The key of the message: submitting the form twice sends it once.
    pub(super) fn key(&self) -> String {
        self.request_key.parse::<Uuid>().unwrap_or_else(|_| Uuid::new_v4()).to_string()
    }

    /// The text as it is sent. Forms end lines with CR and LF, which would cost characters.
    pub(super) fn text(&self) -> String {
        self.body.replace("\r\n", "\n")
    }

    /// Finds the recipient: the chosen contact, or the only one with the entered name, or the
    /// entered number.
    pub(super) async fn recipient(
        &self,
        conn: &mut Conn,
        country: Option<Country>,
        errors: &mut FieldErrors,
    ) -> Result<RecipientsFound> {
        if let Ok(id) = self.contact_id.parse::<ContactId>() {
            return match contacts::find(conn, id).await {
                Ok(contact) => Ok(RecipientsFound::of(contact)),
                Err(Error::NotFound(_)) => {
                    errors.add("to", "This contact was deleted. Choose another one.");
                    Ok(RecipientsFound::None)
                }
                Err(error) => Err(error),
            };
        }
        let typed = self.to.trim();
        if typed.is_empty() {
            return Ok(RecipientsFound::None);
        }
        let not_a_number = match PhoneNumber::parse(typed, country) {
            Ok(phone) => {
                let contact = contacts::find_by_phone(conn, &phone).await?;
                return Ok(contact.map_or_else(
                    || RecipientsFound::One(NewMessageRecipient::Number(phone)),
                    RecipientsFound::of,
                ));
            }
            Err(error) => error,
        };
        let filter = ContactFilter {
            search: typed.to_owned(),
            default_country: country,
            ..ContactFilter::default()
        };
        let mut found =
            contacts::list(conn, &filter, Position::Newest, MAX_MATCHES).await?.contacts;
        let has_letter = typed.chars().any(char::is_alphabetic);
        match found.len() {
            0 if has_letter => {
                errors.add("to", "No contact matches. Enter more of the name, or a number.");
                Ok(RecipientsFound::None)
            }
            0 => {
                errors.add("to", not_a_number.to_string());
                Ok(RecipientsFound::None)
            }
            1 if has_letter => Ok(RecipientsFound::of(found.swap_remove(0))),
            // A number with a digit missing must not reach another contact.
            1 => {
                let text = "This is not a whole number. If you mean this contact, choose it below.";
                errors.add("to", text);
                Ok(RecipientsFound::Several(found))
            }
            _ => {
                errors.add("to", "Several contacts match. Choose one below.");
                Ok(RecipientsFound::Several(found))
            }
        }
    }

    /// Parses the input for a recipient, and checks that the recipient may be texted. Every error
    /// stands beside its field.
    pub(super) async fn request(
        &self,
        conn: &mut Conn,
        recipient: Option<&NewMessageRecipient>,
        mut errors: FieldErrors,
    ) -> Result<OneOffRequest> {
        match recipient {
            Some(recipient) => {
                if let Some(suppression) = suppression::active(conn, recipient.phone()).await? {
                    errors.add("to", format!("Can’t be texted. {}", suppression.meaning()));
                }
            }
            None if errors.is_empty() => errors.add("to", "Enter a name or a number."),
            None => {}
        }
        let sender_id = self.sender_id.parse::<SenderId>().ok();
        if sender_id.is_none() {
            errors.add("sender_id", "Choose a sender.");
        }
        let content = if self.template_id.is_empty() {
            errors.check("body", one_off::parse_text(self.text(), false)).map(MessageContent::Text)
        } else {
            let id = self.template_id.parse::<TemplateId>();
            errors
                .check("template_id", id.map_err(|_| "Choose a template."))
                .map(MessageContent::Template)
        };
        match (recipient, content, sender_id) {
            (Some(recipient), Some(content), Some(sender_id)) if errors.is_empty() => {
                let recipient = match recipient {
                    NewMessageRecipient::Contact(contact) => MessageRecipient::Contact(contact.id),
                    NewMessageRecipient::Number(phone) => MessageRecipient::Number(phone.clone()),
                };
                Ok(OneOffRequest { recipient, content, sender_id, media: None })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

impl RecipientsFound {
    fn of(contact: Contact) -> Self {
        Self::One(NewMessageRecipient::Contact(Box::new(contact)))
    }
}
