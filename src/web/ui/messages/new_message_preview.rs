//! The preview of a message that a user is about to send: the text as it arrives, its parts and its
//! price. The open page updates it while the user types.

use actix_web::web::Data;
use serde::Serialize;

use super::new_message_form::{NewMessageForm, NewMessageRecipient};
use crate::consent::suppression;
use crate::context::Context;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::prices;
use crate::templates::{self, Rendered, Variables};
use crate::twilio::parts::{self, Encoding};
use crate::types::id::TemplateId;
use crate::users::organization::Organization;
use crate::web::ui::templates::price_estimate::PriceEstimate;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// A message as it would be sent.
#[derive(Debug, Default, Serialize)]
pub(super) struct PreviewedMessage {
    /// The recipient, with the number.
    pub(super) to: Option<String>,
    /// Why this number can't be texted.
    pub(super) refusal: Option<&'static str>,
    /// The text; none if there is none yet, or a problem.
    pub(super) text: Option<String>,
    pub(super) media_urls: Vec<String>,
    /// Why the template gives no text.
    pub(super) problem: Option<String>,
    pub(super) size: Option<TextSize>,
    pub(super) estimate: Option<PriceEstimate>,
    /// What a text that is sent as it is does not do.
    pub(super) warnings: Vec<String>,
}

/// The size of a text.
#[derive(Debug, Serialize)]
pub(super) struct TextSize {
    parts: u16,
    encoding: &'static str,
    characters: usize,
    remaining: usize,
    /// The characters that need Unicode, each once.
    forced_by: Vec<char>,
}

/// The part of the page that is updated while the user types.
#[derive(Debug, Serialize)]
pub(super) struct NewMessagePreview {
    preview: PreviewedMessage,
}

/// Renders the preview of the input.
pub(super) async fn show(visit: Visit<Marketer>, form: Form<NewMessageForm>) -> PageResult {
    let mut conn = visit.conn().await?;
    let country = visit.organization.default_country;
    // What is wrong with the recipient is said when the form is submitted.
    let found = form.recipient(&mut conn, country, &mut FieldErrors::default()).await?;
    let preview = PreviewedMessage::load(
        &mut conn,
        &visit.context,
        &visit.organization,
        &form,
        found.chosen(),
    )
    .await?;
    drop(conn);
    visit.page(&NewMessagePreview { preview })
}

impl PreviewedMessage {
    /// Renders the text for a recipient; without one, only a text that has no variables.
    pub(super) async fn load(
        conn: &mut Conn,
        context: &Data<Context>,
        organization: &Organization,
        form: &NewMessageForm,
        recipient: Option<&NewMessageRecipient>,
    ) -> Result<Self> {
        let to = recipient.map(NewMessageRecipient::label);
        let suppression = match recipient {
            Some(recipient) => suppression::active(conn, recipient.phone()).await?,
            None => None,
        };
        let refusal = suppression.map(|suppression| suppression.meaning());
        let bare = Self { to, refusal, ..Self::default() };
        let Ok(template_id) = form.template_id.parse::<TemplateId>() else {
            let text = form.text();
            let warnings = templates::warnings_of_literal(&text);
            return Self { warnings, ..bare }.with_text(conn, text, recipient).await;
        };
        let Some(recipient) = recipient else { return Ok(bare) };
        let template = match templates::find(conn, template_id).await {
            Ok(template) => template,
            Err(Error::NotFound(_)) => return Ok(bare),
            Err(error) => return Err(error),
        };
        let variables = match recipient {
            NewMessageRecipient::Contact(contact) => Variables::new(contact, None),
            NewMessageRecipient::Number(phone) => Variables::for_phone(phone, None),
        };
        let variables = variables.with_organization(&organization.name);
        match context.renderer.render(&template, &variables) {
            Ok(Rendered { text, media_urls }) => {
                Self { media_urls, ..bare }.with_text(conn, text, Some(recipient)).await
            }
            Err(reason) => Ok(Self { problem: Some(reason.to_string()), ..bare }),
        }
    }

    async fn with_text(
        self,
        conn: &mut Conn,
        text: String,
        recipient: Option<&NewMessageRecipient>,
    ) -> Result<Self> {
        if text.trim().is_empty() && self.media_urls.is_empty() {
            return Ok(self);
        }
        let size = TextSize::of(&text);
        let estimate = match recipient.filter(|_| self.media_urls.is_empty()) {
            Some(recipient) => {
                let country = recipient.phone().country();
                let price = match country {
                    Some(country) => prices::find(conn, country).await?,
                    None => None,
                };
                Some(PriceEstimate::new(size.parts, country, price.as_ref()))
            }
            None => None,
        };
        Ok(Self { text: Some(text), size: Some(size), estimate, ..self })
    }
}

impl TextSize {
    pub(super) fn of(text: &str) -> Self {
        let counted = parts::count(text);
        Self {
            parts: counted.count,
            encoding: Encoding::name(counted.encoding),
            characters: counted.utf16,
            remaining: counted.remaining_in_last,
            forced_by: counted.forced_by.iter().map(|(character, _)| *character).collect(),
        }
    }
}

impl Page for NewMessagePreview {
    const TEMPLATE: &'static str = "ui/messages/_new_message_preview.html";
}
