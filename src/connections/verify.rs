//! Asking Twilio whether keys are accepted and a sender is the account's: HTTP only, no database.

use super::address::{SenderAddress, SenderKind};
use super::keys::Keys;
use super::problem::Problem;
use crate::error::Result as CarillonResult;
use crate::twilio::{self, AccountSid, ApiKeySid, Client, Credentials, ServiceSid};
use crate::types::phone::PhoneNumber;

/// An account whose keys Twilio accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAccount {
    /// Its friendly name; its SID where the keys cannot read it.
    pub name: String,
    /// `Trial` or `Full`; none where the keys cannot read it.
    pub kind: Option<String>,
    /// Whether name, type and status could be read.
    pub profile: Profile,
}

/// Whether Twilio let the keys read the account itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// It did, and the account is active.
    Read,
    /// A standard API key may not: that the account works shows only when it sends.
    Hidden,
}

/// A number or Messaging Service that is in the account and can send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSender {
    /// What it sends from.
    pub address: SenderAddress,
    /// `PN…` or `MG…`.
    pub twilio_sid: String,
    /// Its friendly name.
    pub name: String,
    /// Whether it can send SMS.
    pub sms_capable: bool,
    /// Whether it can send MMS.
    pub mms_capable: bool,
}

/// An account and a sender of it, both verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The account.
    pub account: VerifiedAccount,
    /// The sender.
    pub sender: VerifiedSender,
}

impl VerifiedSender {
    /// Which kind of sender it is.
    pub const fn kind(&self) -> SenderKind {
        self.address.kind()
    }
}

/// Asks Twilio about the keys first, then about the sender; the first thing that is wrong is the problem.
pub async fn verify(client: &Client, keys: &Keys, address: &SenderAddress) -> Result<Verified, Problem> {
    let account = verify_account(client, keys).await?;
    let credentials = keys.credentials();
    let sender = find_sender(client, &credentials, address).await?;
    Ok(Verified { account, sender })
}
