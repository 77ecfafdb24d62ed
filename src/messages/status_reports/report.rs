//! [`Report`]: a status report about a message, from Twilio or from Carillon itself, with its
//! source.

use crate::twilio::{Address, TwilioMessage, TwilioStatus};
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;
use crate::types::text_enum::text_enum;

text_enum! {
    /// Where a status report comes from.
    pub enum ReportSource {
        /// Carillon's own decision.
        Carillon = "carillon",
        /// Twilio's response to our request.
        Response = "response",
        /// A status callback from Twilio.
        Callback = "callback",
        /// A lookup at Twilio.
        Lookup = "lookup",
    }
}

/// One report of a message's status, from Twilio.
#[derive(Debug, Clone)]
pub struct Report {
    /// Our message, from the URL of the callback or from the lookup.
    pub message_id: MessageId,
    /// The connection that the report came through; it cannot move a message of another connection.
    pub connection_id: ConnectionId,
    /// Twilio's SID of the message.
    pub twilio_sid: String,
    /// Twilio's status; an unknown one is stored and moves nothing.
    pub status: TwilioStatus,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// The sender's address; a Messaging Service chooses it only after it has accepted the message.
    pub from_address: Option<String>,
    /// How the report came.
    pub source: ReportSource,
    /// All parameters of the report, as a JSON object.
    pub params: JsonText,
}

impl Report {
    /// The report of what a lookup at Twilio shows of one of our messages.
    #[must_use]
    pub fn of_lookup(
        message_id: MessageId,
        connection_id: ConnectionId,
        shown: &TwilioMessage,
    ) -> Self {
        Self {
            message_id,
            connection_id,
            twilio_sid: shown.sid.to_string(),
            status: shown.status.clone(),
            error_code: shown.error_code,
            from_address: shown.from.as_ref().map(Address::to_wire),
            source: ReportSource::Lookup,
            params: JsonText::from(&serde_json::json!({
                "MessageSid": shown.sid.as_str(),
                "MessageStatus": shown.status.as_str(),
                "ErrorCode": shown.error_code,
            })),
        }
    }

    /// Whether the report can change nothing but its message's status.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.error_code.is_none()
    }
}
