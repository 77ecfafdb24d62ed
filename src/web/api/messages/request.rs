//! Requests to send a message: parsing, field by field, and the draft that results.

use std::str::FromStr;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use futures::future::{Ready, ready};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::connections::{self, Status};
use crate::contacts;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::compose::{Draft, Origin};
use crate::messages::message::Message;
use crate::senders::{self, Sender};
use crate::templates::{self, MediaUrl, Rendered, Renderer, Template, Variables};
use crate::twilio::parts::MAX_BODY;
use crate::types::country::Country;
use crate::types::id::{ApiKeyId, ContactId, SenderId, TemplateId};
use crate::types::mistake::{self, Mistake};
use crate::types::phone::PhoneNumber;
use crate::types::text::is_storable;
use crate::web::api::ApiError;

const MAX_KEY: usize = 200;

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

/// A request with valid fields.
#[derive(Debug)]
pub(super) struct ParsedMessageRequest {
    recipient: Recipient,
    content: Content,
    sender_id: SenderId,
    media: Option<Vec<MediaUrl>>,
}

#[derive(Debug)]
enum Recipient {
    Contact(ContactId),
    Number(PhoneNumber),
}

#[derive(Debug)]
enum Content {
    Template(TemplateId),
    Text(String),
}

/// The header `Idempotency-Key`, if it was sent.
#[derive(Debug)]
pub(super) struct IdempotencyKey(Option<String>);

