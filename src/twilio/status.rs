//! The statuses that Twilio gives a message, as they stand on the wire.

use serde::{Deserialize, Serialize};

/// A message's status in Twilio's words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TwilioStatus {
    /// A Messaging Service took the request and chooses a sender.
    Accepted,
    /// A Messaging Service will send it later.
    Scheduled,
    /// A scheduled message was canceled.
    Canceled,
    /// It waits for its sender's turn.
    Queued,
    /// It is being handed to the carrier.
    Sending,
    /// The nearest carrier took it.
    Sent,
    /// It could not be sent.
    Failed,
    /// The carrier, or the handset, confirmed it.
    Delivered,
    /// The carrier reported that it did not arrive.
    Undelivered,
    /// An inbound message is arriving.
    Receiving,
    /// An inbound message has arrived.
    Received,
    /// Deprecated: some of several messages were delivered.
    PartiallyDelivered,
    /// WhatsApp and RCS: the person opened it.
    Read,
    /// A status that Twilio has added since.
    Unknown(String),
}

const NAMES: [(&str, TwilioStatus); 13] = [
    ("accepted", TwilioStatus::Accepted),
    ("scheduled", TwilioStatus::Scheduled),
    ("canceled", TwilioStatus::Canceled),
    ("queued", TwilioStatus::Queued),
    ("sending", TwilioStatus::Sending),
    ("sent", TwilioStatus::Sent),
    ("failed", TwilioStatus::Failed),
    ("delivered", TwilioStatus::Delivered),
    ("undelivered", TwilioStatus::Undelivered),
    ("receiving", TwilioStatus::Receiving),
    ("received", TwilioStatus::Received),
    ("partially_delivered", TwilioStatus::PartiallyDelivered),
    ("read", TwilioStatus::Read),
];

impl TwilioStatus {
    /// Reads the wire form; what is not known is kept as it came.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map_or_else(|| Self::Unknown(text.to_owned()), |(_, status)| status.clone())
    }

    /// The wire form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => NAMES.iter().find(|(_, status)| status == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether nothing follows, except `read` after `delivered`.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Canceled | Self::Failed | Self::Delivered | Self::Undelivered | Self::Read
        )
    }
}

impl std::fmt::Display for TwilioStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<String> for TwilioStatus {
    fn from(text: String) -> Self {
        Self::parse(&text)
    }
}

impl From<TwilioStatus> for String {
    fn from(status: TwilioStatus) -> Self {
        status.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_reads_as_it_is_written() {
        for (name, status) in NAMES {
            assert_eq!(TwilioStatus::parse(name), status);
            assert_eq!(status.as_str(), name);
        }
    }

    #[test]
    fn a_new_status_is_kept_as_it_came() {
        let status = TwilioStatus::parse("teleported");
        assert_eq!(status, TwilioStatus::Unknown("teleported".to_owned()));
        assert_eq!(status.to_string(), "teleported");
        assert!(!status.is_final());
    }
}
