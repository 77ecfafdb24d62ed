//! Why an account or a sender cannot be connected: one cause, the form field it belongs to, and
//! advice.

use crate::error::{Error, FieldErrors};
use crate::twilio::sid::{AccountSid, ApiKeySid, ServiceSid};
use crate::twilio::{CredentialKind, Credentials, TwilioError};
use crate::types::phone::PhoneNumber;

/// The cause that Twilio's response to a check reveals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// Twilio does not accept the Auth Token for this account (401, 20003).
    AuthTokenRefused(AccountSid),
    /// Twilio does not accept the API key for this account (401, 20003).
    ApiKeyRefused(ApiKeySid),
    /// The keys are valid, but lack permissions that Carillon needs (403); with Twilio's code.
    KeysNotAllowed(Option<i32>),
    /// The keys are test credentials, which never send anything (20008).
    TestCredentials,
    /// Twilio knows no account with this SID.
    AccountNotFound(AccountSid),
    /// Twilio has suspended the account.
    AccountSuspended,
    /// The account is permanently closed.
    AccountClosed,
    /// Twilio reports that the account is not active, without a reason (20005).
    AccountInactive,
    /// The account does not own the number.
    NumberNotInAccount(PhoneNumber),
    /// The number cannot send text messages.
    NoSmsCapability {
        /// The number.
        number: PhoneNumber,
        /// Whether it can send MMS.
        mms: bool,
    },
    /// The account has no Messaging Service with this SID.
    ServiceNotFound(ServiceSid),
    /// The Messaging Service has no senders.
    ServiceWithoutSenders {
        /// Its name in Twilio.
        name: String,
    },
    /// None of the Messaging Service's numbers can send text messages.
    ServiceWithoutSms {
        /// Its name in Twilio.
        name: String,
    },
    /// The request did not reach Twilio: DNS failure, connection refused or timeout.
    Unreachable {
        /// Why, in a few words.
        why: String,
    },
    /// Twilio limits the rate of requests (429).
    Busy,
    /// Any other response.
    Strange {
        /// The unexpected answer.
        what: String,
    },
}

impl Problem {
    /// The problem that Twilio's response to a request with `credentials` reveals.
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

