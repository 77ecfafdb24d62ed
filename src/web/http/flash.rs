//! A message that survives one redirect (“Contact saved.”), in a signed cookie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::Mac;
use serde::{Deserialize, Serialize};

use crate::types::sealed::SecretKey;

/// A message for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::web) struct Flash {
    pub(in crate::web) kind: FlashKind,
    pub(in crate::web) text: String,
    /// The form that undoes the action, if it can be undone.
    pub(in crate::web) undo: Option<Undo>,
}

/// A form with one button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::web) struct Undo {
    /// The path that it posts to, without the path prefix of the public URL.
    pub(in crate::web) path: String,
    /// The names and values of its fields.
    pub(in crate::web) fields: Vec<(String, String)>,
}

/// The longest value that fits in a cookie, in bytes; browsers reject longer cookies.
const MAX_LENGTH: usize = 3_800;

/// How a message is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::web) enum FlashKind {
    /// The action is done.
    Success,
    /// The action is not done, or only in part.
    Warning,
}

impl Flash {
    /// The message as a signed cookie value; an undo form that does not fit is left out.
    pub(in crate::web) fn sign(&self, key: &SecretKey) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let signature = mac(key, &text).finalize().into_bytes();
        let value =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(signature));
        if value.len() > MAX_LENGTH && self.undo.is_some() {
            Self { undo: None, ..self.clone() }.sign(key)
        } else {
            value
        }
    }

    /// Reads a cookie value; `None` unless this installation has signed it.
    pub(in crate::web) fn verify(value: &str, key: &SecretKey) -> Option<Self> {
        let (text, signature) = value.split_once('.')?;
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        mac(key, &text).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn mac(key: &SecretKey, text: &[u8]) -> impl Mac {
    key.mac("flash", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_signed_messages_are_shown() {
        let key = SecretKey::generate();
        let undo = Some(Undo {
            path: "/templates/1/unarchive".to_owned(),
            fields: vec![("tag".to_owned(), "Ü".to_owned())],
        });
        let flash = Flash { kind: FlashKind::Success, text: "Saved: “Ü”.".to_owned(), undo };
        let value = flash.sign(&key);
        assert_eq!(Flash::verify(&value, &key), Some(flash));
        assert_eq!(Flash::verify(&value, &SecretKey::generate()), None);
        for bad in ["", ".", "a.b", &value[1..], &format!("{value}x")] {
            assert_eq!(Flash::verify(bad, &key), None, "{bad}");
        }
    }

    #[test]
    fn every_message_fits_into_a_cookie() {
        let key = SecretKey::generate();
        let undo = |count| {
            Some(Undo {
                path: "/".to_owned(),
                fields: vec![("id".to_owned(), "1".to_owned()); count],
            })
        };
        let flash = |undo| Flash { kind: FlashKind::Success, text: "Done.".to_owned(), undo };
        assert!(Flash::verify(&flash(undo(10)).sign(&key), &key).unwrap().undo.is_some());
        let long = flash(undo(1_000)).sign(&key);
        assert!(long.len() < MAX_LENGTH && Flash::verify(&long, &key) == Some(flash(None)));
    }
}
