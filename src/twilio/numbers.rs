//! The phone numbers of an account: which there are, what they can do, where they report inbound
//! messages.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::failure::TwilioError;
use super::sid::NumberSid;
use super::wire;
use crate::types::phone::PhoneNumber;

/// A phone number of the account.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TwilioNumber {
    /// Its SID.
    pub sid: NumberSid,
    /// The number.
    pub phone_number: PhoneNumber,
    /// The name that its owner gave it.
    #[serde(default, deserialize_with = "wire::any_text")]
    pub friendly_name: Option<String>,
    /// What it can do.
    #[serde(default)]
    pub capabilities: Capabilities,
    /// Where inbound messages are reported.
    #[serde(default, deserialize_with = "wire::text")]
    pub sms_url: Option<String>,
    /// `POST` or `GET`.
    #[serde(default, deserialize_with = "wire::text")]
    pub sms_method: Option<String>,
    /// An application that takes the inbound messages instead of `sms_url`.
    #[serde(default, deserialize_with = "wire::text")]
    pub sms_application_sid: Option<String>,
    /// `local`, `mobile`, `toll-free` and the like, in Twilio's words.
    #[serde(default, rename = "type", deserialize_with = "wire::text")]
    pub kind: Option<String>,
}

/// What a number can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Text messages.
    pub sms: bool,
    /// Messages with media.
    pub mms: bool,
    /// Calls.
    pub voice: bool,
}

/// An account can have thousands of numbers; a list for choosing from ends here.
pub const MAX_LISTED: usize = 2_000;

impl Client {
    /// Finds a number in the account; none if it is not there.
    pub async fn find_number(
        &self,
        credentials: &Credentials,
        number: &PhoneNumber,
    ) -> Result<Option<TwilioNumber>, TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut()
            .append_pair("PhoneNumber", number.as_str())
            .append_pair("PageSize", "20");
        let found: Vec<TwilioNumber> = self.list(credentials, Api::Main, url, KEY, 20).await?;
        // Twilio matches parts of numbers, too.
        Ok(found.into_iter().find(|candidate| candidate.phone_number == *number))
    }

    /// Reads one number of the account, if there is any: what a standard API key can be tried with.
    pub async fn try_numbers(&self, credentials: &Credentials) -> Result<(), TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut().append_pair("PageSize", "1");
        self.list::<serde::de::IgnoredAny>(credentials, Api::Main, url, KEY, 1).await.map(drop)
    }

    /// Lists the account's numbers, at most [`MAX_LISTED`].
    pub async fn list_numbers(
        &self,
        credentials: &Credentials,
    ) -> Result<Vec<TwilioNumber>, TwilioError> {
        let mut url = self.numbers_url(credentials);
        url.query_pairs_mut().append_pair("PageSize", "1000");
        self.list(credentials, Api::Main, url, KEY, MAX_LISTED).await
    }

    /// Has Twilio report the number's inbound messages to `sms_url` by POST; an application in its
    /// way is removed.
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

const KEY: &str = "incoming_phone_numbers";

/// `{"sms": true, …}` in the 2010 API, `["SMS", …]` in the newer ones.
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
