//! Reading Twilio's JSON: numbers as text, dates of RFC 2822, and lists in pages.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;
use url::Url;

use super::{
    client::{Api, Client, Reply},
    credentials::Credentials,
    failure::{Exchange, TwilioError},
};

/// A list that does not end after so many pages is not ending at all.
const MOST_PAGES: usize = 200;

impl Client {
    /// Fetches one thing.
    pub(super) async fn fetch<T: DeserializeOwned>(&self, credentials: &Credentials, url: Url) -> Result<T, TwilioError> {
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

    /// Follows a list's pages until it ends or `limit` items are read; `key` is where the items are.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
    ) -> Result<Vec<T>, TwilioError> {
        self.list_until(credentials, api, url, key, limit, |_| false).await
    }

    /// The same; also ends with a page after which no other is wanted.
    pub(super) async fn list_until<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
        is_last: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, TwilioError> {
        let mut items = Vec::new();
        let mut next = Some(url);
        for _ in 0..MOST_PAGES {
            let Some(url) = next else { break };
            let reply = self.get(credentials, url).await?;
            let exchange = reply.exchange.clone();
            let mut page: Value = read(reply)?;
            let found = page.get_mut(key).map(Value::take).unwrap_or_default();
            let found: Vec<T> = serde_json::from_value(found).map_err(|error| unreadable(&error, exchange))?;
            let ends = is_last(&found);
            items.extend(found);
            let uri = page.get("next_page_uri").or_else(|| page.pointer("/meta/next_page_url"));
            next = uri.and_then(Value::as_str).and_then(|uri| self.next_page(api, uri)).filter(|_| items.len() < limit && !ends);
        }
        items.truncate(limit);
        Ok(items)
    }
}

/// Reads a 2xx answer's JSON, or the error that another one is.
fn read<T: DeserializeOwned>(reply: Reply) -> Result<T, TwilioError> {
    if !(200..300).contains(&reply.http_status) {
        return Err(TwilioError::of(reply));
    }
    let Reply { body, exchange, .. } = reply;
    serde_json::from_slice(&body).map_err(|error| unreadable(&error, exchange))
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
pub(super) fn number<'de, D: Deserializer<'de>, T: TryFrom<i64>>(deserializer: D) -> Result<Option<T>, D::Error> {
    let number = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    Ok(number.and_then(|number| T::try_from(number).ok()))
}

/// A date as RFC 2822 (2010 API) or RFC 3339 (newer APIs); null is none.
pub(super) fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<DateTime<Utc>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let parsed = text.and_then(|text| DateTime::parse_from_rfc2822(&text).or_else(|_| DateTime::parse_from_rfc3339(&text)).ok());
    Ok(parsed.map(|date| date.to_utc()))
}

/// Text that may be null or blank.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty()))
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
        assert_eq!(sample(r#"{"url": ""}"#).url, None);
        assert_eq!(sample(r#"{"url": "x"}"#).url.as_deref(), Some("x"));
    }
}
