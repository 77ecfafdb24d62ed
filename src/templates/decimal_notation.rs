//! Numbers in decimal notation: without exponent, without a fraction of zeros, never “NaN” or “-0”.

use tera::{Number, Value};

use super::fault::Fault;

/// Significant digits of calculated results: a double has about 16, and the last one is noise, as
/// `0.1 + 0.2` shows.
const DIGITS: usize = 15;

/// Rounding mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    /// To the nearest, half away from zero.
    Nearest,
    Up,
    Down,
}

/// The number in decimal notation; `None` for NaN and infinity.
pub(super) fn to_decimal(number: Number) -> Option<String> {
    match number {
        Number::Integer(whole) => Some(whole.to_string()),
        other => Some(other.as_float()).filter(|float| float.is_finite()).map(float_to_decimal),
    }
}

/// A finite number in the shortest exact decimal notation.
fn float_to_decimal(float: f64) -> String {
    // Rust prints floats without exponent, with the fewest digits that parse to the same value.
    if float == 0.0 { "0".to_owned() } else { float.to_string() }
}

/// A calculated result without the rounding noise of binary fractions.
pub(super) fn without_noise(float: f64) -> Result<Value, Fault> {
    if !float.is_finite() {
        return Err(Fault::message("the result is too large to write"));
    }
    Ok(Value::from(format!("{float:.*e}", DIGITS - 1).parse().unwrap_or(float)))
}

/// Parses a number: digits with an optional sign, decimal point and exponent.
pub(super) fn parse_number(text: &str) -> Option<Number> {
    let text = text.trim();
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    match text.parse::<i128>() {
        Ok(whole) => Some(Number::Integer(whole)),
        Err(_) => text.parse::<f64>().ok().filter(|float| float.is_finite()).map(Number::Float),
    }
}

/// Rounds to exactly `places` decimal places, by decimal digits: 2.675 becomes 2.68.
///
/// Negative places round to tens, hundreds, and so on.
pub(super) fn round_decimal(number: Number, places: i32, rounding: Rounding) -> Option<String> {
    let digits = to_decimal(number)?;
    let (sign, digits) =
        digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let kept_fraction = usize::try_from(places).unwrap_or_default();
    let dropped_tens = usize::try_from(places.saturating_neg()).unwrap_or_default();
    let whole = format!("{whole:0>width$}", width = dropped_tens + 1);
    let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
    let kept = whole.len() - dropped_tens + kept_fraction;
    let mut result: Vec<u8> =
        all.iter().copied().chain(std::iter::repeat(b'0')).take(kept).collect();
    let rest = all.get(kept..).unwrap_or_default();
    let is_away_from_zero = match rounding {
        Rounding::Nearest => rest.first().is_some_and(|digit| *digit >= b'5'),
        Rounding::Up => sign.is_empty() && rest.iter().any(|digit| *digit != b'0'),
        Rounding::Down => !sign.is_empty() && rest.iter().any(|digit| *digit != b'0'),
    };
    if is_away_from_zero {
        increment(&mut result);
    }
    result.extend(std::iter::repeat_n(b'0', dropped_tens));
    let point = result.len() - kept_fraction;
    let is_zero = result.iter().all(|digit| *digit == b'0');
    let text = String::from_utf8(result).ok()?;
    let whole = text[..point].trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let sign = if is_zero { "" } else { sign };
    Some(if kept_fraction == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{}", &text[point..])
    })
}

/// Increments a number given as decimal digits.
fn increment(digits: &mut Vec<u8>) {
    for digit in digits.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
    digits.insert(0, b'1');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_written_in_digits() {
        for (float, text) in [
            (42.0, "42"),
            (566_712_522.0, "566712522"),
            (1e21, "1000000000000000000000"),
            (0.000_000_1, "0.0000001"),
            (-0.0, "0"),
            (19.9, "19.9"),
            (-3.50, "-3.5"),
        ] {
            assert_eq!(to_decimal(Number::Float(float)).as_deref(), Some(text));
        }
        assert_eq!(
            to_decimal(Number::Integer(i128::from(u64::MAX))).as_deref(),
            Some("18446744073709551615")
        );
        assert_eq!(
            (to_decimal(Number::Float(f64::NAN)), to_decimal(Number::Float(f64::INFINITY))),
            (None, None)
        );
    }

    #[test]
    fn numbers_are_rounded_by_their_decimal_digits() {
        let nearest =
            |float, places| round_decimal(Number::Float(float), places, Rounding::Nearest).unwrap();
        assert_eq!(
            [nearest(2.675, 2), nearest(1.005, 2), nearest(-2.5, 0), nearest(9.995, 2)],
            ["2.68", "1.01", "-3", "10.00"]
        );
        assert_eq!(
            [nearest(-0.001, 2), nearest(0.5, 0), nearest(1e21, 1), nearest(4711.0, 0)],
            ["0.00", "1", "1000000000000000000000.0", "4711"]
        );
        assert_eq!(
            [nearest(1_250.0, -2), nearest(49.0, -2), nearest(50.0, -2), nearest(7.0, -3)],
            ["1300", "0", "100", "0"]
        );
        let of = |float, rounding| round_decimal(Number::Float(float), 1, rounding).unwrap();
        assert_eq!(
            [
                of(1.21, Rounding::Up),
                of(-1.29, Rounding::Up),
                of(1.29, Rounding::Down),
                of(-1.21, Rounding::Down)
            ],
            ["1.3", "-1.2", "1.2", "-1.3"]
        );
    }

    #[test]
    fn only_digits_are_read_as_numbers() {
        assert!(matches!(parse_number(" 7 "), Some(Number::Integer(7))));
        assert!(matches!(
            parse_number("1e3"),
            Some(Number::Float(float)) if (float - 1000.0).abs() < f64::EPSILON
        ));
        for text in ["", "NaN", "inf", "infinity", "1e400", "0x10", "1,5", "--1", "e", "."] {
            assert!(parse_number(text).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_rounded_is_near(float in -1e12..1e12_f64, places in 0..6_i32) {
            for rounding in [Rounding::Nearest, Rounding::Up, Rounding::Down] {
                let text = round_decimal(Number::Float(float), places, rounding).unwrap();
                let difference = text.parse::<f64>().unwrap() - float;
                let step = 10_f64.powi(-places);
                prop_assert!(difference.abs() <= step * 1.001 + 1e-3 * step, "{float} {text}");
                prop_assert!(rounding != Rounding::Up || difference > -1e-3, "{float} {text}");
                prop_assert!(rounding != Rounding::Down || difference < 1e-3, "{float} {text}");
                prop_assert!(
                    text.split_once('.').map_or(
                        0,
                        |(_, fraction)| fraction.len()
                    ) == usize::try_from(places).unwrap()
                );
            }
        }
    }
}
