//! Status reports about a message, from Twilio or from Carillon itself, and their source.

use crate::twilio::TwilioStatus;
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;
use crate::types::text_enum::text_enum;

text_enum! {
    /// Where a status report comes from.
    pub enum ReportSource {
        /// Carillon's own decision.
        Carillon = "carillon",
        /// Twilio's answer to our request.
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
