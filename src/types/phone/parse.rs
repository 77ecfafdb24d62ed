//! From what people type to E.164: cleaning, country codes, trunk prefixes and possible lengths.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use phonenumber::metadata::{DATABASE, Descriptor, Metadata};

use crate::types::country::Country;

/// Why a text is no phone number, in words for the person who typed it; never quotes the number.
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
    /// A stored or internal value that is not `+` and 7 to 15 digits.
    #[error("This is not a phone number in E.164: write + and the country code, then digits only, e.g. +14155550123.")]
    NotE164,
}

/// E.164's limit, without the `+`.
const MOST_DIGITS: usize = 15;
/// Nobody writes a number longer than this; what is longer is not read further.
const MOST_CHARS: usize = 64;

/// Per calling code: how many digits a national number may have, over all countries that share the code.
static LENGTHS: LazyLock<HashMap<u16, BTreeSet<usize>>> = LazyLock::new(|| {
    (1..1000_u16)
        .filter_map(|code| {
            let regions = DATABASE.by_code(&code)?;
            Some((code, regions.iter().flat_map(|region| possible_lengths(region)).collect()))
        })
        .collect()
});

/// What was typed, without the decoration.
enum Dialled {
    International(String),
    National(String),
}

/// Reads a number to E.164.
pub(super) fn parse(raw: &str, default_country: Option<Country>) -> Result<String, PhoneError> {
    match (clean(raw)?, default_country) {
        (Dialled::International(digits), country) => international(&digits, country),
        (Dialled::National(digits), Some(country)) => national(&digits, country),
        (Dialled::National(digits), None) => match digits.strip_prefix("00") {
            Some(digits) => international(digits, None),
            None => Err(PhoneError::NoCountryCode),
        },
    }
}

/// Splits E.164 into calling code and national number.
pub(super) fn split(e164: &str) -> Option<(u16, &str)> {
    let digits = e164.strip_prefix('+')?;
    // Calling codes are prefix-free: at most one of the three is known.
    (1..=3.min(digits.len())).find_map(|length| {
        let (code, national) = digits.split_at_checked(length)?;
        let code: u16 = code.parse().ok()?;
        (!digits.starts_with('0') && LENGTHS.contains_key(&code)).then_some((code, national))
    })
}

fn clean(raw: &str) -> Result<Dialled, PhoneError> {
    let text = raw.trim();
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    if text.chars().count() > MOST_CHARS {
        return Err(PhoneError::TooLong(None));
    }
    let mut plus = false;
    let mut digits = String::with_capacity(16);
    for character in text.chars() {
        match character {
            '+' | '\u{ff0b}' if digits.is_empty() && !plus => plus = true,
            _ if is_separator(character) => {}
            _ => digits.push(digit(character).ok_or(PhoneError::NotANumber(character))?),
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    if !plus {
        return Ok(Dialled::National(digits));
    }
    // "+44 (0)20 …": the zero in brackets is dialled inside the country only. Italy keeps its zeros.
    if let Some((before, _)) = text.split_once("(0)")
        && !digits.starts_with("39")
    {
        let at = before.chars().filter(|character| digit(*character).is_some()).count();
        if at > 0 {
            digits.remove(at);
        }
    }
    Ok(Dialled::International(digits))
}

/// ASCII, full-width, Arabic-Indic, Persian and Devanagari digits.
fn digit(character: char) -> Option<char> {
    let zeros = ['0', '\u{ff10}', '\u{660}', '\u{6f0}', '\u{966}'];
    zeros.into_iter().find_map(|zero| {
        let value = u32::from(character).checked_sub(u32::from(zero))?;
        char::from_digit(value, 10)
    })
}

/// What people and address books put between the digits, invisible direction marks included.
fn is_separator(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '-' | '.' | '/' | '(' | ')' | '[' | ']' | '·' | '\u{ff08}' | '\u{ff09}' | '\u{ff0d}')
        || matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ad}')
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn international(digits: &str, default_country: Option<Country>) -> Result<String, PhoneError> {
    // "+0049 …" mixes both ways to say "international".
    let digits = digits.strip_prefix("00").unwrap_or(digits);
    let e164 = format!("+{digits}");
    let (code, national) = split(&e164).ok_or(PhoneError::UnknownCountryCode)?;
    let regions = DATABASE.by_code(&code).ok_or(PhoneError::UnknownCountryCode)?;
    let main = regions.first().and_then(|region| Country::parse(region.id()).ok());
    let country = default_country.filter(|country| country.calling_code() == code).or(main);
    join(code, national, country)
}

fn national(digits: &str, country: Country) -> Result<String, PhoneError> {
    let code = country.calling_code();
    let meta = DATABASE.by_id(country.code()).ok_or(PhoneError::UnknownCountryCode)?;
    if let Some(rest) = after_exit_code(digits, meta)
        && let Ok(number) = international(rest, None)
    {
        return Ok(number);
    }
    let trunk = meta.national_prefix().unwrap_or_default();
    let stripped = digits.strip_prefix(trunk).filter(|_| !trunk.is_empty());
    let with_code = digits.strip_prefix(code.to_string().as_str());
    let general = meta.descriptors().general();
    let without_carrier = without_carrier(digits, meta);
    let readings = [stripped, Some(digits), with_code, without_carrier.as_deref()];
    // The reading as a mobile number is preferred, since it is to be texted: 49151… in Germany is +49 151 …, although
    // landlines begin with 4915, too.
    let mobile = meta.descriptors().mobile();
    for kind in mobile.into_iter().chain([general]) {
        if let Some(reading) = readings.into_iter().flatten().find(|reading| kind.is_match(reading)) {
            return join(code, reading, Some(country));
        }
    }
    let best = stripped.filter(|_| trunk == "0").unwrap_or(digits);
    join(code, best, Some(country))
}

/// The digits after the exit code, which is `00` nearly everywhere, 011 in North America, 0011 in Australia.
fn after_exit_code<'a>(digits: &'a str, meta: &Metadata) -> Option<&'a str> {
    let own = meta
        .international_prefix()
        .and_then(|prefix| prefix.find(digits).filter(|found| found.start() == 0).map(|found| found.end()))
        .and_then(|end| digits.get(end..));
    own.or_else(|| digits.strip_prefix("00")).filter(|rest| !rest.is_empty())
}

