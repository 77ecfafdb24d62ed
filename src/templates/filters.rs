//! The filters of a template. Each bounds the size of its result and explains what it cannot
//! process.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::ops::RangeInclusive;

use chrono::format::{Item, StrftimeItems};
use tera::{Kwargs, Number, Value};
use unicode_segmentation::UnicodeSegmentation as _;

use super::decimal_notation::{Rounding, parse_number, round_decimal};
use super::fault::{Fault, Function, Side, argument, is_missing};
use super::value_conversions::{MAX_BYTES, display_text, list, number, text, too_long};
use super::value_kinds::Kinds;
use crate::types::date_or_time::{DateOrTime, DateOrTimeError};

/// All filters except `default`, which alone handles missing values.
pub(super) const ALL: [(&str, Function); 25] = [
    ("upper", |value, _| bounded(text(value)?.to_uppercase())),
    ("lower", |value, _| bounded(text(value)?.to_lowercase())),
    ("capitalize", |value, _| bounded(capitalize(&text(value)?))),
    ("title", |value, _| bounded(title(&text(value)?))),
    ("trim", |value, kwargs| {
        trim_with(value, kwargs, str::trim, |text, pattern| {
            text.trim_start_matches(pattern).trim_end_matches(pattern)
        })
    }),
    ("trim_start", |value, kwargs| {
        trim_with(value, kwargs, str::trim_start, |text, pattern| text.trim_start_matches(pattern))
    }),
    ("trim_end", |value, kwargs| {
        trim_with(value, kwargs, str::trim_end, |text, pattern| text.trim_end_matches(pattern))
    }),
    ("truncate", truncate),
    ("replace", replace),
    ("urlencode", |value, _| bounded(urlencode(&text(value)?))),
    ("date", date),
    ("fixed", fixed),
    ("round", round),
    ("abs", absolute),
    ("int", int),
    ("float", float),
    ("str", |value, _| bounded(display_text(value, Side::Left)?.into_owned())),
    ("length", length),
    ("wordcount", |value, _| Ok(Value::from(text(value)?.split_whitespace().count()))),
    ("pluralize", pluralize),
    ("split", split),
    ("join", |value, kwargs| {
        Ok(Value::from(list(items(value)?, &text_argument(kwargs, "sep")?.unwrap_or_default())?))
    }),
    ("first", |value, _| Ok(items(value)?.first().cloned().unwrap_or_else(Value::undefined))),
    ("last", |value, _| Ok(items(value)?.last().cloned().unwrap_or_else(Value::undefined))),
    ("nth", |value, kwargs| {
        let index = integer_argument(kwargs, "n", 0..=i64::from(u32::MAX))?
            .and_then(|index| usize::try_from(index).ok());
        let items = items(value)?;
        Ok(index.and_then(|index| items.get(index)).cloned().unwrap_or_else(Value::undefined))
    }),
];

/// Returns the argument `value` in place of a value that is undefined, null or a blank text; with
/// the argument `boolean`, also of `false`, 0 and an empty list.
pub(super) fn default(value: &Value, kwargs: &Kwargs) -> Value {
    let boolean = argument(kwargs, "boolean").is_some_and(Value::is_truthy);
    let empty = is_missing(value) || value.as_str().is_some_and(|text| text.trim().is_empty());
    if empty || (boolean && !value.is_truthy()) {
        argument(kwargs, "value").cloned().unwrap_or_else(Value::undefined)
    } else {
        value.clone()
    }
}

/// Percent-encodes everything except unreserved characters (RFC 3986).
pub(super) fn urlencode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn bounded(text: String) -> Result<Value, Fault> {
    if text.len() > MAX_BYTES { Err(too_long()) } else { Ok(Value::from(text)) }
}

fn text_argument<'k>(kwargs: &'k Kwargs, name: &'k str) -> Result<Option<Cow<'k, str>>, Fault> {
    let Some(value) = argument(kwargs, name) else { return Ok(None) };
    text(value).map(Some).map_err(|_| Fault::message(format!("“{name}” must be a text")))
}

fn pattern_argument<'k>(kwargs: &'k Kwargs, name: &'k str) -> Result<Option<Cow<'k, str>>, Fault> {
    match text_argument(kwargs, name)? {
        Some(pattern) if pattern.is_empty() => {
            Err(Fault::message(format!("“{name}” must not be empty")))
        }
        pattern => Ok(pattern),
    }
}

