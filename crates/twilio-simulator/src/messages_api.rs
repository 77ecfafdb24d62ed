//! The Messages resource: create, fetch, list, redact, cancel, delete.

use std::sync::Arc;

use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde_json::Value;

use super::auth::Caller;
use super::faults::{Aspect, Fault, Reach};
use super::form::Form;
use super::message::{Direction, Message, Status, without_channel};
use super::message_checks::{CheckedMessage, Created};
use super::message_log::sent_between;
use super::paging::Paging;
use super::refusal::Refusal;
use super::shared_state::Shared;
use super::world::World;
use super::{delivery, response_faults};

/// `POST /2010-04-01/Accounts/{AC}/Messages.json`
pub(super) async fn create(
    caller: Caller,
    path: Path<String>,
    body: Bytes,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path)?;
    let form = Form::parse(&body);
    let shared = shared.into_inner();
    let (request_index, fault) = take_fault(&shared, &form);
    match fault {
        None
        | Some(
            Fault::ServerErrorRecorded
            | Fault::TimeoutRecorded
            | Fault::ResetRecorded
            | Fault::StallRecorded,
        ) => {}
        Some(Fault::Stall) => {
            return create_after_stall(&shared, account, form, request_index).await;
        }
        Some(fault) => {
            if let Some(refusal) = response_faults::apply(fault, &request, &shared).await {
                return Err(refusal);
            }
        }
    }
    let json = record(&shared, account, &form, request_index)?;
    if let Some(fault) = fault
        && let Some(refusal) = response_faults::apply(fault, &request, &shared).await
    {
        return Err(refusal);
    }
    Ok(HttpResponse::Created().json(json))
}

/// `GET /2010-04-01/Accounts/{AC}/Messages.json`
pub(super) async fn list(
    caller: Caller,
    path: Path<String>,
    request: HttpRequest,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path)?;
    let query = Form::parse(request.query_string().as_bytes());
    let paging = Paging::of(&query);
    let filter = Filter::of(account, &query)?;
    let world = shared.world();
    let before = match &paging.after {
        Some(sid) => world.log.find(sid).unwrap_or(0),
        None => usize::MAX,
    };
    let mut found = filter.find(&world, before, paging.size + 1);
    let more = found.len() > paging.size;
    found.truncate(paging.size);
    let next = found.last().filter(|_| more).map(|message| message.sid.clone());
    let rows = found.into_iter().map(Message::json).collect();
    Ok(HttpResponse::Ok().json(paging.classic(
        request.path(),
        &query,
        "messages",
        rows,
        next.as_deref(),
    )))
}

/// `GET /2010-04-01/Accounts/{AC}/Messages/{SID}.json`
pub(super) async fn fetch(
    caller: Caller,
    path: Path<(String, String)>,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path.0)?;
    let world = shared.world();
    let (_, message) = find_message(&world, account, &path.1)?;
    Ok(HttpResponse::Ok().json(message.json()))
}

/// `POST /2010-04-01/Accounts/{AC}/Messages/{SID}.json`: `Body=` redacts, `Status=canceled`
/// cancels.
pub(super) async fn update(
    caller: Caller,
    path: Path<(String, String)>,
    body: Bytes,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path.0)?;
    let form = Form::parse(&body);
    let shared = shared.into_inner();
    let index = find_message(&shared.world(), account, &path.1)?.0;
    match form.get("Status") {
        None => {}
        Some("canceled") if delivery::cancel(&shared, index) => {}
        Some("canceled") => return Err(Refusal::new(30409)),
        Some(_) => return Err(Refusal::with(20001, "Status can only be set to canceled")),
    }
    match form.get("Body") {
        None => {}
        Some("") => {
            shared.world().log.change(index, |message| message.body.clear());
        }
        Some(_) => return Err(Refusal::with(20001, "Body can only be emptied")),
    }
    let world = shared.world();
    let (_, message) = find_message(&world, account, &path.1)?;
    Ok(HttpResponse::Ok().json(message.json()))
}

/// Records a request; returns its index in the request log and the fault that applies to it.
fn take_fault(shared: &Shared, form: &Form) -> (usize, Option<Fault>) {
    let mut world = shared.world();
    world.counts.send_requests += 1;
    let to = without_channel(form.get("To").unwrap_or_default());
    let fault = world.faults.next_fault(Aspect::Response, Reach::Sends, to);
    let index = world.record_request(to, form.filled("StatusCallback"));
    match fault {
        Some(Fault::Refuse { .. }) => world.counts.refused += 1,
        Some(_) => world.counts.faulted += 1,
        None => {}
    }
    (index, fault)
}

/// Records the message when stalled requests are released. A spawned task does the work, so that it
/// continues when the client disconnects.
async fn create_after_stall(
    shared: &Arc<Shared>,
    account_sid: &str,
    form: Form,
    request_index: usize,
) -> Result<HttpResponse, Refusal> {
    let (task_shared, account_sid) = (Arc::clone(shared), account_sid.to_owned());
    let task = shared.runtime().spawn(async move {
        task_shared.stall().await;
        record(&task_shared, &account_sid, &form, request_index)
    });
    let json = task.await.map_err(|_| Refusal::new(20500))??;
    Ok(HttpResponse::Created().json(json))
}

