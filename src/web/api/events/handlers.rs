//! The handler of the API of events: records a single event, or each of a list.

use actix_web::HttpResponse;
use actix_web::web::{self, Data, ServiceConfig};
use serde_json::Value;
use utoipa::OpenApi;

use super::event_batches::EventBatches;
use super::request::{ContactBody, EventBody, EventsBody, defaults, read, several};
use super::response::{EventResult, EventResults, results};
use crate::events::RecordOutcome;
use crate::web::Marketer;
use crate::web::api::{ApiError, ApiResult, Caller, JsonFields};

/// The OpenAPI document of events.
#[derive(OpenApi)]
#[openapi(
    paths(report),
    components(schemas(EventBody, EventsBody, ContactBody, EventResult, EventResults))
)]
pub(in crate::web::api) struct EventsApi;

/// Mounts `/events`.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/events").post(report));
}

/// Records an event, or up to 1,000, and starts the automations that they trigger.
///
/// Each of several events has a result of its own: events in error do not prevent the others.
#[utoipa::path(post, path = "/events", request_body(
    content = EventBody,
    description = "One event, or `{\"events\": […]}` with up to 1,000 (`EventsBody`)"
),
    responses((status = 202, description = "The event's result; of several, `EventResults`", body = EventResult), (status = 422)))]
async fn report(
    caller: Caller<Marketer>,
    batches: Data<EventBatches>,
    body: JsonFields,
) -> ApiResult<HttpResponse> {
    match several(&body.0)? {
        Some(events) => report_several(&caller, &batches, events).await,
        None => report_single(&caller, &batches, &body.0).await,
    }
}

async fn report_single(
    caller: &Caller<Marketer>,
    batches: &EventBatches,
    event: &Value,
) -> ApiResult<HttpResponse> {
    let defaults = defaults(caller, std::slice::from_ref(event)).await?;
    let (report, remarks) = read(event, defaults).map_err(ApiError::invalid)?.split(caller.now());
    match batches.submit(report).await? {
        (RecordOutcome::Refused(fields), _) => Err(ApiError::invalid(fields)),
        answer => Ok(HttpResponse::Accepted().json(EventResult::of(answer, remarks))),
    }
}

async fn report_several(
    caller: &Caller<Marketer>,
    batches: &EventBatches,
    events: &[Value],
) -> ApiResult<HttpResponse> {
    let defaults = defaults(caller, events).await?;
    let now = caller.now();
    let (mut reports, mut readings) =
        (Vec::with_capacity(events.len()), Vec::with_capacity(events.len()));
    for event in events {
        match read(event, defaults) {
            Ok(report) => {
                let (report, remarks) = report.split(now);
                readings.push(Ok(remarks));
                reports.push(report);
            }
            Err(fields) => readings.push(Err(fields)),
        }
    }
    let answers = batches.submit_list(reports).await?;
    Ok(HttpResponse::Accepted().json(EventResults { results: results(readings, answers) }))
}
