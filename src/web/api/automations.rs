//! The API of automations: triggers with steps, at `/automations`.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{OpenApi, ToSchema};

use super::{ApiQuery, ApiResult, Caller, Json, List, Paging, Path};
use crate::automations::counts::{self, StatusCounts};
use crate::automations::{
    self, Automation, AutomationChange, AutomationName, AutomationStatus, Definition,
    NewAutomation, SCAN_LIMIT, Step, Trigger, template_check,
};
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors};
use crate::ledger;
use crate::ledger::outcome::Outcome;
use crate::types::id::AutomationId;
use crate::web::{Cursor, Marketer, Viewer};

/// The OpenAPI document of automations.
#[derive(OpenApi)]
#[openapi(
    paths(list, create, find, update, delete),
    components(schemas(AutomationBody, CountsBody, Trigger, Step))
)]
pub(super) struct AutomationsApi;

/// Mounts `/automations`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/automations").get(list).post(create));
    cfg.service(web::resource("/automations/{id}").get(find).patch(update).delete(delete));
}

/// An automation to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAutomationBody {
    /// 1 to 120 characters, unique.
    name: String,
    /// The trigger that starts it.
    #[schema(value_type = Trigger)]
    trigger: Value,
    /// The steps, in order; at most 50.
    #[serde(default)]
    #[schema(value_type = Vec<Step>)]
    steps: Option<Value>,
    /// `draft` by default.
    #[schema(value_type = Option<String>, example = "active")]
    status: Option<AutomationStatus>,
}

/// Changes to an automation; a field that is left out stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AutomationPatch {
    /// A new name.
    name: Option<String>,
    /// A new trigger.
    #[schema(value_type = Option<Trigger>)]
    trigger: Option<Value>,
    /// Replaces all steps. Enrollments that have begun finish with the steps that they began with.
    #[schema(value_type = Option<Vec<Step>>)]
    steps: Option<Value>,
    /// `active` or `paused`.
    #[schema(value_type = Option<String>, example = "paused")]
    status: Option<AutomationStatus>,
    /// `true` archives it, which also pauses it; `false` takes it out of the archive.
    archived: Option<bool>,
}

/// Which automations to list.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The `next_cursor` of the previous page.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor<AutomationId>>,
    /// How many rows to return, 1 to 500; 50 by default.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    limit: Paging,
}

/// An automation.
#[derive(Debug, Serialize, ToSchema)]
struct AutomationBody {
    #[schema(value_type = String, format = "uuid")]
    id: AutomationId,
    name: String,
    /// `draft`, `active` or `paused`.
    #[schema(value_type = String)]
    status: AutomationStatus,
    /// The number of the current definition, from 1.
    version: i32,
    trigger: Trigger,
    steps: Vec<Step>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    /// When it was archived. An archived automation cannot be activated.
    archived_at: Option<DateTime<Utc>>,
    /// Probable mistakes in its templates, as sentences: merge tags of other tools. Only in the
    /// answer to a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    warnings: Option<Vec<String>>,
    /// Only in the response to a request for a single automation.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<CountsBody>,
}

/// Counts of the newest enrollments and of all messages.
#[derive(Debug, Serialize, ToSchema)]
struct CountsBody {
    /// Enrollments by status (`active`, `completed` and `failed`), among the newest 20,000.
    enrollments: BTreeMap<&'static str, i64>,
    /// Whether there are more enrollments than these.
    more_enrollments: bool,
    /// All messages by outcome, as in the ledger; outcomes without messages are left out.
    messages: BTreeMap<&'static str, i64>,
    /// The delivered share of the messages, from 0 to 1, as in the ledger: a message that was sent
    /// again counts once.
    delivered_share: Option<f64>,
}

/// Lists automations, the newest first.
#[
    utoipa::path(
        get,
        path = "/automations",
        params(ListQuery),
        responses((status = 200, body = List<AutomationBody>))
    )
]
async fn list(
    caller: Caller<Viewer>,
    query: ApiQuery<ListQuery>,
) -> ApiResult<Json<List<AutomationBody>>> {
    let limit = query.limit.limit();
    let before = query.cursor.map(|Cursor(id)| id);
    let mut conn = caller.conn().await?;
    let rows =
        automations::list(&mut conn, before, i64::try_from(limit).unwrap_or(i64::MAX) + 1).await?;
    Ok(Json(List::from_rows(rows, limit, |automation| automation.id).map(AutomationBody::from)))
}

