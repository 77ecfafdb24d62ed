//! The world's numbering plans from Google's libphonenumber: valid numbers, countries and formats.

use std::sync::LazyLock;

use rlibphonenumber::{
    PHONE_NUMBER_UTIL, PhoneNumber as Number, PhoneNumberFormat, PhoneNumberType, Region,
};

use crate::types::country::Country;

/// Maximum number of digits in E.164, without the `+`.
pub(super) const MAX_DIGITS: usize = 15;

/// Minimum number of digits that can be stored; a few islands have 4-digit numbers with a 3-digit
/// code.
pub(super) const MIN_DIGITS: usize = 7;

/// Whether each number below 1,000 is a calling code.
static CALLING_CODES: LazyLock<[bool; 1000]> = LazyLock::new(|| {
    let mut known = [false; 1000];
    for code in PHONE_NUMBER_UTIL.get_supported_calling_codes() {
        if let Some(known) = usize::try_from(code).ok().and_then(|code| known.get_mut(code)) {
            *known = true;
        }
    }
    known
});

/// Splits E.164 into calling code and national number.
pub(super) fn split(e164: &str) -> Option<(u16, &str)> {
    let digits = e164.strip_prefix('+')?;
    // Calling codes are prefix-free: at most one of the three is known.
    (1..=3.min(digits.len())).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code: u16 = code.parse().ok()?;
        let known = CALLING_CODES.get(usize::from(code)).copied().unwrap_or_default();
        (!digits.starts_with('0') && known).then_some((code, national))
    })
}

/// The number as libphonenumber's type; `None` without a known calling code or with too many
/// digits.
pub(super) fn number(e164: &str) -> Option<Number> {
    let (code, national) = split(e164)?;
    let zeros = national
        .bytes()
        .take_while(|digit| *digit == b'0')
        .count()
        .min(national.len().saturating_sub(1));
    Some(Number {
        country_code: code.into(),
        national_number: national.parse().ok()?,
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: i32::try_from(zeros).ok().filter(|zeros| *zeros > 1),
        ..Number::default()
    })
}

/// Whether a number in E.164 is in a range that is in use.
pub(super) fn is_valid(e164: &str) -> bool {
    has_length(e164) && number(e164).is_some_and(|number| number.is_valid())
}

/// Normalizes a number with libphonenumber: E.164 with an optional trunk prefix after the country
/// code, or a number dialled within a country.
pub(super) fn normalize(text: &str, country: Option<Country>) -> Option<String> {
    let region = country.and_then(|country| Region::from_code(country.code()).ok());
    let number = PHONE_NUMBER_UTIL.parse(text, region).ok()?;
    Some(number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// The country of a number, if the number determines it: several countries share a calling code.
pub(super) fn country(e164: &str) -> Option<Country> {
    let number = number(e164)?;
    let code = u16::try_from(number.country_code).ok()?;
    match number.get_region_code() {
        Some(region) => Country::parse(region.as_region_str().as_str()).ok(),
        // Twenty countries share +1.
        None if code == 1 => None,
        None => main_country(code),
    }
}

/// The type of line.
pub(super) fn kind(e164: &str) -> Option<PhoneNumberType> {
    number(e164).map(|number| number.get_type())
}

/// The number in the country's usual grouping.
pub(super) fn grouped(e164: &str) -> Option<String> {
    let text = number(e164)?.format_as(PhoneNumberFormat::International).replace('-', " ");
    // Only if the digits are unchanged.
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    (digits(&text) == digits(e164)).then_some(text)
}

/// The largest of the countries that share a calling code.
pub(super) fn main_country(code: u16) -> Option<Country> {
    let region = PHONE_NUMBER_UTIL.get_region_for_country_code(code.into())?;
    Country::parse(region.as_region_str().as_str()).ok()
}

pub(super) fn has_length(e164: &str) -> bool {
    (MIN_DIGITS + 1..=MAX_DIGITS + 1).contains(&e164.len())
}
