//! Inbound messages, as Twilio posts them to a webhook.

use super::parameters::{CallbackError, message_sid, owned};
use crate::twilio::address::Address;
use crate::twilio::sid::{AccountSid, MessageSid, ServiceSid};
use crate::twilio::webhook_form::Params;
use crate::types::http_url::HttpUrl;

/// An inbound message to a number of the account.
#[derive(Clone, PartialEq, Eq)]
pub struct InboundMessage {
    /// The message.
    pub message_sid: MessageSid,
    /// The account that received it.
    pub account_sid: AccountSid,
    /// The Messaging Service that the number belongs to.
    pub messaging_service_sid: Option<ServiceSid>,
    /// The sender.
    pub from: Address,
    /// The number of the account.
    pub to: Address,
    /// The text; blank for media only.
    pub body: String,
    /// Number of media that Twilio announced.
    pub num_media: u16,
    /// The media with an http or https URL; pages link to them.
    pub media: Vec<InboundMedia>,
    /// Number of SMS parts.
    pub num_segments: u16,
    /// The keyword that Twilio recognized and answered itself (Advanced Opt-Out).
    pub opt_out_type: Option<OptOut>,
    /// Name in the sender's WhatsApp profile.
    pub profile_name: Option<String>,
    /// Label of the quick reply button that was pressed.
    pub button_text: Option<String>,
    /// Payload that the sender assigned to the button.
    pub button_payload: Option<String>,
    /// SID of the message that this one replies to (WhatsApp).
    pub original_replied_message_sid: Option<MessageSid>,
}

/// An image or other file of an inbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboundMedia {
    /// URL at Twilio; may require the account's credentials.
    pub url: HttpUrl,
    /// Its media type, e.g. `image/jpeg`.
    pub content_type: Option<String>,
}

/// Twilio's `OptOutType`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOut {
    /// An opt-out keyword.
    Stop,
    /// An opt-in keyword.
    Start,
    /// A help keyword.
    Help,
}

/// Maximum number of media to read; Twilio sends at most 10.
const MAX_MEDIA: u16 = 32;

impl InboundMessage {
    /// Parses an inbound message; requires its SID, account, sender and recipient.
    pub fn parse(params: &Params<'_>) -> Result<Self, CallbackError> {
        let address =
            |key| params.truncated(key).map(Address::parse).ok_or(CallbackError::Missing(key));
        let number = |key| params.non_empty(key).and_then(|value| value.parse::<u16>().ok());
        let account_sid =
            params.non_empty("AccountSid").ok_or(CallbackError::Missing("AccountSid"))?;
        let num_media = number("NumMedia").unwrap_or(0);
        Ok(Self {
            message_sid: message_sid(params)?,
            account_sid: AccountSid::parse(account_sid)
                .map_err(|_| CallbackError::NotASid("AccountSid"))?,
            messaging_service_sid: params
                .non_empty("MessagingServiceSid")
                .and_then(|sid| ServiceSid::parse(sid).ok()),
            from: address("From")?,
            to: address("To")?,
            body: params.first("Body").unwrap_or_default().to_owned(),
            num_media,
            media: (0..num_media.min(MAX_MEDIA))
                .filter_map(|index| medium(params, index))
                .collect(),
            num_segments: number("NumSegments").unwrap_or(1),
            opt_out_type: params.non_empty("OptOutType").and_then(OptOut::parse),
            profile_name: owned(params, "ProfileName"),
            button_text: owned(params, "ButtonText"),
            button_payload: owned(params, "ButtonPayload"),
            original_replied_message_sid: params
                .non_empty("OriginalRepliedMessageSid")
                .and_then(|sid| MessageSid::parse(sid).ok()),
        })
    }
}

impl OptOut {
    /// Parses `STOP`, `START` or `HELP`.
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

/// Omits the text and the sender's name.
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

fn medium(params: &Params<'_>, index: u16) -> Option<InboundMedia> {
    let url = HttpUrl::parse(params.non_empty(&format!("MediaUrl{index}"))?).ok()?;
    Some(InboundMedia { url, content_type: owned(params, &format!("MediaContentType{index}")) })
}
