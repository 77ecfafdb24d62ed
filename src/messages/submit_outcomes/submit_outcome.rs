//! [`SubmitOutcome`]: the outcome of one attempt, with the claim that it used up.

use chrono::{DateTime, Utc};

use crate::messages::claim::ClaimedMessage;
use crate::twilio::{CreatedMessage, SendError};

/// The outcome of one attempt.
#[derive(Debug)]
pub struct SubmitOutcome {
    /// The claim that the attempt used up.
    pub claimed: ClaimedMessage,
    /// Twilio's response, or why there is none.
    pub answer: Result<CreatedMessage, SendError>,
    /// When the outcome was known.
    pub finished_at: DateTime<Utc>,
    /// How long the call took, in milliseconds.
    pub duration_ms: i32,
}

impl SubmitOutcome {
    /// Whether the attempt certainly sent nothing, and its outcome says nothing else about the
    /// message.
    pub(super) const fn sent_nothing(&self) -> bool {
        matches!(
            self.answer,
            Err(SendError::NotSent { .. } | SendError::TooLate { .. } | SendError::Busy { .. })
        )
    }
    /// Twilio's id of the request, if it answered.
    pub(super) fn request_id(&self) -> Option<&str> {
        let exchange = match &self.answer {
            Ok(created) => &created.exchange,
            Err(error) => error.exchange(),
        };
        exchange.request_id.as_deref()
    }
}
