//! Errors of requests to Twilio, which distinguish whether a message may have been sent.

use serde_json::Value;

use super::error_codes::{self, Disposition, Wait};
use super::exchange::{Exchange, ExchangeError, Reply};
use super::json;
use crate::types::hook_address::redacted;

/// Why a message was not created, or why the outcome is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Twilio refused it: certainly not sent.
    #[error("{}", refusal(*.code, *.http_status, .message))]
    Refused {
        /// Twilio's error code; `None` if a proxy refused.
        code: Option<i32>,
        /// The HTTP status.
        http_status: u16,
        /// Twilio's message; blank if there is none.
        message: String,
        /// The request.
        exchange: Exchange,
    },
    /// The request did not leave this machine: certainly not sent.
    #[error("couldn’t reach Twilio: {why}; check this server’s internet access")]
    NotSent {
        /// The cause.
        why: String,
        /// The request.
        exchange: Exchange,
    },
    /// The deadline had passed before the request was written: certainly not sent.
    #[error(
        "nothing was sent, since too much time had passed since the last check; Carillon checks \
         again"
    )]
    TooLate {
        /// The request.
        exchange: Exchange,
    },
    /// Twilio limited the rate and did not process it: certainly not sent, and safe to retry.
    #[error("Twilio got too many requests for this account; Carillon sends it again more slowly")]
    Busy {
        /// The request.
        exchange: Exchange,
    },
    /// It may have been sent; only Twilio knows.
    #[error(
        "it is uncertain whether Twilio accepted the message: {why}; Carillon finds out before it \
         sends again"
    )]
    Unknown {
        /// The cause.
        why: String,
        /// The HTTP status, if there was a response.
        http_status: Option<u16>,
        /// Twilio's error code, if the response had one.
        code: Option<i32>,
        /// The request.
        exchange: Exchange,
    },
}

/// Why a request other than sending failed. Safe to retry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TwilioError {
    /// The keys are invalid, or lack permission.
    #[
        error(
            "Twilio doesn’t accept these keys{}: check the Account SID and the Auth Token or API \
             key",
            code_suffix(*.code)
        )
    ]
    Keys {
        /// Usually 20003.
        code: Option<i32>,
        /// Twilio's message.
        message: String,
        /// The request.
        exchange: Exchange,
    },
    /// The resource does not exist in this account.
    #[error("not found in this Twilio account: check that the SID or number belongs to it")]
    NotFound {
        /// The request.
        exchange: Exchange,
    },
    /// Refused for another reason.
    #[error("{}", refusal(*.code, *.http_status, .message))]
    Refused {
        /// Twilio's error code.
        code: Option<i32>,
        /// The HTTP status.
        http_status: u16,
        /// Twilio's message; blank if there is none.
        message: String,
        /// The request.
        exchange: Exchange,
    },
    /// Too many concurrent requests.
    #[error("Twilio got too many requests for this account: try again in a moment")]
    Busy {
        /// The request.
        exchange: Exchange,
    },
    /// No connection, a timeout, or an interrupted answer.
    #[error("couldn’t reach Twilio: {why}; check this server’s internet access")]
    Unreachable {
        /// The cause.
        why: String,
        /// The request.
        exchange: Exchange,
    },
    /// A server error.
    #[error(
        "Twilio has trouble (HTTP {http_status}): try again later; if it lasts, see \
         status.twilio.com"
    )]
    Unavailable {
        /// The HTTP status.
        http_status: u16,
        /// The request.
        exchange: Exchange,
    },
    /// A response that is not in Twilio's format.
    #[error(
        "the answer is not Twilio’s ({why}): check CARILLON_TWILIO_API_URL and any proxy in \
         between"
    )]
    Unreadable {
        /// What was wrong.
        why: String,
        /// The request.
        exchange: Exchange,
    },
}

const TOO_MANY_REQUESTS: i32 = 20_429;
const REFUSED_KEYS: i32 = 20_003;

