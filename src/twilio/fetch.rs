//! Fetches resources and paginated lists from Twilio.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::exchange::{Exchange, Reply};
use super::json;
use super::request_error::TwilioError;

/// Maximum number of pages, in case a list never ends.
const MAX_PAGES: usize = 200;

impl Client {
    /// Fetches a resource.
    pub(super) async fn fetch<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        url: Url,
    ) -> Result<T, TwilioError> {
        read(self.get(credentials, url).await?)
    }

    /// Posts a form and reads the changed resource.
    pub(super) async fn update<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        url: Url,
        form: &[(&str, &str)],
    ) -> Result<T, TwilioError> {
        read(self.post(credentials, url, form).await?)
    }

    /// Reads a list page by page, up to `limit` items under `key`. Unreadable items are skipped and
    /// logged.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
    ) -> Result<Vec<T>, TwilioError> {
        let Listing { items, unreadable } =
            self.list_until(credentials, api, url, key, limit, |_| false).await?;
        if !unreadable.is_empty() {
            tracing::warn!(
                list = key,
                unreadable = unreadable.len(),
                "items of a list of Twilio cannot be read and are left out"
            );
        }
        Ok(items)
    }

    /// Reads a list page by page, up to `limit` items or a page for which `is_last` holds.
    pub(super) async fn list_until<T: DeserializeOwned>(
        &self,
        credentials: &Credentials,
        api: Api,
        url: Url,
        key: &str,
        limit: usize,
        is_last: impl Fn(&[T]) -> bool,
    ) -> Result<Listing<T>, TwilioError> {
        let (mut items, mut unreadable_items) = (Vec::new(), Vec::new());
        let mut next = Some(url);
        for _ in 0..MAX_PAGES {
            let Some(url) = next else { break };
            let reply = self.get(credentials, url).await?;
            let exchange = reply.exchange.clone();
            let mut page: Value = read(reply)?;
            let found = page.get_mut(key).map(Value::take).unwrap_or_default();
            let found: Vec<Value> = serde_json::from_value(found)
                .map_err(|error| unreadable(&error, exchange.clone()))?;
            let page_start = items.len();
            for item in found {
                let sid = item.get("sid").and_then(Value::as_str).map(str::to_owned);
                match serde_json::from_value(item) {
                    Ok(item) => items.push(item),
                    Err(error) => unreadable_items
                        .push(UnreadableItem { sid, error: unreadable(&error, exchange.clone()) }),
                }
            }
            let ends = is_last(&items[page_start..]);
            let uri = page.get("next_page_uri").or_else(|| page.pointer("/meta/next_page_url"));
            next = uri
                .and_then(Value::as_str)
                .and_then(|uri| self.next_page(api, uri))
                .filter(|_| items.len() < limit && !ends);
        }
        items.truncate(limit);
        Ok(Listing { items, unreadable: unreadable_items })
    }
}

/// A list with its unreadable items, which do not stop reading.
#[derive(Debug)]
pub struct Listing<T> {
    /// The readable items.
    pub items: Vec<T>,
    /// The unreadable items.
    pub unreadable: Vec<UnreadableItem>,
}

/// An unreadable item of a list.
#[derive(Debug)]
pub struct UnreadableItem {
    /// Its SID, if readable.
    pub sid: Option<String>,
    /// Why it is unreadable.
    pub error: TwilioError,
}

impl<T> Listing<T> {
    /// All items, or the error of the first unreadable one.
    pub fn complete(self) -> Result<Vec<T>, TwilioError> {
        self.unreadable.into_iter().next().map_or(Ok(self.items), |item| Err(item.error))
    }
}

/// Parses the JSON of a 2xx answer; any other status is an error.
fn read<T: DeserializeOwned>(reply: Reply) -> Result<T, TwilioError> {
    if !(200..300).contains(&reply.http_status) {
        return Err(TwilioError::of(reply));
    }
    let Reply { body, exchange, .. } = reply;
    json::parse(&body).map_err(|error| unreadable(&error, exchange))
}

/// The error of unreadable JSON, without serde's message, which would quote the value.
fn unreadable(error: &serde_json::Error, exchange: Exchange) -> TwilioError {
    let why = match error.classify() {
        serde_json::error::Category::Data => "fields are missing or of another kind".to_owned(),
        _ => format!("it is no JSON at line {} column {}", error.line(), error.column()),
    };
    TwilioError::Unreadable { why, exchange }
}
