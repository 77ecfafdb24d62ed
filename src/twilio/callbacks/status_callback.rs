//! Status callbacks: reports of an outbound message's new status.

use super::parameters::{CallbackError, message_sid, owned};
use crate::twilio::sid::MessageSid;
use crate::twilio::status::TwilioStatus;
use crate::twilio::webhook_form::Params;

/// A status callback: a new status of an outbound message.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusCallback {
    /// The message.
    pub message_sid: MessageSid,
    /// The new status.
    pub status: TwilioStatus,
    /// Why it failed or was not delivered; see [`crate::twilio::error_codes::lookup`].
    pub error_code: Option<i32>,
    /// The sender in wire format; with a Messaging Service, the one that it chose.
    pub from: Option<String>,
}

impl StatusCallback {
    /// Parses a status callback; requires the message's SID and its status.
    pub fn parse(params: &Params<'_>) -> Result<Self, CallbackError> {
        let status = params.truncated("MessageStatus").or_else(|| params.truncated("SmsStatus"));
        Ok(Self {
            message_sid: message_sid(params)?,
            status: TwilioStatus::parse(status.ok_or(CallbackError::Missing("MessageStatus"))?),
            error_code: params
                .non_empty("ErrorCode")
                .and_then(|code| code.trim().parse().ok())
                .filter(|code| *code != 0),
            from: owned(params, "From"),
        })
    }
}
