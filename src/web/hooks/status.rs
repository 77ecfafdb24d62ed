//! `POST /hooks/twilio/{connection_id}/status/{message_id}`, or `…/{secret}/status/…`: Twilio
//! reports the status of a message.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};

use super::key_cache::KeyCache;
use super::refusal::Refusal;
use super::verification;
use crate::automations::consequences;
use crate::batcher::Batcher;
use crate::clock::Clock;
use crate::connections::rejected_webhooks::{Hook, RejectionReason};
use crate::context::Context;
use crate::db::{self, DedicatedConnection, Pool, Unavailable, generic_plans};
use crate::error::Error;
use crate::messages::status_reports::{Recorded, Report, ReportSource, fast_path};
use crate::queue::set_aside::{self, Task, TaskItem};
use crate::twilio::callbacks::StatusCallback;

/// Why a report could not be recorded, or not be set aside.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error(transparent)]
    Slice(#[from] Error),
}

/// Commits reports in batches (group commit).
pub(super) type Reports = Batcher<Report, Result<Recorded, Refusal>>;

/// The largest number of reports in one commit.
const MAX_BATCH: usize = 512;

/// Records a status callback; answers 204 after the commit.
pub(super) async fn receive(
    context: Data<Context>,
    reports: Data<Reports>,
    keys: Data<KeyCache>,
    request: HttpRequest,
    body: Bytes,
) -> HttpResponse {
    let path = request.match_info();
    let recorded = async {
        let verified = verification::verify(&context, &keys, &request, &body).await?;
        verified.must_be_proven()?;
        let message_id = path.query("message_id").parse().map_err(|_| Refusal::UnknownMessage)?;
        let callback =
            StatusCallback::parse(&verified.params).map_err(|error| Refusal::Rejected {
                connection_id: Some(verified.connection_id),
                reason: RejectionReason::Malformed,
                detail: error.to_string(),
            })?;
        let report = Report {
            message_id,
            connection_id: verified.connection_id,
            twilio_sid: callback.message_sid.into(),
            status: callback.status,
            error_code: callback.error_code,
            from_address: callback.from,
            source: ReportSource::Callback,
            params: verified.params.to_json(),
        };
        reports.submit(report).await.unwrap_or(Err(Refusal::Failed))
    };
    match recorded.await {
        Ok(Recorded::Applied | Recorded::Noted) => HttpResponse::NoContent().finish(),
        Ok(Recorded::UnknownMessage) => Refusal::UnknownMessage.response(),
        Err(refusal) => {
            verification::record_rejection(&context, Hook::Status, &refusal).await;
            refusal.response()
        }
    }
}

/// Starts the batcher. Reports that only change a status take the fast path; the others, and those
/// whose message another transaction is changing, take the slow path.
pub(super) fn reports(db: Pool, clock: Clock) -> Reports {
    let connection = Arc::new(DedicatedConnection::beside(&db));
    Batcher::spawn(MAX_BATCH, move |batch| {
        let (db, clock, connection) = (db.clone(), clock.clone(), Arc::clone(&connection));
        async move {
            let mut recorded = record_on_fast_path(&connection, &clock, &batch).await;
            let (left, positions): (Vec<Report>, Vec<usize>) = batch
                .into_iter()
                .zip(0..)
                .filter(|(_, position)| !recorded.contains_key(position))
                .unzip();
            recorded.extend(positions.into_iter().zip(record_each(&db, &clock, &left).await));
            recorded.into_values().collect()
        }
    })
}

/// Records the reports of a batch that qualify for the fast path. Returns results by position in
/// the batch; a missing one has to take the slow path.
async fn record_on_fast_path(
    connection: &DedicatedConnection,
    clock: &Clock,
    batch: &[Report],
) -> BTreeMap<usize, Result<Recorded, Refusal>> {
    let (positions, reports): (Vec<usize>, Vec<&Report>) =
        batch.iter().enumerate().filter(|(_, report)| report.is_plain()).unzip();
    if reports.is_empty() {
        return BTreeMap::new();
    }
    let recorded = connection
        .run(async |conn| {
            Ok::<_, RecordError>(fast_path::record(conn, &reports, clock.now()).await?)
        })
        .await;
    // On failure, the slow path decides for each report whether it can be recorded.
    let recorded = recorded.unwrap_or_else(|error| {
        tracing::debug!(%error, "the fast path failed; taking the slow path");
        Vec::new()
    });
    positions
        .into_iter()
        .zip(recorded)
        .filter_map(|(position, recorded)| Some((position, Ok(recorded?))))
        .collect()
}

/// Records reports in one transaction; if that fails, each in its own, so that one cannot hold up
/// the others.
async fn record_each(
    db: &Pool,
    clock: &Clock,
    reports: &[Report],
) -> Vec<Result<Recorded, Refusal>> {
    match record(db, clock, reports).await {
        Ok(recorded) => recorded.into_iter().map(Ok).collect(),
        Err(Refusal::Failed) if reports.len() > 1 => {
            let mut results = Vec::with_capacity(reports.len());
            for report in reports {
                let alone = record(db, clock, std::slice::from_ref(report)).await;
                if matches!(alone, Err(Refusal::Failed)) {
                    set_aside(db, clock, report).await;
                }
                results.push(
                    alone.and_then(|recorded| recorded.first().copied().ok_or(Refusal::Failed)),
                );
            }
            results
        }
        Err(Refusal::Away) => reports.iter().map(|_| Err(Refusal::Away)).collect(),
        Err(refusal) => {
            for report in reports {
                if matches!(refusal, Refusal::Failed) {
                    set_aside(db, clock, report).await;
                }
            }
            reports.iter().map(|_| Err(Refusal::Failed)).collect()
        }
    }
}

/// Sets the message of a report aside, to look it up at Twilio later: Twilio repeats a report that
/// is not recorded a few times only.
async fn set_aside(db: &Pool, clock: &Clock, report: &Report) {
    let item = TaskItem::new(Task::LookUp, &report.message_id, Some(report.connection_id));
    let error =
        format!("Couldn’t record Twilio’s report “{}”: the log says why.", report.status.as_str());
    let stored = async {
        let mut conn = db.get().await?;
        Ok::<_, RecordError>(set_aside::record(&mut conn, &item, &error, clock.now()).await?)
    };
    if let Err(error) = stored.await {
        tracing::error!(
            message.id = %report.message_id,
            %error,
            "a report was neither recorded nor set aside"
        );
    }
}

async fn record(db: &Pool, clock: &Clock, reports: &[Report]) -> Result<Vec<Recorded>, Refusal> {
    if reports.is_empty() {
        return Ok(Vec::new());
    }
    let now = clock.now();
    let mut conn = db.get().await?;
    db::transaction(&mut conn, async |tx| {
        let tx = tx.open();
        generic_plans::force(&tx).await?;
        let (recorded, _) = consequences::record_reports(tx, reports, now).await?;
        Ok(recorded)
    })
    .await
}