fn integer_argument(
    kwargs: &Kwargs,
    name: &str,
    range: RangeInclusive<i64>,
) -> Result<Option<i64>, Fault> {
    let Some(value) = argument(kwargs, name) else { return Ok(None) };
    let integer = value
        .as_number()
        .and_then(|number| number.as_integer())
        .and_then(|integer| i64::try_from(integer).ok());
    match integer.filter(|integer| range.contains(integer)) {
        Some(integer) => Ok(Some(integer)),
        None => Err(Fault::message(format!(
            "“{name}” must be a whole number from {} to {}",
            range.start(),
            range.end()
        ))),
    }
}

fn items(value: &Value) -> Result<&[Value], Fault> {
    value.as_array().ok_or_else(|| Fault::left(Kinds::of(value), Kinds::LIST))
}

fn capitalize(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect()
    })
}

/// Capitalizes each word; an apostrophe does not begin a word.
fn title(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut is_word_start = true;
    for c in text.chars() {
        if c.is_whitespace() || (c.is_ascii_punctuation() && c != '\'') {
            result.push(c);
            is_word_start = true;
        } else if is_word_start {
            result.extend(c.to_uppercase());
            is_word_start = false;
        } else {
            result.extend(c.to_lowercase());
        }
    }
    result
}

fn trim_with(
    value: &Value,
    kwargs: &Kwargs,
    trim_whitespace: for<'t> fn(&'t str) -> &'t str,
    trim_pattern: for<'t> fn(&'t str, &str) -> &'t str,
) -> Result<Value, Fault> {
    let text = text(value)?;
    bounded(match pattern_argument(kwargs, "pat")? {
        Some(pattern) => trim_pattern(&text, &pattern).to_owned(),
        None => trim_whitespace(&text).to_owned(),
    })
}

/// Truncates by grapheme cluster. Ends with three dots, because Tera's “…” would turn a GSM-7 text
/// into UCS-2 and more than double its parts.
fn truncate(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let text = text(value)?;
    let length = integer_argument(kwargs, "length", 0..=100_000)?
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or_default();
    let end = text_argument(kwargs, "end")?.unwrap_or(Cow::Borrowed("..."));
    bounded(match text.grapheme_indices(true).nth(length) {
        Some((byte, _)) => format!("{}{end}", &text[..byte]),
        None => text.into_owned(),
    })
}

fn replace(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let text = text(value)?;
    let from = pattern_argument(kwargs, "from")?.unwrap_or_default();
    let to = text_argument(kwargs, "to")?.unwrap_or_default();
    if text.matches(&*from).count().saturating_mul(to.len()) > MAX_BYTES {
        return Err(too_long());
    }
    bounded(text.replace(&*from, &to))
}

fn split(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let text = text(value)?;
    let pattern = pattern_argument(kwargs, "pat")?.unwrap_or_default();
    if text.len() > MAX_BYTES {
        return Err(too_long());
    }
    Ok(Value::from(text.split(&*pattern).map(Value::from).collect::<Vec<_>>()))
}

fn length(value: &Value, _: &Kwargs) -> Result<Value, Fault> {
    value
        .len()
        .map(Value::from)
        .ok_or_else(|| Fault::left(Kinds::of(value), Kinds::TEXT.or(Kinds::LIST)))
}

fn pluralize(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let is_one = matches!(number(value)?.as_integer(), Some(1 | -1));
    let (name, usual) = if is_one { ("singular", "") } else { ("plural", "s") };
    Ok(Value::from(&*text_argument(kwargs, name)?.unwrap_or(Cow::Borrowed(usual))))
}

/// The value as a number; a text is parsed.
fn to_number(value: &Value) -> Result<Number, Fault> {
    match value.as_str() {
        Some(text) => parse_number(text)
            .ok_or_else(|| Fault::message("this text is not a number, such as 19.90")),
        None => number(value),
    }
}

