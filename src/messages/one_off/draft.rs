//! The draft of a message that a request asks for: the records that it names, and the rendered
//! text.

use super::request::{MessageContent, MessageRecipient, OneOffRequest};
use crate::connections::{self, Status};
use crate::contacts;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::messages::compose::{Draft, DraftOrigin};
use crate::senders::{self, Sender};
use crate::templates::{self, MediaUrl, Rendered, Renderer, Template, Variables};
use crate::types::mistake::Mistake;

/// Creates the draft: finds the records that the request names, and renders the text.
pub(super) async fn create_draft(
    conn: &mut Conn,
    request: &OneOffRequest,
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
        MessageRecipient::Contact(id) => optional(contacts::find(conn, *id).await)?,
        MessageRecipient::Number(phone) => contacts::find_by_phone(conn, phone).await?,
    };
    let to = match (&request.recipient, &contact) {
        (MessageRecipient::Number(phone), _) => Some(phone.clone()),
        (MessageRecipient::Contact(_), Some(contact)) => Some(contact.phone.clone()),
        (MessageRecipient::Contact(_), None) => {
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
        MessageContent::Text(text) => {
            (Some(Rendered { text: text.clone(), media_urls: Vec::new() }), None)
        }
        MessageContent::Template(id) => {
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
        origin: DraftOrigin::OneOff { request_key: key },
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
            .map_err(|reason| format!("This media address can’t be filled in here: {reason}."));
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
            "The template “{}” is archived. Choose another one, or unarchive it.",
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
    rendered.map(Some).map_err(|reason| format!("No text for this contact: {reason}."))
}

/// Why the sender cannot send now.
async fn sender_problem(conn: &mut Conn, sender: Option<Sender>) -> Result<Option<String>> {
    let Some(sender) = sender else { return Ok(Some(Mistake::Unknown("sender").into())) };
    let label = sender.label();
    let problem = match sender.status() {
        Status::Disabled => Some(format!(
            "The sender {label} is disabled. Choose another one, or enable it in the Connection \
             Center."
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
            "The connection “{}” of this sender is disabled. Enable it in the Connection Center.",
            connection.name
        )),
        Status::Stopped => {
            let why = connection.stopped_reason.as_deref().unwrap_or("Twilio refused it.");
            Some(format!("The connection “{}” of this sender is stopped: {why}", connection.name))
        }
        Status::Active => None,
    })
}