/// Creates an automation.
///
/// Errors name the path of the field, such as `steps.0.template_id`.
#[
    utoipa::path(
        post,
        path = "/automations",
        request_body = NewAutomationBody,
        responses((status = 201, body = AutomationBody), (status = 422))
    )
]
async fn create(
    caller: Caller<Marketer>,
    body: Json<NewAutomationBody>,
) -> ApiResult<HttpResponse> {
    let new = body.into_inner().read()?;
    let (now, actor) = (caller.now(), caller.actor());
    let mut conn = caller.conn().await?;
    let created =
        conn.transaction(async |conn| automations::create(conn, &actor, new, now).await).await?;
    Ok(HttpResponse::Created().json(with_warnings(&conn, created).await?))
}

/// Returns an automation with its counts.
#[
    utoipa::path(
        get,
        path = "/automations/{id}",
        params(("id" = String, Path)),
        responses((status = 200, body = AutomationBody), (status = 404))
    )
]
async fn find(caller: Caller<Viewer>, id: Path<AutomationId>) -> ApiResult<Json<AutomationBody>> {
    let mut conn = caller.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let enrollments = counts::newest(&mut conn, *id).await?;
    let messages = counts::messages(&mut conn, *id, caller.now()).await?;
    Ok(Json(AutomationBody {
        counts: Some(CountsBody::new(&enrollments, messages)),
        ..automation.into()
    }))
}

/// Changes, activates or pauses an automation.
#[
    utoipa::path(
        patch,
        path = "/automations/{id}",
        params(("id" = String, Path)),
        request_body = AutomationPatch,
        responses((status = 200, body = AutomationBody), (status = 404), (status = 422))
    )
]
async fn update(
    caller: Caller<Marketer>,
    id: Path<AutomationId>,
    body: Json<AutomationPatch>,
) -> ApiResult<Json<AutomationBody>> {
    let body = body.into_inner();
    let archived = body.archived;
    let change = body.read()?;
    let (now, actor) = (caller.now(), caller.actor());
    let mut conn = caller.conn().await?;
    let updated = db::transaction(&mut conn, async |tx| {
        let mut tx = tx.open();
        match archived {
            Some(true) => {
                automations::archive(&mut tx, &actor, *id, now).await?;
            }
            Some(false) => automations::unarchive(&mut tx, &actor, *id, now).await?,
            None => {}
        }
        automations::update(tx, &actor, *id, change, now).await
    })
    .await?;
    Ok(Json(with_warnings(&conn, updated).await?))
}

/// Deletes an automation that no contact has entered.
///
/// It must not be active, and must have been off for ten minutes unless it is a draft.
#[
    utoipa::path(
        delete,
        path = "/automations/{id}",
        params(("id" = String, Path)),
        responses((status = 204), (status = 404), (status = 409))
    )
]
async fn delete(caller: Caller<Marketer>, id: Path<AutomationId>) -> ApiResult<HttpResponse> {
    let (now, actor) = (caller.now(), caller.actor());
    let mut conn = caller.conn().await?;
    conn.transaction(async |conn| automations::delete(conn, &actor, *id, now).await).await?;
    Ok(HttpResponse::NoContent().finish())
}

async fn with_warnings(conn: &Conn, automation: Automation) -> Result<AutomationBody, Error> {
    let warnings = template_check::warnings(conn, &automation.definition).await?;
    Ok(AutomationBody { warnings: Some(warnings), ..automation.into() })
}