impl SendError {
    /// How Carillon reacts.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Refused { code: Some(code), .. } => error_codes::lookup(*code).on_refusal(),
            Self::Refused { http_status: 401 | 403, .. } => Disposition::AccountBroken,
            Self::Refused { .. } => Disposition::Reject,
            Self::NotSent { .. } | Self::TooLate { .. } | Self::Busy { .. } => {
                Disposition::RetryAfter(Wait::Backoff)
            }
            Self::Unknown { .. } => Disposition::Ambiguous,
        }
    }

    /// Twilio's error code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Refused { code, .. } | Self::Unknown { code, .. } => *code,
            Self::Busy { .. } => Some(TOO_MANY_REQUESTS),
            Self::NotSent { .. } | Self::TooLate { .. } => None,
        }
    }

    /// The HTTP status of the response, if there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        match self {
            Self::Refused { http_status, .. } => Some(*http_status),
            Self::Busy { .. } => Some(429),
            Self::Unknown { http_status, .. } => *http_status,
            Self::NotSent { .. } | Self::TooLate { .. } => None,
        }
    }

    /// The request.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        match self {
            Self::Refused { exchange, .. }
            | Self::NotSent { exchange, .. }
            | Self::TooLate { exchange }
            | Self::Busy { exchange }
            | Self::Unknown { exchange, .. } => exchange,
        }
    }

    /// Interprets a response other than 2xx to a POST of a message. Twilio's code takes precedence
    /// over the HTTP status.
    pub(super) fn of(reply: Reply) -> Self {
        let Reply { body, http_status, exchange } = reply;
        let (code, message) = explanation(&body);
        let ambiguous = code
            .is_some_and(|code| error_codes::lookup(code).on_refusal() == Disposition::Ambiguous);
        match (http_status, code) {
            (_, Some(TOO_MANY_REQUESTS)) | (429, None) => Self::Busy { exchange },
            _ if ambiguous => Self::Unknown {
                why: describe_answer(http_status, code),
                http_status: Some(http_status),
                code,
                exchange,
            },
            // 408: a proxy timed out while waiting for either side.
            (408 | 500.., _) => Self::Unknown {
                why: describe_answer(http_status, code),
                http_status: Some(http_status),
                code,
                exchange,
            },
            _ => Self::Refused { code, http_status, message, exchange },
        }
    }
}

impl TwilioError {
    /// Twilio's error code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self {
            Self::Keys { code, .. } | Self::Refused { code, .. } => *code,
            Self::Busy { .. } => Some(TOO_MANY_REQUESTS),
            _ => None,
        }
    }

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::Unreachable { .. } | Self::Unavailable { .. })
    }

    pub(super) fn of(reply: Reply) -> Self {
        let Reply { body, http_status, exchange } = reply;
        let (code, message) = explanation(&body);
        match (http_status, code) {
            (_, Some(REFUSED_KEYS)) | (401, _) => Self::Keys { code, message, exchange },
            (_, Some(TOO_MANY_REQUESTS)) | (429, _) => Self::Busy { exchange },
            (404, _) => Self::NotFound { exchange },
            (500.., _) => Self::Unavailable { http_status, exchange },
            (0..=399, _) => Self::Unreadable { why: format!("HTTP {http_status}"), exchange },
            _ => Self::Refused { code, http_status, message, exchange },
        }
    }
}

impl From<ExchangeError> for SendError {
    fn from(broken: ExchangeError) -> Self {
        match broken {
            ExchangeError::NotSent { why, exchange } => Self::NotSent { why, exchange },
            ExchangeError::TooLate { exchange } => Self::TooLate { exchange },
            ExchangeError::NoAnswer { why, exchange } => {
                Self::Unknown { why, http_status: None, code: None, exchange }
            }
        }
    }
}

impl From<ExchangeError> for TwilioError {
    fn from(broken: ExchangeError) -> Self {
        match broken {
            ExchangeError::TooLate { exchange } => {
                Self::Unreachable { why: "there was no time left to ask".to_owned(), exchange }
            }
            ExchangeError::NotSent { why, exchange }
            | ExchangeError::NoAnswer { why, exchange } => Self::Unreachable { why, exchange },
        }
    }
}

/// Code and message of Twilio's error JSON; a proxy's response has neither. Redacted, because
/// Twilio repeats URLs that it rejects.
fn explanation(body: &[u8]) -> (Option<i32>, String) {
    let Ok(Value::Object(error)) = json::parse(body) else {
        return (None, String::new());
    };
    let code = match error.get("code") {
        Some(Value::Number(code)) => code.as_i64().and_then(|code| i32::try_from(code).ok()),
        Some(Value::String(code)) => code.parse().ok(),
        _ => None,
    };
    let text =
        ["message", "detail"].into_iter().find_map(|key| error.get(key).and_then(Value::as_str));
    (code.filter(|code| *code > 0), redacted(text.unwrap_or_default()).into_owned())
}

fn refusal(code: Option<i32>, http_status: u16, message: &str) -> String {
    match code {
        Some(code) => error_codes::lookup(code).explained(),
        None if message.is_empty() => {
            format!(
                "refused with HTTP {http_status}, without Twilio’s explanation: check any proxy \
                 in between"
            )
        }
        None => format!("refused with HTTP {http_status}: {message}"),
    }
}

fn code_suffix(code: Option<i32>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

fn describe_answer(http_status: u16, code: Option<i32>) -> String {
    format!("it answered with HTTP {http_status}{}", code_suffix(code))
}
