//! Creating and changing a contact.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::form::{ContactForm, patch};
use crate::automations::consequences;
use crate::consent::By;
use crate::contacts::{self, Contact, Updated};
use crate::error::{Error, FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::users::audit::{self, AuditKind};
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The form, of a new contact or an existing one.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactEditPage {
    id: Option<ContactId>,
    title: String,
    /// Name of the country that national numbers are read with.
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

const KINDS: [Choice; 3] = [
    Choice { value: "text", label: "Text" },
    Choice { value: "number", label: "Number" },
    Choice { value: "yes_no", label: "Yes or no" },
];

pub(super) async fn blank(visit: Visit<Marketer>) -> PageResult {
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
    let form = ContactForm::sent(&fields);
    let mut conn = visit.conn().await?;
    let (now, actor) = (visit.now(), visit.actor());
    let created = conn
        .transaction(async |conn| {
            let new = form.parse(visit.organization.default_country).map_err(Error::Invalid)?;
            let (contact, changes) = contacts::create(conn, new, now).await?;
            audit::record(
                conn,
                &actor,
                AuditKind::Contact,
                Some(contact.id.0),
                "made a contact",
                now,
            )
            .await?;
            consequences::follow(conn, &changes, None, now).await?;
            Ok(contact)
        })
        .await;
    drop(conn);
    saved(visit, None, form, created, "Contact created.")
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
    let form = ContactForm::sent(&fields);
    let mut conn = visit.conn().await?;
    let (now, actor, by) = (visit.now(), visit.actor(), By::user(visit.user.id));
    let updated = conn
        .transaction(async |conn| {
            let new = form.parse(visit.organization.default_country).map_err(Error::Invalid)?;
            let before = contacts::find(conn, *id).await?;
            let Updated { contact, changes, silenced } =
                contacts::update(conn, *id, patch(new), by, now).await?;
            let changed = before.changed_fields(&contact);
            if !changed.is_empty() {
                let summary = format!("changed the {} of a contact", changed.join(", "));
                audit::record(conn, &actor, AuditKind::Contact, Some(id.0), &summary, now).await?;
            }
            consequences::follow(
                conn,
                &changes,
                silenced.map(|reason| (&contact.phone, reason)),
                now,
            )
            .await?;
            Ok((contact, silenced))
        })
        .await;
    drop(conn);
    let done = match &updated {
        Ok((_, Some(reason))) => format!(
            "Contact saved. {} moved along to the new number: it stays suppressed.",
            reason.noun()
        ),
        _ => "Contact saved.".to_owned(),
    };
    saved(visit, Some(*id), form, updated.map(|(contact, _)| contact), &done)
}

/// To the contact; or back to the form with what is wrong with it.
fn saved(
    visit: Visit<Marketer>,
    id: Option<ContactId>,
    form: ContactForm,
    outcome: Result<Contact>,
    done: &str,
) -> PageResult {
    match outcome {
        Ok(contact) => {
            let reply = visit.redirect(format!("/contacts/{}", contact.id));
            match contact.phone.warning() {
                Some(warning) => reply.warning(format!("{done} {warning}")),
                None => reply.flash(done),
            }
        }
        Err(Error::Invalid(errors)) => {
            // Rows stay where they are: their errors are named by position.
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
        Self { id, title: title(id), default_country, kinds: KINDS, form, errors }
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