impl MessageRequest {
    /// Parses the fields, and reports all errors at once.
    pub(super) fn parse(self, default_country: Option<Country>) -> Result<ParsedMessageRequest> {
        let mut errors = FieldErrors::default();
        let recipient = recipient(self.contact_id, self.to, default_country, &mut errors);
        let media = self.media_urls.map(|urls| templates::check_media_urls(&urls, &mut errors));
        let has_media = media.as_ref().is_some_and(|urls| !urls.is_empty());
        if self.template_id.is_none()
            && let Some(index) =
                media.as_ref().and_then(|media| media.iter().position(MediaUrl::is_filled_in))
        {
            errors.add(
                &format!("media_urls.{index}"),
                "Variables are filled in only with a template_id; a body is sent as it is.",
            );
        }
        let content = content(self.template_id, self.body, has_media, &mut errors);
        let sender_id = match self.sender_id {
            Some(text) => id("sender_id", &text, "sender", &mut errors),
            None => {
                errors.add(
                    "sender_id",
                    Mistake::Missing.with_hint("GET /senders lists what there is to send from."),
                );
                None
            }
        };
        match (recipient, content, sender_id) {
            (Some(recipient), Some(content), Some(sender_id)) if errors.is_empty() => {
                Ok(ParsedMessageRequest { recipient, content, sender_id, media })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

impl ParsedMessageRequest {
    /// Warnings about a text that is sent as it is.
    pub(super) fn warnings(&self) -> Vec<String> {
        match &self.content {
            Content::Text(text) => templates::warnings_of_literal(text),
            Content::Template(_) => Vec::new(),
        }
    }

    /// Whether a message matches this request; later changes of the template or contact do not
    /// matter.
    pub(super) fn matches(&self, message: &Message) -> bool {
        let same_recipient = match &self.recipient {
            Recipient::Contact(id) => message.contact_id == Some(*id),
            Recipient::Number(phone) => message.to_address == phone.as_str(),
        };
        let same_content = match &self.content {
            Content::Template(id) => message.template_id == Some(*id),
            Content::Text(text) => message.template_id.is_none() && message.body == *text,
        };
        let same = |(url, sent): (&MediaUrl, &String)| url.is_filled_in() || url.as_str() == sent;
        let same_media = self.media.as_ref().is_none_or(|media| {
            media.len() == message.media_urls.len()
                && media.iter().zip(&message.media_urls).all(same)
        });
        same_recipient && same_content && same_media && message.sender_id == Some(self.sender_id)
    }
}

/// Creates the draft: finds the records that the request names, and renders the text.
pub(super) async fn draft(
    conn: &mut Conn,
    request: &ParsedMessageRequest,
    key: Option<String>,
    renderer: &Renderer,
    organization: &str,
) -> Result<Draft> {
    let mut errors = FieldErrors::default();
    let sender = senders::find(conn, request.sender_id).await;
    if let Some(problem) = sender_problem(conn, optional(sender)?).await? {
        errors.add("sender_id", problem);
    }
    let contact = match &request.recipient {
        Recipient::Contact(id) => optional(contacts::find(conn, *id).await)?,
        Recipient::Number(phone) => contacts::find_by_phone(conn, phone).await?,
    };
    let to = match (&request.recipient, &contact) {
        (Recipient::Number(phone), _) => Some(phone.clone()),
        (Recipient::Contact(_), Some(contact)) => Some(contact.phone.clone()),
        (Recipient::Contact(_), None) => {
            errors.add("contact_id", Mistake::Unknown("contact"));
            None
        }
    };
    let variables = match (&contact, &to) {
        (Some(contact), _) => Some(Variables::new(contact, None).with_organization(organization)),
        (None, Some(to)) => Some(Variables::for_phone(to, None).with_organization(organization)),
        // The unknown contact is reported as an error already.
        (None, None) => None,
    };
    let own_media = request
        .media
        .as_ref()
        .zip(variables.as_ref())
        .map(|(media, variables)| filled_in(media, variables, &mut errors));
    let (rendered, template) = match &request.content {
        Content::Text(text) => {
            (Some(Rendered { text: text.clone(), media_urls: Vec::new() }), None)
        }
        Content::Template(id) => {
            let template = optional(templates::find(conn, *id).await)?;
            let rendered =
                rendered(template.as_ref(), variables.as_ref(), own_media.is_some(), renderer);
            (errors.check("template_id", rendered).flatten(), template)
        }
    };
    let (Some(to), Some(rendered), true) = (to.clone(), rendered, errors.is_empty()) else {
        return Err(Error::Invalid(errors));
    };
    Ok(Draft {
        origin: Origin::OneOff { request_key: key },
        contact_id: contact.map(|contact| contact.id),
        sender_id: request.sender_id,
        to: Ok(to),
        text: Ok(rendered.text),
        template: template.map(|template| (template.id, template.version)),
        media_urls: own_media.unwrap_or(rendered.media_urls),
    })
}

/// Turns “not found” into `None`; other errors stay errors.
fn optional<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Renders the addresses of media that the request names itself.
fn filled_in(
    media: &[MediaUrl],
    variables: &Variables<'_>,
    errors: &mut FieldErrors,
) -> Vec<String> {
    let urls = media.iter().enumerate();
    urls.filter_map(|(index, url)| {
        let rendered = url
            .render(variables)
            .map_err(|reason| format!("This address cannot be made here: {reason}."));
        errors.check(&format!("media_urls.{index}"), rendered)
    })
    .collect()
}

/// Renders text and media for a recipient; `None` without one.
fn rendered(
    template: Option<&Template>,
    variables: Option<&Variables<'_>>,
    has_own_media: bool,
    renderer: &Renderer,
) -> std::result::Result<Option<Rendered>, String> {
    let template = template.ok_or(Mistake::Unknown("template"))?;
    if template.archived_at.is_some() {
        return Err(format!(
            "The template “{}” is archived; choose another one or restore it.",
            template.name
        ));
    }
    let Some(variables) = variables else { return Ok(None) };
    let rendered = if has_own_media {
        renderer
            .render_text(template, variables)
            .map(|text| Rendered { text, media_urls: Vec::new() })
    } else {
        renderer.render(template, variables)
    };
    rendered.map(Some).map_err(|reason| format!("This template gives no text here: {reason}."))
}

/// Why the sender cannot send now.
async fn sender_problem(conn: &mut Conn, sender: Option<Sender>) -> Result<Option<String>> {
    let Some(sender) = sender else { return Ok(Some(Mistake::Unknown("sender").into())) };
    let label = sender.label();
    let problem = match sender.status() {
        Status::Disabled => Some(format!(
            "The sender {label} is disabled; enable it in the Connection Center or choose another \
             one."
        )),
        Status::Stopped => Some(format!(
            "The sender {label} is stopped: {}",
            sender.stopped_reason.as_deref().unwrap_or("Twilio refused it.")
        )),
        Status::Active => None,
    };
    if problem.is_some() {
        return Ok(problem);
    }
    let connection = connections::find(conn, sender.connection_id).await?;
    Ok(match connection.status() {
        Status::Disabled => Some(format!(
            "The connection “{}” of this sender is disabled; enable it in the Connection Center.",
            connection.name
        )),
        Status::Stopped => {
            let why = connection.stopped_reason.as_deref().unwrap_or("Twilio refused it.");
            Some(format!("The connection “{}” of this sender is stopped: {why}", connection.name))
        }
        Status::Active => None,
    })
}

fn recipient(
    contact_id: Option<String>,
    to: Option<String>,
    default_country: Option<Country>,
    errors: &mut FieldErrors,
) -> Option<Recipient> {
    match (contact_id, to) {
        (Some(text), None) => id("contact_id", &text, "contact", errors).map(Recipient::Contact),
        (None, Some(text)) if text.trim().is_empty() => {
            errors.add("to", Mistake::Blank);
            None
        }
        (None, Some(text)) => {
            errors.check("to", PhoneNumber::parse(&text, default_country)).map(Recipient::Number)
        }
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
) -> Option<Content> {
    match (template_id, body) {
        (Some(text), None) => id("template_id", &text, "template", errors).map(Content::Template),
        (None, Some(text)) => errors.check("body", text_of(text, has_media)).map(Content::Text),
        (Some(_), Some(_)) => {
            errors.add("body", "Give either template_id or body, not both.");
            None
        }
        (None, None) if has_media => Some(Content::Text(String::new())),
        (None, None) => {
            errors.add(
                "body",
                Mistake::Missing.with_hint("Give a text here, or a template in template_id."),
            );
            None
        }
    }
}

fn text_of(text: String, has_media: bool) -> std::result::Result<String, String> {
    let length = text.encode_utf16().count();
    if length > MAX_BODY {
        return Err(format!(
            "The text has {length} characters; Twilio takes at most {MAX_BODY}. Shorten it."
        ));
    }
    if text.trim().is_empty() && !has_media {
        return Err(Mistake::Blank.into());
    }
    if !is_storable(&text) {
        return Err(Mistake::Unstorable.into());
    }
    Ok(text)
}

fn id<T: FromStr>(
    field: &str,
    text: &str,
    noun: &'static str,
    errors: &mut FieldErrors,
) -> Option<T> {
    errors.check(field, mistake::id(text, noun))
}

impl IdempotencyKey {
    /// The key as it is stored: two API keys never share one.
    pub(super) fn of(self, caller: ApiKeyId) -> Option<String> {
        self.0.map(|key| format!("api:{caller}:{key}"))
    }
}

impl FromRequest for IdempotencyKey {
    type Error = ApiError;
    type Future = Ready<std::result::Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let header = request
            .headers()
            .get("Idempotency-Key")
            .map(|value| value.to_str().unwrap_or_default().trim());
        ready(match header {
            None => Ok(Self(None)),
            Some(key) if !key.is_empty() && key.len() <= MAX_KEY => Ok(Self(Some(key.to_owned()))),
            Some(_) => {
                let message =
                    format!("This header takes 1 to {MAX_KEY} plain characters, such as a UUID.");
                Err(ApiError::invalid(FieldErrors::default().with("Idempotency-Key", message)))
            }
        })
    }
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
