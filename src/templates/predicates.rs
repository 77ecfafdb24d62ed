//! Implementations of the tests behind `is`, such as `is defined` and `is containing`.

use std::borrow::Cow;

use tera::{Kwargs, Value};

use super::fault::{Fault, Side, argument, is_missing};
use super::operators::contains;
use super::value_conversions::{display_text, number, text};

/// Implementation of a test; `None` if the value, and so the answer, is missing.
pub(super) type TestFunction = fn(&Value, &Kwargs) -> Result<Option<bool>, Fault>;

/// All tests.
pub(super) const TESTS: [(&str, TestFunction); 13] = [
    ("defined", |value, _| Ok(Some(!is_missing(value)))),
    ("undefined", |value, _| Ok(Some(is_missing(value)))),
    ("string", |value, _| Ok(Some(value.is_string()))),
    ("number", |value, _| Ok(Some(value.is_number()))),
    ("integer", |value, _| {
        Ok(Some(value.as_number().is_some_and(|number| number.as_integer().is_some())))
    }),
    ("float", |value, _| {
        Ok(Some(value.as_number().is_some_and(|number| number.as_integer().is_none())))
    }),
    ("bool", |value, _| Ok(Some(value.is_bool()))),
    ("odd", |value, _| {
        if_present(value, || {
            Ok(number(value)?.as_integer().is_some_and(|integer| integer % 2 != 0))
        })
    }),
    ("even", |value, _| {
        if_present(value, || {
            Ok(number(value)?.as_integer().is_some_and(|integer| integer % 2 == 0))
        })
    }),
    ("divisible_by", |value, kwargs| if_present(value, || divisible(value, kwargs))),
    ("starting_with", |value, kwargs| {
        if_present(value, || Ok(text(value)?.starts_with(&*pattern(kwargs)?)))
    }),
    ("ending_with", |value, kwargs| {
        if_present(value, || Ok(text(value)?.ends_with(&*pattern(kwargs)?)))
    }),
    ("containing", |value, kwargs| {
        if_present(value, || {
            // Unlike operators, tests have no right operand: both faults name the left one.
            contains(value, argument(kwargs, "pat").ok_or(Fault::Missing)?, Side::Left, Side::Left)
        })
    }),
];

fn divisible(value: &Value, kwargs: &Kwargs) -> Result<bool, Fault> {
    let divisor = argument(kwargs, "divisor")
        .and_then(Value::as_number)
        .and_then(|number| number.as_integer());
    match divisor {
        Some(divisor) if divisor != 0 => Ok(number(value)?.as_integer().is_some_and(|integer| {
            integer.checked_rem(divisor).is_none_or(|remainder| remainder == 0)
        })),
        _ => Err(Fault::message("“divisor” of “divisible_by” must be a whole number other than 0")),
    }
}

fn pattern(kwargs: &Kwargs) -> Result<Cow<'_, str>, Fault> {
    let pattern = argument(kwargs, "pat").ok_or(Fault::Missing)?;
    display_text(pattern, Side::Left).map_err(|_| Fault::message("“pat” must be a text"))
}

fn if_present(
    value: &Value,
    answer: impl FnOnce() -> Result<bool, Fault>,
) -> Result<Option<bool>, Fault> {
    if is_missing(value) { Ok(None) } else { answer().map(Some) }
}
