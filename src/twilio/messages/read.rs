//! Reads messages from Twilio, one by its SID or many by a filter.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer};
use url::Url;

use crate::twilio::address::Address;
use crate::twilio::client::{Api, Client};
use crate::twilio::credentials::Credentials;
use crate::twilio::fetch::Listing;
use crate::twilio::json;
use crate::twilio::request_error::TwilioError;
use crate::twilio::sid::{MessageSid, ServiceSid};
use crate::twilio::status::TwilioStatus;

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

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Address>, D::Error> {
    Ok(json::text(deserializer)?.map(|text| Address::parse(&text)))
}

fn service<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ServiceSid>, D::Error> {
    Ok(json::text(deserializer)?.and_then(|text| ServiceSid::parse(&text).ok()))
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
