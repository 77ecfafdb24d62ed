//! The API of templates: saved texts with variables, at `/templates`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::error::ErrorBody;
use super::{ApiQuery, ApiResult, Caller, Json, List, Paging, Path};
use crate::automations::template_check::KnownValues;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::templates::{self, NewTemplate, PartRange, Template, TemplateBody};
use crate::twilio::parts::Encoding;
use crate::types::id::TemplateId;
use crate::users::organization;
use crate::web::{Cursor, Marketer, Viewer};

/// The OpenAPI document of templates.
#[derive(OpenApi)]
#[openapi(
    paths(list, create, find, update),
    components(schemas(TemplateAnswer, SmsAnswer, TemplateRequest, TemplateChanges))
)]
pub(super) struct TemplatesApi;

/// Mounts `/templates`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/templates").get(list).post(create));
    cfg.service(web::resource("/templates/{id}").get(find).patch(update));
}

/// A template to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TemplateRequest {
    /// 1 to 120 characters, unique regardless of case.
    name: String,
    /// Up to 1,600 characters, with variables such as
    /// `{{ contact.first_name | default(value="there") }}`.
    #[schema(example = "Hi {{ contact.first_name | default(value=\"there\") }}, your order \
                   {{ event.order_id }} is on its way.")]
    body: String,
    /// Addresses of up to 10 pictures and other files (MMS) that Twilio can fetch. Variables are
    /// filled in and percent-encoded, as in `https://example.com/{{ event.sku }}.jpg`; a variable
    /// at the start is the whole address.
    #[serde(default)]
    media_urls: Vec<String>,
}

/// Changes to a template; a field that is left out stays as it is. A changed body or changed media
/// create a new version.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TemplateChanges {
    /// A new name.
    name: Option<String>,
    /// A new text.
    body: Option<String>,
    /// Replaces all media; an empty list removes them.
    media_urls: Option<Vec<String>>,
}

/// Which templates to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TemplatesQuery {
    /// The `next_cursor` of the previous page.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor<String>>,
    /// How many rows to return, 1 to 500; 50 by default.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Paging,
}

/// A template.
#[derive(Debug, Serialize, ToSchema)]
struct TemplateAnswer {
    #[schema(value_type = String, format = "uuid")]
    id: TemplateId,
    name: String,
    body: String,
    media_urls: Vec<String>,
    /// The number of the current version, from 1; messages name the version that they were rendered
    /// from.
    version: i32,
    /// The variables that body and media use, such as `contact.first_name`.
    variables: Vec<String>,
    /// The length of the text as SMS; `null` if it cannot be determined, because the text
    /// calculates with values that the samples lack.
    sms: Option<SmsAnswer>,
    /// Probable mistakes, as sentences: merge tags of other tools (`*|FNAME|*`, `{first_name}`),
    /// which are sent as they are. They do not prevent saving.
    warnings: Vec<String>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// When it was archived. An archived template is not listed, but is still sent where it is in
    /// use.
    archived_at: Option<DateTime<Utc>>,
}

/// The length of a text as SMS. A message with media is sent as MMS, and is not billed by parts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TemplateSms)]
struct SmsAnswer {
    /// Whether the length depends on the contact or the event. If so, these numbers are those of
    /// samples, and a message may differ.
    varies: bool,
    /// The number of parts that are billed, as the text usually renders.
    parts: u16,
    /// `gsm7` or `ucs2`; one character outside GSM-7 makes it `ucs2`.
    #[schema(value_type = String, example = "gsm7")]
    encoding: Encoding,
    /// The length of the text in UTF-16 units, which Twilio limits to 1,600.
    characters: usize,
    /// The length in septets (`gsm7`) or UTF-16 units (`ucs2`); in GSM-7, a few characters such as
    /// `€` take two.
    units: usize,
    /// How many units fit in each part of such a text: 160 or 70 in a single part, 153 or 67 in
    /// several.
    units_per_part: usize,
    /// The fewest parts among the samples: with short names, or with only the number known.
    fewest_parts: u16,
    /// The most parts among the samples: with long names, or with letters outside GSM-7.
    most_parts: u16,
}

/// Lists templates by name, without archived ones.
#[
    utoipa::path(
        get,
        path = "/templates",
        params(TemplatesQuery),
        responses((status = 200, body = List<TemplateAnswer>), (status = 422, body = ErrorBody))
    )
]
async fn list(
    caller: Caller<Viewer>,
    query: ApiQuery<TemplatesQuery>,
) -> ApiResult<Json<List<TemplateAnswer>>> {
    let limit = query.limit.limit();
    let after = query.cursor.as_ref().map(|Cursor(name)| name.as_str());
    let mut conn = caller.conn().await?;
    // One row more than requested shows whether there is another page.
    let rows =
        templates::list(&mut conn, after, i64::try_from(limit).unwrap_or(i64::MAX) + 1).await?;
    let organization = organization::find(&conn).await?;
    let answer = |template| TemplateAnswer::new(template, &organization.name);
    Ok(Json(List::from_rows(rows, limit, |template| template.name.clone()).map(answer)))
}

