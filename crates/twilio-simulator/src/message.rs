//! The Message resource: its fields, its statuses and its JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// A recorded SMS, MMS or WhatsApp message.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `SM`, or `MM` with media, and 32 hexadecimal digits.
    pub sid: String,
    /// The SID of the owning account.
    pub account_sid: String,
    /// The direction of the message.
    pub direction: Direction,
    /// The sender; `None` until a service has chosen one.
    pub from: Option<String>,
    /// The recipient.
    pub to: String,
    /// The text; empty once redacted.
    pub body: String,
    /// The URLs of the media.
    pub media: Vec<String>,
    /// The current status.
    pub status: Status,
    /// Twilio's error code of a failed or undelivered message.
    pub error_code: Option<u32>,
    /// The number of SMS parts (Twilio's `num_segments`).
    pub parts: u16,
    /// The Messaging Service that sent or received the message.
    pub service_sid: Option<String>,
    /// The status callback URL, with the fragment that holds Twilio's connection settings.
    pub status_callback: Option<String>,
    /// The scheduled time of a scheduled message.
    pub send_at: Option<DateTime<Utc>>,
    /// How long the message may wait to be sent, in seconds, if the request limits it.
    pub validity_period: Option<u32>,
    /// When the request was recorded.
    pub created: DateTime<Utc>,
    /// When the status last changed.
    pub updated: DateTime<Utc>,
    /// When the message was sent.
    pub sent: Option<DateTime<Utc>>,
    /// The result of the inbound webhook, in words; `None` for outbound messages.
    pub webhook: Option<String>,
    /// The idempotency token of all calls of the inbound webhook, as at Twilio.
    #[serde(skip)]
    pub(super) webhook_token: Option<String>,
}

/// The direction of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a handset.
    Inbound,
    /// Sent through the API.
    OutboundApi,
    /// An automatic reply of Twilio, or a `TwiML` message.
    OutboundReply,
    /// An automatic reply of the toll-free network: visible on the handset, not in the API.
    Network,
}

/// Twilio's names for the state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A service is choosing the sender.
    Accepted,
    /// A service holds the message until its scheduled time.
    Scheduled,
    /// A scheduled message was canceled.
    Canceled,
    /// The message is queued at its sender.
    Queued,
    /// Twilio is passing the message to the carrier.
    Sending,
    /// The carrier has accepted the message.
    Sent,
    /// The handset has received the message.
    Delivered,
    /// The carrier could not deliver the message.
    Undelivered,
    /// The message could not be sent.
    Failed,
    /// The recipient has opened the message (WhatsApp).
    Read,
    /// The message is inbound.
    Received,
}

impl Status {
    /// Twilio's name of the status.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Canceled => "canceled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Undelivered => "undelivered",
            Self::Failed => "failed",
            Self::Read => "read",
            Self::Received => "received",
        }
    }
}

impl Direction {
    /// Twilio's name of the direction.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::OutboundApi => "outbound-api",
            Self::OutboundReply | Self::Network => "outbound-reply",
        }
    }
}

impl Message {
    /// The number of the handset that sent or receives the message, without the channel prefix.
    #[must_use]
    pub fn handset(&self) -> &str {
        without_channel(if self.direction == Direction::Inbound {
            self.from.as_deref().unwrap_or_default()
        } else {
            &self.to
        })
    }

    /// The JSON of the Message resource, as Twilio documents it.
    pub(super) fn json(&self) -> Value {
        let uri = format!("/2010-04-01/Accounts/{}/Messages/{}", self.account_sid, self.sid);
        json!({
            "body": self.body,
            "num_segments": self.parts.to_string(),
            "direction": self.direction.as_str(),
            "from": self.from.as_deref(),
            "to": self.to,
            "date_created": rfc2822(self.created),
            "date_updated": rfc2822(self.updated),
            "date_sent": self.sent.map(rfc2822),
            // Twilio sets the price when the message is sent. The amount per part is invented.
            "price": self.sent.map(|_| format!("-{:.5}", f64::from(self.parts) * 0.0079)),
            "price_unit": "USD",
            "error_code": self.error_code,
            "error_message": self.error_code.map(super::refusal::meaning),
            "uri": format!("{uri}.json"),
            "account_sid": self.account_sid,
            "num_media": self.media.len().to_string(),
            "status": self.status.as_str(),
            "messaging_service_sid": self.service_sid.as_deref(),
            "sid": self.sid,
            "api_version": "2010-04-01",
            "subresource_uris": {
                "media": format!("{uri}/Media.json"),
                "feedback": format!("{uri}/Feedback.json"),
            },
        })
    }
}

/// An address without its channel prefix: `whatsapp:+1…` becomes `+1…`.
pub(super) fn without_channel(address: &str) -> &str {
    address.strip_prefix("whatsapp:").unwrap_or(address)
}

/// Formats a time as Twilio does: `Fri, 24 May 2024 17:18:27 +0000`.
pub(super) fn rfc2822(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A new SID: the prefix and 32 random hexadecimal digits.
pub(super) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{:032x}", rand::random::<u128>())
}
