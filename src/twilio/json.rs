//! Parses Twilio's JSON: numbers as text, dates in RFC 2822, optional texts.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::types::storable_text::cleaned_json;

/// Parses a response of Twilio, cleaned of text that cannot be stored; the only entrance of its
/// JSON.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&cleaned_json(body))
}

/// Deserializes a number, also as text; `None` for anything else.
pub(super) fn number<'de, D: Deserializer<'de>, T: TryFrom<i64>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(number.and_then(|number| T::try_from(number).ok()))
}

/// Deserializes a date in RFC 2822 (2010 API) or RFC 3339 (newer APIs); `None` for anything else.
pub(super) fn date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = any_text(deserializer)?;
    let parsed = text.and_then(|text| {
        DateTime::parse_from_rfc2822(&text).or_else(|_| DateTime::parse_from_rfc3339(&text)).ok()
    });
    Ok(parsed.map(|date| date.to_utc()))
}

/// Deserializes a text; `None` if blank, null or not a text.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(any_text(deserializer)?.filter(|text| !text.is_empty()))
}

/// Deserializes a text that may be blank; `None` if null or not a text.
pub(super) fn any_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// Deserializes a text; blank if null or not a text.
pub(super) fn name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(any_text(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Sample {
        #[serde(default, deserialize_with = "number")]
        count: Option<u32>,
        #[serde(default, deserialize_with = "date")]
        at: Option<DateTime<Utc>>,
        #[serde(default, deserialize_with = "text")]
        url: Option<String>,
    }

    fn sample(json: &str) -> Sample {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn numbers_come_as_numbers_text_or_not_at_all() {
        assert_eq!(sample(r#"{"count": "2"}"#).count, Some(2));
        assert_eq!(sample(r#"{"count": 2}"#).count, Some(2));
        for json in ["{}", r#"{"count": null}"#, r#"{"count": "many"}"#, r#"{"count": -1}"#] {
            assert_eq!(sample(json).count, None, "{json}");
        }
    }

    #[test]
    fn dates_come_in_both_forms() {
        let expected = "2026-11-21T14:07:00Z".parse().ok();
        assert_eq!(sample(r#"{"at": "Sat, 21 Nov 2026 14:07:00 +0000"}"#).at, expected);
        assert_eq!(sample(r#"{"at": "2026-11-21T14:07:00Z"}"#).at, expected);
        assert_eq!(sample(r#"{"at": null}"#).at, None);
    }

    #[test]
    fn blank_text_is_none() {
        for none in [r#"{"url": ""}"#, r#"{"url": null}"#, r#"{"url": 7}"#] {
            assert_eq!(sample(none).url, None, "{none}");
        }
        assert_eq!(sample(r#"{"url": "x"}"#).url.as_deref(), Some("x"));
    }

    #[test]
    fn texts_that_cannot_be_stored_do_not_fail_the_answer() {
        let read =
            parse::<Vec<Sample>>(br#"[{"url": "a\u0000b"}, {"url": "\ud83d!"}, {"url": "c"}]"#)
                .unwrap();
        let urls: Vec<_> = read.iter().map(|item| item.url.as_deref().unwrap()).collect();
        assert_eq!(urls, ["ab", "\u{fffd}!", "c"]);
    }
}