/// Creates a template.
///
/// Errors of the body name line and column.
#[
    utoipa::path(
        post,
        path = "/templates",
        request_body = TemplateRequest,
        responses((status = 201, body = TemplateAnswer), (status = 422, body = ErrorBody))
    )
]
async fn create(caller: Caller<Marketer>, body: Json<TemplateRequest>) -> ApiResult<HttpResponse> {
    let new =
        NewTemplate::parse(&body.name, &body.body, &body.media_urls).map_err(Error::Invalid)?;
    let (now, actor) = (caller.now(), caller.actor());
    let mut conn = caller.conn().await?;
    let (created, warnings) = conn
        .transaction(async |conn| {
            let warnings = check(conn, &new, None).await?;
            Ok::<_, Error>((templates::create(conn, &actor, new, now).await?, warnings))
        })
        .await?;
    Ok(HttpResponse::Created()
        .json(TemplateAnswer::new(created, &organization::find(&conn).await?.name).with(warnings)))
}

/// Returns a template.
#[
    utoipa::path(
        get,
        path = "/templates/{id}",
        params(("id" = String, Path)),
        responses((status = 200, body = TemplateAnswer), (status = 404, body = ErrorBody))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<TemplateId>) -> ApiResult<Json<TemplateAnswer>> {
    let mut conn = caller.conn().await?;
    let template = templates::find(&mut conn, *id).await?;
    Ok(Json(TemplateAnswer::new(template, &organization::find(&conn).await?.name)))
}

/// Changes a template.
///
/// Messages that are not rendered yet use the new version.
#[utoipa::path(patch, path = "/templates/{id}", params(
    ("id" = String, Path)
), request_body = TemplateChanges,
    responses(
        (status = 200, body = TemplateAnswer),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody)
    ))]
async fn update(
    caller: Caller<Marketer>,
    id: Path<TemplateId>,
    body: Json<TemplateChanges>,
) -> ApiResult<Json<TemplateAnswer>> {
    let changes = body.into_inner();
    let (now, actor) = (caller.now(), caller.actor());
    let mut conn = caller.conn().await?;
    let (saved, warnings) = conn
        .transaction(async |conn| {
            let before = templates::lock(conn, *id).await?;
            let (name, text) = (
                changes.name.as_ref().unwrap_or(&before.name),
                changes.body.as_ref().unwrap_or(&before.body),
            );
            let media_urls = changes.media_urls.as_ref().unwrap_or(&before.media_urls);
            let new = NewTemplate::parse(name, text, media_urls).map_err(Error::Invalid)?;
            let warnings = if new.is_text_of(&before) {
                Vec::new()
            } else {
                check(conn, &new, Some(*id)).await?
            };
            Ok::<_, Error>((templates::update(conn, &actor, *id, new, now).await?, warnings))
        })
        .await?;
    Ok(Json(TemplateAnswer::new(saved, &organization::find(&conn).await?.name).with(warnings)))
}

/// Rejects a template that fails with every recently reported value; returns warnings about values
/// with which it may fail.
async fn check(
    conn: &mut Conn,
    new: &NewTemplate,
    id: Option<TemplateId>,
) -> Result<Vec<String>, Error> {
    let mut errors = FieldErrors::default();
    let warnings = KnownValues::load(conn, new, id).await?.check(new, &mut errors);
    errors.into_result()?;
    Ok(warnings)
}

impl TemplateAnswer {
    /// Returns the same response with more warnings.
    fn with(mut self, warnings: Vec<String>) -> Self {
        self.warnings.extend(warnings);
        self
    }

    /// Creates the response; the text is measured with the name of the organization.
    fn new(template: Template, organization: &str) -> Self {
        // A saved body was valid when it was checked. One that no longer parses is shown without
        // its variables.
        let body = TemplateBody::parse(&template.body).ok();
        let (variables, warnings) = (template.variables(), template.warnings());
        Self {
            sms: body.and_then(|body| body.part_range(organization)).map(SmsAnswer::from),
            id: template.id,
            name: template.name,
            body: template.body,
            media_urls: template.media_urls,
            version: template.version,
            variables: variables.into_iter().collect(),
            warnings,
            created_at: template.created_at,
            updated_at: template.updated_at,
            archived_at: template.archived_at,
        }
    }
}

impl From<PartRange> for SmsAnswer {
    fn from(PartRange { varies, usual, fewest, most }: PartRange) -> Self {
        Self {
            varies,
            parts: usual.count,
            encoding: usual.encoding,
            characters: usual.utf16,
            units: usual.units,
            units_per_part: usual.per_part,
            fewest_parts: fewest,
            most_parts: most,
        }
    }
}
