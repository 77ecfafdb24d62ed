//! The editor: text and media, a preview for a chosen contact and event, and a test message.

use actix_web::web::{Path, Query};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::form::{Action, TemplateForm, sample_event};
use super::list::uses;
use super::preview::{Preview, Recipient, label};
use super::return_to::ReturnTo;
use crate::automations;
use crate::contacts::{self, Contact, ContactFilter, Position};
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::messages::compose::{self, Draft, Origin};
use crate::senders;
use crate::templates::{self, NewTemplate, Template, TemplateBody};
use crate::types::id::{MessageId, TemplateId};
use crate::types::phone::PhoneNumber;
use crate::users::organization::Organization;
use crate::web::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Access, Form, Marketer, Page, PageResult, Viewer, Visit};

/// Contacts to choose from for the preview.
const CONTACTS: usize = 20;
const AUTOMATIONS: i64 = 1_000;
/// A number that belongs to nobody (NANP reserves 555 01xx), for a preview without contacts.
const NOBODY: &str = "+14155550100";

/// The editor of a new template or of a saved one.
#[derive(Debug, Serialize)]
pub(in crate::web) struct EditorPage {
    saved: Option<Saved>,
    form: TemplateForm,
    errors: FieldErrors,
    contacts: Vec<Choice>,
    senders: Vec<Choice>,
    preview: Option<Preview>,
    /// The test message that was just made.
    sent: Option<MessageId>,
    hints: &'static [Hint],
}

/// The template as it is saved.
#[derive(Debug, Serialize)]
struct Saved {
    id: TemplateId,
    name: String,
    version: i32,
    updated_at: DateTime<Utc>,
    is_archived: bool,
    automations: usize,
}

/// Something to write in a text, and what becomes of it.
#[derive(Debug, Serialize)]
struct Hint {
    write: &'static str,
    meaning: &'static str,
}

const HINTS: &[Hint] = &[
    Hint {
        write: "{{ contact.first_name | default(value=\"there\") }}", meaning: "The first name, or “there” for a contact without one."
    },
    Hint {
        write: "{{ contact.attributes.city }}",
        meaning: "An attribute. Also: contact.last_name, contact.phone, contact.email, contact.external_id.",
    },
    Hint {
        write: "{{ event.order_id }}",
        meaning: "A property of the event that started the automation; event.items[0].name reaches into lists.",
    },
    Hint { write: "{{ event.total | fixed(places=2) }}", meaning: "A price with two decimal places." },
    Hint { write: "{{ event.placed_at | date(format=\"%d %B\", timezone=\"Europe/Berlin\") }}", meaning: "A date as you want it." },
    Hint { write: "https://example.com/?id={{ contact.external_id | urlencode }}", meaning: "A value made safe for a link." },
    Hint { write: "{% if contact.attributes.vip %}…{% else %}…{% endif %}", meaning: "One text for some, another for the rest." },
    Hint { write: "{{ organization.name }}", meaning: "The name of your organization, from the settings." },
];

/// How the editor of a new template is opened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Opening {
    return_to: String,
}

pub(super) async fn blank(visit: Visit<Marketer>, opening: Query<Opening>) -> PageResult {
    let return_to = ReturnTo::parse(&opening.return_to).map(|path| path.as_str().to_owned()).unwrap_or_default();
    let form = TemplateForm { return_to, ..TemplateForm::default() };
    let page = EditorPage::load(&visit, None, form, FieldErrors::default()).await?;
    visit.page(&page)
}

pub(super) async fn open(visit: Visit<Viewer>, id: Path<TemplateId>, opening: Query<Opening>) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    let return_to = ReturnTo::parse(&opening.return_to).map(|path| path.as_str().to_owned()).unwrap_or_default();
    let form = TemplateForm { return_to, ..TemplateForm::of(&template) };
    let page = EditorPage::load(&visit, Some(&template), form, FieldErrors::default()).await?;
    visit.page(&page)
}

pub(super) async fn create(visit: Visit<Marketer>, form: Form<TemplateForm>) -> PageResult {
    submit(visit, None, form.into_inner()).await
}

pub(super) async fn change(visit: Visit<Marketer>, id: Path<TemplateId>, form: Form<TemplateForm>) -> PageResult {
    let template = templates::find(&mut *visit.conn().await?, *id).await?;
    submit(visit, Some(template), form.into_inner()).await
}

async fn submit(visit: Visit<Marketer>, template: Option<Template>, form: TemplateForm) -> PageResult {
    match form.action() {
        Action::Save => save(visit, template, form).await,
        Action::Preview => {
            let page = EditorPage::load(&visit, template.as_ref(), form, FieldErrors::default()).await?;
            if page.errors.is_empty() { visit.page(&page) } else { visit.invalid(&page) }
        }
        Action::SendTest => send_test(visit, template, form).await,
    }
}

