//! Messaging Services: pools of senders with an inbound webhook of their own.

use serde::Deserialize;

use super::address::Address;
use super::client::{Api, Client};
use super::credentials::Credentials;
use super::json;
use super::numbers::{Capabilities, MAX_LISTED};
use super::request_error::TwilioError;
use super::sid::{NumberSid, ServiceSid};
use crate::types::phone::PhoneNumber;

/// A Messaging Service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TwilioService {
    /// Its SID.
    pub sid: ServiceSid,
    /// Name chosen by its owner.
    #[serde(default, deserialize_with = "json::name")]
    pub friendly_name: String,
    /// URL of the inbound webhook; without one, the service drops inbound messages unless its
    /// numbers' webhooks are used.
    #[serde(default, deserialize_with = "json::text")]
    pub inbound_request_url: Option<String>,
    /// `POST` or `GET`.
    #[serde(default, deserialize_with = "json::text")]
    pub inbound_method: Option<String>,
    /// Whether the webhook of each number is used instead.
    #[serde(default)]
    pub use_inbound_webhook_on_number: bool,
    /// Whether Smart Encoding replaces typographic characters to save parts.
    #[serde(default)]
    pub smart_encoding: bool,
}

/// A phone number in a service's pool.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ServiceNumber {
    /// Its SID.
    pub sid: NumberSid,
    /// The number.
    pub phone_number: PhoneNumber,
    /// Its capabilities.
    #[serde(default)]
    pub capabilities: Capabilities,
}

/// A short code in a service's pool.
#[derive(Deserialize)]
struct ServiceShortCode {
    short_code: String,
}

impl Client {
    /// Fetches a Messaging Service.
    pub async fn fetch_service(
        &self,
        credentials: &Credentials,
        sid: &ServiceSid,
    ) -> Result<TwilioService, TwilioError> {
        self.fetch(credentials, self.url(Api::Messaging, &format!("/v1/Services/{sid}"))).await
    }

    /// Lists the account's Messaging Services.
    pub async fn list_services(
        &self,
        credentials: &Credentials,
    ) -> Result<Vec<TwilioService>, TwilioError> {
        let mut url = self.url(Api::Messaging, "/v1/Services");
        url.query_pairs_mut().append_pair("PageSize", "100");
        self.list(credentials, Api::Messaging, url, "services", MAX_LISTED).await
    }

    /// Lists the phone numbers in a service's pool.
    pub async fn service_numbers(
        &self,
        credentials: &Credentials,
        sid: &ServiceSid,
    ) -> Result<Vec<ServiceNumber>, TwilioError> {
        let mut url = self.url(Api::Messaging, &format!("/v1/Services/{sid}/PhoneNumbers"));
        url.query_pairs_mut().append_pair("PageSize", "100");
        self.list(credentials, Api::Messaging, url, "phone_numbers", MAX_LISTED).await
    }

    /// Lists the addresses at which a service's pool receives messages: phone numbers and short
    /// codes.
    pub async fn service_addresses(
        &self,
        credentials: &Credentials,
        sid: &ServiceSid,
    ) -> Result<Vec<Address>, TwilioError> {
        let numbers = self.service_numbers(credentials, sid).await?;
        let mut url = self.url(Api::Messaging, &format!("/v1/Services/{sid}/ShortCodes"));
        url.query_pairs_mut().append_pair("PageSize", "100");
        let short_codes: Vec<ServiceShortCode> =
            self.list(credentials, Api::Messaging, url, "short_codes", MAX_LISTED).await?;
        let numbers = numbers.into_iter().map(|number| Address::Phone(number.phone_number));
        Ok(numbers
            .chain(short_codes.iter().map(|found| Address::parse(&found.short_code)))
            .collect())
    }

    /// Whether a service's pool has a short code or an alphanumeric sender ID, which Twilio lists
    /// apart from the numbers.
    pub async fn has_other_senders(
        &self,
        credentials: &Credentials,
        sid: &ServiceSid,
    ) -> Result<bool, TwilioError> {
        for (resource, key) in [("ShortCodes", "short_codes"), ("AlphaSenders", "alpha_senders")] {
            let mut url = self.url(Api::Messaging, &format!("/v1/Services/{sid}/{resource}"));
            url.query_pairs_mut().append_pair("PageSize", "1");
            match self.list::<serde::de::IgnoredAny>(credentials, Api::Messaging, url, key, 1).await
            {
                Ok(found) if !found.is_empty() => return Ok(true),
                // Not every account supports alphanumeric sender IDs.
                Ok(_) | Err(TwilioError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Sets the service's inbound webhook to a POST to `url`, for all its numbers.
    pub async fn update_service_inbound(
        &self,
        credentials: &Credentials,
        sid: &ServiceSid,
        url: &str,
    ) -> Result<TwilioService, TwilioError> {
        let form = [
            ("InboundRequestUrl", url),
            ("InboundMethod", "POST"),
            ("UseInboundWebhookOnNumber", "false"),
        ];
        self.update(credentials, self.url(Api::Messaging, &format!("/v1/Services/{sid}")), &form)
            .await
    }
}
