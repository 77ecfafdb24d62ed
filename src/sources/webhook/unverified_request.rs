//! A request as it arrived, for its verification, and why it is not proven to come from its source.

use std::fmt::{self, Display, Formatter};

use chrono::TimeDelta;

/// What a verification looks at.
#[derive(Debug, Clone, Copy)]
pub struct UnverifiedRequest<'r> {
    /// The headers, each with its name and value.
    pub headers: &'r [(&'r str, &'r str)],
    /// The parameters of the query.
    pub query: &'r [(String, String)],
    /// The body as it arrived.
    pub body: &'r [u8],
}

/// Why a request is not proven to come from its source; in words for users, without secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unproven {
    /// The header of the proof is missing.
    MissingHeader(String),
    /// The parameter of the proof is missing.
    MissingParameter(String),
    /// No key was presented.
    MissingKey,
    /// The key is not, or no longer, the source's.
    WrongKey,
    /// The secret in this header or parameter is wrong.
    WrongSecret(String),
    /// This header is not in the form of a signature.
    MalformedSignature(String),
    /// The signature in this header does not match.
    WrongSignature(String),
    /// The time in this header cannot be read.
    MalformedTimestamp(String),
    /// The signature is this many seconds old, or from the future if negative.
    TooOld {
        /// The age.
        seconds: i64,
        /// The allowed age.
        tolerance: TimeDelta,
    },
    /// No secret is saved, or it cannot be unsealed.
    NoSecret,
}

impl<'r> UnverifiedRequest<'r> {
    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'r str> {
        let found = self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }

    pub(super) fn required_header(&self, name: &str) -> Result<&'r str, Unproven> {
        self.header(name).ok_or_else(|| Unproven::MissingHeader(name.to_owned()))
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&'r str> {
        self.query.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The key of the source that it presents.
    #[must_use]
    pub fn key(&self) -> Option<&'r str> {
        let bearer = self.header("authorization").and_then(|value| {
            let (scheme, key) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key)
        });
        let key =
            bearer.or_else(|| self.header("x-carillon-key")).or_else(|| self.parameter("key"));
        key.map(str::trim).filter(|key| !key.is_empty())
    }
}

impl Display for Unproven {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingHeader(name) => write!(
                f,
                "The header {name} is missing. Check how the sender signs or identifies itself."
            ),
            Self::MissingParameter(name) => {
                write!(f, "The address lacks the parameter {name}. Add it with the secret.")
            }
            Self::MissingKey => f.write_str(
                "The request has no key. Send the source’s key as “Authorization: Bearer sk_…”, as \
                 X-Carillon-Key, or as ?key= in the address.",
            ),
            Self::WrongKey => f.write_str(
                "The key is not, or no longer, this source’s. Replace it at the sender.",
            ),
            Self::WrongSecret(name) => {
                write!(f, "The secret in {name} is wrong. Compare it with the one saved here.")
            }
            Self::MalformedSignature(name) => {
                write!(f, "The header {name} is no signature in the expected form.")
            }
            Self::WrongSignature(name) => write!(
                f,
                "The signature in {name} doesn’t match. Check the secret saved here, and that no \
                 proxy changes the body."
            ),
            Self::MalformedTimestamp(name) => write!(f, "The time in {name} can’t be read."),
            Self::TooOld { seconds, tolerance } => {
                let (difference, direction) =
                    if *seconds < 0 { (-seconds, "ahead") } else { (*seconds, "ago") };
                write!(
                    f,
                    "It was signed {difference} seconds {direction}; at most {} are allowed. Check \
                     the clocks.",
                    tolerance.num_seconds()
                )
            }
            Self::NoSecret => {
                f.write_str("No usable secret is saved for this source. Enter the secret again.")
            }
        }
    }
}

impl std::error::Error for Unproven {}
