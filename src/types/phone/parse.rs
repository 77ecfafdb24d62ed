//! Parses user input to E.164: cleans it, and chooses among the possible readings of its digits.

use super::characters::{Character, character};
use super::e164::is_e164;
use super::error::PhoneError;
use super::number::PhoneNumber;
use super::number_validity::{NumberValidity, classify};
use super::{line_forms, numbering_plan};
use crate::types::country::Country;

/// Maximum length of the input in characters.
const MAX_CHARS: usize = 64;

/// A parsed number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPhone {
    /// The number.
    pub number: PhoneNumber,
    /// Whether it is in a range that is in use; otherwise only its length is possible.
    pub is_valid: bool,
}

impl PhoneNumber {
    /// Parses a number with `+` or `00` and the country code, or a national number of
    /// `default_country`.
    ///
    /// Without a country, a national number is an error. A valid reading is preferred to one that
    /// is merely possible; two valid readings are an error.
    pub fn parse(raw: &str, default_country: Option<Country>) -> Result<Self, PhoneError> {
        parse(raw, default_country).map(|parsed| parsed.number)
    }

    /// Parses a number and returns whether it is valid, so that users can be warned of invalid
    /// numbers.
    pub fn parse_with_validity(
        raw: &str,
        default_country: Option<Country>,
    ) -> Result<ParsedPhone, PhoneError> {
        parse(raw, default_country)
    }
}

/// The digits of the input.
struct CleanedInput {
    digits: String,
    is_international: bool,
    /// The digits without the bracketed trunk prefix in “+44 (0)20 …”.
    without_brackets: Option<String>,
}

/// The possible readings of the digits in E.164.
struct Readings {
    country: Option<Country>,
    valid: Vec<String>,
    possible: Vec<String>,
    /// Whether a valid number was found that cannot be stored; merely possible readings are then
    /// not intended.
    has_unstorable: bool,
    error: Option<PhoneError>,
}

/// Parses a number to E.164.
fn parse(raw: &str, default_country: Option<Country>) -> Result<ParsedPhone, PhoneError> {
    // Fast path for E.164, which programs send.
    if is_e164(raw) && numbering_plan::is_valid(raw) {
        return Ok(ParsedPhone { number: PhoneNumber(raw.to_owned()), is_valid: true });
    }
    let cleaned = clean(raw)?;
    match default_country {
        _ if cleaned.is_international => {
            let mut readings = Readings::new(default_country);
            readings.add_international(&cleaned.digits);
            // A bracketed zero is part of some numbers, such as Italian landlines.
            if let Some(digits) = &cleaned.without_brackets {
                readings.add_international(digits);
            }
            readings.choose()
        }
        Some(country) => national(&cleaned.digits, country),
        None => match cleaned.digits.strip_prefix("00") {
            Some(digits) => {
                let mut readings = Readings::new(None);
                readings.add_international(digits);
                readings.choose()
            }
            None => Err(PhoneError::NoCountryCode),
        },
    }
}

fn clean(raw: &str) -> Result<CleanedInput, PhoneError> {
    let text = raw.trim();
    let text = match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => &text[4..],
        _ => text,
    };
    if text.chars().count() > MAX_CHARS {
        return Err(PhoneError::TooLong(None));
    }
    let mut is_international = false;
    let mut digits = String::with_capacity(16);
    for written in text.chars() {
        match character(written) {
            Character::Plus if digits.is_empty() && !is_international => is_international = true,
            Character::Separator => {}
            Character::Digit(digit) => digits.push(digit),
            Character::Plus | Character::Other => return Err(PhoneError::NotANumber(written)),
        }
    }
    if digits.is_empty() {
        return Err(PhoneError::Empty);
    }
    let zero = text.split_once("(0)").map(|(before, _)| {
        before.chars().filter(|c| matches!(character(*c), Character::Digit(_))).count()
    });
    let without_brackets = zero.filter(|at| *at > 0).map(|at| {
        let mut digits = digits.clone();
        digits.remove(at);
        digits
    });
    Ok(CleanedInput { digits, is_international, without_brackets })
}

