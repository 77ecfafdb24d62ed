//! Parses and stores numbers in E.164.

use super::error::PhoneError;
use super::number::PhoneNumber;
use crate::types::stored_as::stored_as;

impl PhoneNumber {
    /// Accepts only E.164, without checking the numbering plan: for stored and internal values.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        if is_e164(text) { Ok(Self(text.to_owned())) } else { Err(PhoneError::NotE164) }
    }

    /// Whether an address is this number on any channel: `whatsapp:+14155550123` is +14155550123.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        let number = address.rsplit_once(':').map_or(address, |(_, number)| number);
        Self::from_e164(number).is_ok_and(|other| other == *self)
    }
}

/// Whether a text is `+` and 7 to 15 digits.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_e164(&text)
    }
}

stored_as!(Text, PhoneNumber, as_str, Self::from_e164);
