//! Why a text is no phone number, in words for the person who typed it.

use super::PhoneNumber;
use crate::types::country::Country;

/// Why a text is no phone number. Only [`PhoneError::Ambiguous`] shows numbers; see
/// [`PhoneError::without_numbers`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Nothing was typed.
    #[error("Enter a phone number.")]
    Empty,
    /// A national number, and no country to read it with.
    #[error("This number has no country code: add it, e.g. +1 415 555 0123.")]
    NoCountryCode,
    /// A letter or another character that numbers do not contain.
    #[error("This is not a phone number: {0:?} does not belong in one.")]
    NotANumber(char),
    /// The digits after `+` begin with no country's code.
    #[error("No country has the code that this number begins with: check the digits after the +.")]
    UnknownCountryCode,
    /// Fewer digits than any number there.
    #[error("This number is too short{}.", for_country(*.0))]
    TooShort(Option<Country>),
    /// More digits than any number there.
    #[error("This number is too long{}.", for_country(*.0))]
    TooLong(Option<Country>),
    /// Between the shortest and the longest, and yet no number has as many digits.
    #[error("No number{} has this many digits.", for_country(*.0))]
    ImpossibleLength(Option<Country>),
    /// Two valid numbers can be meant.
    #[
        error(
            "This can be {} or {}: write the one you mean, with its +.",
            .0.international(),
            .1.international()
        )
    ]
    Ambiguous(PhoneNumber, PhoneNumber),
    /// A stored or internal value that is not `+` and 7 to 15 digits.
    #[error(
        "This is not a phone number in E.164: write + and the country code, then digits only, e.g. \
         +14155550123."
    )]
    NotE164,
}

impl PhoneError {
    /// The same for places that must not show numbers, such as logs.
    #[must_use]
    pub fn without_numbers(&self) -> String {
        match self {
            Self::Ambiguous(..) => {
                "This can be two numbers: write it with + and the country code.".to_owned()
            }
            other => other.to_string(),
        }
    }
}

fn for_country(country: Option<Country>) -> String {
    country.map(|country| format!(" for {}", country.name())).unwrap_or_default()
}
