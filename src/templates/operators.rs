//! Implementations of the operators: arithmetic, comparison, concatenation, containment.

use std::cmp::Ordering;

use tera::{Kwargs, Number, Value};

use super::ast::Operator;
use super::decimal_notation::without_noise;
use super::fault::{Fault, Function, RIGHT, Side, argument};
use super::value_conversions::{MAX_BYTES, display_text, number, number_of, too_long};
use super::value_kinds::Kinds;

/// All operators.
pub(super) const ALL: [(Operator, Function); 15] = [
    (Operator::Plus, |left, kwargs| arithmetic(left, kwargs, i128::checked_add, |a, b| a + b)),
    (Operator::Minus, |left, kwargs| arithmetic(left, kwargs, i128::checked_sub, |a, b| a - b)),
    (Operator::Times, |left, kwargs| arithmetic(left, kwargs, i128::checked_mul, |a, b| a * b)),
    (Operator::Divide, |left, kwargs| {
        divide(left, kwargs, |a, b| (a % b == 0).then(|| a / b), |a, b| a / b)
    }),
    (Operator::DivideFloor, |left, kwargs| {
        divide(left, kwargs, i128::checked_div_euclid, f64::div_euclid)
    }),
    (Operator::Remainder, |left, kwargs| {
        divide(left, kwargs, i128::checked_rem_euclid, f64::rem_euclid)
    }),
    (Operator::Concatenate, concatenate),
    (Operator::Equal, |left, kwargs| compare(left, kwargs, |left, right| Ok(equal(left, right)))),
    (Operator::Unequal, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(!equal(left, right)))
    }),
    (Operator::Less, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(order(left, right)?.is_lt()))
    }),
    (Operator::LessOrEqual, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(order(left, right)?.is_le()))
    }),
    (Operator::Greater, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(order(left, right)?.is_gt()))
    }),
    (Operator::GreaterOrEqual, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(order(left, right)?.is_ge()))
    }),
    (Operator::In, |left, kwargs| {
        compare(left, kwargs, |left, right| contains(right, left, Side::Right, Side::Left))
    }),
    (Operator::NotIn, |left, kwargs| {
        compare(left, kwargs, |left, right| Ok(!contains(right, left, Side::Right, Side::Left)?))
    }),
];

/// Negates a number.
pub(super) fn negative(value: &Value, _: &Kwargs) -> Result<Value, Fault> {
    match number(value)? {
        Number::Integer(integer) => integer.checked_neg().map(Value::from).ok_or_else(too_large),
        other => Ok(Value::from(-other.as_float())),
    }
}

fn too_large() -> Fault {
    Fault::message("the result is too large to write")
}

fn arithmetic(
    left: &Value,
    kwargs: &Kwargs,
    integer: fn(i128, i128) -> Option<i128>,
    float: fn(f64, f64) -> f64,
) -> Result<Value, Fault> {
    let left = number(left)?;
    let Some(right) = argument(kwargs, RIGHT) else { return Ok(Value::undefined()) };
    match (left, number_of(right, Side::Right)?) {
        (Number::Integer(left), Number::Integer(right)) => {
            integer(left, right).map(Value::from).ok_or_else(too_large)
        }
        (left, right) => without_noise(float(left.as_float(), right.as_float())),
    }
}

fn divide(
    left: &Value,
    kwargs: &Kwargs,
    integer: fn(i128, i128) -> Option<i128>,
    float: fn(f64, f64) -> f64,
) -> Result<Value, Fault> {
    let left = number(left)?;
    let Some(right) = argument(kwargs, RIGHT) else { return Ok(Value::undefined()) };
    let right = number_of(right, Side::Right)?;
    if right.as_float() == 0.0 {
        return Err(Fault::message("it divides by zero"));
    }
    if let (Number::Integer(left), Number::Integer(right)) = (left, right)
        // The only pair that overflows.
        && (left, right) != (i128::MIN, -1)
        && let Some(result) = integer(left, right)
    {
        return Ok(Value::from(result));
    }
    without_noise(float(left.as_float(), right.as_float()))
}

fn concatenate(left: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let Some(right) = argument(kwargs, RIGHT) else { return Ok(Value::undefined()) };
    let joined = display_text(left, Side::Left)?.into_owned() + &display_text(right, Side::Right)?;
    if joined.len() > MAX_BYTES { Err(too_long()) } else { Ok(Value::from(joined)) }
}

fn compare(
    left: &Value,
    kwargs: &Kwargs,
    holds: fn(&Value, &Value) -> Result<bool, Fault>,
) -> Result<Value, Fault> {
    let Some(right) = argument(kwargs, RIGHT) else { return Ok(Value::undefined()) };
    holds(left, right).map(Value::from)
}

/// Compares numbers by value, other values by kind and content.
fn equal(left: &Value, right: &Value) -> bool {
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => order_numbers(left, right) == Some(Ordering::Equal),
        (None, None) => Kinds::of(left) == Kinds::of(right) && left == right,
        _ => false,
    }
}

fn order(left: &Value, right: &Value) -> Result<Ordering, Fault> {
    if let (Some(left), Some(right)) = (left.as_number(), right.as_number()) {
        return order_numbers(left, right)
            .ok_or_else(|| Fault::message("a value is not a number that can be compared"));
    }
    if let (Some(left), Some(right)) = (left.as_str(), right.as_str()) {
        return Ok(left.cmp(right));
    }
    let (left, right) = (Kinds::of(left), Kinds::of(right));
    let comparable = Kinds::TEXT.or(Kinds::NUMBER);
    // Of a text and a number, blame the text, which can be converted.
    Err(if !comparable.intersects(left) || (left == Kinds::TEXT && right == Kinds::NUMBER) {
        Fault::Kind {
            side: Side::Left,
            actual: left,
            needed: if comparable.intersects(right) { right } else { comparable },
        }
    } else {
        Fault::Kind {
            side: Side::Right,
            actual: right,
            needed: if comparable.intersects(right) { Kinds::NUMBER } else { left },
        }
    })
}

fn order_numbers(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
        (left, right) => left.as_float().partial_cmp(&right.as_float()),
    }
}

/// Whether a text contains another, a list an item, or an object a field.
pub(super) fn contains(
    container: &Value,
    item: &Value,
    side: Side,
    item_side: Side,
) -> Result<bool, Fault> {
    if let Some(text) = container.as_str() {
        let kind = Kinds::of(item);
        if !Kinds::SCALAR.intersects(kind) {
            return Err(Fault::Kind { side: item_side, actual: kind, needed: Kinds::SCALAR });
        }
        return Ok(text.contains(&*display_text(item, item_side)?));
    }
    if let Some(items) = container.as_array() {
        return Ok(items.iter().any(|candidate| equal(candidate, item)));
    }
    if let Some(fields) = container.as_map() {
        return Ok(item
            .as_str()
            .is_some_and(|name| fields.keys().any(|key| key.as_str() == Some(name))));
    }
    Err(Fault::Kind { side, actual: Kinds::of(container), needed: Kinds::TEXT.or(Kinds::LIST) })
}
