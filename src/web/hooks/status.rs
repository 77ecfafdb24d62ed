//! `POST /hooks/twilio/{connection_id}/status/{message_id}`: a message's status changed.

use std::collections::HashSet;

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Bytes, Data, Path},
};
use diesel_async::AsyncConnection;
use serde_json::{Map, Value};

use super::{Refusal, verify};
use crate::{
    app::App,
    automations::consequences,
    batch::Batcher,
    clock::Clock,
    connections::webhooks::{Hook, Reason},
    contacts::suppressions::{self, Evidence, Source},
    db::{Conn, Pool},
    error::Error,
    messages::delivery::{self, Recorded, Report, ReportSource},
    twilio::{Address, callbacks::StatusCallback},
    types::{id::MessageId, phone::PhoneNumber},
};

/// Commits reports in batches.
pub(super) type Reports = Batcher<(Report, Option<PhoneNumber>), Result<Recorded, Refusal>>;

/// The most reports that share a commit.
const LARGEST_BATCH: usize = 512;

/// Takes in a status callback; 204 once it is committed.
pub(super) async fn receive(app: Data<App>, request: HttpRequest, path: Path<(String, String)>, body: Bytes) -> HttpResponse {
    let (connection_id, message_id) = path.into_inner();
    let taken = async {
        let verified = verify::verify(&app, &request, &connection_id, &body).await?;
        let message_id = message_id.parse().map_err(|_| Refusal::UnknownMessage)?;
        let callback = StatusCallback::parse(&verified.params).map_err(|error| Refusal::Rejected {
            connection_id: Some(verified.connection_id),
            reason: Reason::Malformed,
            detail: error.to_string(),
        })?;
        let report = Report {
            message_id,
            connection_id: verified.connection_id,
            twilio_sid: callback.message_sid.to_string(),
            status: callback.status,
            error_code: callback.error_code,
            from_address: callback.from.as_ref().map(Address::to_wire),
            source: ReportSource::Callback,
            params: as_json(&verified.params),
        };
        let to = callback.to.as_ref().and_then(|to| to.phone().cloned());
        app.hooks.reports.submit((report, to)).await.unwrap_or(Err(Refusal::Failed))
    };
    match taken.await {
        Ok(Recorded::Applied | Recorded::Noted) => HttpResponse::NoContent().finish(),
        Ok(Recorded::UnknownMessage) => Refusal::UnknownMessage.response(),
        Err(refusal) => {
            verify::note(&app, Hook::Status, &refusal).await;
            refusal.response()
        }
    }
}

/// The parameters as a JSON object; a repeated one becomes a list.
fn as_json(params: &[(String, String)]) -> Value {
    let mut object = Map::new();
    for (name, value) in params {
        // PostgreSQL's JSON cannot hold the NUL character.
        let value = Value::String(value.replace('\0', "\u{fffd}"));
        match object.get_mut(name) {
            None => {
                object.insert(name.replace('\0', "\u{fffd}"), value);
            }
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    Value::Object(object)
}

/// Starts the batcher; a batch that cannot be recorded is recorded one by one, so that one report cannot hold up the others.
pub(super) fn reports(db: Pool, clock: Clock) -> Reports {
    Batcher::spawn(LARGEST_BATCH, move |batch| {
        let (db, clock) = (db.clone(), clock.clone());
        async move {
            match record(&db, &clock, &batch).await {
                Ok(recorded) => recorded.into_iter().map(Ok).collect(),
                Err(Refusal::Failed) if batch.len() > 1 => {
                    let mut results = Vec::with_capacity(batch.len());
                    for report in &batch {
                        let alone = record(&db, &clock, std::slice::from_ref(report)).await;
                        results.push(alone.and_then(|recorded| recorded.first().copied().ok_or(Refusal::Failed)));
                    }
                    results
                }
                Err(Refusal::Away) => batch.iter().map(|_| Err(Refusal::Away)).collect(),
                Err(_) => batch.iter().map(|_| Err(Refusal::Failed)).collect(),
            }
        }
    })
}

async fn record(db: &Pool, clock: &Clock, batch: &[(Report, Option<PhoneNumber>)]) -> Result<Vec<Recorded>, Refusal> {
    let now = clock.now();
    let reports: Vec<Report> = batch.iter().map(|(report, _)| report.clone()).collect();
    let mut conn = db.get().await?;
    conn.transaction(async |conn| {
        let silences = |report: &Report| report.error_code.and_then(delivery::suppression_after).is_some();
        let mut silenced: Vec<(&Report, PhoneNumber)> = Vec::new();
        for (report, to) in batch.iter().filter(|(report, _)| silences(report)) {
            // Twilio always says whom it was for; a double of Twilio's may not.
            let to = match to {
                Some(to) => Some(to.clone()),
                None => delivery::recipient(conn, report.message_id).await?,
            };
            silenced.extend(to.map(|to| (report, to)));
        }
        suppressions::queue_up(conn, &silenced.iter().map(|(_, to)| to).collect::<Vec<_>>()).await?;
        let recorded = delivery::record(conn, &reports, now).await?;
        let known: HashSet<MessageId> = reports
            .iter()
            .zip(&recorded)
            .filter(|(_, recorded)| **recorded != Recorded::UnknownMessage)
            .map(|(report, _)| report.message_id)
            .collect();
        // Also a late or repeated report says that the number may not be texted.
        for (report, to) in silenced.iter().filter(|(report, _)| known.contains(&report.message_id)) {
            suppress(conn, report, to, now).await?;
        }
        Ok(recorded)
    })
    .await
}

/// Suppresses a number that Twilio says may not, or cannot, be texted.
async fn suppress(conn: &mut Conn, report: &Report, to: &PhoneNumber, now: chrono::DateTime<chrono::Utc>) -> Result<(), Error> {
    let Some((code, reason)) = report.error_code.and_then(|code| Some((code, delivery::suppression_after(code)?))) else {
        return Ok(());
    };
    let evidence = Evidence {
        phone: to.clone(),
        reason,
        source: Source::Twilio,
        message_id: Some(report.message_id),
        user_id: None,
        note: Some(code.to_string()),
    };
    let suppressed = suppressions::suppress(conn, evidence, now).await?;
    consequences::follow(conn, &suppressed.changes, Some((to, reason)), now).await
}
