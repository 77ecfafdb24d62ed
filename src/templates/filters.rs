//! The filters of a template, where Tera's own could grow without bound, make a text dearer, or refuse a number.

#![expect(clippy::needless_pass_by_value, reason = "the signature of a filter is Tera's")]

use std::{fmt::Write as _, sync::LazyLock};

use chrono::format::{Item, StrftimeItems};
use tera::{Error, Kwargs, Number, State, Tera, TeraResult, Value};
use unicode_segmentation::UnicodeSegmentation as _;

use crate::types::moment::{Moment, MomentError};

/// The longest text that a filter gives, in bytes: well above what can be sent, well below what can hurt.
const MAX_BYTES: usize = 16 * 1024;

/// A Tera without functions and without escaping, with our filters; each template clones it.
pub(super) static SANDBOX: LazyLock<Tera> = LazyLock::new(|| {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    // No source that we write calls a function; should that ever fail, these two do nothing.
    tera.register_function("range", no_function);
    tera.register_function("throw", no_function);
    tera.register_filter("default", default);
    tera.register_filter("upper", |value: &Value, _: Kwargs, _: &State<'_>| bounded(text(value)?.to_uppercase()));
    tera.register_filter("lower", |value: &Value, _: Kwargs, _: &State<'_>| bounded(text(value)?.to_lowercase()));
    tera.register_filter("capitalize", |value: &Value, _: Kwargs, _: &State<'_>| bounded(capitalize(&text(value)?)));
    tera.register_filter("trim", trim);
    tera.register_filter("trim_start", trim_start);
    tera.register_filter("trim_end", trim_end);
    tera.register_filter("truncate", truncate);
    tera.register_filter("replace", replace);
    tera.register_filter("split", split);
    tera.register_filter("join", join);
    tera.register_filter("urlencode", |value: &Value, _: Kwargs, _: &State<'_>| bounded(urlencode(&text(value)?)));
    tera.register_filter("date", date);
    tera.register_filter("fixed", fixed);
    tera
});

fn no_function(_: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    Err(Error::message("Functions cannot be used in a template."))
}

/// Text, numbers and yes/no as text; lists, objects and what is not set have none.
fn text(value: &Value) -> TeraResult<std::borrow::Cow<'_, str>> {
    if let Some(text) = value.as_str() {
        return Ok(text.into());
    }
    if value.is_number() || value.is_bool() {
        return Ok(value.to_string().into());
    }
    Err(Error::message("This filter needs a text."))
}

fn bounded(text: String) -> TeraResult<Value> {
    if text.len() > MAX_BYTES { Err(too_long()) } else { Ok(Value::from(text)) }
}

fn too_long() -> Error {
    Error::message("The text grows too long in this filter.")
}

/// What is not set, null, or a text without a visible character gives way to the default.
fn default(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let boolean = kwargs.get::<bool>("boolean")?.unwrap_or_default();
    let empty = value.is_undefined() || value.is_none() || value.as_str().is_some_and(|text| text.trim().is_empty());
    if empty || (boolean && !value.is_truthy()) { kwargs.must_get::<Value>("value") } else { Ok(value.clone()) }
}

fn capitalize(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest.flat_map(char::to_lowercase)).collect())
}

fn trim(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    bounded(match kwargs.get::<&str>("pat")? {
        Some(pattern) => text.trim_start_matches(pattern).trim_end_matches(pattern).to_owned(),
        None => text.trim().to_owned(),
    })
}

fn trim_start(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    bounded(kwargs.get::<&str>("pat")?.map_or_else(|| text.trim_start(), |pattern| text.trim_start_matches(pattern)).to_owned())
}

fn trim_end(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    bounded(kwargs.get::<&str>("pat")?.map_or_else(|| text.trim_end(), |pattern| text.trim_end_matches(pattern)).to_owned())
}

/// Counts what people see as one character. Tera's “…” would turn a GSM-7 text into UCS-2, which more than doubles its
/// parts: three dots do not.
fn truncate(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    let length = kwargs.must_get::<usize>("length")?;
    let end = kwargs.get::<&str>("end")?.unwrap_or("...");
    bounded(match text.grapheme_indices(true).nth(length) {
        Some((byte, _)) => format!("{}{end}", &text[..byte]),
        None => text.into_owned(),
    })
}

fn replace(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    let from = kwargs.must_get::<&str>("from")?;
    let to = kwargs.must_get::<Value>("to")?;
    let to = self::text(&to)?;
    if from.is_empty() {
        return Err(Error::message("“from” of “replace” must not be empty."));
    }
    if text.matches(from).count().saturating_mul(to.len()) > MAX_BYTES {
        return Err(too_long());
    }
    bounded(text.replace(from, &to))
}

fn split(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let text = text(value)?;
    let pattern = kwargs.must_get::<&str>("pat")?;
    if pattern.is_empty() {
        return Err(Error::message("“pat” of “split” must not be empty."));
    }
    if text.len() > MAX_BYTES {
        return Err(too_long());
    }
    Ok(Value::from(text.split(pattern).map(Value::from).collect::<Vec<_>>()))
}

fn join(value: &[Value], kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let separator = kwargs.get::<&str>("sep")?.unwrap_or_default();
    let mut joined = String::new();
    for (index, item) in value.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&text(item)?);
        if joined.len() > MAX_BYTES {
            return Err(too_long());
        }
    }
    Ok(Value::from(joined))
}

