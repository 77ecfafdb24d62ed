//! The page that sends one message, to a contact or to a number: a text or a template, its parts
//! and its price. It sends through the same use case as the API.

use actix_web::web::Data;
use serde::Serialize;
use uuid::Uuid;

use super::new_message_form::{NewMessageForm, NewMessageRecipient, RecipientsFound};
use super::new_message_preview::PreviewedMessage;
use crate::contacts::Contact;
use crate::context::Context;
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors, Result};
use crate::messages::one_off::{self, ComposedOneOff, OneOffRequest};
use crate::types::id::MessageId;
use crate::users::audit::{self, AuditKind};
use crate::users::organization::Organization;
use crate::web::ui::Choice;
use crate::web::{Form, Marketer, Page, PageResult, Query, Visit};
use crate::{senders, templates};

/// The largest number of templates to choose from.
const MAX_TEMPLATES: i64 = 500;

/// The page that sends one message.
#[derive(Debug, Serialize)]
pub(in crate::web) struct NewMessagePage {
    form: NewMessageForm,
    errors: FieldErrors,
    contact: Option<ChosenContact>,
    /// The contacts that match an ambiguous name.
    people: Vec<ContactOption>,
    senders: Vec<Choice>,
    templates: Vec<Choice>,
    preview: PreviewedMessage,
}

/// The contact that the message goes to.
#[derive(Debug, Serialize)]
struct ChosenContact {
    name: String,
    phone: String,
    path: String,
}

/// A contact to choose, as an option of `form.radios`.
#[derive(Debug, Serialize)]
struct ContactOption {
    value: String,
    label: String,
    hint: String,
}

/// Shows the form; the query fills it in.
pub(super) async fn new(visit: Visit<Marketer>, query: Query<NewMessageForm>) -> PageResult {
    let mut conn = visit.conn().await?;
    let form = query.into_inner();
    let mut errors = FieldErrors::default();
    let country = visit.organization.default_country;
    let found = form.recipient(&mut conn, country, &mut errors).await?;
    let (context, organization) = (&visit.context, &visit.organization);
    let page = NewMessagePage::load(&mut conn, context, organization, form, &found, errors).await?;
    drop(conn);
    visit.page(&page)
}

/// Sends the message, or shows the preview, by the pressed button.
pub(super) async fn submit(visit: Visit<Marketer>, form: Form<NewMessageForm>) -> PageResult {
    let mut conn = visit.conn().await?;
    let mut form = form.into_inner();
    let mut errors = FieldErrors::default();
    let country = visit.organization.default_country;
    let found = form.recipient(&mut conn, country, &mut errors).await?;
    let is_sent = form.action == "send";
    if is_sent {
        let sent = match form.request(&mut conn, found.chosen(), errors.clone()).await {
            Ok(request) => send(&mut conn, &visit, &request, &form.key()).await,
            Err(error) => Err(error),
        };
        errors = match sent {
            Ok(id) => {
                return visit
                    .redirect(format!("/messages/{id}"))
                    .flash("Message sent to Twilio’s queue. Its delivery shows here.");
            }
            Err(Error::Invalid(errors)) => errors,
            Err(error) => return Err(error.into()),
        };
        if errors.iter().any(|(field, _)| field == "form") {
            form.request_key = Uuid::new_v4().to_string();
        }
    }
    let (context, organization) = (&visit.context, &visit.organization);
    let page = NewMessagePage::load(&mut conn, context, organization, form, &found, errors).await?;
    drop(conn);
    if is_sent { visit.invalid(&page) } else { visit.page(&page) }
}

/// Composes the message, with an entry in the audit log. A key that the user has sent before
/// returns its first message.
pub(in crate::web::ui) async fn send(
    conn: &mut Conn,
    visit: &Visit<Marketer>,
    request: &OneOffRequest,
    form_key: &str,
) -> Result<MessageId> {
    let key = format!("ui:{}:{form_key}", visit.user.id);
    let (now, actor) = (visit.now(), visit.actor());
    let (renderer, organization) = (&visit.context.renderer, &visit.organization.name);
    db::transaction(conn, async |tx| {
        let ComposedOneOff { message, is_new, mut closing } =
            one_off::compose(tx, request, Some(key), renderer, organization, now).await?;
        if is_new {
            let (conn, id) = (closing.without_waiting(), Some(message.id.0));
            audit::record(conn, &actor, AuditKind::Message, id, "sent a message", now).await?;
        } else if !request.matches(&message) {
            let text = "You sent another message with this form. Check this one and send it again.";
            return Err(Error::field("form", text));
        }
        Ok(message.id)
    })
    .await
}

impl NewMessagePage {
    async fn load(
        conn: &mut Conn,
        context: &Data<Context>,
        organization: &Organization,
        mut form: NewMessageForm,
        found: &RecipientsFound,
        errors: FieldErrors,
    ) -> Result<Self> {
        let preview =
            PreviewedMessage::load(conn, context, organization, &form, found.chosen()).await?;
        let senders: Vec<Choice> = senders::usable(conn)
            .await?
            .into_iter()
            .map(|sender| Choice::new(sender.id.to_string(), sender.label()))
            .collect();
        // One of several is a decision of the user.
        if let ([only], true) = (senders.as_slice(), form.sender_id.is_empty()) {
            form.sender_id.clone_from(&only.value);
        }
        let templates = templates::list(conn, None, MAX_TEMPLATES).await?;
        let templates = templates
            .into_iter()
            .map(|template| Choice::new(template.id.to_string(), template.name));
        Ok(Self {
            contact: ChosenContact::of(&form, found),
            people: ContactOption::all(found),
            senders,
            templates: templates.collect(),
            preview,
            form,
            errors,
        })
    }
}

impl ChosenContact {
    /// The contact, if it was chosen and not typed.
    fn of(form: &NewMessageForm, found: &RecipientsFound) -> Option<Self> {
        match found.chosen() {
            Some(NewMessageRecipient::Contact(contact)) if !form.contact_id.is_empty() => {
                Some(Self {
                    name: contact.label(),
                    phone: contact.phone.international(),
                    path: format!("/contacts/{}", contact.id),
                })
            }
            _ => None,
        }
    }
}

impl ContactOption {
    fn all(found: &RecipientsFound) -> Vec<Self> {
        let option = |contact: &Contact| Self {
            value: contact.id.to_string(),
            label: contact.full_name().unwrap_or_else(|| "No name".to_owned()),
            hint: contact.phone.international(),
        };
        match found {
            RecipientsFound::Several(contacts) => contacts.iter().map(option).collect(),
            RecipientsFound::None | RecipientsFound::One(_) => Vec::new(),
        }
    }
}

impl Page for NewMessagePage {
    const TEMPLATE: &'static str = "ui/messages/new_message.html";
}

#[cfg(debug_assertions)]
#[path = "samples/new_message.rs"]
mod samples;
