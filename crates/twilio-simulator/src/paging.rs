//! Keyset pagination of lists, in the two JSON formats that Twilio uses.

use serde_json::{Value, json};

use super::form::Form;

/// The requested page of a list.
pub(super) struct Paging {
    pub(super) size: usize,
    page: usize,
    /// The last SID of the previous page.
    pub(super) after: Option<String>,
}

impl Paging {
    pub(super) fn of(query: &Form) -> Self {
        let number = |key| query.get(key).and_then(|value| value.parse::<usize>().ok());
        Self {
            size: number("PageSize").unwrap_or(50).clamp(1, 1000),
            page: number("Page").unwrap_or(0),
            after: query
                .get("PageToken")
                .and_then(|token| token.strip_prefix("PA"))
                .map(str::to_owned),
        }
    }

    /// Extracts the page from a complete list; also returns the last SID if there is a next page.
    pub(super) fn paginate<T>(
        &self,
        rows: Vec<T>,
        sid: impl Fn(&T) -> String,
    ) -> (Vec<T>, Option<String>) {
        let start = match &self.after {
            Some(after) => {
                rows.iter().position(|row| sid(row) == *after).map_or(rows.len(), |index| index + 1)
            }
            None => 0,
        };
        let mut page: Vec<T> = rows.into_iter().skip(start).take(self.size + 1).collect();
        let more = page.len() > self.size;
        page.truncate(self.size);
        let next = page.last().filter(|_| more).map(sid);
        (page, next)
    }

    /// The list format of api.twilio.com, with URLs relative to the host.
    pub(super) fn classic(
        &self,
        path: &str,
        query: &Form,
        key: &str,
        rows: Vec<Value>,
        next: Option<&str>,
    ) -> Value {
        let start = self.page * self.size;
        let mut list = json!({
            "page": self.page,
            "page_size": self.size,
            "start": start,
            "end": (start + rows.len()).saturating_sub(1),
            "uri": self.page_url(path, query, self.page, self.after.as_deref()),
            "first_page_uri": self.page_url(path, query, 0, None),
            "previous_page_uri": null,
            "next_page_uri": next.map(
                |after| self.page_url(path, query, self.page + 1, Some(after))
            ),
        });
        list[key] = Value::Array(rows);
        list
    }

    /// The list format of messaging.twilio.com, with absolute URLs.
    pub(super) fn meta(
        &self,
        url: &str,
        query: &Form,
        key: &str,
        rows: Vec<Value>,
        next: Option<&str>,
    ) -> Value {
        let mut list = json!({"meta": {
            "page": self.page,
            "page_size": self.size,
            "url": self.page_url(url, query, self.page, self.after.as_deref()),
            "first_page_url": self.page_url(url, query, 0, None),
            "previous_page_url": null,
            "next_page_url": next.map(
                |after| self.page_url(url, query, self.page + 1, Some(after))
            ),
            "key": key,
        }});
        list[key] = Value::Array(rows);
        list
    }

    fn page_url(&self, path: &str, query: &Form, page: usize, after: Option<&str>) -> String {
        let mut pairs = query.encode_without(&["PageSize", "Page", "PageToken"]);
        pairs.append_pair("PageSize", &self.size.to_string());
        pairs.append_pair("Page", &page.to_string());
        if let Some(after) = after {
            pairs.append_pair("PageToken", &format!("PA{after}"));
        }
        format!("{path}?{}", pairs.finish())
    }
}
