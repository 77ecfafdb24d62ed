//! The parameters that all callbacks have in common, and why they are invalid.

use crate::twilio::sid::MessageSid;
use crate::twilio::webhook_form::Params;

/// Why a form is not a valid callback.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A required parameter is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter is not a SID.
    #[error("{0} is not a SID")]
    NotASid(&'static str),
}

/// The message's SID, under any of its three names.
pub(super) fn message_sid(params: &Params<'_>) -> Result<MessageSid, CallbackError> {
    let sid =
        ["MessageSid", "SmsSid", "SmsMessageSid"].into_iter().find_map(|key| params.non_empty(key));
    MessageSid::parse(sid.ok_or(CallbackError::Missing("MessageSid"))?)
        .map_err(|_| CallbackError::NotASid("MessageSid"))
}

/// The first value of a parameter, unless it is empty, truncated to 255 characters.
pub(super) fn owned(params: &Params<'_>, key: &str) -> Option<String> {
    params.truncated(key).map(str::to_owned)
}