/// The number without carrier codes (Brazil) or with its mobile digit in the place that abroad expects (Argentina).
fn without_carrier(digits: &str, meta: &Metadata) -> Option<String> {
    let prefix = meta.national_prefix_for_parsing()?;
    let captures = prefix.captures(digits)?;
    let whole = captures.get(0).filter(|whole| whole.start() == 0)?;
    match meta.national_prefix_transform_rule() {
        Some(rule) if captures.iter().skip(1).last().flatten().is_some() => Some(prefix.replace(digits, rule).into_owned()),
        _ => digits.get(whole.end()..).map(str::to_owned),
    }
}

fn join(code: u16, national: &str, country: Option<Country>) -> Result<String, PhoneError> {
    // A trunk zero after the country code, as in +44 020 …. Where zeros belong to the number (Italy, Côte d’Ivoire)
    // the country has no trunk prefix.
    let main = DATABASE.by_code(&code).and_then(|regions| regions.first().copied());
    let trunk_zero = main.is_some_and(|region| region.national_prefix() == Some("0"));
    let national = if trunk_zero { national.trim_start_matches('0') } else { national };
    let length = national.len();
    let lengths = LENGTHS.get(&code).ok_or(PhoneError::UnknownCountryCode)?;
    let number = format!("+{code}{national}");
    match (lengths.first(), lengths.last()) {
        (Some(least), _) if length < *least => Err(PhoneError::TooShort(country)),
        (_, Some(most)) if length > *most => Err(PhoneError::TooLong(country)),
        _ if number.len() > MOST_DIGITS + 1 => Err(PhoneError::TooLong(country)),
        // The shortest that can be stored; a few islands have 4-digit numbers, with a 3-digit code.
        _ if number.len() < 8 => Err(PhoneError::TooShort(country)),
        _ if !lengths.is_empty() && !lengths.contains(&length) => Err(PhoneError::ImpossibleLength(country)),
        _ => Ok(number),
    }
}

fn possible_lengths(region: &Metadata) -> BTreeSet<usize> {
    let descriptors = region.descriptors();
    let kinds = [
        descriptors.fixed_line(),
        descriptors.mobile(),
        descriptors.toll_free(),
        descriptors.premium_rate(),
        descriptors.shared_cost(),
        descriptors.personal_number(),
        descriptors.voip(),
        descriptors.pager(),
    ];
    kinds.into_iter().flatten().flat_map(Descriptor::possible_length).map(|length| usize::from(*length)).collect()
}

fn for_country(country: Option<Country>) -> String {
    country.map(|country| format!(" for {}", country.name())).unwrap_or_default()
}
