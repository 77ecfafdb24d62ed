//! Deleting a contact, after a confirmation.

use actix_web::web::Path;
use serde::Serialize;

use crate::automations::consequences;
use crate::consent::suppression;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::{Marketer, Page, PageResult, Visit};
use crate::{contacts, db};

/// The page that asks to confirm.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ContactDeletePage {
    id: ContactId,
    name: Option<String>,
    phone: PhoneNumber,
    /// The short label of the suppression that stays.
    suppression: Option<&'static str>,
}

pub(super) async fn show(visit: Visit<Marketer>, id: Path<ContactId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let contact = contacts::find(&mut conn, *id).await?;
    let suppression =
        suppression::active(&mut conn, &contact.phone).await?.map(|found| found.reason.label());
    drop(conn);
    visit.page(&ContactDeletePage {
        id: contact.id,
        name: contact.full_name(),
        phone: contact.phone,
        suppression,
    })
}

pub(super) async fn submit(visit: Visit<Marketer>, id: Path<ContactId>) -> PageResult {
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    db::transaction(&mut conn, async |tx| consequences::delete_contact(tx, &actor, *id, now).await)
        .await?;
    drop(conn);
    visit.redirect("/contacts").flash("Contact deleted.")
}

impl Page for ContactDeletePage {
    const TEMPLATE: &'static str = "ui/contacts/delete.html";
}

#[cfg(debug_assertions)]
#[path = "samples/delete.rs"]
mod samples;
