//! One call to Twilio for one claimed message.

use std::time::{Duration, Instant};

use crate::connections::SendingKeys;
use crate::messages::claim::ClaimedMessage;
use crate::messages::submit_outcomes::SubmitOutcome;
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Address, NewTwilioMessage, SendError, SendFrom};
use crate::worker::Worker;

/// How long the checks of a claim remain valid: no STOP, and nothing switched off. Long enough for
/// a connection to the other side of the world; a worker that was suspended in the meantime has to
/// claim again.
const CLAIM_VALIDITY: Duration = Duration::from_secs(2);

impl Worker {
    /// Calls Twilio once, and only once, for a claimed message; not at all if the checks of its
    /// claim are out of date.
    pub(super) async fn post(&self, claimed: ClaimedMessage, keys: &SendingKeys) -> SubmitOutcome {
        let started = Instant::now();
        let status_callback = keys.hook.status(&self.public_url, claimed.message_id);
        let message = NewTwilioMessage {
            to: Address::parse(&claimed.to_address),
            from: send_from(&claimed.sender_address),
            body: Some(claimed.body.clone()).filter(|body| !body.is_empty()),
            media_urls: claimed.media_urls.clone(),
            status_callback: Some(status_callback),
            validity_period: Some(claimed.validity_seconds),
        };
        let before = self.lease.at_most_until_end(claimed.checked_at.after(CLAIM_VALIDITY));
        let answer = self.twilio.create_message(&keys.credentials, &message, before).await;
        if matches!(answer, Err(SendError::TooLate { .. })) {
            tracing::warn!(
                message.id = %claimed.message_id,
                attempt = claimed.attempt,
                "a message was held back, because its claim is too old"
            );
            // If connecting takes too long, the next attempt would take as long.
            if claimed.attempt > 1 {
                self.twilio.prepare_connection().await;
            }
        }
        let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
        SubmitOutcome { claimed, answer, finished_at: self.clock.now(), duration_ms }
    }
}

/// What Twilio sends the message from.
fn send_from(address: &str) -> SendFrom {
    ServiceSid::parse(address)
        .map_or_else(|_| SendFrom::Address(Address::parse(address)), SendFrom::Service)
}
