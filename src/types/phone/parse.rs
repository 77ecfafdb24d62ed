//! From what people type to E.164: cleaning, and choosing among the ways in which the digits can be
//! read.

use super::characters::{Character, character};
use super::e164::is_e164;
use super::error::PhoneError;
use super::judgement::{Judgement, judge};
use super::number::PhoneNumber;
use super::{line, plan};
use crate::types::country::Country;

/// No number is written with more characters than this; what is longer is not read further.
const MAX_CHARS: usize = 64;

/// A number that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedPhone {
    /// The number.
    pub number: PhoneNumber,
    /// Whether it lies in a range that is in use; otherwise it only has the length of a number
    /// there.
    pub is_valid: bool,
}

impl PhoneNumber {
    /// Reads a number as people write it: with `+` or `00` and the country code, or nationally for
    /// `default_country`.
    ///
    /// Without a country a national number is an error; none is assumed silently. A valid reading
    /// is preferred to one that is merely possible, and two valid ones are an error.
    pub fn parse(raw: &str, default_country: Option<Country>) -> Result<Self, PhoneError> {
        parse(raw, default_country).map(|parsed| parsed.number)
    }

    /// The same, and says whether the number is valid: what is stored or sent to without being
    /// valid is to be pointed out.
    pub fn parse_and_judge(
        raw: &str,
        default_country: Option<Country>,
    ) -> Result<ParsedPhone, PhoneError> {
        parse(raw, default_country)
    }
}

/// What was typed, without the decoration.
struct Dialled {
    digits: String,
    is_international: bool,
    /// The same without the trunk prefix in brackets of “+44 (0)20 …”.
    without_brackets: Option<String>,
}

/// The ways in which digits can be read, as E.164.
struct Readings {
    country: Option<Country>,
    valid: Vec<String>,
    possible: Vec<String>,
    /// The valid number was read that is too short to be kept: what else is merely possible is not
    /// meant.
    is_valid_but_unkept: bool,
    error: Option<PhoneError>,
}

/// Reads a number to E.164.
fn parse(raw: &str, default_country: Option<Country>) -> Result<ParsedPhone, PhoneError> {
    // The fast path: programs send E.164.
    if is_e164(raw) && plan::is_valid(raw) {
        return Ok(ParsedPhone { number: PhoneNumber(raw.to_owned()), is_valid: true });
    }
    let dialled = clean(raw)?;
    match default_country {
        _ if dialled.is_international => {
            let mut readings = Readings::new(default_country);
            readings.add_international(&dialled.digits);
            // A zero in brackets belongs to some numbers, Italian landlines for one.
            if let Some(digits) = &dialled.without_brackets {
                readings.add_international(digits);
            }
            readings.choose()
        }
        Some(country) => national(&dialled.digits, country),
        None => match dialled.digits.strip_prefix("00") {
            Some(digits) => {
                let mut readings = Readings::new(None);
                readings.add_international(digits);
                readings.choose()
            }
            None => Err(PhoneError::NoCountryCode),
        },
    }
}

fn clean(raw: &str) -> Result<Dialled, PhoneError> {
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
    Ok(Dialled { digits, is_international, without_brackets })
}

/// Reads what was written without `+`: as a number of the country, with its country code or an exit
/// code before it.
fn national(digits: &str, country: Country) -> Result<ParsedPhone, PhoneError> {
    let code = country.calling_code();
    let full = format!("+{code}{digits}");
    let mut readings = Readings::new(Some(country));
    let as_dialled = plan::read(digits, Some(country));
    // An exit code says that a country code follows: the own one of the country, or 00, which is
    // understood everywhere.
    let is_abroad = digits.starts_with("00")
        || as_dialled
            .as_ref()
            .is_some_and(|read| plan::split(read).is_some_and(|(to, _)| to != code));
    if let Some(rest) = digits.strip_prefix("00") {
        readings.add_international(rest);
    }
    if let Some(reading) = as_dialled {
        readings.add(reading);
    }
    if !is_abroad {
        if let Some(reading) = plan::read(&full, None) {
            readings.add(reading);
        }
        if digits.starts_with(&code.to_string()) {
            readings.add_international(digits);
        }
        if readings.valid.is_empty() {
            readings.add_valid(line::otherwise_written(code, digits));
        }
    }
    // Its error is the plainest.
    if let Judgement::Impossible(error) = judge(&full, Some(country))
        && !is_abroad
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
            is_valid_but_unkept: false,
            error: None,
        }
    }

    /// Adds the readings of digits that begin with a country code, the likeliest that is valid
    /// alone.
    fn add_international(&mut self, digits: &str) {
        // "+0049 …" mixes both ways to say "international".
        let digits = digits.strip_prefix("00").unwrap_or(digits);
        let full = format!("+{digits}");
        let Some((code, national)) = plan::split(&full) else {
            self.error.get_or_insert(PhoneError::UnknownCountryCode);
            return;
        };
        // What is valid as it stands is not read otherwise: what was read once reads as itself.
        if plan::is_valid(&full) {
            return self.add(full);
        }
        // Libphonenumber takes a trunk prefix away, as in +44 020 … and +7 8 912 …, and moves
        // Argentina's 15.
        let before = self.valid.len();
        if let Some(reading) = plan::read(&full, None) {
            self.add(reading);
        }
        if self.valid.len() == before {
            self.add(full.clone());
        }
        if self.valid.len() == before {
            self.add_valid(line::otherwise_written(code, national));
        }
    }

    fn add(&mut self, e164: String) {
        let (e164, judgement) = settle(e164, self.country);
        match judgement {
            Judgement::Valid if !self.valid.contains(&e164) => self.valid.push(e164),
            Judgement::Possible if !self.possible.contains(&e164) => self.possible.push(e164),
            Judgement::Valid | Judgement::Possible => {}
            Judgement::ValidButUnkept(error) => {
                self.is_valid_but_unkept = true;
                self.error.get_or_insert(error);
            }
            Judgement::Impossible(error) => {
                self.error.get_or_insert(error);
            }
        }
    }

    /// Adds guesses, which count only if they are valid.
    fn add_valid(&mut self, guesses: Vec<String>) {
        guesses.into_iter().filter(|guess| plan::is_valid(guess)).for_each(|guess| self.add(guess));
    }

    /// The one that is valid, or else the likeliest that is possible; never one of two that are
    /// valid.
    fn choose(mut self) -> Result<ParsedPhone, PhoneError> {
        if let [one, other, ..] = self.valid.as_slice() {
            return Err(PhoneError::Ambiguous(
                PhoneNumber(one.clone()),
                PhoneNumber(other.clone()),
            ));
        }
        let is_valid = !self.valid.is_empty();
        if !self.is_valid_but_unkept {
            self.valid.append(&mut self.possible);
        }
        match self.valid.into_iter().next() {
            Some(e164) => Ok(ParsedPhone { number: PhoneNumber(e164), is_valid }),
            None => Err(self.error.unwrap_or(PhoneError::UnknownCountryCode)),
        }
    }
}

/// The current form of a reading that is read as itself, with its judgement: what is merely
/// possible may still have a trunk prefix.
fn settle(e164: String, country: Option<Country>) -> (String, Judgement) {
    let mut e164 = line::current(&e164).unwrap_or(e164);
    loop {
        let judgement = judge(&e164, country);
        match plan::read(&e164, None)
            .filter(|read| judgement == Judgement::Possible && read.len() < e164.len())
        {
            Some(read) => e164 = line::current(&read).unwrap_or(read),
            None => return (e164, judgement),
        }
    }
}
