//! Countries for national phone numbers: ISO 3166 codes, English names, calling codes.

use std::collections::HashMap;
use std::sync::LazyLock;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use rlibphonenumber::{PHONE_NUMBER_UTIL, Region};
use serde::{Deserialize, Serialize};

use super::stored_as::stored_as;

/// A country or territory with a calling code, such as `US`.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    AsExpression,
    FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(try_from = "String", into = "&'static str")]
pub struct Country(&'static str);

/// Why a text is not a country code.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CountryError {
    /// UK instead of the ISO 3166 code GB.
    #[error("use GB instead of UK: country codes are those of ISO 3166")]
    Britain,
    /// Not one of the codes.
    #[error("unknown country: use its two-letter ISO 3166 code, e.g. US or DE")]
    Unknown,
}

/// The countries: `US United States`, one per line, sorted by name.
static LIST: &str = include_str!("countries.txt");

struct Row {
    country: Country,
    name: &'static str,
    calling_code: u16,
}

static ROWS: LazyLock<Vec<Row>> = LazyLock::new(|| {
    LIST.lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(code, name)| {
            let calling_code = calling_code(code)?;
            Some(Row { country: Country(code), name, calling_code })
        })
        .collect()
});

static COUNTRIES: LazyLock<Vec<Country>> =
    LazyLock::new(|| ROWS.iter().map(|row| row.country).collect());

/// Countries by code; looked up for every parsed phone number.
static BY_CODE: LazyLock<HashMap<&str, Country>> =
    LazyLock::new(|| COUNTRIES.iter().map(|country| (country.0, *country)).collect());

impl Country {
    /// Parses a two-letter ISO 3166 code, case-insensitively.
    pub fn parse(text: &str) -> Result<Self, CountryError> {
        let code = text.trim();
        let found = BY_CODE.get(code).or_else(|| BY_CODE.get(code.to_ascii_uppercase().as_str()));
        match found {
            Some(country) => Ok(*country),
            None if code.eq_ignore_ascii_case("UK") => Err(CountryError::Britain),
            None => Err(CountryError::Unknown),
        }
    }

    /// All countries, sorted by English name, for a select box.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &COUNTRIES
    }

    /// The two-letter code.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0
    }

    /// The English name.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().map_or(self.0, |row| row.name)
    }

    /// The calling code, such as 1 for the United States (and Canada, and others).
    #[must_use]
    pub fn calling_code(self) -> u16 {
        self.row().map_or(0, |row| row.calling_code)
    }

    fn row(self) -> Option<&'static Row> {
        ROWS.iter().find(|row| row.country == self)
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::fmt::Debug for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::str::FromStr for Country {
    type Err = CountryError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Country {
    type Error = CountryError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Country> for &'static str {
    fn from(country: Country) -> Self {
        country.0
    }
}

stored_as!(Text, Country, code, Self::parse);

/// The calling code of a country.
fn calling_code(country: &str) -> Option<u16> {
    let code = PHONE_NUMBER_UTIL.get_country_code_for_region(Region::from_code(country).ok()?)?;
    u16::try_from(code).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_country_has_a_name_and_a_calling_code() {
        assert_eq!(Country::all().len(), LIST.lines().count());
        for country in Country::all() {
            assert!(!country.name().is_empty());
            assert!((1..=998).contains(&country.calling_code()), "{country}");
        }
    }

    #[test]
    fn codes_are_read_in_either_case() {
        let germany = Country::parse(" de ").unwrap();
        assert_eq!((germany.code(), germany.name(), germany.calling_code()), ("DE", "Germany", 49));
    }

    #[test]
    fn uk_is_refused_with_its_iso_code() {
        assert_eq!(Country::parse("UK"), Err(CountryError::Britain));
        assert_eq!(Country::parse("ZZ"), Err(CountryError::Unknown));
        assert_eq!(Country::parse(""), Err(CountryError::Unknown));
    }

    #[test]
    fn json_is_the_code_alone() {
        let country: Country = serde_json::from_str("\"ca\"").unwrap();
        assert_eq!(serde_json::to_string(&country).unwrap(), "\"CA\"");
        assert!(serde_json::from_str::<Country>("\"Canada\"").is_err());
    }
}
