//! Handlers of the API of the ledger: read it, check it, and resend undelivered messages.

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::request::{Intent, LedgerQuery, ResendRequest, ResendTarget};
use super::response::{
    CauseAnswer, CheckAnswer, CountsAnswer, DifferenceAnswer, GroupAnswer, KeyAnswer, LedgerAnswer,
    ResendAnswer, RowAnswer,
};
use crate::error::Error;
use crate::ledger;
use crate::messages::resend;
use crate::web::api::error::ErrorBody;
use crate::web::api::{ApiError, ApiQuery, ApiResult, Caller, Json};
use crate::web::{Marketer, Viewer};

/// The OpenAPI document of the ledger.
#[derive(OpenApi)]
#[openapi(
    paths(read, check, resend_messages),
    components(schemas(
        LedgerAnswer,
        RowAnswer,
        KeyAnswer,
        CountsAnswer,
        CauseAnswer,
        CheckAnswer,
        DifferenceAnswer,
        ResendRequest,
        ResendAnswer,
        GroupAnswer
    ))
)]
pub(in crate::web::api) struct LedgerApi;

/// Mounts the routes.
pub(in crate::web::api) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(read));
    cfg.service(web::resource("/ledger/check").get(check));
    cfg.service(web::resource("/ledger/retry").post(resend_messages));
}

/// Counts messages by outcome, for each day, automation or sender. All numbers are of one moment.
///
/// `recipients` is always the sum of `delivered`, `sent`, `failed`, `suppressed`, `skipped`,
/// `unconfirmed`, `pending` and `retried`; `adds_up` confirms it. A message that was sent again is
/// `retried`, and the message that replaces it is counted by itself. `delivered_share` is
/// `delivered` of `messages = recipients - retried`: what pages call delivered, in percent.
#[utoipa::path(get, path = "/ledger", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = LedgerAnswer), (status = 422, body = ErrorBody)))]
async fn read(
    caller: Caller<Viewer>,
    query: ApiQuery<LedgerQuery>,
) -> ApiResult<Json<LedgerAnswer>> {
    let mut conn = caller.conn().await?;
    let (filter, grouping) = query.into_inner().parse(caller.today(&conn).await?)?;
    let ledger = ledger::read(&mut conn, &filter, grouping).await?;
    Ok(Json(LedgerAnswer::new(&filter, ledger)))
}

/// Counts the messages of at most 31 days again, and returns where the ledger differs.
///
/// It takes about a second per million messages.
#[utoipa::path(get, path = "/ledger/check", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = CheckAnswer), (status = 422, body = ErrorBody)))]
async fn check(
    caller: Caller<Viewer>,
    query: ApiQuery<LedgerQuery>,
) -> ApiResult<Json<CheckAnswer>> {
    let mut conn = caller.conn().await?;
    let filter = query.into_inner().parse_for_check(caller.today(&conn).await?)?;
    let differences = ledger::check(&mut conn, &filter).await?;
    Ok(Json(CheckAnswer::new(&filter, differences)))
}

/// Resends messages that certainly reached no recipient and may be sent: failed before any carrier
/// had them, or expired.
///
/// It never resends what may have arrived (`unconfirmed`, `undelivered`), never sends to a
/// suppressed number or a deleted contact, and resends nothing twice: a request can be repeated
/// safely. With `dry_run`, it only returns how many there are, and what is left out and why.
///
/// To resend several messages, do a dry run first. Then repeat the request without `dry_run`, with
/// its `eligible` as `expected`.
#[utoipa::path(post, path = "/ledger/retry", tag = "ledger", request_body = ResendRequest,
    responses((status = 200, body = ResendAnswer), (status = 404, body = ErrorBody),
        (
            status = 409,
            body = ErrorBody,
            description = "`count_changed`: another number than `expected` could be sent now; \
                           nothing was sent"
        ),
        (status = 422, body = ErrorBody)))]
async fn resend_messages(
    caller: Caller<Marketer>,
    body: Json<ResendRequest>,
) -> ApiResult<Json<ResendAnswer>> {
    let now = caller.now();
    let mut conn = caller.conn().await?;
    let (target, intent) = body.into_inner().parse(caller.today(&conn).await?)?;
    let (preview, ids) = match target {
        ResendTarget::One(id) => {
            let eligibility = resend::check_eligibility(&mut conn, id).await?;
            (
                ResendAnswer::of_one(eligibility),
                eligibility.is_ok().then_some(id).into_iter().collect(),
            )
        }
        ResendTarget::Selection(selection) => {
            let preview = resend::preview(&mut conn, &selection).await?;
            let ids = match intent {
                Intent::Preview => Vec::new(),
                Intent::Send { expected } => {
                    let limit = confirmed_count(expected, preview.eligible())?;
                    resend::candidates(&mut conn, &selection)
                        .await?
                        .into_iter()
                        .take(limit)
                        .collect()
                }
            };
            (preview.into(), ids)
        }
    };
    let sent = match intent {
        Intent::Preview => Vec::new(),
        Intent::Send { .. } => {
            resend::resend_in_batches(&mut conn, &caller.actor(), &ids, now).await?
        }
    };
    Ok(Json(preview.with(sent)))
}

/// How many messages of a selection may be sent again: the number that a dry run returned, if it
/// still holds. If none are left, the request was repeated, and there is nothing to refuse.
fn confirmed_count(expected: Option<i64>, eligible: i64) -> ApiResult<usize> {
    let Some(expected) = expected else {
        let message = format!(
            "Give the number of messages that you expect to resend: `eligible` of a dry run, now \
             {eligible}."
        );
        return Err(Error::field("expected", message).into());
    };
    if eligible != 0 && expected != eligible {
        let message = format!(
            "Nothing was sent. You expect {expected} messages, but {eligible} can be resent now. \
             Repeat the dry run."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "count_changed", message));
    }
    Ok(usize::try_from(eligible).unwrap_or_default())
}
