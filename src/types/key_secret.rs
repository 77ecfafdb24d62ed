//! The secrets of keys that programs present: a beginning by which people and secret scanners
//! recognise the kind, and a [`RandomToken`](super::token::RandomToken).

/// Declares the secret of a kind of key, by its beginning and what its `Debug` shows.
macro_rules! key_secret {
    ($(#[$doc:meta])* $name:ident, $start:literal, $debug:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(String);

        impl $name {
            /// A new random secret.
            pub(super) fn generate() -> Self {
                Self(format!("{}{}", $start, $crate::types::token::RandomToken::generate().expose()))
            }

            /// Parses what a caller presents; `None` if it does not have the form of a key.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                $crate::types::token::RandomToken::parse(text.strip_prefix($start)?)
                    .map(|_| Self(text.to_owned()))
            }

            /// The key in plain text, to be shown to its holder.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }

            /// The beginning that is stored in plain text.
            pub(super) fn prefix(&self) -> &str {
                &self.0[..$crate::types::key_secret::PREFIX_LENGTH]
            }

            /// What is stored of the rest, to look the key up.
            pub(super) fn hash(&self) -> Vec<u8> {
                <sha2::Sha256 as sha2::Digest>::digest(&self.0).to_vec()
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str($debug)
            }
        }
    };
}

/// The length of the beginning of a key that is stored in plain text.
pub(crate) const PREFIX_LENGTH: usize = 9;

pub(crate) use key_secret;
