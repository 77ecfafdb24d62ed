//! Reading Twilio's JSON: numbers as text, dates of RFC 2822, and lists in pages.

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use url::Url;

use super::client::{Api, Client, Reply};
use super::credentials::Credentials;
use super::failure::{Exchange, TwilioError};
use crate::types::text::cleaned_json;

/// A list that does not end after so many pages is not ending at all.
const MAX_PAGES: usize = 200;

impl Client {
    /// Fetches one thing.
    pub(super) async fn fetch<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        url: Url,
    ) -> Result<T, TwilioError> {
        read(self.get(credentials, url).await?)
    }

    /// Posts a form, and reads the thing that it changed.
    pub(super) async fn update<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<T, TwilioError> {
        read(self.post(credentials, url, form).await?)
    }

    /// Follows a list's pages until it ends or `limit` items are read; `key` is where the items
    /// are. What cannot be read is left out.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
    ) -> Result<Vec<T>, TwilioError> {
        let Listing { items, broken } =
            self.list_until(credentials, api, url, key, limit, |_| false).await?;
        if !broken.is_empty() {
            tracing::warn!(
                list = key,
                unreadable = broken.len(),
                "items of a list of Twilio cannot be read and are left out"
            );
        }
        Ok(items)
    }

    /// The same, item by item; also ends with a page after which no other is wanted.
    pub(super) async fn list_until<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
        is_last: impl Fn(&[T]) -> bool,
    ) -> Result<Listing<T>, TwilioError> {
        let (mut items, mut broken) = (Vec::new(), Vec::new());
        let mut next = Some(url);
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { break };
            let reply = self.get(credentials, url).await?;
            let exchange = reply.exchange.clone();
            let mut page: Value = read(reply)?;
            let found = page.get_mut(key).map(Value::take).unwrap_or_default();
            let found: Vec<Value> = serde_json::from_value(found)
                .map_err(|error| unreadable(&error, exchange.clone()))?;
            let page_begins = items.len();
            for item in found {
                let sid = item.get("sid").and_then(Value::as_str).map(str::to_owned);
                match serde_json::from_value(item) {
                    Ok(item) => items.push(item),
                    Err(error) => {
                        broken.push(Broken { sid, error: unreadable(&error, exchange.clone()) })
                    }
                }
            }
            let ends = is_last(&items[page_begins..]);
            let uri = page.get("next_page_uri").or_else(|| page.pointer("/meta/next_page_url"));
            next = uri
                .and_then(Value::as_str)
                .and_then(|uri| self.next_page(api, uri))
                .filter(|_| items.len() < limit && !ends);
        }
        items.truncate(limit);
        Ok(Listing { items, broken })
    }
}

/// A list as it was read: one bad item does not stop it.
#[derive(Debug)]
pub struct Listing<T> {
    /// What could be read.
    pub items: Vec<T>,
    /// What could not.
    pub broken: Vec<Broken>,
}

/// An item of a list that cannot be read.
#[derive(Debug)]
pub struct Broken {
    /// Its SID, if that can be.
    pub sid: Option<String>,
    /// What is wrong with it.
    pub error: TwilioError,
}

impl<T> Listing<T> {
    /// All items, or the error of the first that cannot be read.
    pub fn whole(self) -> Result<Vec<T>, TwilioError> {
        self.broken.into_iter().next().map_or(Ok(self.items), |broken| Err(broken.error))
    }
}

/// Reads JSON of Twilio's, the one way that it comes in: cleaned of what cannot be stored.
pub(super) fn json<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<T> {
    serde_json::from_slice(&cleaned_json(body))
}

/// Reads a 2xx answer's JSON, or the error that another one is.
fn read<T: DeserializeOwned>(reply: Reply) -> Result<T, TwilioError> {
    if !(200..300).contains(&reply.http_status) {
        return Err(TwilioError::of(reply));
    }
    let Reply { body, exchange, .. } = reply;
    json(&body).map_err(|error| unreadable(&error, exchange))
}

/// Serde's own words would quote the value; its place is enough.
fn unreadable(error: &serde_json::Error, exchange: Exchange) -> TwilioError {
    let why = match error.classify() {
        serde_json::error::Category::Data => "fields are missing or of another kind".to_owned(),
        _ => format!("it is no JSON at line {} column {}", error.line(), error.column()),
    };
    TwilioError::Unreadable { why, exchange }
}

/// A number that comes as a number or as text; anything else is none.
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

/// A date as RFC 2822 (2010 API) or RFC 3339 (newer APIs); anything else is none.
pub(super) fn date<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = any_text(deserializer)?;
    let parsed = text.and_then(|text| {
        DateTime::parse_from_rfc2822(&text).or_else(|_| DateTime::parse_from_rfc3339(&text)).ok()
    });
    Ok(parsed.map(|date| date.to_utc()))
}

/// Text; blank, null and whatever is no text is none.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(any_text(deserializer)?.filter(|text| !text.is_empty()))
}

/// Text that may be blank; null and whatever is no text is none.
pub(super) fn any_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

/// Text; null and whatever is no text is blank.
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
    fn texts_that_cannot_be_stored_do_not_cost_the_answer() {
        let read =
            json::<Vec<Sample>>(br#"[{"url": "a\u0000b"}, {"url": "\ud83d!"}, {"url": "c"}]"#)
                .unwrap();
        let urls: Vec<_> = read.iter().map(|item| item.url.as_deref().unwrap()).collect();
        assert_eq!(urls, ["ab", "\u{fffd}!", "c"]);
    }
}
