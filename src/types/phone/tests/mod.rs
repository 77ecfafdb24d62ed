//! Tests of phone numbers.

mod all_countries;
mod user_input;

use super::{PhoneError, PhoneNumber};
use crate::types::country::Country;

fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

fn read(raw: &str, default_country: &str) -> String {
    match PhoneNumber::parse(raw, Some(country(default_country))) {
        Ok(number) => number.as_str().to_owned(),
        Err(error) => format!("{error:?}"),
    }
}

fn read_alone(raw: &str) -> Result<String, PhoneError> {
    PhoneNumber::parse(raw, None).map(String::from)
}