/// Formats a number with a fixed number of decimal places, as for prices.
fn fixed(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let places = integer_argument(kwargs, "places", 0..=10)?.unwrap_or(2);
    let digits = i32::try_from(places)
        .ok()
        .and_then(|places| round_decimal(to_number(value).ok()?, places, Rounding::Nearest));
    match digits {
        Some(digits) => bounded(digits),
        None => Err(to_number(value)
            .err()
            .unwrap_or_else(|| Fault::message("this number can’t be written"))),
    }
}

fn round(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let number = number(value)?;
    let precision = integer_argument(kwargs, "precision", -15..=15)?.unwrap_or_default();
    let rounding = match text_argument(kwargs, "method")?.as_deref() {
        None | Some("common") => Rounding::Nearest,
        Some("ceil") => Rounding::Up,
        Some("floor") => Rounding::Down,
        Some(_) => {
            return Err(Fault::message(
                "“method” must be \"ceil\" or \"floor\"; leave it out to round to the nearest",
            ));
        }
    };
    let written =
        i32::try_from(precision).ok().and_then(|places| round_decimal(number, places, rounding));
    written
        .as_deref()
        .and_then(parse_number)
        .map(Value::from)
        .ok_or_else(|| Fault::message("this number can’t be rounded"))
}

fn absolute(value: &Value, _: &Kwargs) -> Result<Value, Fault> {
    match number(value)? {
        Number::Integer(integer) => integer
            .checked_abs()
            .map(Value::from)
            .ok_or_else(|| Fault::message("this number is too large")),
        other => Ok(Value::from(other.as_float().abs())),
    }
}

fn int(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let base = integer_argument(kwargs, "base", 2..=36)?
        .and_then(|base| u32::try_from(base).ok())
        .unwrap_or(10);
    let integer = match value.as_str().map(str::trim) {
        Some(text) if base != 10 => {
            let digits = match base {
                2 => text.trim_start_matches("0b"),
                8 => text.trim_start_matches("0o"),
                16 => text.trim_start_matches("0x"),
                _ => text,
            };
            i128::from_str_radix(digits, base).ok()
        }
        _ => to_number(value)?.as_integer(),
    };
    integer
        .map(Value::from)
        .ok_or_else(|| Fault::message("this is not a whole number; use “float”, and “round” it"))
}

fn float(value: &Value, _: &Kwargs) -> Result<Value, Fault> {
    to_number(value).map(Value::from)
}

/// Formats a date or time, in `timezone` if given, else in its own zone. A calendar date has no
/// zone and stays the same day.
fn date(value: &Value, kwargs: &Kwargs) -> Result<Value, Fault> {
    let time = date_or_time(value)
        .map_err(|error| Fault::message(format!("“date” can’t read this: {error}")))?;
    let format = text_argument(kwargs, "format")?.unwrap_or(Cow::Borrowed("%Y-%m-%d"));
    let items: Vec<Item<'_>> = StrftimeItems::new(&format).collect();
    if items.contains(&Item::Error) {
        return Err(Fault::message(format!(
            "“date” doesn’t know the format “{format}”; write it like %d.%m.%Y %H:%M"
        )));
    }
    let zone = match text_argument(kwargs, "timezone")? {
        Some(name) => Some(name.parse::<chrono_tz::Tz>().map_err(|_| {
            Fault::message(format!(
                "“date” doesn’t know the time zone “{name}”; write it like Europe/Berlin"
            ))
        })?),
        None => None,
    };
    let mut written = String::new();
    let result = match (time, zone) {
        (DateOrTime::Day(_), _) | (_, None) => {
            write!(written, "{}", time.instant().format_with_items(items.iter()))
        }
        (_, Some(zone)) => write!(
            written,
            "{}",
            time.instant().with_timezone(&zone).format_with_items(items.iter())
        ),
    };
    result.map_err(|_| Fault::message(format!("“date” can’t write the format “{format}”")))?;
    bounded(written)
}

fn date_or_time(value: &Value) -> Result<DateOrTime, DateOrTimeError> {
    match (value.as_str(), value.as_number()) {
        (Some(text), _) => DateOrTime::parse(text),
        (None, Some(Number::Integer(integer))) => DateOrTime::since_1970(integer),
        (None, Some(number)) => DateOrTime::since_1970_float(number.as_float()),
        (None, None) => Err(DateOrTimeError::Unreadable),
    }
}
