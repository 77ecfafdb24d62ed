//! Fetching from Twilio: one thing, or a list page by page.

use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::client::{Api, Client};
use super::credentials::Credentials;
use super::exchange::{Exchange, Reply};
use super::failure::TwilioError;
use super::wire::json;

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
                    Err(error) => broken
                        .push(UnreadableItem { sid, error: unreadable(&error, exchange.clone()) }),
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
    pub broken: Vec<UnreadableItem>,
}

/// An item of a list that cannot be read.
#[derive(Debug)]
pub struct UnreadableItem {
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
