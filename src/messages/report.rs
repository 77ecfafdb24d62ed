//! Reports: what Twilio, or Carillon itself, says of a message's status, and how it came to be
//! known.

use crate::twilio::TwilioStatus;
use crate::types::id::{ConnectionId, MessageId};
use crate::types::json_text::JsonText;
use crate::types::text_enum::text_enum;

text_enum! {
    /// How a status came to be known.
    pub enum ReportSource {
        /// We decided it.
        Carillon = "carillon",
        /// Twilio's answer to our request.
        Response = "response",
        /// Twilio called us.
        Callback = "callback",
        /// We asked Twilio.
        Lookup = "lookup",
    }
}

/// One report of a message's status, from Twilio.
#[derive(Debug, Clone)]
pub struct Report {
    /// Our message, from the URL that Twilio called or from the question that we asked.
    pub message_id: MessageId,
    /// The connection through which the report came; a message of another one is not moved by it.
    pub connection_id: ConnectionId,
    /// Twilio's id of the message.
    pub twilio_sid: String,
    /// What Twilio says; a status that we do not know is kept and moves nothing.
    pub status: TwilioStatus,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// What it was sent from; a Messaging Service chooses only after it has accepted the message.
    pub from_address: Option<String>,
    /// How it came.
    pub source: ReportSource,
    /// Everything that Twilio said, as a JSON object.
    pub params: JsonText,
}
