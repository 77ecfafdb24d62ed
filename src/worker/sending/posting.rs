//! One call to Twilio for one claimed message.

use std::time::Instant;

use crate::{
    connections::SendingKeys,
    messages::{claim::Claimed, submit::Outcome},
    twilio::{Address, NewTwilioMessage, SendFrom, sid::ServiceSid},
    worker::Worker,
};

impl Worker {
    /// Calls Twilio once, and only once, for a claimed message.
    pub(super) async fn post(&self, claimed: Claimed, keys: &SendingKeys) -> Outcome {
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
        let answer = self.twilio.create_message(&keys.credentials, &message).await;
        let duration_ms = i32::try_from(started.elapsed().as_millis()).unwrap_or(i32::MAX);
        Outcome { claimed, answer, finished_at: self.clock.now(), duration_ms }
    }
}

/// What Twilio is told to send from.
fn send_from(address: &str) -> SendFrom {
    ServiceSid::parse(address).map_or_else(|_| SendFrom::Address(Address::parse(address)), SendFrom::Service)
}
