//! How a number stands to its country's plan: valid, possible, or why it is none.

use rlibphonenumber::{NumberLengthType, ValidationError};

use super::error::PhoneError;
use super::plan::{MAX_DIGITS, MIN_DIGITS, has_length, main_country, number, split};
use crate::types::country::Country;

/// How a number stands to its country's plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It lies in a range that is in use.
    Valid,
    /// It has as many digits as numbers there have, but lies in no range that is known to be in
    /// use.
    Possible,
    /// It is a number, but none that can be texted or kept: a few service numbers have less digits
    /// than all others.
    ValidButUnkept(PhoneError),
    /// It cannot be a number.
    Impossible(PhoneError),
}

/// How a number in E.164 stands to its country's plan; an error names `country`.
pub(super) fn judge(e164: &str, country: Option<Country>) -> Judgement {
    let Some((code, _)) = split(e164) else {
        return Judgement::Impossible(PhoneError::UnknownCountryCode);
    };
    let country =
        country.filter(|country| country.calling_code() == code).or_else(|| main_country(code));
    let Some(number) = number(e164) else {
        return Judgement::Impossible(PhoneError::TooLong(country));
    };
    match (number.is_valid(), has_length(e164)) {
        (true, true) => return Judgement::Valid,
        (true, false) if e164.len() > MAX_DIGITS => {
            return Judgement::ValidButUnkept(PhoneError::TooLong(country));
        }
        (true, false) => return Judgement::ValidButUnkept(PhoneError::TooShort(country)),
        (false, _) => {}
    }
    let error = match number.is_possible_with_reason() {
        Ok(NumberLengthType::IsPossible) if has_length(e164) => return Judgement::Possible,
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
    Judgement::Impossible(error)
}
