//! Verifies keys and senders against Twilio: HTTP only, no database.

use super::keys::Keys;
use super::problem::Problem;
use super::sender_address::{SenderAddress, SenderKind};
use crate::twilio::account::{Account, AccountKind, AccountStatus};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::services::TwilioService;
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, Credentials, TwilioError};
use crate::types::phone::PhoneNumber;

/// An account whose keys Twilio accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedAccount {
    /// Its friendly name; its SID if the keys cannot read the name.
    pub name: String,
    /// `Trial` or `Full`; `None` if the keys cannot read it.
    pub kind: Option<String>,
    /// Whether the keys could read name, type and status.
    pub profile: ProfileAccess,
}

/// Whether the keys may read the account resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileAccess {
    /// The keys may read it, and the account is active.
    Read,
    /// A standard API key may not read it: an inactive account is noticed only when it sends.
    Hidden,
}

/// A number or Messaging Service that is in the account and can send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedSender {
    /// The address that it sends from.
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

impl VerifiedSender {
    /// The kind of sender.
    pub const fn kind(&self) -> SenderKind {
        self.address.kind()
    }
}

/// Tries all keys: the Auth Token by reading the account, the API key by reading the account's
/// numbers.
pub async fn verify_account(client: &Client, keys: &Keys) -> Result<VerifiedAccount, Problem> {
    let mut verified = VerifiedAccount {
        name: keys.account_sid().to_string(),
        kind: None,
        profile: ProfileAccess::Hidden,
    };
    if let Some(credentials) = keys.token_credentials() {
        let account = client
            .fetch_account(&credentials)
            .await
            .map_err(|error| Problem::of(error, &credentials))?;
        verified = active(account)?;
    }
    let credentials = keys.credentials();
    // Needed also with the Auth Token alone: test credentials can read the account, but nothing
    // else.
    client.try_numbers(&credentials).await.map_err(|error| Problem::of(error, &credentials))?;
    Ok(verified)
}

/// Finds a sender in the account and reads its capabilities.
pub async fn find_sender(
    client: &Client,
    credentials: &Credentials,
    address: &SenderAddress,
) -> Result<VerifiedSender, Problem> {
    match address {
        SenderAddress::PhoneNumber(number) => {
            let found = client
                .find_number(credentials, number)
                .await
                .map_err(|error| Problem::of(error, credentials))?;
            number_sender(number, found.ok_or_else(|| Problem::NumberNotInAccount(number.clone()))?)
        }
        SenderAddress::MessagingService(sid) => find_service(client, credentials, sid).await,
    }
}

fn active(account: Account) -> Result<VerifiedAccount, Problem> {
    match account.status {
        AccountStatus::Active => {}
        AccountStatus::Suspended => return Err(Problem::AccountSuspended),
        AccountStatus::Closed => return Err(Problem::AccountClosed),
        AccountStatus::Unknown => return Err(Problem::AccountInactive),
    }
    let kind = match account.kind {
        AccountKind::Trial => Some("Trial".to_owned()),
        AccountKind::Full => Some("Full".to_owned()),
        AccountKind::Unknown => None,
    };
    let name = Some(account.friendly_name).filter(|name| !name.trim().is_empty());
    Ok(VerifiedAccount {
        name: name.unwrap_or_else(|| account.sid.to_string()),
        kind,
        profile: ProfileAccess::Read,
    })
}

fn number_sender(number: &PhoneNumber, found: TwilioNumber) -> Result<VerifiedSender, Problem> {
    if !found.capabilities.sms {
        return Err(Problem::NoSmsCapability {
            number: number.clone(),
            mms: found.capabilities.mms,
        });
    }
    Ok(VerifiedSender {
        address: SenderAddress::PhoneNumber(number.clone()),
        twilio_sid: found.sid.to_string(),
        name: found
            .friendly_name
            .filter(|name| !name.trim().is_empty())
            .unwrap_or_else(|| number.international()),
        sms_capable: true,
        mms_capable: found.capabilities.mms,
    })
}

async fn find_service(
    client: &Client,
    credentials: &Credentials,
    sid: &ServiceSid,
) -> Result<VerifiedSender, Problem> {
    let problem = |error| match error {
        TwilioError::NotFound { .. } => Problem::ServiceNotFound(sid.clone()),
        error => Problem::of(error, credentials),
    };
    let service = client.fetch_service(credentials, sid).await.map_err(problem)?;
    let name = service_name(&service);
    let numbers = client.service_numbers(credentials, sid).await.map_err(problem)?;
    let mut sms_capable = numbers.iter().any(|number| number.capabilities.sms);
    if !sms_capable {
        // Twilio lists short codes and alphanumeric sender IDs apart from the numbers; both send
        // SMS.
        sms_capable = client.has_other_senders(credentials, sid).await.map_err(problem)?;
    }
    match (sms_capable, numbers.is_empty()) {
        (false, true) => Err(Problem::ServiceWithoutSenders { name }),
        (false, false) => Err(Problem::ServiceWithoutSms { name }),
        (true, _) => Ok(VerifiedSender {
            address: SenderAddress::MessagingService(sid.clone()),
            twilio_sid: sid.to_string(),
            name,
            sms_capable,
            mms_capable: numbers.iter().any(|number| number.capabilities.mms),
        }),
    }
}

fn service_name(service: &TwilioService) -> String {
    if service.friendly_name.trim().is_empty() {
        service.sid.to_string()
    } else {
        service.friendly_name.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "ACca4111000000000000000000000000a1";

    fn token() -> Credentials {
        Credentials::with_auth_token(ACCOUNT, &"0a1b".into()).unwrap()
    }

    #[test]
    fn only_an_active_account_is_verified() {
        let account = |status, kind| Account {
            sid: token().account_sid,
            friendly_name: " ".into(),
            status,
            kind,
        };
        let verified = active(account(AccountStatus::Active, AccountKind::Trial)).unwrap();
        assert_eq!((verified.name.as_str(), verified.kind.as_deref()), (ACCOUNT, Some("Trial")));
        assert_eq!(
            active(account(AccountStatus::Suspended, AccountKind::Full)),
            Err(Problem::AccountSuspended)
        );
        assert_eq!(
            active(account(AccountStatus::Closed, AccountKind::Full)),
            Err(Problem::AccountClosed)
        );
        assert_eq!(
            active(account(AccountStatus::Unknown, AccountKind::Full)),
            Err(Problem::AccountInactive)
        );
    }
}
