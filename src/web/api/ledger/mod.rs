//! `/ledger` of the JSON API: how many messages ended how, and sending again what never reached
//! anybody.

mod answer;
mod request;

use actix_web::http::StatusCode;
use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::error::ErrorBody;
use super::{ApiError, ApiQuery, ApiResult, Caller, Json};
use crate::error::Error;
use crate::ledger;
use crate::messages::resend;
use crate::messages::resend::batches;
use crate::web::{Marketer, Viewer};

use answer::{
    CauseAnswer, CheckAnswer, CountsAnswer, DifferenceAnswer, GroupAnswer, KeyAnswer, LedgerAnswer,
    RetryAnswer, RowAnswer,
};
use request::{Intent, LedgerQuery, RetryRequest, Wish};

/// The description of this file.
#[derive(OpenApi)]
#[openapi(
    paths(read, check, retry),
    components(schemas(
        LedgerAnswer,
        RowAnswer,
        KeyAnswer,
        CountsAnswer,
        CauseAnswer,
        CheckAnswer,
        DifferenceAnswer,
        RetryRequest,
        RetryAnswer,
        GroupAnswer
    ))
)]
pub(super) struct LedgerApi;

/// Mounts the routes.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(read));
    cfg.service(web::resource("/ledger/check").get(check));
    cfg.service(web::resource("/ledger/retry").post(retry));
}

/// Says how many messages ended how, by day, automation or sender; all numbers are of one moment.
///
/// `recipients = delivered + sent + failed + suppressed + skipped + unconfirmed + pending +
/// retried`, always; `adds_up` says whether it does. A message that was sent again is `retried`,
/// and the message that repeats it is counted by itself. `delivered_share` is `delivered` of
/// `messages = recipients - retried`: what pages call delivered, in percent.
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

/// Counts the messages of at most 31 days anew, and says where the ledger differs; takes about a
/// second for each million.
#[utoipa::path(get, path = "/ledger/check", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = CheckAnswer), (status = 422, body = ErrorBody)))]
async fn check(
    caller: Caller<Viewer>,
    query: ApiQuery<LedgerQuery>,
) -> ApiResult<Json<CheckAnswer>> {
    let mut conn = caller.conn().await?;
    let filter = query.into_inner().few_days(caller.today(&conn).await?)?;
    let differences = ledger::check(&mut conn, &filter).await?;
    Ok(Json(CheckAnswer::new(&filter, differences)))
}

/// Sends again what certainly never reached anybody and may be sent: failed before any carrier had
/// it, or expired.
///
/// Never what may have arrived (`unconfirmed`, `undelivered`), never to a suppressed number or a
/// deleted contact, and nothing twice: the same request may be repeated without fear. With
/// `dry_run` it only says how many there are, and what is left out and why.
///
/// To send several, first do a dry run, then repeat the request without `dry_run` and with its
/// `eligible` as `expected`.
#[utoipa::path(post, path = "/ledger/retry", tag = "ledger", request_body = RetryRequest,
    responses((status = 200, body = RetryAnswer), (status = 404, body = ErrorBody),
        (
            status = 409,
            body = ErrorBody,
            description = "`count_changed`: another number than `expected` could be sent now; \
                           nothing was sent"
        ),
        (status = 422, body = ErrorBody)))]
async fn retry(caller: Caller<Marketer>, body: Json<RetryRequest>) -> ApiResult<Json<RetryAnswer>> {
    let now = caller.now();
    let mut conn = caller.conn().await?;
    let (wish, intent) = body.into_inner().parse(caller.today(&conn).await?)?;
    let (outlook, ids) = match wish {
        Wish::One(id) => {
            let verdict = resend::verdict(&mut conn, id).await?;
            (RetryAnswer::of_one(verdict), verdict.is_ok().then_some(id).into_iter().collect())
        }
        Wish::Selection(selection) => {
            let outlook = resend::preview(&mut conn, &selection).await?;
            let ids = match intent {
                Intent::Preview => Vec::new(),
                Intent::Send { expected } => {
                    let limit = confirmed(expected, outlook.eligible())?;
                    resend::candidates(&mut conn, &selection)
                        .await?
                        .into_iter()
                        .take(limit)
                        .collect()
                }
            };
            (outlook.into(), ids)
        }
    };
    let sent = match intent {
        Intent::Preview => Vec::new(),
        Intent::Send { .. } => batches::send_again(&mut conn, &caller.actor(), &ids, now).await?,
    };
    Ok(Json(outlook.with(sent)))
}

/// How many messages of a selection may be sent again: those that the caller was told of by a dry
/// run, if they are still as many. Where none are left, the request was repeated, and there is
/// nothing to refuse.
fn confirmed(expected: Option<i64>, eligible: i64) -> ApiResult<usize> {
    let Some(expected) = expected else {
        let message = format!(
            "Say how many messages you expect to send again: `eligible` of a dry run. It is \
             {eligible} now."
        );
        return Err(Error::field("expected", message).into());
    };
    if eligible != 0 && expected != eligible {
        let message = format!(
            "You expect {expected} messages, and {eligible} can be sent again now. Nothing was \
             sent: do a dry run, and repeat it."
        );
        return Err(ApiError::new(StatusCode::CONFLICT, "count_changed", message));
    }
    Ok(usize::try_from(eligible).unwrap_or_default())
}
