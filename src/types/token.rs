//! Random bearer tokens (sessions, API keys, set-up codes): the holder keeps the token, the
//! database only its hash.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// A token of 256 random bits in 43 characters of URL-safe base64; never printed by accident.
#[derive(Clone)]
pub struct RandomToken(SecretString);

impl RandomToken {
    /// Generates a token.
    pub fn generate() -> Self {
        Self(URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>()).into())
    }

    /// Parses the token that a caller presents; `None` if it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        (bytes.len() == 32).then(|| Self(text.into()))
    }

    /// The SHA-256 of the token's text, which is stored and looked up. No salt is needed, because
    /// 256 random bits cannot be guessed.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.expose_secret()).into()
    }

    /// The token's text, for its holder.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for RandomToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_text_with_the_same_hash() {
        let token = RandomToken::generate();
        assert_eq!(RandomToken::parse(token.expose()).unwrap().hash(), token.hash());
        assert_ne!(RandomToken::generate().hash(), token.hash());
        assert_eq!(format!("{token:?}"), "Token(…)");
    }

    #[test]
    fn other_texts_are_no_tokens() {
        for text in
            ["", "abc", "ö", &"A".repeat(42), &"A".repeat(44), &format!("{}=", "A".repeat(43))]
        {
            assert!(RandomToken::parse(text).is_none(), "{text}");
        }
    }
}
