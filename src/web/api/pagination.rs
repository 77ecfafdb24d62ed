//! Lists: `{"data":[…],"next_cursor":…}`, and the `limit` of a request for one.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::types::mistake::Mistake;
use crate::web::http::cursor::Cursor;

/// One page of a list; `next_cursor` is `null` on the last page.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct List<T> {
    /// The rows.
    pub data: Vec<T>,
    /// The `cursor` of the next page.
    pub next_cursor: Option<String>,
    /// The organization's time zone, in which days begin; only if the request names days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<&'static str>,
}

/// The `limit` of a query: 1 to 500, 50 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Paging(u16);

impl<T> List<T> {
    /// Creates a page from up to `limit` + 1 rows, of which the last only shows that more follow;
    /// `key` returns a row's sort key.
    pub fn from_rows<K: Serialize>(mut rows: Vec<T>, limit: usize, key: impl Fn(&T) -> K) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|last| Cursor(key(last)));
        Self { data: rows, next_cursor: next.and_then(|cursor| as_text(&cursor)), time_zone: None }
    }

    /// Creates a single page of all rows.
    pub const fn whole(rows: Vec<T>) -> Self {
        Self { data: rows, next_cursor: None, time_zone: None }
    }

    /// Creates a page from rows and the key of the next page, if there may be one.
    pub fn of_part<K: Serialize>(rows: Vec<T>, next: Option<K>) -> Self {
        Self {
            data: rows,
            next_cursor: next.and_then(|key| as_text(&Cursor(key))),
            time_zone: None,
        }
    }

    /// Returns the same page with the time zone of its days.
    #[must_use]
    pub fn with_days_of(self, zone: Option<&'static str>) -> Self {
        Self { time_zone: zone, ..self }
    }

    /// Returns the same page with each row converted.
    pub fn map<U>(self, convert: impl FnMut(T) -> U) -> List<U> {
        List {
            data: self.data.into_iter().map(convert).collect(),
            next_cursor: self.next_cursor,
            time_zone: self.time_zone,
        }
    }
}

impl Paging {
    /// The requested number of rows.
    #[must_use]
    pub const fn limit(self) -> usize {
        self.0 as usize
    }
}

impl Default for Paging {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<String> for Paging {
    type Error = Mistake;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
            .ok()
            .filter(|limit| (1..=500).contains(limit))
            .map(Self)
            .ok_or(Mistake::OutOfRange(1, 500))
    }
}

fn as_text<K: Serialize>(cursor: &Cursor<K>) -> Option<String> {
    match serde_json::to_value(cursor) {
        Ok(serde_json::Value::String(text)) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_points_to_the_next_only_when_there_is_one() {
        let page = List::from_rows(vec![1, 2, 3], 2, |row| *row);
        assert_eq!(page.data, [1, 2]);
        let cursor: Cursor<i32> = serde_json::from_value(page.next_cursor.unwrap().into()).unwrap();
        assert_eq!(cursor.0, 2);
        assert_eq!(List::from_rows(vec![1, 2], 2, |row| *row).next_cursor, None);
    }

    #[test]
    fn a_limit_out_of_bounds_is_refused() {
        assert_eq!(Paging::try_from("500".to_owned()).unwrap().limit(), 500);
        for bad in ["0", "501", "-1", "many", ""] {
            assert!(Paging::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }
}
