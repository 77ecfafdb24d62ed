//! Handlers of the API of contacts: list, create, read, change and delete them.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use utoipa::OpenApi;

use super::query::ContactsQuery;
use super::request::{ContactChanges, ContactRequest, ParsedChanges};
use super::response::{ContactAnswer, contact_answer, contact_answers};
use crate::automations::consequences;
use crate::consent::Requester;
use crate::contacts::tags::{self, Tagged};
use crate::contacts::{self, Contact, ContactChange, ContactPatch, Patch, Position, Updated};
use crate::db::{self, Closing, Tx};
use crate::error::{Error, FieldErrors, Result};
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::users::organization;
use crate::web::api::error::ErrorBody;
use crate::web::api::{ApiQuery, ApiResult, Caller, Json, List, Path};
use crate::web::{Marketer, Viewer};

/// The OpenAPI document of contacts.
#[derive(OpenApi)]
#[openapi(
    paths(list, create, find, update, delete, upsert),
    components(schemas(ContactAnswer, ContactRequest, ContactChanges))
)]
pub(in crate::web::api) struct ContactsApi;

/// Mounts the routes.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/contacts").get(list).post(create));
    cfg.service(web::resource("/contacts/by-phone/{phone}").put(upsert));
    cfg.service(web::resource("/contacts/{id}").get(find).patch(update).delete(delete));
}

/// Lists contacts, newest first.
///
/// A search with very many matches may return fewer rows than `limit` on a page; the rest follows
/// at its cursor.
#[
    utoipa::path(
        get,
        path = "/contacts",
        params(ContactsQuery),
        responses((status = 200, body = List<ContactAnswer>), (status = 422, body = ErrorBody))
    )
]
async fn list(
    caller: Caller<Viewer>,
    query: ApiQuery<ContactsQuery>,
) -> ApiResult<Json<List<ContactAnswer>>> {
    let mut conn = caller.conn().await?;
    let country = organization::find(&conn).await?.default_country;
    let query = query.into_inner();
    let (limit, position) = (
        query.limit.limit(),
        query.cursor.map_or(Position::Newest, |cursor| Position::OlderThan(cursor.0)),
    );
    let filter = query.parse(country)?;
    let page = contacts::list(&mut conn, &filter, position, limit).await?;
    let answers = contact_answers(&mut conn, page.contacts).await?;
    Ok(Json(List::of_part(answers, page.older)))
}

/// Creates a contact.
///
/// Automations that are triggered by new contacts or by its tags start.
#[
    utoipa::path(
        post,
        path = "/contacts",
        request_body = ContactRequest,
        responses((status = 201, body = ContactAnswer), (status = 422, body = ErrorBody))
    )
]
async fn create(caller: Caller<Marketer>, body: Json<ContactRequest>) -> ApiResult<HttpResponse> {
    let mut conn = caller.conn().await?;
    let country = organization::find(&conn).await?.default_country;
    let (new, tags) = body.into_inner().parse(country)?;
    let now = caller.now();
    let created = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let (contact, mut changes) = contacts::create(&mut tx, new, now).await?;
        let tagged = tags::add_by_hand(&mut tx, &contact, &tags, Requester::api(), now).await?;
        changes.extend(tagged.changes);
        let suppressed = tagged.suppressed.map(|reason| (contact.phone.clone(), reason));
        let mut closing =
            consequences::react_to_changes(tx, &changes, suppressed.as_slice(), now).await?;
        contact_answer(closing.without_waiting(), contact).await
    })
    .await?;
    Ok(HttpResponse::Created().json(created))
}

/// Returns a contact.
#[
    utoipa::path(
        get,
        path = "/contacts/{id}",
        params(("id" = String, Path)),
        responses((status = 200, body = ContactAnswer), (status = 404, body = ErrorBody))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<ContactId>) -> ApiResult<Json<ContactAnswer>> {
    let mut conn = caller.conn().await?;
    let contact = contacts::find(&mut conn, *id).await?;
    Ok(Json(contact_answer(&mut conn, contact).await?))
}

