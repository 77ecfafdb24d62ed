//! Comparing two JSON values as a marketer means it: numbers by value, times by time, else text.

use std::cmp::Ordering;

use serde_json::Value;

use crate::types::moment::{Moment, MomentError};

/// The least number of seconds since 1970 that is taken for a time, of March 1973.
const SECONDS_SINCE_1970: f64 = 1e8;

/// A number as exactly as JSON gave it: ids of 17 digits must not become equal by rounding.
#[derive(Clone, Copy)]
pub(super) enum Numeric {
    Whole(i128),
    Broken(f64),
}

/// A number, also one that is written as text.
pub(super) fn number(value: &Value) -> Option<Numeric> {
    match value {
        Value::Number(number) => {
            let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
            whole.map(Numeric::Whole).or_else(|| number.as_f64().map(Numeric::Broken))
        }
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_prefix('-').unwrap_or(text);
            if !digits.starts_with(|first: char| first.is_ascii_digit()) {
                return None;
            }
            let broken = || {
                text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Numeric::Broken)
            };
            text.parse::<i128>().ok().map(Numeric::Whole).or_else(broken)
        }
        _ => None,
    }
}

fn order_numbers(left: Numeric, right: Numeric) -> Option<Ordering> {
    match (left, right) {
        (Numeric::Whole(left), Numeric::Whole(right)) => Some(left.cmp(&right)),
        (left, right) => approximate(left).partial_cmp(&approximate(right)),
    }
}

#[expect(clippy::cast_precision_loss, reason = "the other side is a float already")]
const fn approximate(number: Numeric) -> f64 {
    match number {
        Numeric::Whole(number) => number as f64,
        Numeric::Broken(number) => number,
    }
}

/// Equal as a marketer means it: exactly for two texts, by value where one side is a number or a
/// truth value.
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

/// Numbers by value, times by time, other text by alphabet; none when the two cannot be compared.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return order_numbers(left, right);
    }
    // Also a date against seconds since 1970.
    let (left_time, right_time) = (time(left), time(right));
    if let (Ok(left), Ok(right)) = (left_time, right_time) {
        return Some(left.compare(&right));
    }
    // A word against a time is neither earlier nor later; `2026-03` is no date alone, and yet
    // before `2026-03-09`.
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
        // “n/a” against 100: neither greater nor less.
        _ => None,
    }
}

/// A date or time; a number only where it can be one of the last decades: 100 is rather a price.
pub(super) fn time(value: &Value) -> Result<Moment, MomentError> {
    match value.as_f64() {
        Some(number) if number.abs() < SECONDS_SINCE_1970 => Err(MomentError::Unreadable),
        _ => Moment::of_json(value),
    }
}

/// Whether two texts name one point in time, each with its zone.
fn same_instant(left: &str, right: &str) -> bool {
    let instant = |text: &str| match Moment::parse(text) {
        Ok(Moment::Instant(time)) => Some(time),
        _ => None,
    };
    // Ids in digits are not seconds since 1970.
    let has_clock = |text: &str| text.contains(':');
    has_clock(left)
        && has_clock(right)
        && instant(left).zip(instant(right)).is_some_and(|(left, right)| left == right)
}

/// Whether a text has the value in it, or a list has it as an element.
pub(super) fn contains(actual: &Value, wanted: &Value) -> bool {
    match (actual, wanted) {
        (Value::Array(elements), wanted) => elements.iter().any(|element| equal(element, wanted)),
        (Value::String(text), Value::String(wanted)) => text.contains(wanted.as_str()),
        (Value::String(text), wanted) => text.contains(&wanted.to_string()),
        _ => false,
    }
}
