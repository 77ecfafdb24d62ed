//! Classifies a number by its country's numbering plan: valid, possible, or why it is neither.

use rlibphonenumber::{NumberLengthType, ValidationError};

use super::error::PhoneError;
use super::numbering_plan::{MAX_DIGITS, MIN_DIGITS, has_length, main_country, number, split};
use crate::types::country::Country;

/// Validity of a number by its country's numbering plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NumberValidity {
    /// In a range that is in use.
    Valid,
    /// Of a valid length, but in no range known to be in use.
    Possible,
    /// A valid number that cannot be texted or stored: a few service numbers are shorter than
    /// [`MIN_DIGITS`].
    Unstorable(PhoneError),
    /// Cannot be a number.
    Impossible(PhoneError),
}

/// Classifies a number in E.164; an error names `country`.
pub(super) fn classify(e164: &str, country: Option<Country>) -> NumberValidity {
    let Some((code, _)) = split(e164) else {
        return NumberValidity::Impossible(PhoneError::UnknownCountryCode);
    };
    let country =
        country.filter(|country| country.calling_code() == code).or_else(|| main_country(code));
    let Some(number) = number(e164) else {
        return NumberValidity::Impossible(PhoneError::TooLong(country));
    };
    match (number.is_valid(), has_length(e164)) {
        (true, true) => return NumberValidity::Valid,
        (true, false) if e164.len() > MAX_DIGITS => {
            return NumberValidity::Unstorable(PhoneError::TooLong(country));
        }
        (true, false) => return NumberValidity::Unstorable(PhoneError::TooShort(country)),
        (false, _) => {}
    }
    let error = match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) if has_length(e164) => return NumberValidity::Possible,
        Ok(NumberLengthType::IsPossible) | Err(ValidationError::TooLong)
            if e164.len() > MIN_DIGITS =>
        {
            PhoneError::TooLong(country)
        }
        Ok(_) | Err(ValidationError::TooShort | ValidationError::TooLong) => {
            PhoneError::TooShort(country)
        }
        Err(ValidationError::InvalidLength) => PhoneError::ImpossibleLength(country),
        Err(ValidationError::InvalidCountryCode) => PhoneError::UnknownCountryCode,
    };
    NumberValidity::Impossible(error)
}
