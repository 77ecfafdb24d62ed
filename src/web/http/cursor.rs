//! Cursors for keyset pagination: the sort key of the last row, as an opaque word for URLs.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::types::storable_text;

/// A sort key such as `(created_at, id)`, encoded as URL-safe base64; a field of query structs and
/// of responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor<K>(pub K);

impl<K: Serialize> Serialize for Cursor<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let key = serde_json::to_vec(&self.0).map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(key))
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Cursor<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let key: Option<Value> = URL_SAFE_NO_PAD
            .decode(&text)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let key = key
            .filter(storable_text::is_storable_value)
            .and_then(|key| serde_json::from_value(key).ok());
        key.map(Self).ok_or_else(|| {
            serde::de::Error::custom("this cursor is invalid: pass `next_cursor` unchanged")
        })
    }
}

impl<K> utoipa::PartialSchema for Cursor<K> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        String::schema()
    }
}

impl<K> utoipa::ToSchema for Cursor<K> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_round_trips_and_others_are_refused() {
        let cursor = Cursor(("2026-11-21T08:00:00Z".to_owned(), 7_i64));
        let text = serde_json::to_string(&cursor).unwrap();
        assert_eq!(serde_json::from_str::<Cursor<(String, i64)>>(&text).unwrap(), cursor);
        for bad in [r#""""#, r#""abc""#, r#""WzFd""#] {
            assert!(serde_json::from_str::<Cursor<(String, i64)>>(bad).is_err(), "{bad}");
        }
        let forged = serde_json::to_string(&Cursor("a\0")).unwrap();
        assert!(serde_json::from_str::<Cursor<String>>(&forged).is_err());
    }
}
