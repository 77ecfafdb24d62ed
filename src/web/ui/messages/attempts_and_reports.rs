//! The raw data of a message's delivery: each POST to Twilio, and each status report.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::messages::attempt::{Attempt, AttemptOutcome};
use crate::messages::log::status_history::StatusEntry;
use crate::messages::status_reports::ReportSource;
use crate::types::id::WorkerId;

/// A POST to Twilio.
#[derive(Debug, Serialize)]
pub(super) struct AttemptRow {
    number: i16,
    /// The worker process: its host while it runs, else the end of its id.
    worker: String,
    claimed_at: DateTime<Utc>,
    duration_ms: Option<i32>,
    outcome: &'static str,
    http_status: Option<i16>,
    error_code: Option<i32>,
    request_id: Option<String>,
}

/// A status report with all its parameters.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct ReportRow {
    at: DateTime<Utc>,
    status: String,
    /// The source: `callback` or `lookup`.
    source: ReportSource,
    applied: bool,
    params: Vec<(String, String)>,
}

impl AttemptRow {
    /// Describes an attempt; `workers` maps running workers to their names.
    pub(super) fn of(attempt: &Attempt, workers: &HashMap<WorkerId, String>) -> Self {
        let worker = workers.get(&attempt.worker_id).cloned();
        Self {
            number: attempt.number,
            worker: worker.unwrap_or_else(|| short_id(attempt.worker_id)),
            claimed_at: attempt.claimed_at,
            duration_ms: attempt.duration_ms,
            outcome: match attempt.outcome {
                None => "No answer yet",
                Some(AttemptOutcome::Accepted) => "Accepted",
                Some(AttemptOutcome::Refused) => "Refused",
                Some(AttemptOutcome::Busy) => "Too busy",
                Some(AttemptOutcome::NotSent) => "Not reached",
                Some(AttemptOutcome::HeldBack) => "Held back",
                Some(AttemptOutcome::Unknown) if attempt.http_status.is_some() => "Unclear answer",
                Some(AttemptOutcome::Unknown) if attempt.duration_ms.is_none() => "Interrupted",
                Some(AttemptOutcome::Unknown) => "No answer",
            },
            http_status: attempt.http_status,
            error_code: attempt.error_code,
            request_id: attempt.twilio_request_id.clone(),
        }
    }
}

impl ReportRow {
    /// Describes a report, if its parameters were stored.
    pub(super) fn of(entry: &StatusEntry) -> Option<Self> {
        let params = entry.params.as_ref()?.as_object()?;
        Some(Self {
            at: entry.at,
            status: entry.status.clone(),
            source: entry.source,
            applied: entry.applied,
            params: params.iter().map(|(name, value)| (name.clone(), value_text(value))).collect(),
        })
    }
}

/// The end of a worker's id: its beginning is a timestamp, which many share.
fn short_id(worker: WorkerId) -> String {
    let id = worker.0.simple().to_string();
    format!("…{}", &id[id.len() - 8..])
}

/// The text of a parameter's value; a repeated parameter is a list.
fn value_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(values) => values.iter().map(value_text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_shown_with_its_parameters() {
        let params = json!({ "MessageStatus": "sent", "To": ["+1", "+2"], "ErrorCode": null });
        let entry = StatusEntry {
            status: "sent".to_owned(),
            at: DateTime::UNIX_EPOCH,
            source: ReportSource::Callback,
            error_code: None,
            applied: true,
            params: Some(params),
        };
        let row = ReportRow::of(&entry).unwrap();
        let value = |name: &str| {
            row.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(
            (value("MessageStatus"), value("To"), value("ErrorCode")),
            (Some("sent"), Some("+1, +2"), Some(""))
        );
        assert_eq!(ReportRow::of(&StatusEntry { params: None, ..entry }), None);
    }
}
