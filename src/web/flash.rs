//! A sentence that survives one redirect (“Contact saved.”), in a signed cookie.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::types::sealed::SecretKey;

/// A sentence for the next page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flash {
    pub(super) kind: Kind,
    pub(super) text: String,
}

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// Done.
    Success,
    /// Not done, or done with a reservation.
    Warning,
}

impl Flash {
    /// The cookie's value.
    pub(super) fn sign(&self, key: &SecretKey) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let signature = mac(key, &text).finalize().into_bytes();
        format!("{}.{}", URL_SAFE_NO_PAD.encode(&text), URL_SAFE_NO_PAD.encode(signature))
    }

    /// Reads a cookie's value; `None` unless we made it.
    pub(super) fn verify(value: &str, key: &SecretKey) -> Option<Self> {
        let (text, signature) = value.split_once('.')?;
        let text = URL_SAFE_NO_PAD.decode(text).ok()?;
        mac(key, &text).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

fn mac(key: &SecretKey, text: &[u8]) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.derive("flash")).expect("HMAC takes keys of any length");
    mac.update(text);
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_sentences_are_shown() {
        let key = SecretKey::generate();
        let flash = Flash { kind: Kind::Success, text: "Saved: “Ü”.".to_owned() };
        let value = flash.sign(&key);
        assert_eq!(Flash::verify(&value, &key), Some(flash));
        assert_eq!(Flash::verify(&value, &SecretKey::generate()), None);
        for bad in ["", ".", "a.b", &value[1..], &format!("{value}x")] {
            assert_eq!(Flash::verify(bad, &key), None, "{bad}");
        }
    }
}
