//! What came of one attempt: the claim that it used up, and what Twilio answered.

use chrono::{DateTime, Utc};

use crate::messages::claim::Claimed;
use crate::twilio::{CreatedMessage, SendError};

/// What came of one attempt.
#[derive(Debug)]
pub struct SubmitOutcome {
    /// The claim that the attempt used up.
    pub claimed: Claimed,
    /// Twilio's answer, or why there is none.
    pub answer: Result<CreatedMessage, SendError>,
    /// When it was known.
    pub finished_at: DateTime<Utc>,
    /// How long Twilio took, in milliseconds.
    pub duration_ms: i32,
}

impl SubmitOutcome {
    /// Whether it is certain that the attempt sent nothing, and says nothing about the message
    /// besides.
    pub(super) const fn sent_nothing(&self) -> bool {
        matches!(
            self.answer,
            Err(SendError::NotSent { .. } | SendError::TooLate { .. } | SendError::Busy { .. })
        )
    }
}
