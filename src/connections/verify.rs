//! Verifies keys and senders against Twilio: HTTP only, no database.

use super::address::{SenderAddress, SenderKind};
use super::keys::Keys;
use super::problem::Problem;
use crate::twilio::account::{Account, AccountKind, AccountStatus};
use crate::twilio::numbers::TwilioNumber;
use crate::twilio::services::TwilioService;
use crate::twilio::sid::ServiceSid;
use crate::twilio::{Client, CredentialKind, Credentials, TwilioError};
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

impl Problem {
    /// The problem that Twilio's answer to a request with `credentials` reveals.
    pub fn of(error: TwilioError, credentials: &Credentials) -> Self {
        match (error.code(), error) {
            (Some(20_005), _) => Self::AccountInactive,
            (Some(20_008), _) => Self::TestCredentials,
            (_, TwilioError::Keys { .. }) => match &credentials.kind {
                CredentialKind::AuthToken(_) => {
                    Self::AuthTokenRefused(credentials.account_sid.clone())
                }
                CredentialKind::ApiKey { sid, .. } => Self::ApiKeyRefused(sid.clone()),
            },
            (code, TwilioError::Refused { http_status: 403, .. }) => Self::KeysNotAllowed(code),
            (_, TwilioError::NotFound { .. }) => {
                Self::AccountNotFound(credentials.account_sid.clone())
            }
            (_, TwilioError::Unreachable { why, .. }) => Self::Unreachable { why },
            (_, TwilioError::Busy { .. }) => Self::Busy,
            (_, TwilioError::Unreadable { why, .. }) => Self::Strange { what: why },
            (Some(code), TwilioError::Refused { http_status, .. }) => {
                Self::Strange { what: format!("HTTP {http_status}, Twilio code {code}") }
            }
            (None, TwilioError::Refused { http_status, .. })
            | (_, TwilioError::Unavailable { http_status, .. }) => {
                Self::Strange { what: format!("HTTP {http_status}") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twilio::Exchange;

    const ACCOUNT: &str = "ACca4111000000000000000000000000a1";

    fn token() -> Credentials {
        Credentials::with_auth_token(ACCOUNT, &"0a1b".into()).unwrap()
    }

    fn api_key() -> Credentials {
        Credentials::with_api_key(ACCOUNT, "SKca4111000000000000000000000000b1", &"s3cret".into())
            .unwrap()
    }

    fn refused(http_status: u16, code: Option<i32>) -> TwilioError {
        TwilioError::Refused {
            code,
            http_status,
            message: String::new(),
            exchange: Exchange::default(),
        }
    }

    fn keys_refused() -> TwilioError {
        TwilioError::Keys {
            code: Some(20_003),
            message: "Authenticate".into(),
            exchange: Exchange::default(),
        }
    }

    #[test]
    fn refused_keys_are_named_by_their_kind() {
        let problem = Problem::of(keys_refused(), &token());
        assert_eq!((problem.code(), problem.field()), ("twilio_refused_keys", Some("auth_token")));
        let problem = Problem::of(keys_refused(), &api_key());
        assert_eq!(
            (problem.code(), problem.field()),
            ("twilio_refused_keys", Some("api_key_secret"))
        );
    }

    #[test]
    fn every_answer_of_twilio_becomes_one_problem() {
        let exchange = Exchange::default;
        for (error, code, field) in [
            (refused(401, Some(20_005)), "account_inactive", Some("account_sid")),
            (refused(403, Some(20_008)), "test_credentials", Some("auth_token")),
            (refused(403, Some(20_006)), "keys_not_allowed", Some("api_key_secret")),
            (refused(403, None), "keys_not_allowed", Some("api_key_secret")),
            (refused(400, Some(20_001)), "twilio_answered_strangely", None),
            (refused(407, None), "twilio_answered_strangely", None),
            (
                TwilioError::NotFound { exchange: exchange() },
                "account_not_found",
                Some("account_sid"),
            ),
            (TwilioError::Busy { exchange: exchange() }, "twilio_busy", None),
            (
                TwilioError::Unreachable { why: "no answer".into(), exchange: exchange() },
                "twilio_unreachable",
                None,
            ),
            (
                TwilioError::Unavailable { http_status: 503, exchange: exchange() },
                "twilio_answered_strangely",
                None,
            ),
            (
                TwilioError::Unreadable { why: "no JSON".into(), exchange: exchange() },
                "twilio_answered_strangely",
                None,
            ),
        ] {
            let problem = Problem::of(error, &api_key());
            assert_eq!((problem.code(), problem.field()), (code, field), "{problem:?}");
            assert!(
                problem.sentence().ends_with('.') && problem.advice().ends_with('.'),
                "{}",
                problem.message()
            );
        }
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
