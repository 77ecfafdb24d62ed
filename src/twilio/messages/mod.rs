//! Twilio's message resource. The main types are [`NewTwilioMessage`], its receipt
//! [`CreatedMessage`], and [`TwilioMessage`] as Twilio stores it. Start with
//! [`Client::create_message`].

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::address::{Address, SendFrom};
use super::client::{Api, Client};
use super::credentials::Credentials;
use super::exchange::{Exchange, Reply};
use super::failure::{SendError, TwilioError};
use super::fetch::Listing;
use super::json;
use super::sid::{MessageSid, ServiceSid};
use super::status::TwilioStatus;
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

/// A message as stored at Twilio.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct TwilioMessage {
    /// Its SID.
    pub sid: MessageSid,
    /// Current status.
    pub status: TwilioStatus,
    /// Why it failed or was not delivered.
    #[serde(default, deserialize_with = "json::number")]
    pub error_code: Option<i32>,
    /// Twilio's explanation of the error.
    #[serde(default, deserialize_with = "json::text")]
    pub error_message: Option<String>,
    /// The sender.
    #[serde(default, deserialize_with = "address")]
    pub from: Option<Address>,
    /// The recipient.
    #[serde(default, deserialize_with = "address")]
    pub to: Option<Address>,
    /// The text, unless it was redacted.
    #[serde(default, deserialize_with = "json::any_text")]
    pub body: Option<String>,
    /// `outbound-api`, `inbound`, …
    #[serde(default, deserialize_with = "json::text")]
    pub direction: Option<String>,
    /// The Messaging Service that it was sent through.
    #[serde(default, deserialize_with = "service")]
    pub messaging_service_sid: Option<ServiceSid>,
    /// Number of parts; 0 until a Messaging Service has chosen the sender.
    #[serde(default, deserialize_with = "json::number")]
    pub num_segments: Option<u16>,
    /// Number of media.
    #[serde(default, deserialize_with = "json::number")]
    pub num_media: Option<u16>,
    /// Price as a negative decimal number; `None` until Twilio has billed it.
    #[serde(default, deserialize_with = "json::text")]
    pub price: Option<String>,
    /// Currency of the price: `USD`.
    #[serde(default, deserialize_with = "json::text")]
    pub price_unit: Option<String>,
    /// When Twilio recorded it, to the second.
    #[serde(default, deserialize_with = "json::date")]
    pub date_created: Option<DateTime<Utc>>,
    /// When it left Twilio.
    #[serde(default, deserialize_with = "json::date")]
    pub date_sent: Option<DateTime<Utc>>,
    /// When its status last changed.
    #[serde(default, deserialize_with = "json::date")]
    pub date_updated: Option<DateTime<Utc>>,
}

/// Filter for lists of messages, which are newest first.
#[derive(Debug, Clone, Default)]
pub struct TwilioMessageFilter {
    /// To this address.
    pub to: Option<Address>,
    /// From this address.
    pub from: Option<Address>,
    /// Sent at or after. It is not documented whether Twilio then lists messages that are not sent
    /// yet.
    pub sent_after: Option<DateTime<Utc>>,
    /// Sent at or before.
    pub sent_before: Option<DateTime<Utc>>,
}

/// Maximum page size of Twilio.
const MAX_PAGE: usize = 1_000;

/// Page size that suffices for one number's recent messages.
const SHORT_PAGE: usize = 50;

/// Key of the items in a list.
const LIST_KEY: &str = "messages";

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

    /// Fetches a message by its SID.
    pub async fn fetch_message(
        &self,
        credentials: &Credentials,
        sid: &MessageSid,
    ) -> Result<TwilioMessage, TwilioError> {
        let path = format!("/2010-04-01/Accounts/{}/Messages/{sid}.json", credentials.account_sid);
        self.fetch(credentials, self.url(Api::Main, &path)).await
    }

    /// Lists at most `limit` messages.
    pub async fn list_messages(
        &self,
        credentials: &Credentials,
        filter: &TwilioMessageFilter,
        limit: usize,
    ) -> Result<Listing<TwilioMessage>, TwilioError> {
        let url = self.messages_url(credentials, filter, limit);
        self.list_until(credentials, Api::Main, url, LIST_KEY, limit, |_| false).await
    }

    /// Lists messages created since `since`, at most `limit`.
    ///
    /// Does not filter by the date of sending, because it is not documented whether Twilio then
    /// lists messages that are not sent yet.
    pub async fn list_messages_since(
        &self,
        credentials: &Credentials,
        filter: &TwilioMessageFilter,
        since: DateTime<Utc>,
        limit: usize,
    ) -> Result<Listing<TwilioMessage>, TwilioError> {
        let url = self.messages_url(credentials, filter, limit.min(SHORT_PAGE));
        let is_old =
            |message: &TwilioMessage| message.date_created.is_some_and(|created| created < since);
        self.list_until(credentials, Api::Main, url, LIST_KEY, limit, |page| {
            page.iter().all(is_old)
        })
        .await
    }

    fn messages_url(
        &self,
        credentials: &Credentials,
        filter: &TwilioMessageFilter,
        page_size: usize,
    ) -> Url {
        let mut url = self.url(
            Api::Main,
            &format!("/2010-04-01/Accounts/{}/Messages.json", credentials.account_sid),
        );
        let page_size = page_size.clamp(1, MAX_PAGE).to_string();
        let time = |time: DateTime<Utc>| time.to_rfc3339_opts(SecondsFormat::Secs, true);
        let pairs = [
            ("To", filter.to.as_ref().map(Address::to_wire)),
            ("From", filter.from.as_ref().map(Address::to_wire)),
            ("DateSent>", filter.sent_after.map(time)),
            ("DateSent<", filter.sent_before.map(time)),
            ("PageSize", Some(page_size)),
        ];
        for (key, value) in pairs {
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(key, &value);
            }
        }
        url
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

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    Ok(json::text(deserializer)?.map(|text| Address::parse(&text)))
}

fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ServiceSid>, D::Error> {
    Ok(json::text(deserializer)?.and_then(|text| ServiceSid::parse(&text).ok()))
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

/// Omits the text.
impl std::fmt::Debug for TwilioMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TwilioMessage")
            .field("sid", &self.sid)
            .field("status", &self.status)
            .field("error_code", &self.error_code)
            .field("from", &self.from)
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