/// Parses input without `+`: a number of the country, optionally with its country code or an exit
/// code.
fn national(digits: &str, country: Country) -> Result<ParsedPhone, PhoneError> {
    let code = country.calling_code();
    let full = format!("+{code}{digits}");
    let mut readings = Readings::new(Some(country));
    let as_dialled = numbering_plan::normalize(digits, Some(country));
    // An exit code means that a country code follows: the country's own exit code, or 00, which is
    // understood everywhere.
    let has_exit_code = digits.starts_with("00")
        || as_dialled
            .as_ref()
            .is_some_and(|read| numbering_plan::split(read).is_some_and(|(to, _)| to != code));
    if let Some(rest) = digits.strip_prefix("00") {
        readings.add_international(rest);
    }
    if let Some(reading) = as_dialled {
        readings.add(reading);
    }
    if !has_exit_code {
        if let Some(reading) = numbering_plan::normalize(&full, None) {
            readings.add(reading);
        }
        if digits.starts_with(&code.to_string()) {
            readings.add_international(digits);
        }
        if readings.valid.is_empty() {
            readings.add_valid(line_forms::alternative_readings(code, digits));
        }
    }
    // The error of this reading is the clearest.
    if let NumberValidity::Impossible(error) = classify(&full, Some(country))
        && !has_exit_code
    {
        readings.error = Some(error);
    }
    readings.choose()
}

impl Readings {
    fn new(country: Option<Country>) -> Self {
        Self {
            country,
            valid: Vec::new(),
            possible: Vec::new(),
            has_unstorable: false,
            error: None,
        }
    }

    /// Adds readings of digits that begin with a country code, only the most likely one if it is
    /// valid.
    fn add_international(&mut self, digits: &str) {
        // "+0049 …" combines both international prefixes.
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        let full = format!("+{digits}");
        let Some((code, national)) = numbering_plan::split(&full) else {
            self.error.get_or_insert(PhoneError::UnknownCountryCode);
            return;
        };
        // A valid number has no other readings, so that parsing is idempotent.
        if numbering_plan::is_valid(&full) {
            return self.add(full);
        }
        // Libphonenumber removes a trunk prefix, as in +44 020 … and +7 8 912 …, and moves
        // Argentina's 15.
        let before = self.valid.len();
        if let Some(reading) = numbering_plan::normalize(&full, None) {
            self.add(reading);
        }
        if self.valid.len() == before {
            self.add(full.clone());
        }
        if self.valid.len() == before {
            self.add_valid(line_forms::alternative_readings(code, national));
        }
    }

    fn add(&mut self, e164: String) {
        let (e164, validity) = resolve(e164, self.country);
        match validity {
            NumberValidity::Valid if !self.valid.contains(&e164) => self.valid.push(e164),
            NumberValidity::Possible if !self.possible.contains(&e164) => self.possible.push(e164),
            NumberValidity::Valid | NumberValidity::Possible => {}
            NumberValidity::Unstorable(error) => {
                self.has_unstorable = true;
                self.error.get_or_insert(error);
            }
            NumberValidity::Impossible(error) => {
                self.error.get_or_insert(error);
            }
        }
    }

    /// Adds those of the guesses that are valid.
    fn add_valid(&mut self, guesses: Vec<String>) {
        guesses
            .into_iter()
            .filter(|guess| numbering_plan::is_valid(guess))
            .for_each(|guess| self.add(guess));
    }

    /// Returns the valid reading, or else the most likely possible one; an error if two are valid.
    fn choose(mut self) -> Result<ParsedPhone, PhoneError> {
        if let [first, second, ..] = self.valid.as_slice() {
            return Err(PhoneError::Ambiguous(
                PhoneNumber(first.clone()),
                PhoneNumber(second.clone()),
            ));
        }
        let is_valid = !self.valid.is_empty();
        if !self.has_unstorable {
            self.valid.append(&mut self.possible);
        }
        match self.valid.into_iter().next() {
            Some(e164) => Ok(ParsedPhone { number: PhoneNumber(e164), is_valid }),
            None => Err(self.error.unwrap_or(PhoneError::UnknownCountryCode)),
        }
    }
}

/// Resolves a reading to its current form and classifies it; a merely possible reading may still
/// contain a trunk prefix.
fn resolve(e164: String, country: Option<Country>) -> (String, NumberValidity) {
    let mut e164 = line_forms::current(&e164).unwrap_or(e164);
    loop {
        let validity = classify(&e164, country);
        match numbering_plan::normalize(&e164, None)
            .filter(|read| validity == NumberValidity::Possible && read.len() < e164.len())
        {
            Some(read) => e164 = line_forms::current(&read).unwrap_or(read),
            None => return (e164, validity),
        }
    }
}