    /// Stable error code: `code` in the API's errors.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AuthTokenRefused(_) | Self::ApiKeyRefused(_) => "twilio_refused_keys",
            Self::KeysNotAllowed(_) => "keys_not_allowed",
            Self::TestCredentials => "test_credentials",
            Self::AccountNotFound(_) => "account_not_found",
            Self::AccountSuspended => "account_suspended",
            Self::AccountClosed => "account_closed",
            Self::AccountInactive => "account_inactive",
            Self::NumberNotInAccount(_) => "number_not_in_account",
            Self::NoSmsCapability { .. } | Self::ServiceWithoutSms { .. } => "no_sms_capability",
            Self::ServiceNotFound(_) => "service_not_found",
            Self::ServiceWithoutSenders { .. } => "service_without_senders",
            Self::Unreachable { .. } => "twilio_unreachable",
            Self::Busy => "twilio_busy",
            Self::Strange { .. } => "twilio_answered_strangely",
        }
    }

    /// The form field it belongs to; `None` if no field is wrong.
    pub const fn field(&self) -> Option<&'static str> {
        match self {
            Self::AuthTokenRefused(_) | Self::TestCredentials => Some("auth_token"),
            Self::ApiKeyRefused(_) | Self::KeysNotAllowed(_) => Some("api_key_secret"),
            Self::AccountNotFound(_)
            | Self::AccountSuspended
            | Self::AccountClosed
            | Self::AccountInactive => Some("account_sid"),
            Self::NumberNotInAccount(_)
            | Self::NoSmsCapability { .. }
            | Self::ServiceNotFound(_)
            | Self::ServiceWithoutSenders { .. }
            | Self::ServiceWithoutSms { .. } => Some("sender"),
            Self::Unreachable { .. } | Self::Busy | Self::Strange { .. } => None,
        }
    }

    /// The cause in a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::AuthTokenRefused(account) => {
                format!("Twilio doesn’t accept this Auth Token for account {account}.")
            }
            Self::ApiKeyRefused(key) => format!(
                "Twilio doesn’t accept the API key {key} with this secret for this account."
            ),
            Self::KeysNotAllowed(code) => {
                let code = code.map_or_else(String::new, |code| format!(" (Twilio code {code})"));
                format!(
                    "Twilio accepts these keys, but they can’t read the account’s phone \
                     numbers{code}."
                )
            }
            Self::TestCredentials => {
                "These are Twilio’s test credentials, which never send messages.".to_owned()
            }
            Self::AccountNotFound(account) => format!("Twilio has no account {account}."),
            Self::AccountSuspended => "Twilio suspended this account, so it can’t send.".to_owned(),
            Self::AccountClosed => "This Twilio account is closed.".to_owned(),
            Self::AccountInactive => {
                "This account isn’t active at Twilio, so it can’t send.".to_owned()
            }
            Self::NumberNotInAccount(number) => {
                format!("The number {} is not in this Twilio account.", number.international())
            }
            Self::NoSmsCapability { number, mms } => {
                let except = if *mms { ", only MMS" } else { "" };
                format!("The number {} can’t send SMS{except}.", number.international())
            }
            Self::ServiceNotFound(sid) => {
                format!("There is no Messaging Service {sid} in this Twilio account.")
            }
            Self::ServiceWithoutSenders { name } => {
                format!("The Messaging Service “{name}” has no senders.")
            }
            Self::ServiceWithoutSms { name } => {
                format!("No number of the Messaging Service “{name}” can send SMS.")
            }
            Self::Unreachable { why } => format!("Couldn’t reach Twilio: {why}."),
            Self::Busy => "Twilio got too many requests for this account.".to_owned(),
            Self::Strange { what } => {
                format!("Twilio sent an unexpected answer: {what}.")
            }
        }
    }

    /// Advice to the user.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::AuthTokenRefused(_) => {
                "Copy Account SID and Auth Token from the same account in Twilio’s console \
                 (Account Dashboard, “Account Info”). A subaccount has its own token."
            }
            Self::ApiKeyRefused(_) => {
                "Check that SID and secret belong together and to this account. If you lost the \
                 secret, create a new API key in Twilio’s console (“API keys & tokens”)."
            }
            Self::KeysNotAllowed(_) => {
                "Use a standard API key. Or let the restricted one read phone numbers and \
                 Messaging Services, and send and read messages."
            }
            Self::TestCredentials => {
                "Use the live Account SID and Auth Token from the Account Dashboard of Twilio’s \
                 console."
            }
            Self::AccountNotFound(_) => {
                "Copy the Account SID from the Account Dashboard of Twilio’s console."
            }
            Self::AccountSuspended => {
                "Resolve the reason in Twilio’s console (often an unpaid balance), then try again."
            }
            Self::AccountClosed => "Connect another account. Twilio can’t reopen a closed one.",
            Self::AccountInactive => {
                "Check in Twilio’s console whether the account is suspended or closed."
            }
            Self::NumberNotInAccount(_) => {
                "Check the number and the account. A subaccount’s number needs that subaccount’s \
                 SID and keys. Twilio’s console lists the numbers under “Phone Numbers”."
            }
            Self::NoSmsCapability { .. } => {
                "Choose a number with SMS capability, or buy one in Twilio’s console."
            }
            Self::ServiceNotFound(_) => {
                "Copy the SID from the same account in Twilio’s console (“Messaging”, \
                 “Services”)."
            }
            Self::ServiceWithoutSenders { .. } => {
                "Add a phone number to the service’s sender pool in Twilio’s console, then try \
                 again."
            }
            Self::ServiceWithoutSms { .. } => {
                "Add a number with SMS capability to the service’s sender pool in Twilio’s \
                 console."
            }
            Self::Unreachable { .. } => {
                "Check this server’s internet access (DNS, firewall, proxy) and status.twilio.com, \
                 then try again."
            }
            Self::Busy => "Wait a minute and try again.",
            Self::Strange { .. } => {
                "Try again. If it persists, check status.twilio.com and any proxy between this \
                 server and Twilio."
            }
        }
    }

    /// Sentence and advice in one line, for a form field.
    pub fn message(&self) -> String {
        format!("{} {}", self.sentence(), self.advice())
    }
}

/// An error on its field if there is one; otherwise on the whole request.
impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        match problem.field() {
            Some(field) => Self::Invalid(FieldErrors::default().with(field, problem.message())),
            None => Self::Refused(problem.message()),
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
}