/// Everything but unreserved characters (RFC 3986) as %XX.
fn urlencode(text: &str) -> String {
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

/// A number with a fixed count of decimal places, as prices are written.
fn fixed(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let places = kwargs.get::<usize>("places")?.unwrap_or(2).min(10);
    let number = value.as_number().map(|number| number.as_float()).or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
    match number.filter(|number| number.is_finite()) {
        Some(number) => bounded(format!("{number:.places$}")),
        None => Err(Error::message("“fixed” needs a number.")),
    }
}

/// A time written another way, shown in `timezone`, else as it was given. A calendar date has no time zone: it stays that day.
fn date(value: &Value, kwargs: Kwargs, _: &State<'_>) -> TeraResult<Value> {
    let moment = moment(value).map_err(|error| Error::message(format!("“date” cannot read this: {error}.")))?;
    let format = kwargs.get::<&str>("format")?.unwrap_or("%Y-%m-%d");
    let items: Vec<Item<'_>> = StrftimeItems::new(format).collect();
    if items.contains(&Item::Error) {
        return Err(Error::message(format!("“date” does not know the format “{format}”; write it like %d.%m.%Y %H:%M.")));
    }
    let zone = match kwargs.get::<&str>("timezone")? {
        Some(name) => Some(
            name.parse::<chrono_tz::Tz>()
                .map_err(|_| Error::message(format!("“date” does not know the time zone “{name}”; write it like Europe/Berlin.")))?,
        ),
        None => None,
    };
    let mut written = String::new();
    let result = match (moment, zone) {
        (Moment::Day(_), _) | (_, None) => write!(written, "{}", moment.instant().format_with_items(items.iter())),
        (_, Some(zone)) => write!(written, "{}", moment.instant().with_timezone(&zone).format_with_items(items.iter())),
    };
    result.map_err(|_| Error::message(format!("“date” cannot write the format “{format}”.")))?;
    bounded(written)
}

fn moment(value: &Value) -> Result<Moment, MomentError> {
    match (value.as_str(), value.as_number()) {
        (Some(text), _) => Moment::parse(text),
        (None, Some(Number::Integer(whole))) => Moment::since_1970(whole),
        (None, Some(number)) => Moment::since_1970_broken(number.as_float()),
        (None, None) => Err(MomentError::Unreadable),
    }
}
