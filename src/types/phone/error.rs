//! Why a text is not a phone number, in words for the user.

use super::PhoneNumber;
use crate::types::country::Country;

/// Why a text is not a phone number. Only [`PhoneError::Ambiguous`] shows numbers; see
/// [`PhoneError::without_numbers`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// Blank.
    #[error("Enter a phone number.")]
    Empty,
    /// A national number without a country to interpret it.
    #[error("This number has no country code. Add it, such as +1 415 555 0123.")]
    NoCountryCode,
    /// A letter or another character that numbers do not contain.
    #[error("This is not a phone number: {0:?} doesn’t belong in one.")]
    NotANumber(char),
    /// The digits after `+` do not begin with a calling code.
    #[error("No country has this country code. Check the digits after the +.")]
    UnknownCountryCode,
    /// Fewer digits than any number of the country.
    #[error("This number is too short{}.", for_country(*.0))]
    TooShort(Option<Country>),
    /// More digits than any number of the country.
    #[error("This number is too long{}.", for_country(*.0))]
    TooLong(Option<Country>),
    /// A length between the shortest and the longest that no number of the country has.
    #[error("No number{} has this many digits.", for_country(*.0))]
    ImpossibleLength(Option<Country>),
    /// Two valid numbers are possible.
    #[
        error(
            "This can be {} or {}. Write the one you mean, with its +.",
            .0.international(),
            .1.international()
        )
    ]
    Ambiguous(PhoneNumber, PhoneNumber),
    /// A stored or internal value that is not `+` and 7 to 15 digits.
    #[error(
        "This is not a phone number in E.164. Write + and the country code, then digits only, \
         such as +14155550123."
    )]
    NotE164,
}

impl PhoneError {
    /// The message without phone numbers, for logs.
    #[must_use]
    pub fn without_numbers(&self) -> String {
        match self {
            Self::Ambiguous(..) => {
                "This can be two numbers. Write it with + and the country code.".to_owned()
            }
            other => other.to_string(),
        }
    }
}

fn for_country(country: Option<Country>) -> String {
    country.map(|country| format!(" for {}", country.name())).unwrap_or_default()
}
