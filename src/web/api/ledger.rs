//! `/ledger` of the JSON API: how many messages ended how, and sending again what never reached anybody.

mod answer;
mod request;

use actix_web::web::{self, ServiceConfig};
use utoipa::OpenApi;

use super::error::ErrorBody;
use super::{ApiResult, Caller, Json, Query};
use crate::messages::{ledger, retry};
use crate::web::retrying;
use crate::web::{Marketer, Viewer};

use answer::{CauseAnswer, CheckAnswer, CountsAnswer, DifferenceAnswer, GroupAnswer, KeyAnswer, LedgerAnswer, RetryAnswer, RowAnswer};
use request::{LedgerQuery, RetryRequest, Wish};

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
pub(super) struct Description;

/// Mounts the routes.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(read));
    cfg.service(web::resource("/ledger/check").get(check));
    cfg.service(web::resource("/ledger/retry").post(retry));
}

/// Says how many messages ended how, by day, automation or sender; all numbers are of one moment.
///
/// `recipients = delivered + sent + failed + suppressed + skipped + unconfirmed + pending + retried`, always; `adds_up` says whether
/// it does. A message that was sent again is `retried`, and the message that repeats it is counted by itself.
#[utoipa::path(get, path = "/ledger", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = LedgerAnswer), (status = 422, body = ErrorBody)))]
async fn read(caller: Caller<Viewer>, query: Query<LedgerQuery>) -> ApiResult<Json<LedgerAnswer>> {
    let (filter, grouping) = query.into_inner().parse(caller.now().date_naive())?;
    let ledger = ledger::read(&mut *caller.conn().await?, &filter, grouping).await?;
    Ok(Json(LedgerAnswer::new(&filter, ledger)))
}

/// Counts the messages of at most 31 days anew, and says where the ledger differs; takes about a second for each million.
#[utoipa::path(get, path = "/ledger/check", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = CheckAnswer), (status = 422, body = ErrorBody)))]
async fn check(caller: Caller<Viewer>, query: Query<LedgerQuery>) -> ApiResult<Json<CheckAnswer>> {
    let filter = query.into_inner().few_days(caller.now().date_naive())?;
    let differences = ledger::check(&mut *caller.conn().await?, &filter).await?;
    Ok(Json(differences.into()))
}

/// Sends again what certainly never reached anybody and may be sent: failed before any carrier had it, or expired.
///
/// Never what may have arrived (`unconfirmed`, `undelivered`), never to a suppressed number or a deleted contact, and nothing twice:
/// the same request may be repeated without fear. With `dry_run` it only says how many there are, and what is left out and why.
#[utoipa::path(post, path = "/ledger/retry", tag = "ledger", request_body = RetryRequest,
    responses((status = 200, body = RetryAnswer), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)))]
async fn retry(caller: Caller<Marketer>, body: Json<RetryRequest>) -> ApiResult<Json<RetryAnswer>> {
    let now = caller.now();
    let (wish, intent) = body.into_inner().parse(now.date_naive())?;
    let mut conn = caller.conn().await?;
    let (outlook, ids) = match wish {
        Wish::One(id) => {
            let verdict = retry::verdict(&mut conn, id).await?;
            (RetryAnswer::of_one(verdict), verdict.is_ok().then_some(id).into_iter().collect())
        }
        Wish::Selection(selection) => {
            (retry::outlook(&mut conn, &selection).await?.into(), retry::candidates(&mut conn, &selection).await?)
        }
    };
    let sent = match intent {
        request::Intent::Preview => Vec::new(),
        request::Intent::Send => retrying::send_again(&mut conn, &caller.actor(), &ids, now).await?,
    };
    Ok(Json(outlook.with(sent)))
}
