//! A message as Twilio knows it, and its JSON.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

/// One SMS, MMS or WhatsApp message that the simulator has recorded.
#[derive(Clone, Debug, Serialize)]
pub struct Message {
    /// `SM` (with media `MM`) and 32 hexadecimal digits.
    pub sid: String,
    /// The account that owns it.
    pub account_sid: String,
    /// Which way it went.
    pub direction: Direction,
    /// The sender; `None` until a service has chosen one.
    pub from: Option<String>,
    /// The receiver.
    pub to: String,
    /// The text; empty once redacted.
    pub body: String,
    /// Addresses of pictures and the like.
    pub media: Vec<String>,
    /// The current status.
    pub status: Status,
    /// Why it failed, or was not delivered.
    pub error_code: Option<u32>,
    /// SMS parts (Twilio's `num_segments`).
    pub parts: u16,
    /// The Messaging Service that it was sent through or came in by.
    pub service_sid: Option<String>,
    /// Where its status is reported, with the fragment that Twilio reads as settings.
    pub status_callback: Option<String>,
    /// When it is to be sent, if it was scheduled.
    pub send_at: Option<DateTime<Utc>>,
    /// For how many seconds it may wait to be sent, if the request said so.
    pub validity_period: Option<u32>,
    /// When the request was recorded.
    pub created: DateTime<Utc>,
    /// When the status changed last.
    pub updated: DateTime<Utc>,
    /// When it was sent.
    pub sent: Option<DateTime<Utc>>,
    /// What became of the inbound webhook, in words; `None` for outbound messages.
    pub webhook: Option<String>,
}

/// Which way a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From a handset.
    Inbound,
    /// Sent through the API.
    OutboundApi,
    /// An answer that Twilio gave by itself, or by `TwiML`.
    OutboundReply,
    /// An answer of the toll-free network: seen on the handset only, the API does not know it.
    Network,
}

/// Twilio's names for the state of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// A service is choosing the sender.
    Accepted,
    /// A service sends it later.
    Scheduled,
    /// It was scheduled, and will not be sent.
    Canceled,
    /// It waits for its turn.
    Queued,
    /// It is being handed to the carrier.
    Sending,
    /// The carrier has it.
    Sent,
    /// The handset has it.
    Delivered,
    /// The carrier could not deliver it.
    Undelivered,
    /// It could not be sent.
    Failed,
    /// The person opened it (WhatsApp).
    Read,
    /// It came from a handset.
    Received,
}

impl Status {
    /// Twilio's name.
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
    /// Twilio's name.
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
    /// The number of the handset that takes part, without its channel.
    #[must_use]
    pub fn handset(&self) -> &str {
        bare(if self.direction == Direction::Inbound {
            self.from.as_deref().unwrap_or_default()
        } else {
            &self.to
        })
    }

    /// The Message resource, shaped as Twilio documents it.
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
            // Twilio bills a message when it goes out. The figure is the simulator's own.
            "price": self.sent.map(|_| format!("-{:.5}", f64::from(self.parts) * 0.0079)),
            "price_unit": "USD",
            "error_code": self.error_code,
            "error_message": self.error_code.map(super::answer::meaning),
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

/// An address without its channel: `whatsapp:+1…` becomes `+1…`.
pub(super) fn bare(address: &str) -> &str {
    address.strip_prefix("whatsapp:").unwrap_or(address)
}

/// A time as Twilio writes it: `Fri, 24 May 2024 17:18:27 +0000`.
pub(super) fn rfc2822(time: DateTime<Utc>) -> String {
    time.format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}

/// A new identifier: two letters and 32 random hexadecimal digits.
pub(super) fn new_sid(prefix: &str) -> String {
    format!("{prefix}{:032x}", rand::random::<u128>())
}
