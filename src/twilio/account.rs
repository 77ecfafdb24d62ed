//! The account itself: whether it may send at all.

use serde::Deserialize;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::failure::TwilioError;
use super::sid::AccountSid;
use super::wire;

/// An account as Twilio knows it. Its Auth Token, which Twilio sends along, is not read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Account {
    /// Its SID.
    pub sid: AccountSid,
    /// The name that its owner gave it.
    #[serde(default, deserialize_with = "wire::name")]
    pub friendly_name: String,
    /// Whether it may send.
    #[serde(default)]
    pub status: AccountStatus,
    /// A trial account sends to verified numbers only.
    #[serde(default, rename = "type")]
    pub kind: AccountKind,
}

/// Whether an account may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountStatus {
    /// It may.
    Active,
    /// Not now.
    Suspended,
    /// Never again.
    Closed,
    /// Twilio says something new.
    #[default]
    #[serde(other)]
    Unknown,
}

/// Kinds of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum AccountKind {
    /// Sends to verified numbers only.
    Trial,
    /// Upgraded.
    Full,
    /// Twilio says something new.
    #[default]
    #[serde(other)]
    Unknown,
}

impl Client {
    /// Fetches the account. Standard API keys may not: they get [`TwilioError::Keys`], as wrong
    /// keys do.
    pub async fn fetch_account(&self, credentials: &Credentials) -> Result<Account, TwilioError> {
        let path = format!("/2010-04-01/Accounts/{}.json", credentials.account_sid);
        self.fetch(credentials, self.url(Api::Main, &path)).await
    }
}