/// Changes a contact.
///
/// Absent fields stay as they are, `null` clears. Attributes are merged by name. Tags are replaced,
/// except that `Twilio-Message-stop` stays until it is removed by name.
#[utoipa::path(patch, path = "/contacts/{id}", params(
    ("id" = String, Path)
), request_body = ContactChanges,
    responses(
        (status = 200, body = ContactAnswer),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)
    ))]
async fn update(
    caller: Caller<Marketer>,
    id: Path<ContactId>,
    body: Json<ContactChanges>,
) -> ApiResult<Json<ContactAnswer>> {
    let mut conn = caller.conn().await?;
    let country = organization::find(&conn).await?.default_country;
    let parsed = body.into_inner().parse(country)?;
    let now = caller.now();
    let saved = db::transaction(&mut conn, async |tx| {
        let (contact, mut closing) = save(tx.open(), *id, parsed, Vec::new(), now).await?;
        contact_answer(closing.without_waiting(), contact).await
    })
    .await?;
    Ok(Json(saved))
}

/// Changes the contact with this number as PATCH does, or creates it.
#[utoipa::path(put, path = "/contacts/by-phone/{phone}", params(
    ("phone" = String, Path, description = "E.164, e.g. +14155550123")
), request_body = ContactChanges,
    responses(
        (status = 200, description = "changed", body = ContactAnswer),
        (status = 201, description = "created", body = ContactAnswer),
        (status = 422, body = ErrorBody)
    ))]
async fn upsert(
    caller: Caller<Marketer>,
    phone: Path<String>,
    body: Json<ContactChanges>,
) -> ApiResult<HttpResponse> {
    let mut conn = caller.conn().await?;
    let country = organization::find(&conn).await?.default_country;
    let body = body.into_inner();
    let mut errors = FieldErrors::default();
    let phone = errors.check("phone", PhoneNumber::parse(&phone, country));
    if body.phone != Patch::Keep {
        errors.add("phone", "Leave the number out of the body, since the address has it.");
    }
    errors.into_result()?;
    let phone = phone.ok_or(Error::NotFound("contact"))?;
    let parsed = body.parse(country)?;
    let now = caller.now();
    let (saved, created) = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        let (contact, changes) = contacts::find_or_create_by_phone(&mut tx, &phone, now).await?;
        let created = changes.contains(&ContactChange::ContactCreated(contact.id));
        let (contact, mut closing) = save(tx, contact.id, parsed, changes, now).await?;
        Ok::<_, Error>((contact_answer(closing.without_waiting(), contact).await?, created))
    })
    .await?;
    Ok(if created { HttpResponse::Created().json(saved) } else { HttpResponse::Ok().json(saved) })
}

/// Deletes a contact with its events and enrollments.
///
/// Pending messages are skipped. Other messages stay, and so does the suppression of the number.
#[
    utoipa::path(
        delete,
        path = "/contacts/{id}",
        params(("id" = String, Path)),
        responses((status = 204), (status = 404, body = ErrorBody))
    )
]
async fn delete(caller: Caller<Marketer>, id: Path<ContactId>) -> ApiResult<HttpResponse> {
    let mut conn = caller.conn().await?;
    let (now, actor) = (caller.now(), caller.actor());
    db::transaction(&mut conn, async |tx| consequences::delete_contact(tx, &actor, *id, now).await)
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Applies a patch and tags, and lets automations react to these and to the earlier changes.
async fn save(
    mut tx: Tx<'_>,
    id: ContactId,
    parsed: ParsedChanges,
    mut changes: Vec<ContactChange>,
    now: DateTime<Utc>,
) -> Result<(Contact, Closing<'_>)> {
    let patch: ContactPatch = parsed.patch;
    let Updated { contact, changes: changed, suppressed } =
        contacts::update(&mut tx, id, patch, Requester::api(), now).await?;
    changes.extend(changed);
    let tagged = match &parsed.tags {
        Some(wanted) => tags::replace(&mut tx, &contact, wanted, Requester::api(), now).await?,
        None => Tagged::default(),
    };
    changes.extend(tagged.changes);
    let suppressed = suppressed.or(tagged.suppressed);
    let suppressed = suppressed.map(|reason| (contact.phone.clone(), reason));
    let closing = consequences::react_to_changes(tx, &changes, suppressed.as_slice(), now).await?;
    Ok((contact, closing))
}
