//! Messages at Twilio: create one, fetch it by SID, find it in the list.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer};
use url::Url;

use super::address::{Address, SendFrom};
use super::client::{Api, Client};
use super::credentials::Credentials;
use super::exchange::{Exchange, Reply};
use super::failure::{SendError, TwilioError};
use super::fetch::Listing;
use super::sid::{MessageSid, ServiceSid};
use super::status::TwilioStatus;
use super::wire;
use crate::types::deadline::Deadline;

/// What to send.
#[derive(Clone, PartialEq, Eq)]
pub struct NewTwilioMessage {
    /// The recipient.
    pub to: Address,
    /// The sender.
    pub from: SendFrom,
    /// The text; may be absent when there are media.
    pub body: Option<String>,
    /// Pictures and other files, up to 10.
    pub media_urls: Vec<String>,
    /// Where Twilio reports each change of status, with its retry settings behind `#`.
    pub status_callback: Option<String>,
    /// Seconds (1 to 36,000) after which it is not sent any more.
    pub validity_period: Option<u32>,
}

/// Twilio's receipt: the message is recorded there.
#[derive(Clone, PartialEq, Eq)]
pub struct CreatedMessage {
    /// Its SID.
    pub sid: MessageSid,
    /// Its first status: `queued`, or `accepted` through a service.
    pub status: TwilioStatus,
    /// Set when Twilio recorded it as failed at once.
    pub error_code: Option<i32>,
    /// The sender; a service chooses it later.
    pub from: Option<Address>,
    /// Parts that Twilio counts; none until a service has chosen the sender.
    pub num_segments: Option<u16>,
    /// The request.
    pub exchange: Exchange,
}

/// A message as Twilio knows it.
#[derive(Clone, PartialEq, Eq, Deserialize)]
pub struct TwilioMessage {
    /// Its SID.
    pub sid: MessageSid,
    /// Its status now.
    pub status: TwilioStatus,
    /// Why it failed or was not delivered.
    #[serde(default, deserialize_with = "wire::number")]
    pub error_code: Option<i32>,
    /// Twilio's words for it.
    #[serde(default, deserialize_with = "wire::text")]
    pub error_message: Option<String>,
    /// The sender.
    #[serde(default, deserialize_with = "address")]
    pub from: Option<Address>,
    /// The recipient.
    #[serde(default, deserialize_with = "address")]
    pub to: Option<Address>,
    /// The text, unless it was redacted.
    #[serde(default, deserialize_with = "wire::any_text")]
    pub body: Option<String>,
    /// `outbound-api`, `inbound`, …
    #[serde(default, deserialize_with = "wire::text")]
    pub direction: Option<String>,
    /// The service that it was sent through.
    #[serde(default, deserialize_with = "service")]
    pub messaging_service_sid: Option<ServiceSid>,
    /// Parts; 0 until a service has chosen the sender.
    #[serde(default, deserialize_with = "wire::number")]
    pub num_segments: Option<u16>,
    /// Pictures and other files.
    #[serde(default, deserialize_with = "wire::number")]
    pub num_media: Option<u16>,
    /// What it has cost, as a negative decimal number; none until Twilio has billed it.
    #[serde(default, deserialize_with = "wire::text")]
    pub price: Option<String>,
    /// The currency of the price: `USD`.
    #[serde(default, deserialize_with = "wire::text")]
    pub price_unit: Option<String>,
    /// When Twilio recorded it, to the second.
    #[serde(default, deserialize_with = "wire::date")]
    pub date_created: Option<DateTime<Utc>>,
    /// When it left Twilio.
    #[serde(default, deserialize_with = "wire::date")]
    pub date_sent: Option<DateTime<Utc>>,
    /// When its status changed last.
    #[serde(default, deserialize_with = "wire::date")]
    pub date_updated: Option<DateTime<Utc>>,
}

/// Which messages to list; the newest come first.
#[derive(Debug, Clone, Default)]
pub struct TwilioMessageFilter {
    /// To this address.
    pub to: Option<Address>,
    /// From this address.
    pub from: Option<Address>,
    /// Sent at or after. Whether Twilio lists messages that are not sent yet under this filter is
    /// not documented.
    pub sent_after: Option<DateTime<Utc>>,
    /// Sent at or before.
    pub sent_before: Option<DateTime<Utc>>,
}

/// The largest page that Twilio gives.
const MAX_PAGE: usize = 1_000;

/// Enough for what one number has got lately.
const SHORT_PAGE: usize = 50;

/// Where the messages are in a list.
const KEY: &str = "messages";

impl Client {
    /// Sends a message, once, and before a moment or not at all: an error says whether it may have
    /// been sent all the same.
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
        receipt(self.post_before(before, credentials, url, &form).await?)
    }

    /// Makes sure that the next message finds an open connection, where the last one lost its time
    /// in making one.
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

    /// Lists messages, following the pages until `limit` are read.
    pub async fn list_messages(
        &self,
        credentials: &Credentials,
        filter: &TwilioMessageFilter,
        limit: usize,
    ) -> Result<Listing<TwilioMessage>, TwilioError> {
        let url = self.messages_url(credentials, filter, limit);
        self.list_until(credentials, Api::Main, url, KEY, limit, |_| false).await
    }

    /// Lists messages back to those that were made before `since`, at most `limit`.
    ///
    /// Not by the filter on the date of sending: Twilio does not say whether that shows messages
    /// that are not sent yet.
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
        self.list_until(credentials, Api::Main, url, KEY, limit, |page| page.iter().all(is_old))
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

/// Only a receipt with a SID proves acceptance; a 2xx without one proves nothing.
fn receipt(reply: Reply) -> Result<CreatedMessage, SendError> {
    if !(200..300).contains(&reply.http_status) {
        return Err(SendError::of(reply));
    }
    let Reply { body, exchange, http_status } = reply;
    match wire::json::<TwilioMessage>(&body) {
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
    Ok(wire::text(deserializer)?.map(|text| Address::parse(&text)))
}

fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ServiceSid>, D::Error> {
    Ok(wire::text(deserializer)?.and_then(|text| ServiceSid::parse(&text).ok()))
}

/// Hides the text and the addresses' callbacks.
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

/// Hides the text.
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