async fn save(visit: Visit<Marketer>, template: Option<Template>, form: TemplateForm) -> PageResult {
    let now = visit.now();
    let mut conn = visit.conn().await?;
    let saved = conn
        .transaction(async |conn| {
            let new = form.parse().map_err(Error::Invalid)?;
            match &template {
                Some(before) => templates::update(conn, before.id, new, now).await,
                None => templates::create(conn, new, now).await,
            }
        })
        .await;
    drop(conn);
    match saved {
        Ok(saved) => {
            let done = match template {
                Some(before) if before.version != saved.version => format!("Template saved as version {}.", saved.version),
                _ => "Template saved.".to_owned(),
            };
            let path = form.return_to().map_or_else(|| format!("/templates/{}", saved.id), |return_to| return_to.with(saved.id));
            visit.redirect(path).flash(done)
        }
        Err(Error::Invalid(errors)) => {
            let page = EditorPage::load(&visit, template.as_ref(), form, errors).await?;
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

/// Sends what is typed, saved or not, as one message; pressing the button twice sends it once.
async fn send_test(visit: Visit<Marketer>, template: Option<Template>, mut form: TemplateForm) -> PageResult {
    let mut conn = visit.conn().await?;
    let sent = test_message(&mut conn, &visit, template.as_ref(), &form).await?;
    drop(conn);
    let (errors, sent) = match sent {
        Ok(message) => {
            form.request_key.clear();
            (FieldErrors::default(), Some(message))
        }
        Err(errors) => (errors, None),
    };
    let page = EditorPage { sent, ..EditorPage::load(&visit, template.as_ref(), form, errors).await? };
    if page.sent.is_some() { visit.page(&page) } else { visit.invalid(&page) }
}

async fn test_message(
    conn: &mut Conn,
    visit: &Visit<Marketer>,
    template: Option<&Template>,
    form: &TemplateForm,
) -> Result<Result<MessageId, FieldErrors>, PageError> {
    let mut errors = FieldErrors::default();
    let to = errors.check("to", PhoneNumber::parse(&form.to, visit.organization.default_country));
    let sender = senders::usable(conn).await?.into_iter().find(|sender| sender.id.to_string() == form.sender_id);
    if sender.is_none() {
        errors.add("sender_id", "Choose what to send from.");
    }
    let event = errors.check("event", form.event()).flatten();
    let new = match form.parse_text() {
        Ok(new) => Some(new),
        Err(found) => {
            for (field, sentences) in found.iter() {
                for sentence in sentences {
                    errors.add(field, sentence);
                }
            }
            None
        }
    };
    let (Some(to), Some(sender), Some(new)) = (to, sender, new) else { return Ok(Err(errors)) };
    let recipient = match form.contact() {
        Some(id) => Recipient::Contact(Box::new(contacts::find(conn, id).await?)),
        None => Recipient::Number(to.clone()),
    };
    let text = match new.body().render(&recipient.variables(event.as_ref(), &visit.organization.name)) {
        Ok(text) if errors.is_empty() => text,
        Ok(_) => return Ok(Err(errors)),
        Err(reason) => return Ok(Err(errors.with("body", format!("This cannot be sent to {}: {reason}.", recipient.label())))),
    };
    let contact = contacts::find_by_phone(conn, &to).await?;
    let key = form.request_key.parse::<Uuid>().unwrap_or_else(|_| Uuid::now_v7());
    let draft = Draft {
        origin: Origin::OneOff { request_key: Some(format!("test:{}:{key}", visit.user.id)) },
        contact_id: contact.map(|contact| contact.id),
        sender_id: sender.id,
        to: Ok(to),
        text: Ok(text),
        template: template.filter(|saved| new.is_text_of(saved)).map(|saved| (saved.id, saved.version)),
        media_urls: new.media_urls().to_vec(),
    };
    let now = visit.now();
    Ok(Ok(conn.transaction(async |conn| compose::compose_one(conn, now, draft).await).await?))
}

impl EditorPage {
    /// The page with its choices and, if the text can be read, its preview; what is wrong with either is added to `errors`.
    async fn load<R: Access>(
        visit: &Visit<R>,
        template: Option<&Template>,
        mut form: TemplateForm,
        mut errors: FieldErrors,
    ) -> Result<Self, PageError> {
        let mut conn = visit.conn().await?;
        let (choices, recipient) = recipients(&mut conn, &visit.organization, &mut form).await?;
        if form.find.trim().is_empty() {
            form.find.clear();
        } else if choices.len() == 1 {
            errors.add("find", "No contact is found by this name, number or email.");
        }
        let senders = senders::usable(&mut conn).await?;
        let saved = match template {
            Some(template) => {
                let automations = automations::list(&mut conn, None, AUTOMATIONS).await?;
                Some(Saved::of(template, uses(&automations).remove(&template.id).unwrap_or_default()))
            }
            None => None,
        };
        drop(conn);
        if form.request_key.is_empty() {
            form.request_key = Uuid::now_v7().to_string();
        }
        let preview = preview(&mut form, &recipient, &visit.organization.name, &mut errors);
        let senders = senders.into_iter().map(|sender| Choice::new(sender.id.to_string(), sender.name)).collect();
        Ok(Self { saved, form, errors, contacts: choices, senders, preview, sent: None, hints: HINTS })
    }
}

/// The contacts to choose from, the number of nobody, and which of them is chosen: by `contact_id`, else the first.
async fn recipients(conn: &mut Conn, organization: &Organization, form: &mut TemplateForm) -> Result<(Vec<Choice>, Recipient), PageError> {
    let filter = ContactFilter { search: form.find.clone(), default_country: organization.default_country, ..ContactFilter::default() };
    let mut found: Vec<Contact> = contacts::list(conn, &filter, Position::Newest, CONTACTS).await?.contacts;
    let chosen = match form.contact() {
        // Somebody chosen before stays a choice, unless others are looked for.
        Some(id) if form.find.trim().is_empty() && !found.iter().any(|contact| contact.id == id) => {
            contacts::find_many(conn, &[id]).await?.pop()
        }
        _ => None,
    };
    found.extend(chosen);
    let nobody = PhoneNumber::from_e164(NOBODY).map_err(|error| PageError::Internal(error.to_string()))?;
    let mut choices: Vec<_> = found.iter().map(|contact| Choice::new(contact.id.to_string(), label(contact))).collect();
    let nobody = Recipient::Number(nobody);
    choices.push(Choice::new("number", "Somebody of whom only the number is known"));
    let recipient = if form.contact_id == "number" {
        nobody
    } else {
        let position = form.contact().and_then(|id| found.iter().position(|contact| contact.id == id)).unwrap_or_default();
        if found.is_empty() { nobody } else { Recipient::Contact(Box::new(found.swap_remove(position))) }
    };
    form.contact_id = match &recipient {
        Recipient::Contact(contact) => contact.id.to_string(),
        Recipient::Number(_) => "number".to_owned(),
    };
    Ok((choices, recipient))
}

/// The preview of what is typed; none while nothing is typed, or while it cannot be read.
fn preview(form: &mut TemplateForm, recipient: &Recipient, organization: &str, errors: &mut FieldErrors) -> Option<Preview> {
    if form.body.trim().is_empty() {
        return None;
    }
    let body = match TemplateBody::parse(&form.body) {
        Ok(body) => body,
        Err(error) => {
            if !errors.iter().any(|(field, _)| field == "body") {
                errors.add("body", error.to_string());
            }
            return None;
        }
    };
    if form.event.trim().is_empty() {
        form.event = sample_event(&body);
    }
    let event = match form.event() {
        Ok(event) => event,
        Err(sentence) => {
            if !errors.iter().any(|(field, _)| field == "event") {
                errors.add("event", sentence);
            }
            return None;
        }
    };
    let media_urls = form.parse_text().map(|new: NewTemplate| new.media_urls().to_vec()).unwrap_or_default();
    Some(Preview::new(&body, recipient, &recipient.variables(event.as_ref(), organization), media_urls))
}

impl Saved {
    fn of(template: &Template, automations: usize) -> Self {
        Self {
            id: template.id,
            name: template.name.clone(),
            version: template.version,
            updated_at: template.updated_at,
            is_archived: template.archived_at.is_some(),
            automations,
        }
    }
}

impl Page for EditorPage {
    const TEMPLATE: &'static str = "ui/templates/editor.html";

    fn samples() -> Vec<Self> {
        let nobody = PhoneNumber::from_e164(NOBODY).map(Recipient::Number);
        let page = |body: &str, saved: Option<Saved>, errors: FieldErrors| {
            let mut form = TemplateForm { name: "Order <shipped>".to_owned(), body: body.to_owned(), ..TemplateForm::default() };
            let mut errors = errors;
            let preview = nobody.as_ref().ok().and_then(|nobody| preview(&mut form, nobody, "Bells & Sons", &mut errors));
            let choices = vec![Choice::new("number", "Somebody of whom only the number is known")];
            Self { saved, form, errors, senders: choices.clone(), contacts: choices, preview, sent: None, hints: HINTS }
        };
        let saved = |is_archived| {
            let (id, name) = (TemplateId::new(), "Order <shipped>".to_owned());
            Some(Saved { id, name, version: 3, updated_at: DateTime::UNIX_EPOCH, is_archived, automations: 2 })
        };
        let errors = FieldErrors::default()
            .with("name", "Give the template a name.")
            .with("to", "Enter a number.")
            .with("media_urls", "No address.");
        vec![
            page("", None, FieldErrors::default()),
            page("Hi {{ foo }}", None, errors),
            page(
                "Hi {{ contact.first_name | default(value='“you” <b>') }}, order {{ event.order_id }}",
                saved(false),
                FieldErrors::default(),
            ),
            Self { sent: Some(MessageId::new()), ..page("{{ contact.last_name }}", saved(true), FieldErrors::default()) },
        ]
    }
}
