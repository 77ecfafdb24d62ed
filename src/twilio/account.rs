//! Twilio's account resource: its name, type and status.

use serde::Deserialize;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::json;
use super::request_error::TwilioError;
use super::sid::AccountSid;

/// A Twilio account. Its Auth Token, which Twilio includes in the response, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// Name chosen by its owner.
    #[serde(default, deserialize_with = "json::name")]
    pub friendly_name: String,
    /// Whether the account may send.
    #[serde(default)]
    pub status: AccountStatus,
    /// Type of the account.
    #[serde(default, rename = "type")]
    pub kind: AccountKind,
}

/// Status of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// May send.
    Active,
    /// May currently not send.
    Suspended,
    /// Closed permanently.
    Closed,
    /// A value that Carillon does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Types of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum AccountKind {
    /// Sends only to verified numbers.
    Trial,
    /// Upgraded.
    Full,
    /// A value that Carillon does not know.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Client {
    /// Fetches the account. Standard API keys are not permitted to and get [`TwilioError::Keys`],
    /// like invalid keys.
    pub async fn fetch_account(&self, credentials: &Credentials) -> Result<Account, TwilioError> {
        let path = format!("/2010-04-01/Accounts/{}.json", credentials.account_sid);
        self.fetch(credentials, self.url(Api::Main, &path)).await
    }
}
