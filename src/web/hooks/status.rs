//! `POST /hooks/twilio/{connection_id}/status/{message_id}`: a message's status changed.

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
    db::{Pool, plans},
    messages::delivery::{Recorded, Report, ReportSource},
    twilio::{Address, callbacks::StatusCallback},
};

/// Commits reports in batches.
pub(super) type Reports = Batcher<Report, Result<Recorded, Refusal>>;

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
            params: as_json(verified.params),
        };
        app.hooks.reports.submit(report).await.unwrap_or(Err(Refusal::Failed))
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
fn as_json(params: Vec<(String, String)>) -> Value {
    // PostgreSQL's JSON cannot hold the NUL character.
    let clean = |text: String| if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text };
    let mut object = Map::new();
    for (name, value) in params {
        let (name, value) = (clean(name), Value::String(clean(value)));
        match object.get_mut(&name) {
            None => {
                object.insert(name, value);
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

async fn record(db: &Pool, clock: &Clock, batch: &[Report]) -> Result<Vec<Recorded>, Refusal> {
    let now = clock.now();
    let mut conn = db.get().await?;
    conn.transaction(async |conn| {
        plans::keep(conn).await?;
        Ok(consequences::take_in(conn, batch, now).await?)
    })
    .await
}
