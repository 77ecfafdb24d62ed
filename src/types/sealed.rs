//! Encryption of secrets at rest: the key, and the column type of sealed secrets.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Binary;
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::Sha256;

use super::stored_as::stored_as;

/// Version byte of sealed secrets: XChaCha20-Poly1305 with a random nonce of 24 bytes. Another
/// scheme would get another version.
const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 24;
const KEY_LENGTH: usize = 32;

/// The key that seals secrets and from which other keys are derived: 32 bytes, wiped from memory on
/// drop, never printed.
#[derive(Clone)]
pub struct SecretKey(Arc<SecretBox<[u8; KEY_LENGTH]>>);

/// A sealed secret as stored: version byte, nonce, ciphertext with tag.
#[derive(Clone, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = Binary)]
pub struct Sealed(Vec<u8>);

/// Why a text is not a [`SecretKey`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretKeyError {
    /// Neither base64 nor hex.
    #[error("it is neither base64 nor hex; make one with `openssl rand -base64 32`")]
    Encoding,
    /// Not 32 bytes.
    #[error("it has {0} bytes instead of 32; make one with `openssl rand -base64 32`")]
    Length(usize),
    /// All bytes are the same: a placeholder that was not replaced.
    #[error("it is not random; make one with `openssl rand -base64 32`")]
    NotRandom,
}

/// Why a secret cannot be unsealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnsealError {
    /// Another key, or bytes that were changed or moved from another row.
    #[error(
        "this secret was sealed with another CARILLON_SECRET_KEY (or secret.key file): start with \
         the key that was in use when it was \
         saved, or enter the secret again"
    )]
    OtherKey,
    /// Not in Carillon's format.
    #[error(
        "this secret is damaged or was written by a newer version of Carillon: enter it again, or \
         update"
    )]
    Unreadable,
}

impl SecretKey {
    /// Generates a random key.
    pub fn generate() -> Self {
        Self::from_bytes(rand::random())
    }

    /// Creates a key from 32 bytes.
    pub fn from_bytes(bytes: [u8; KEY_LENGTH]) -> Self {
        Self(Arc::new(SecretBox::new(Box::new(bytes))))
    }

    /// Parses 32 bytes of base64 (either alphabet, padded or not) or 64 hex digits.
    pub fn parse(text: &str) -> Result<Self, SecretKeyError> {
        let text = text.trim();
        let bytes = from_hex(text)
            .or_else(|| STANDARD.decode(text).ok())
            .or_else(|| STANDARD_NO_PAD.decode(text).ok())
            .or_else(|| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok())
            .ok_or(SecretKeyError::Encoding)?;
        let bytes: [u8; KEY_LENGTH] =
            bytes.as_slice().try_into().map_err(|_| SecretKeyError::Length(bytes.len()))?;
        if bytes.iter().all(|byte| *byte == bytes[0]) {
            return Err(SecretKeyError::NotRandom);
        }
        Ok(Self::from_bytes(bytes))
    }

    /// The key in base64, for a key file.
    pub fn to_base64(&self) -> SecretString {
        STANDARD.encode(self.0.expose_secret()).into()
    }

    /// Derives 32 bytes for another purpose such as signing sessions, deterministically per
    /// `label`, with HMAC-SHA256.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose_secret())
            .expect("HMAC takes keys of any length");
        mac.update(b"carillon/derive/");
        mac.update(label.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// The HMAC-SHA256 of a message with the key that is derived for `label`.
    pub fn mac(&self, label: &str, message: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.derive(label))
            .expect("HMAC takes keys of any length");
        mac.update(message);
        mac
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0.expose_secret()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl Sealed {
    /// Seals `secret` with the associated data `context`, which names column and row
    /// (`connections.auth_token:<id>`) and is required to unseal, so that sealed bytes are useless
    /// in another row.
    pub fn seal(key: &SecretKey, secret: &SecretString, context: &str) -> Self {
        let nonce: [u8; NONCE_LENGTH] = rand::random();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: context.as_bytes() };
        let ciphertext = key
            .cipher()
            .encrypt(&XNonce::from(nonce), payload)
            .expect("only texts beyond 256 GB cannot be sealed");
        let mut bytes = Vec::with_capacity(1 + NONCE_LENGTH + ciphertext.len());
        bytes.push(VERSION);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&ciphertext);
        Self(bytes)
    }

