//! Creates messages at Twilio, which sends them.

use super::read::TwilioMessage;
use crate::twilio::address::{Address, SendFrom};
use crate::twilio::client::{Api, Client};
use crate::twilio::credentials::Credentials;
use crate::twilio::exchange::{Exchange, Reply};
use crate::twilio::json;
use crate::twilio::request_error::SendError;
use crate::twilio::sid::MessageSid;
use crate::twilio::status::TwilioStatus;
use crate::types::deadline::Deadline;

/// A message to send.
#[derive(Clone, PartialEq, Eq)]
pub struct NewTwilioMessage {
    /// The recipient.
    pub to: Address,
    /// The sender.
    pub from: SendFrom,
    /// The text; may be absent if there are media.
    pub body: Option<String>,
    /// URLs of images and other files, up to 10.
    pub media_urls: Vec<String>,
    /// URL of the status callback, with retry settings after `#`.
    pub status_callback: Option<String>,
    /// Seconds (1 to 36,000) after which Twilio no longer sends it.
    pub validity_period: Option<u32>,
}

/// Twilio's receipt for a message that it has recorded.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedMessage {
    /// Its SID.
    pub sid: MessageSid,
    /// Initial status: `queued`, or `accepted` with a Messaging Service.
    pub status: TwilioStatus,
    /// Error code, if Twilio recorded it as failed immediately.
    pub error_code: Option<i32>,
    /// The sender; a Messaging Service chooses it later.
    pub from: Option<Address>,
    /// Number of parts, as counted by Twilio; `None` until a Messaging Service has chosen the
    /// sender.
    pub num_segments: Option<u16>,
    /// The request.
    pub exchange: Exchange,
}

impl Client {
    /// Sends a message once, before the deadline or not at all. The error says whether it may have
    /// been sent.
    pub async fn create_message(
        &self,
        credentials: &Credentials,
        message: &NewTwilioMessage,
        before: Deadline,
    ) -> Result<CreatedMessage, SendError> {
        let to = message.to.to_wire();
        let (sender_key, sender) = match &message.from {
            SendFrom::Address(address) => ("From", address.to_wire()),
            SendFrom::Service(sid) => ("MessagingServiceSid", sid.to_string()),
        };
        let validity = message.validity_period.map(|seconds| seconds.to_string());
        let mut form = vec![("To", to.as_str()), (sender_key, sender.as_str())];
        form.extend(message.body.as_deref().map(|body| ("Body", body)));
        form.extend(message.media_urls.iter().map(|url| ("MediaUrl", url.as_str())));
        form.extend(message.status_callback.as_deref().map(|url| ("StatusCallback", url)));
        form.extend(validity.as_deref().map(|seconds| ("ValidityPeriod", seconds)));
        let url = self.url(
            Api::Main,
            &format!("/2010-04-01/Accounts/{}/Messages.json", credentials.account_sid),
        );
        parse_receipt(self.post_before(before, credentials, url, &form).await?)
    }

    /// Opens a connection for the next message, after connecting took too long for the last one.
    pub async fn prepare_connection(&self) {
        self.connect().await;
    }
}

/// Parses the receipt: only a SID proves acceptance; a 2xx status without one proves nothing.
fn parse_receipt(reply: Reply) -> Result<CreatedMessage, SendError> {
    if !(200..300).contains(&reply.http_status) {
        return Err(SendError::of(reply));
    }
    let Reply { body, exchange, http_status } = reply;
    match json::parse::<TwilioMessage>(&body) {
        Ok(message) => Ok(CreatedMessage {
            sid: message.sid,
            status: message.status,
            error_code: message.error_code,
            from: message.from,
            num_segments: message.num_segments.filter(|parts| *parts > 0),
            exchange,
        }),
        Err(_) => {
            let why = format!("it answered HTTP {http_status} without a receipt that can be read");
            Err(SendError::Unknown { why, http_status: Some(http_status), code: None, exchange })
        }
    }
}

/// Omits text, media and callback URL.
impl std::fmt::Debug for NewTwilioMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewTwilioMessage")
            .field("to", &self.to)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for CreatedMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedMessage")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .field("exchange", &self.exchange)
            .finish_non_exhaustive()
    }
}