/// Validates and records a message, starts its delivery and returns its JSON. `request_index` is
/// the index in the request log.
fn record(
    shared: &Arc<Shared>,
    account_sid: &str,
    form: &Form,
    request_index: usize,
) -> Result<Value, Refusal> {
    let mut world = shared.world();
    let now = world.clock.now();
    let account = world.account(account_sid).ok_or_else(|| Refusal::new(20003))?;
    let message = match CheckedMessage::check(&world, account, form, now) {
        Ok(message) => message,
        Err(refusal) => {
            world.counts.refused += 1;
            return Err(refusal);
        }
    };
    let (index, plan) = match message.record(&mut world) {
        Created::Recorded { index, plan } => (index, plan),
        Created::Unrecorded(message) => return Ok(message.json()),
    };
    let message = world.log.get(index).ok_or_else(|| Refusal::new(20500))?;
    let (json, send_at, sid) = (message.json(), message.send_at, message.sid.clone());
    world.record_message_sid(request_index, sid);
    drop(world);
    match send_at {
        Some(at) => delivery::schedule(shared, index, (at - now).to_std().unwrap_or_default()),
        None => delivery::launch(shared, index, plan),
    }
    Ok(json)
}

fn find_message<'a>(
    world: &'a World,
    account: &str,
    sid: &str,
) -> Result<(usize, &'a Message), Refusal> {
    world
        .log
        .find(sid)
        .and_then(|index| Some((index, world.log.get(index)?)))
        .filter(|(_, message)| {
            message.account_sid == account && message.direction != Direction::Network
        })
        .ok_or_else(|| {
            Refusal::not_found(&format!("/2010-04-01/Accounts/{account}/Messages/{sid}.json"))
        })
}

/// The filters of the list. As at Twilio, there is no filter for the body.
struct Filter<'a> {
    account: &'a str,
    to: Option<&'a str>,
    from: Option<&'a str>,
    sent_from: Option<DateTime<Utc>>,
    sent_until: Option<DateTime<Utc>>,
}

impl<'a> Filter<'a> {
    fn of(account: &'a str, query: &'a Form) -> Result<Self, Refusal> {
        let date = |key: &str| query.filled(key).map(parse_date).transpose();
        let (mut sent_from, mut sent_until) = (date("DateSent>")?, date("DateSent<")?);
        if let Some(day) = date("DateSent")? {
            sent_from = Some(day);
            sent_until = Some(day + TimeDelta::days(1) - TimeDelta::milliseconds(1));
        }
        Ok(Self {
            account,
            to: query.filled("To"),
            from: query.filled("From"),
            sent_from,
            sent_until,
        })
    }

    /// The newest matches before an index. The messages of a handset are found through its index,
    /// without a scan of the log.
    fn find<'w>(&self, world: &'w World, before: usize, limit: usize) -> Vec<&'w Message> {
        let handset = [self.to, self.from]
            .into_iter()
            .flatten()
            .find(|address| world.number(without_channel(address)).is_none());
        let matches = |message: &&Message| {
            message.account_sid == self.account
                && message.direction != Direction::Network
                && self.to.is_none_or(|to| to == message.to)
                && self.from.is_none_or(|from| Some(from) == message.from.as_deref())
                && sent_between(message, self.sent_from, self.sent_until)
        };
        let get = |index: usize| world.log.get(index);
        if let Some(number) = handset {
            let indexes = world.log.indexes_of_handset(without_channel(number));
            let older = indexes.iter().rev().copied().filter(|index| *index < before);
            return older.filter_map(get).filter(matches).take(limit).collect();
        }
        let end = before.min(world.log.all().len());
        world.log.all()[..end].iter().rev().filter(matches).take(limit).collect()
    }
}

/// Parses a date or a time in UTC.
fn parse_date(raw: &str) -> Result<DateTime<Utc>, Refusal> {
    if let Ok(day) = raw.parse::<NaiveDate>() {
        return Ok(day.and_time(NaiveTime::MIN).and_utc());
    }
    DateTime::parse_from_rfc3339(raw).map(|time| time.to_utc()).map_err(|_| {
        Refusal::with(20001, format!("{raw} is not a date as YYYY-MM-DD or an ISO 8601 time"))
    })
}

/// `DELETE /2010-04-01/Accounts/{AC}/Messages/{SID}.json`: empties the text and keeps the message,
/// so that tests can still inspect the log.
pub(super) async fn delete(
    caller: Caller,
    path: Path<(String, String)>,
    shared: Data<Shared>,
) -> Result<HttpResponse, Refusal> {
    let account = caller.require_account(&path.0)?;
    let mut world = shared.world();
    let (index, message) = find_message(&world, account, &path.1)?;
    if matches!(
        message.status,
        Status::Accepted | Status::Scheduled | Status::Queued | Status::Sending
    ) {
        return Err(Refusal::with(20009, "Cannot delete this resource before it is complete"));
    }
    world.log.change(index, |message| message.body.clear());
    Ok(HttpResponse::NoContent().finish())
}
