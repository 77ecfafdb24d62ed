//! The story of a message: composed, each attempt, each report, in the order in which they
//! happened.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use crate::db::Conn;
use crate::db::schema::delivery_events;
use crate::error::Result;
use crate::messages::attempt;
use crate::messages::message::{Direction, Message};
use crate::messages::report::ReportSource;
use crate::messages::status::MessageStatus;

/// One entry of a message's story.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusEvent {
    /// Twilio's word or ours, as it was reported.
    pub status: String,
    /// When we learnt it.
    pub at: DateTime<Utc>,
    /// How we learnt it.
    pub source: ReportSource,
    /// The error code that came with it.
    pub error_code: Option<i32>,
    /// Whether it moved the status.
    pub applied: bool,
    /// The report as it came.
    pub params: Option<Value>,
}

/// The story of a message: composed, each attempt, each report, in the order in which they
/// happened.
pub async fn events(conn: &mut Conn, message: &Message) -> Result<Vec<StatusEvent>> {
    type Row = (String, DateTime<Utc>, ReportSource, Option<i32>, bool, Option<Value>);
    let reports: Vec<Row> = delivery_events::table
        .filter(delivery_events::message_id.eq(message.id))
        .order(delivery_events::id)
        .select((
            delivery_events::status,
            delivery_events::received_at,
            delivery_events::source,
            delivery_events::error_code,
            delivery_events::applied,
            delivery_events::params,
        ))
        .load(conn)
        .await?;
    let own = |status: MessageStatus, at| StatusEvent {
        status: status.to_string(),
        at,
        source: ReportSource::Carillon,
        error_code: None,
        applied: true,
        params: None,
    };
    let mut story = Vec::new();
    match message.direction {
        Direction::Inbound => story.push(own(MessageStatus::Received, message.created_at)),
        Direction::Outbound => story.push(own(MessageStatus::Pending, message.created_at)),
    }
    story.extend(
        attempt::of_message(conn, message.id)
            .await?
            .iter()
            .map(|attempt| own(MessageStatus::Submitting, attempt.claimed_at)),
    );
    story.extend(reports.into_iter().map(|(status, at, source, error_code, applied, params)| {
        StatusEvent { status, at, source, error_code, applied, params }
    }));
    // Stable: what happened in the same microsecond keeps the order above, which is the order of
    // cause and effect.
    story.sort_by_key(|event| event.at);
    Ok(story)
}
