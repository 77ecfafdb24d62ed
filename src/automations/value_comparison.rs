//! Compares two JSON values as a marketer expects: numbers by value, times by time, other values as
//! text.

use std::cmp::Ordering;

use serde_json::Value;

use crate::types::date_or_time::{DateOrTime, DateOrTimeError};

/// Smallest number that counts as seconds since 1970 (March 1973); smaller ones are plain numbers.
const MIN_UNIX_SECONDS: f64 = 1e8;

/// A number at full precision: ids of 17 digits must not become equal by rounding.
#[derive(Clone, Copy)]
pub(super) enum Numeric {
    Integer(i128),
    Float(f64),
}

/// The value as a number, also if it is written as text.
pub(super) fn number(value: &Value) -> Option<Numeric> {
    match value {
        Value::Number(number) => {
            let integer =
                number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            integer.map(Numeric::Integer).or_else(|| number.as_f64().map(Numeric::Float))
        }
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            if !digits.starts_with(|first: char| first.is_ascii_digit()) {
                return None;
            }
            let float =
                || text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Numeric::Float);
            text.parse::<i128>().ok().map(Numeric::Integer).or_else(float)
        }
        _ => None,
    }
}

fn order_numbers(left: Numeric, right: Numeric) -> Option<Ordering> {
    match (left, right) {
        (Numeric::Integer(left), Numeric::Integer(right)) => Some(left.cmp(&right)),
        (left, right) => approximate(left).partial_cmp(&approximate(right)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the other side is a float already")]
const fn approximate(number: Numeric) -> f64 {
    match number {
        Numeric::Integer(number) => number as f64,
        Numeric::Float(number) => number,
    }
}

/// Whether two values are equal: two texts exactly, numbers and booleans by value even if one side
/// is text.
pub(super) fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => left == right || same_instant(left, right),
        (Value::Bool(truth), Value::String(text)) | (Value::String(text), Value::Bool(truth)) => {
            text.parse::<bool>() == Ok(*truth)
        }
        (Value::Number(_), _) | (_, Value::Number(_)) => match (number(left), number(right)) {
            (Some(left), Some(right)) => order_numbers(left, right) == Some(Ordering::Equal),
            _ => false,
        },
        _ => left == right,
    }
}

/// Orders numbers by value, times by time and other text alphabetically; `None` if the values
/// cannot be compared.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return order_numbers(left, right);
    }
    // Also compares a date with seconds since 1970.
    let (left_time, right_time) = (time(left), time(right));
    if let (Ok(left), Ok(right)) = (left_time, right_time) {
        return Some(left.compare(&right));
    }
    // A word and a time cannot be ordered. `2026-03` alone is not a date, but still comes before
    // `2026-03-09`.
    let is_word = |value: &Value| {
        value.as_str().is_some_and(|text| {
            !text.trim_start().starts_with(|first: char| first.is_ascii_digit())
        })
    };
    if (left_time.is_ok() && is_word(right)) || (right_time.is_ok() && is_word(left)) {
        return None;
    }
    match (left, right) {
        (Value::String(left_text), Value::String(right_text))
            if number(left).is_none() && number(right).is_none() =>
        {
            Some(left_text.cmp(right_text))
        }
        // “n/a” and 100 cannot be ordered.
        _ => None,
    }
}

/// The value as a date or time. A number counts only if it can be a time of the last decades: 100
/// is more likely a price.
pub(super) fn time(value: &Value) -> Result<DateOrTime, DateOrTimeError> {
    match value.as_f64() {
        Some(number) if number.abs() < MIN_UNIX_SECONDS => Err(DateOrTimeError::Unreadable),
        _ => DateOrTime::of_json(value),
    }
}

/// Whether two texts with time zones name the same instant.
fn same_instant(left: &str, right: &str) -> bool {
    let instant = |text: &str| match DateOrTime::parse(text) {
        Ok(DateOrTime::Instant(time)) => Some(time),
        _ => None,
    };
    // Without a clock time, ids in digits could be mistaken for seconds since 1970.
    let has_clock = |text: &str| text.contains(':');
    has_clock(left)
        && has_clock(right)
        && instant(left).zip(instant(right)).is_some_and(|(left, right)| left == right)
}

/// Whether a text contains the value, or a list has it as an element.
pub(super) fn contains(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Array(elements), wanted) => elements.iter().any(|element| equal(element, wanted)),
        (Value::String(text), Value::String(wanted)) => text.contains(wanted.as_str()),
        (Value::String(text), wanted) => text.contains(&wanted.to_string()),
        _ => false,
    }
}
