//! The phone numbers of an account: their capabilities and inbound webhooks.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::json;
use super::request_error::TwilioError;
use super::sid::NumberSid;
use crate::types::phone::PhoneNumber;

/// A phone number of the account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TwilioNumber {
    /// Its SID.
    pub sid: NumberSid,
    /// The number.
    pub phone_number: PhoneNumber,
    /// Name chosen by its owner.
    #[serde(default, deserialize_with = "json::any_text")]
    pub friendly_name: Option<String>,
    /// Its capabilities.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// URL of the inbound webhook.
    #[serde(default, deserialize_with = "json::text")]
    pub sms_url: Option<String>,
    /// `POST` or `GET`.
    #[serde(default, deserialize_with = "json::text")]
    pub sms_method: Option<String>,
    /// TwiML application that handles inbound messages instead of `sms_url`.
    #[serde(default, deserialize_with = "json::text")]
    pub sms_application_sid: Option<String>,
    /// Twilio's type of number: `local`, `mobile`, `toll-free` etc.
    #[serde(default, rename = "type", deserialize_with = "json::text")]
    pub kind: Option<String>,
}

/// Capabilities of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Can send SMS.
    pub sms: bool,
    /// Can send MMS.
    pub mms: bool,
    /// Can make and receive calls.
    pub voice: bool,
}

/// Maximum number of items in lists to choose from; an account can have thousands of numbers.
pub const MAX_LISTED: usize = 2_000;

impl Client {
    /// Finds a number in the account, if it is there.
    pub async fn find_number(
        &self,
        credentials: &Credentials,
        number: &PhoneNumber,
    ) -> Result<Option<TwilioNumber>, TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut()
            .append_pair("PhoneNumber", number.as_str())
            .append_pair("PageSize", "20");
        let found: Vec<TwilioNumber> = self.list(credentials, Api::Main, url, LIST_KEY, 20).await?;
        // Twilio also matches parts of numbers.
        Ok(found.into_iter().find(|candidate| candidate.phone_number == *number))
    }

    /// Reads at most one number of the account, to verify a standard API key.
    pub async fn try_numbers(&self, credentials: &Credentials) -> Result<(), TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut().append_pair("PageSize", "1");
        self.list::<serde::de::IgnoredAny>(credentials, Api::Main, url, LIST_KEY, 1).await.map(drop)
    }

    /// Lists the account's numbers, at most [`MAX_LISTED`].
    pub async fn list_numbers(
        &self,
        credentials: &Credentials,
    ) -> Result<Vec<TwilioNumber>, TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut().append_pair("PageSize", "1000");
        self.list(credentials, Api::Main, url, LIST_KEY, MAX_LISTED).await
    }

    /// Sets the number's inbound webhook to a POST to `sms_url`, and removes an application that
    /// would override it.
    pub async fn update_number_webhook(
        &self,
        credentials: &Credentials,
        number: &TwilioNumber,
        sms_url: &str,
    ) -> Result<TwilioNumber, TwilioError> {
        let path = format!(
            "/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json",
            credentials.account_sid, number.sid
        );
        let mut form = vec![("SmsUrl", sms_url), ("SmsMethod", "POST")];
        form.extend(number.sms_application_sid.as_ref().map(|_| ("SmsApplicationSid", "")));
        self.update(credentials, self.url(Api::Main, &path), &form).await
    }

    fn numbers_url(&self, credentials: &Credentials) -> url::Url {
        self.url(
            Api::Main,
            &format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers.json", credentials.account_sid),
        )
    }
}

const LIST_KEY: &str = "incoming_phone_numbers";

/// Parses `{"sms": true, …}` of the 2010 API and `["SMS", …]` of newer ones.
impl<'de> Deserialize<'de> for Capabilities {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let can = |name: &str| match &value {
            Value::Object(fields) => fields
                .iter()
                .any(|(key, value)| key.eq_ignore_ascii_case(name) && *value == Value::Bool(true)),
            Value::Array(names) => {
                names.iter().filter_map(Value::as_str).any(|known| known.eq_ignore_ascii_case(name))
            }
            _ => false,
        };
        Ok(Self { sms: can("sms"), mms: can("mms"), voice: can("voice") })
    }
}
