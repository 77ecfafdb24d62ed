//! Results of reported events.

use serde::Serialize;
use utoipa::ToSchema;

use super::event_batches::Answer;
use crate::error::FieldErrors;
use crate::events::{Recency, RecordOutcome};
use crate::types::id::EventId;

/// The result of a reported event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventResult {
    /// The index in the request; only among several results.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    /// `recorded`, `repeat` or, among several, `error`.
    status: &'static str,
    /// Why it started nothing, although it was recorded: `too_old` (`occurred_at` is over 24 hours
    /// ago; only triggers whose `max_age_seconds` allows it have started) or `in_future` (over 5
    /// minutes ahead). Left out of recent events.
    #[serde(skip_serializing_if = "Option::is_none")]
    timing: Option<&'static str>,
    /// The id of the event; for a repeat, of the one that was recorded first.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "uuid")]
    id: Option<EventId>,
    /// How many automations it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    enrollments: Option<usize>,
    /// A warning about a recorded event, such as a phone number that is not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// Why the event was not recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<EventError>,
}

/// Why one of several events was not recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventError {
    code: &'static str,
    message: &'static str,
    #[schema(value_type = std::collections::BTreeMap<String, Vec<String>>)]
    fields: FieldErrors,
}

/// The results of several events, in their order.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EventResults {
    pub(super) results: Vec<EventResult>,
}

/// Remarks on an event, in addition to its result.
#[derive(Debug)]
pub(super) struct Remarks {
    pub(super) timing: Recency,
    pub(super) warning: Option<String>,
}

/// Merges the responses of parsed events with the errors of the others, in the order of the
/// request.
pub(super) fn results(
    readings: Vec<Result<Remarks, FieldErrors>>,
    answers: Vec<Answer>,
) -> Vec<EventResult> {
    let mut answers = answers.into_iter();
    let result = |reading: Result<Remarks, FieldErrors>| match reading {
        Err(fields) => EventResult::error(fields),
        Ok(remarks) => answers.next().map_or_else(
            || EventResult::error(FieldErrors::default()),
            |answer| EventResult::of(answer, remarks),
        ),
    };
    let mut results: Vec<EventResult> = readings.into_iter().map(result).collect();
    for (index, result) in results.iter_mut().enumerate() {
        result.index = Some(index);
    }
    results
}

impl EventResult {
    pub(super) fn of((recorded, started): Answer, remarks: Remarks) -> Self {
        let timing = match remarks.timing {
            Recency::Recent => None,
            Recency::TooOld => Some("too_old"),
            Recency::InFuture => Some("in_future"),
        };
        let warning = remarks.warning;
        let stored = |status, id| Self {
            index: None,
            status,
            timing: None,
            id: Some(id),
            enrollments: Some(started),
            warning,
            error: None,
        };
        match recorded {
            RecordOutcome::New(id) => Self { timing, ..stored("recorded", id) },
            RecordOutcome::Repeat(id) => stored("repeat", id),
            RecordOutcome::Refused(fields) => Self::error(fields),
        }
    }

    const fn error(fields: FieldErrors) -> Self {
        let message = "Some fields are invalid. `fields` says which and why.";
        let error = EventError { code: "invalid_fields", message, fields };
        Self {
            index: None,
            status: "error",
            timing: None,
            id: None,
            enrollments: None,
            warning: None,
            error: Some(error),
        }
    }
}