impl NewAutomationBody {
    fn read(self) -> Result<NewAutomation, Error> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", AutomationName::parse(&self.name));
        let trigger = read_trigger(&self.trigger, &mut errors);
        let steps = self.steps.map(|steps| read_steps(&steps, &mut errors)).unwrap_or_default();
        let status = self.status.unwrap_or(AutomationStatus::Draft);
        match (name, trigger) {
            (Some(name), Some(trigger)) if errors.is_empty() => {
                Ok(NewAutomation { name, definition: Definition { trigger, steps }, status })
            }
            _ => Err(Error::Invalid(errors)),
        }
    }
}

impl AutomationPatch {
    fn read(self) -> Result<AutomationChange, Error> {
        let mut errors = FieldErrors::default();
        let name = self.name.and_then(|name| errors.check("name", AutomationName::parse(&name)));
        let trigger = self.trigger.and_then(|trigger| read_trigger(&trigger, &mut errors));
        let steps = self.steps.map(|steps| read_steps(&steps, &mut errors));
        errors.into_result()?;
        Ok(AutomationChange { name, trigger, steps, status: self.status, based_on: None })
    }
}

/// Programs, unlike users in the editor, save complete definitions only: a missing field is an
/// error even in a draft.
fn read_trigger(value: &Value, errors: &mut FieldErrors) -> Option<Trigger> {
    let trigger = Trigger::parse("trigger", value, errors)?;
    let has_error = errors.iter().any(|(field, _)| field.starts_with("trigger."));
    if !has_error {
        trigger.note_missing("trigger", errors);
        trigger.note_impossible("trigger", errors);
    }
    Some(trigger)
}

fn read_steps(value: &Value, errors: &mut FieldErrors) -> Vec<Step> {
    let mut found = FieldErrors::default();
    let steps = Step::parse_all("steps", value, &mut found);
    if found.is_empty() {
        for (index, step) in steps.iter().enumerate() {
            step.note_missing(&format!("steps.{index}"), &mut found);
        }
    }
    for (field, messages) in found.iter() {
        for message in messages {
            errors.add(field, message);
        }
    }
    steps
}

impl From<Automation> for AutomationBody {
    fn from(automation: Automation) -> Self {
        Self {
            id: automation.id,
            name: automation.name,
            status: automation.status,
            version: automation.version,
            trigger: automation.definition.trigger,
            steps: automation.definition.steps,
            created_at: automation.created_at,
            updated_at: automation.updated_at,
            archived_at: automation.archived_at,
            warnings: None,
            counts: None,
        }
    }
}

impl CountsBody {
    fn new(enrollments: &StatusCounts, messages: ledger::Counts) -> Self {
        let occurring = Outcome::ALL
            .iter()
            .map(|outcome| (outcome.as_str(), messages.of(*outcome)))
            .filter(|(_, count)| *count != 0);
        Self {
            enrollments: enrollments
                .by_status
                .iter()
                .map(|(status, count)| (status.as_str(), *count))
                .collect(),
            more_enrollments: enrollments.scanned >= SCAN_LIMIT,
            messages: occurring.collect(),
            delivered_share: messages.share(Outcome::Delivered).and_then(ledger::Share::fraction),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(body: Value) -> Vec<String> {
        let body: NewAutomationBody = serde_json::from_value(body).unwrap();
        let Err(Error::Invalid(errors)) = body.read() else { panic!("no field errors") };
        errors.iter().map(|(field, _)| field.to_owned()).collect()
    }

    #[test]
    fn every_wrong_or_missing_field_is_reported_at_once() {
        let body = json!(
            {
                "name": " ",
                "trigger": {"type": "event"},
                "steps": [{"type": "send_sms"}, {"type": "wait", "seconds": 5}]
            }
        );
        assert_eq!(
            fields(body),
            ["name", "steps.0.sender_id", "steps.0.template_id", "trigger.name"]
        );
        let body = json!({"name": "A", "trigger": {"type": "event", "name": 7}, "steps": "none"});
        assert_eq!(fields(body), ["steps", "trigger.name"]);
    }

    #[test]
    fn steps_may_follow_later() {
        let body = json!({"name": "A", "trigger": {"type": "contact_created"}});
        let new = serde_json::from_value::<NewAutomationBody>(body).unwrap().read().unwrap();
        assert_eq!((new.status, new.definition.steps.len()), (AutomationStatus::Draft, 0));
    }
}
