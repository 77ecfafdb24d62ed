//! Conversions of values to text and numbers, as printing, filters and operators need them.

use std::borrow::Cow;

use tera::{Number, Value};

use super::decimal_notation::to_decimal;
use super::fault::{Fault, Side, is_missing};
use super::value_kinds::Kinds;

/// Maximum size of a filter's or operator's result in bytes: well above what can be sent, low
/// enough to be harmless.
pub(super) const MAX_BYTES: usize = 16 * 1024;

/// The text that a value is displayed as; a list as its items; objects cannot be displayed.
pub(super) fn display_text(value: &Value, side: Side) -> Result<Cow<'_, str>, Fault> {
    if let Some(text) = value.as_str() {
        return Ok(text.into());
    }
    if let Some(truth) = value.as_bool() {
        return Ok(if truth { "true" } else { "false" }.into());
    }
    if let Some(number) = value.as_number() {
        return to_decimal(number)
            .map(Cow::from)
            .ok_or_else(|| Fault::message("a value is not a number that can be written"));
    }
    if let Some(items) = value.as_array() {
        return list(items, ", ").map(Cow::from);
    }
    if is_missing(value) {
        return Err(Fault::Missing);
    }
    Err(Fault::Kind { side, actual: Kinds::of(value), needed: Kinds::SCALAR })
}

/// Joins the items of a list.
pub(super) fn list(items: &[Value], separator: &str) -> Result<String, Fault> {
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        if item.is_array() || item.is_map() {
            return Err(Fault::message(
                "an item of the list is a list or an object itself; name one of its fields",
            ));
        }
        match display_text(item, Side::Left) {
            Ok(text) => joined.push_str(&text),
            Err(Fault::Missing) => return Err(Fault::message("an item of the list has no value")),
            Err(fault) => return Err(fault),
        }
        if joined.len() > MAX_BYTES {
            return Err(too_long());
        }
    }
    Ok(joined)
}

/// A scalar (text, number or boolean) as text.
pub(super) fn text(value: &Value) -> Result<Cow<'_, str>, Fault> {
    let kind = Kinds::of(value);
    if Kinds::SCALAR.intersects(kind) {
        display_text(value, Side::Left)
    } else {
        Err(Fault::left(kind, Kinds::SCALAR))
    }
}

/// The number of a left operand.
pub(super) fn number(value: &Value) -> Result<Number, Fault> {
    number_of(value, Side::Left)
}

/// The fault of a result that exceeds [`MAX_BYTES`].
pub(super) fn too_long() -> Fault {
    Fault::message("the text grows too long here")
}

/// The number, or the fault of the operand at `side`.
pub(super) fn number_of(value: &Value, side: Side) -> Result<Number, Fault> {
    value.as_number().ok_or_else(|| Fault::Kind {
        side,
        actual: Kinds::of(value),
        needed: Kinds::NUMBER,
    })
}