    /// Unseals the secret with the key and context that it was sealed with.
    pub fn unseal(&self, key: &SecretKey, context: &str) -> Result<SecretString, UnsealError> {
        let [VERSION, rest @ ..] = self.0.as_slice() else { return Err(UnsealError::Unreadable) };
        let (nonce, ciphertext) =
            rest.split_first_chunk::<NONCE_LENGTH>().ok_or(UnsealError::Unreadable)?;
        let payload = Payload { msg: ciphertext, aad: context.as_bytes() };
        let secret = key
            .cipher()
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| UnsealError::OtherKey)?;
        String::from_utf8(secret).map(SecretString::from).map_err(|_| UnsealError::Unreadable)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(…)")
    }
}

stored_as!(Binary, Sealed);

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * KEY_LENGTH || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONTEXT: &str = "connections.auth_token:0190";

    proptest! {
        #[test]
        fn a_sealed_secret_can_be_unsealed(text in ".*", context in ".*") {
            let key = SecretKey::generate();
            let sealed = Sealed::seal(&key, &text.clone().into(), &context);
            let unsealed = sealed.unseal(&key, &context).unwrap();
            prop_assert_eq!(unsealed.expose_secret(), text.as_str());
        }

        #[test]
        fn a_changed_byte_is_detected(at in 0_usize..60, flip in 1_u8..=255) {
            let key = SecretKey::generate();
            let mut sealed = Sealed::seal(
                &key,
                &"0123456789abcdef0123456789abcdef".into(),
                CONTEXT
            );
            sealed.0[at] ^= flip;
            prop_assert!(sealed.unseal(&key, CONTEXT).is_err());
        }

        #[test]
        fn any_bytes_are_refused_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..80)
        ) {
            prop_assert!(Sealed(bytes).unseal(&SecretKey::generate(), CONTEXT).is_err());
        }
    }

    #[test]
    fn another_key_or_another_row_cannot_unseal() {
        let key = SecretKey::generate();
        let sealed = Sealed::seal(&key, &"token".into(), CONTEXT);
        assert_eq!(
            sealed.unseal(&SecretKey::generate(), CONTEXT).unwrap_err(),
            UnsealError::OtherKey
        );
        assert_eq!(
            sealed.unseal(&key, "connections.auth_token:0191").unwrap_err(),
            UnsealError::OtherKey
        );
        assert!(
            UnsealError::OtherKey.to_string().contains("sealed with another CARILLON_SECRET_KEY")
        );
    }

    #[test]
    fn the_same_secret_sealed_twice_differs() {
        let key = SecretKey::generate();
        assert_ne!(
            Sealed::seal(&key, &"token".into(), CONTEXT),
            Sealed::seal(&key, &"token".into(), CONTEXT)
        );
    }

    #[test]
    fn keys_are_read_from_base64_and_hex() {
        let key = SecretKey::generate();
        let bytes = *key.0.expose_secret();
        let hex = bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        for text in [
            STANDARD.encode(bytes),
            STANDARD_NO_PAD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes),
            hex.to_uppercase(),
            format!(" {hex}\n"),
        ] {
            assert_eq!(*SecretKey::parse(&text).unwrap().0.expose_secret(), bytes, "{text}");
        }
    }

    #[test]
    fn bad_keys_say_what_is_wrong() {
        assert_eq!(SecretKey::parse("change-me!").unwrap_err(), SecretKeyError::Encoding);
        assert_eq!(SecretKey::parse("c2hvcnQ=").unwrap_err(), SecretKeyError::Length(5));
        assert_eq!(SecretKey::parse(&"00".repeat(32)).unwrap_err(), SecretKeyError::NotRandom);
        assert!(SecretKeyError::Encoding.to_string().contains("openssl rand -base64 32"));
    }

    #[test]
    fn derived_keys_differ_by_label_and_key_only() {
        let key = SecretKey::generate();
        assert_eq!(key.derive("session"), key.clone().derive("session"));
        assert_ne!(key.derive("session"), key.derive("csrf"));
        assert_ne!(key.derive("session"), SecretKey::generate().derive("session"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key = SecretKey::generate();
        let sealed = Sealed::seal(&key, &"token".into(), CONTEXT);
        assert_eq!(format!("{key:?} {sealed:?}"), "SecretKey(…) Sealed(…)");
    }
}
