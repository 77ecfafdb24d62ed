//! Short codes, which can send but are not contacts.

use serde::{Deserialize, Serialize};

/// A short code such as `12345`: a sender without a country code.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortCode(String);

/// The error of a text that is not a short code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a short code is 3 to 8 digits")]
pub struct ShortCodeError;

impl ShortCode {
    /// Parses 3 to 8 digits.
    pub fn parse(text: &str) -> Result<Self, ShortCodeError> {
        let text = text.trim();
        let is_valid =
            (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_valid { Ok(Self(text.to_owned())) } else { Err(ShortCodeError) }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Not masked: short codes belong to companies and are public.
impl std::fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ShortCode {
    type Error = ShortCodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ShortCode> for String {
    fn from(code: ShortCode) -> Self {
        code.0
    }
}
