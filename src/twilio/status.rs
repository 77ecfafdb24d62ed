//! The status of a message in Twilio's wire format.

use serde::{Deserialize, Serialize};

/// Twilio's status of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TwilioStatus {
    /// A Messaging Service accepted the request and chooses a sender.
    Accepted,
    /// A Messaging Service will send it later.
    Scheduled,
    /// A scheduled message was canceled.
    Canceled,
    /// Waiting in its sender's queue.
    Queued,
    /// Being sent to the carrier.
    Sending,
    /// The nearest carrier accepted it.
    Sent,
    /// Could not be sent.
    Failed,
    /// Confirmed by the carrier or the handset.
    Delivered,
    /// Reported as not delivered by the carrier.
    Undelivered,
    /// An inbound message is arriving.
    Receiving,
    /// An inbound message has arrived.
    Received,
    /// Deprecated: some of several messages were delivered.
    PartiallyDelivered,
    /// WhatsApp and RCS: the recipient opened it.
    Read,
    /// A status that Carillon does not know.
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
    /// Parses the wire format; an unknown status is kept verbatim.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        NAMES
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(text))
            .map_or_else(|| Self::Unknown(text.to_owned()), |(_, status)| status.clone())
    }

    /// The status in wire format.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Unknown(text) => text,
            known => NAMES.iter().find(|(_, status)| status == known).map_or("", |(name, _)| name),
        }
    }

    /// Whether the status is final, except that `read` may follow `delivered`.
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
    fn every_status_survives_a_round_trip() {
        for (name, status) in NAMES {
            assert_eq!(TwilioStatus::parse(name), status);
            assert_eq!(status.as_str(), name);
        }
    }

    #[test]
    fn an_unknown_status_is_kept_verbatim() {
        let status = TwilioStatus::parse("teleported");
        assert_eq!(status, TwilioStatus::Unknown("teleported".to_owned()));
        assert_eq!(status.to_string(), "teleported");
        assert!(!status.is_final());
    }
}
