//! What Twilio posts to the hooks, typed: status callbacks and inbound messages. Unknown parameters
//! are ignored.

use super::address::Address;
use super::form::Params;
use super::sid::{AccountSid, MessageSid, ServiceSid};
use super::status::TwilioStatus;
use crate::types::http_url::HttpUrl;

/// A change of an outbound message's status.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusCallback {
    /// The message.
    pub message_sid: MessageSid,
    /// The new status.
    pub status: TwilioStatus,
    /// Why it failed or was not delivered; see [`super::errors::lookup`].
    pub error_code: Option<i32>,
    /// The sender as the wire writes it; a service's choice shows here.
    pub from: Option<String>,
}

/// A message that a person sent to a number of the account.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// The message.
    pub message_sid: MessageSid,
    /// The account that received it.
    pub account_sid: AccountSid,
    /// The Messaging Service that the number belongs to.
    pub messaging_service_sid: Option<ServiceSid>,
    /// The person.
    pub from: Address,
    /// The number of the account.
    pub to: Address,
    /// The text; blank for a picture alone.
    pub body: String,
    /// How many media Twilio announced.
    pub num_media: u16,
    /// Those that it named by an http or https address; pages link to them.
    pub media: Vec<InboundMedia>,
    /// Parts that the text took.
    pub num_segments: u16,
    /// The command that Twilio recognised and answered itself (Advanced Opt-Out).
    pub opt_out_type: Option<OptOut>,
    /// The name in the person's WhatsApp profile.
    pub profile_name: Option<String>,
    /// The label of the quick reply button that was pressed.
    pub button_text: Option<String>,
    /// What the sender of the button named it.
    pub button_payload: Option<String>,
    /// The message that this one answers (WhatsApp).
    pub original_replied_message_sid: Option<MessageSid>,
}

/// A picture or another file that came with an inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMedia {
    /// Where Twilio keeps it; may need the account's credentials.
    pub url: HttpUrl,
    /// Its media type, e.g. `image/jpeg`.
    pub content_type: Option<String>,
}

/// Twilio's `OptOutType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// An opt-out word.
    Stop,
    /// An opt-in word.
    Start,
    /// A help word.
    Help,
}

/// Why a form is no callback that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A parameter without which the callback means nothing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A parameter that is no SID.
    #[error("{0} is not a SID")]
    NotASid(&'static str),
}

/// Media beyond this are not read; Twilio sends at most 10.
const MAX_MEDIA: u16 = 32;

impl StatusCallback {
    /// Reads a status callback; needs the message's SID and its status.
    pub fn parse(params: &Params<'_>) -> Result<Self, CallbackError> {
        let status = params.word("MessageStatus").or_else(|| params.word("SmsStatus"));
        Ok(Self {
            message_sid: message_sid(params)?,
            status: TwilioStatus::parse(status.ok_or(CallbackError::Missing("MessageStatus"))?),
            error_code: params
                .filled("ErrorCode")
                .and_then(|code| code.trim().parse().ok())
                .filter(|code| *code != 0),
            from: owned(params, "From"),
        })
    }
}

impl InboundMessage {
    /// Reads an inbound message; needs its SID, account, sender and receiver.
    pub fn parse(params: &Params<'_>) -> Result<Self, CallbackError> {
        let address = |key| params.word(key).map(Address::parse).ok_or(CallbackError::Missing(key));
        let number = |key| params.filled(key).and_then(|value| value.parse::<u16>().ok());
        let account_sid =
            params.filled("AccountSid").ok_or(CallbackError::Missing("AccountSid"))?;
        let num_media = number("NumMedia").unwrap_or(0);
        Ok(Self {
            message_sid: message_sid(params)?,
            account_sid: AccountSid::parse(account_sid)
                .map_err(|_| CallbackError::NotASid("AccountSid"))?,
            messaging_service_sid: params
                .filled("MessagingServiceSid")
                .and_then(|sid| ServiceSid::parse(sid).ok()),
            from: address("From")?,
            to: address("To")?,
            body: params.first("Body").unwrap_or_default().to_owned(),
            num_media,
            media: (0..num_media.min(MAX_MEDIA))
                .filter_map(|index| medium(params, index))
                .collect(),
            num_segments: number("NumSegments").unwrap_or(1),
            opt_out_type: params.filled("OptOutType").and_then(OptOut::parse),
            profile_name: owned(params, "ProfileName"),
            button_text: owned(params, "ButtonText"),
            button_payload: owned(params, "ButtonPayload"),
            original_replied_message_sid: params
                .filled("OriginalRepliedMessageSid")
                .and_then(|sid| MessageSid::parse(sid).ok()),
        })
    }
}

impl OptOut {
    /// Reads `STOP`, `START` or `HELP`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_uppercase().as_str() {
            "STOP" => Some(Self::Stop),
            "START" => Some(Self::Start),
            "HELP" => Some(Self::Help),
            _ => None,
        }
    }
}

/// Hides the text and the person's name.
impl std::fmt::Debug for InboundMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InboundMessage")
            .field("message_sid", &self.message_sid)
            .field("account_sid", &self.account_sid)
            .field("from", &self.from)
            .field("to", &self.to)
            .field("num_media", &self.num_media)
            .field("opt_out_type", &self.opt_out_type)
            .finish_non_exhaustive()
    }
}

/// The SID under any of its three names.
fn message_sid(params: &Params<'_>) -> Result<MessageSid, CallbackError> {
    let sid =
        ["MessageSid", "SmsSid", "SmsMessageSid"].into_iter().find_map(|key| params.filled(key));
    MessageSid::parse(sid.ok_or(CallbackError::Missing("MessageSid"))?)
        .map_err(|_| CallbackError::NotASid("MessageSid"))
}

fn owned(params: &Params<'_>, key: &str) -> Option<String> {
    params.word(key).map(str::to_owned)
}

fn medium(params: &Params<'_>, index: u16) -> Option<InboundMedia> {
    let url = HttpUrl::parse(params.filled(&format!("MediaUrl{index}"))?).ok()?;
    Some(InboundMedia { url, content_type: owned(params, &format!("MediaContentType{index}")) })
}

#[cfg(test)]
mod tests;
