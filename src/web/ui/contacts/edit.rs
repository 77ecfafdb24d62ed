//! The form that creates and changes a contact.

use actix_web::web::Path;
use serde::Serialize;

use super::form::{ContactForm, patch};
use crate::automations::consequences;
use crate::consent::Requester;
use crate::contacts::{self, Contact, Updated};
use crate::db;
use crate::error::{Error, FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::users::audit::{self, AuditKind};
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The page with the form of a new or an existing contact.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactEditPage {
    id: Option<ContactId>,
    title: String,
    /// The name of the country of numbers in national format.
    default_country: Option<&'static str>,
    kinds: [Choice; 3],
    form: ContactForm,
    errors: FieldErrors,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Choice {
    value: &'static str,
    label: &'static str,
}

const ATTRIBUTE_KINDS: [Choice; 3] = [
    Choice { value: "text", label: "Text" },
    Choice { value: "number", label: "Number" },
    Choice { value: "yes_no", label: "Yes or no" },
];

pub(super) async fn new(visit: Visit<Marketer>) -> PageResult {
    let page = ContactEditPage::new(
        &visit,
        None,
        ContactForm::default().with_blank_rows(),
        FieldErrors::default(),
    );
    visit.page(&page)
}

pub(super) async fn create(
    visit: Visit<Marketer>,
    fields: Form<Vec<(String, String)>>,
) -> PageResult {
    let form = ContactForm::from_fields(&fields);
    let mut conn = visit.conn().await?;
    let (now, actor) = (visit.now(), visit.actor());
    let created = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let new = form.parse(visit.organization.default_country).map_err(Error::Invalid)?;
        let (contact, changes) = contacts::create(&mut tx, new, now).await?;
        let id = Some(contact.id.0);
        audit::record(&mut tx, &actor, AuditKind::Contact, id, "created a contact", now).await?;
        consequences::react_to_changes(tx, &changes, &[], now).await?;
        Ok(contact)
    })
    .await;
    drop(conn);
    respond(visit, None, form, created, "Contact created.")
}

pub(super) async fn edit(visit: Visit<Marketer>, id: Path<ContactId>) -> PageResult {
    let contact = contacts::find(&mut *visit.conn().await?, *id).await?;
    let page =
        ContactEditPage::new(&visit, Some(*id), ContactForm::of(&contact), FieldErrors::default());
    visit.page(&page)
}

pub(super) async fn update(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    fields: Form<Vec<(String, String)>>,
) -> PageResult {
    let form = ContactForm::from_fields(&fields);
    let mut conn = visit.conn().await?;
    let (now, actor, requester) = (visit.now(), visit.actor(), Requester::user(visit.user.id));
    let updated = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let new = form.parse(visit.organization.default_country).map_err(Error::Invalid)?;
        let before = contacts::find(&mut tx, *id).await?;
        let Updated { contact, changes, suppressed } =
            contacts::update(&mut tx, *id, patch(new), requester, now).await?;
        let changed = before.changed_fields(&contact);
        if !changed.is_empty() {
            let summary = format!("changed the {} of a contact", changed.join(", "));
            audit::record(&mut tx, &actor, AuditKind::Contact, Some(id.0), &summary, now).await?;
        }
        let number = suppressed.map(|reason| (contact.phone.clone(), reason));
        consequences::react_to_changes(tx, &changes, number.as_slice(), now).await?;
        Ok((contact, suppressed))
    })
    .await;
    drop(conn);
    let message = match &updated {
        Ok((_, Some(reason))) => format!(
            "Contact saved. {} applies to the new number, too: it stays suppressed.",
            reason.noun()
        ),
        _ => "Contact saved.".to_owned(),
    };
    respond(visit, Some(*id), form, updated.map(|(contact, _)| contact), &message)
}

/// Redirects to the contact, or shows the form again with its errors.
fn respond(
    visit: Visit<Marketer>,
    id: Option<ContactId>,
    form: ContactForm,
    outcome: Result<Contact>,
    message: &str,
) -> PageResult {
    match outcome {
        Ok(contact) => {
            let redirect = visit.redirect(format!("/contacts/{}", contact.id));
            match contact.phone.warning() {
                Some(warning) => redirect.warning(format!("{message} {warning}")),
                None => redirect.flash(message),
            }
        }
        Err(Error::Invalid(errors)) => {
            // Rows are not compacted: their errors are named by position.
            let page = ContactEditPage::new(&visit, id, form, errors);
            visit.invalid(&page)
        }
        Err(error) => Err(error.into()),
    }
}

impl ContactEditPage {
    fn new(
        visit: &Visit<Marketer>,
        id: Option<ContactId>,
        form: ContactForm,
        errors: FieldErrors,
    ) -> Self {
        let default_country = visit.organization.default_country.map(Country::name);
        Self { id, title: title(id), default_country, kinds: ATTRIBUTE_KINDS, form, errors }
    }
}

fn title(id: Option<ContactId>) -> String {
    if id.is_some() { "Edit contact" } else { "New contact" }.to_owned()
}

impl Page for ContactEditPage {
    const TEMPLATE: &'static str = "ui/contacts/edit.html";
}

#[cfg(debug_assertions)]
#[path = "samples/edit.rs"]
mod samples;
