//! Twilio's identifiers: a prefix of two letters for the kind of object, and 32 hexadecimal digits.

use serde::{Deserialize, Serialize};

/// Why a text is not an identifier of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidError {
    /// Has another prefix, often because the wrong field was copied.
    #[error("{what} begins with {expected}, this one with {found}: it is {}", kind_of(.found))]
    OtherKind {
        /// Expected kind.
        what: &'static str,
        /// Expected prefix.
        expected: &'static str,
        /// Actual prefix.
        found: String,
    },
    /// Has the right prefix, but is too short, too long or not hexadecimal.
    #[error(
        "{what} is {expected} and 32 characters 0-9 and a-f: copy it again from Twilio’s console"
    )]
    Shape {
        /// Expected kind.
        what: &'static str,
        /// Expected prefix.
        expected: &'static str,
    },
}

/// Declares SID types: parsed once, safe to show, to log, and in a URL path.
macro_rules! sids {
    ($($(#[$doc:meta])* $name:ident $what:literal $first:literal $(| $other:literal)?;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Parses a SID, trimmed.
            pub fn parse(text: &str) -> Result<Self, SidError> {
                parse(text, $what, &[$first $(, $other)?]).map(Self)
            }

            /// The SID as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = SidError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = SidError;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(sid: $name) -> Self {
                sid.0
            }
        }
    )+};
}

sids! {
    /// An account, or a subaccount.
    AccountSid "an Account SID" "AC";
    /// An API key.
    ApiKeySid "an API Key SID" "SK";
    /// A message: SMS (`SM`) or MMS (`MM`).
    MessageSid "a Message SID" "SM" | "MM";
    /// A Messaging Service.
    ServiceSid "a Messaging Service SID" "MG";
    /// A phone number of the account.
    NumberSid "a Phone Number SID" "PN";
}

fn parse(text: &str, what: &'static str, prefixes: &[&'static str]) -> Result<String, SidError> {
    let text = text.trim();
    let expected = prefixes.first().copied().unwrap_or_default();
    let known = prefixes.iter().find_map(|prefix| text.strip_prefix(prefix));
    match known {
        Some(rest) if rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
            Ok(text.to_owned())
        }
        None if kind_of(text) != UNKNOWN_KIND => {
            Err(SidError::OtherKind { what, expected, found: text.chars().take(2).collect() })
        }
        _ => Err(SidError::Shape { what, expected }),
    }
}

const UNKNOWN_KIND: &str = "of another kind";

fn kind_of(text: &str) -> &'static str {
    match text.get(..2) {
        Some("AC") => "an Account SID",
        Some("SK") => "an API Key SID",
        Some("SM" | "MM") => "a Message SID",
        Some("MG") => "a Messaging Service SID",
        Some("PN") => "a Phone Number SID",
        _ => UNKNOWN_KIND,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_two_letters_and_32_hexadecimal_digits() {
        let text = format!("AC{}", "0f".repeat(16));
        assert_eq!(AccountSid::parse(&format!(" {text}\n")).unwrap().as_str(), text);
        assert!(AccountSid::parse(&text[..33]).is_err());
        assert!(AccountSid::parse(&format!("AC{}", "0g".repeat(16))).is_err());
        assert!(AccountSid::parse("").is_err());
        assert!(MessageSid::parse(&format!("MM{}", "A1".repeat(16))).is_ok());
    }

    #[test]
    fn the_wrong_field_is_named() {
        let error = AccountSid::parse(&format!("SK{}", "0f".repeat(16))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "an Account SID begins with AC, this one with SK: it is an API Key SID"
        );
        let error = AccountSid::parse("ACnonsense").unwrap_err();
        assert!(error.to_string().starts_with("an Account SID is AC and 32 characters"));
    }
}
