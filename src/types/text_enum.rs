//! Enums with one lower-case word per variant, shared by the database, the API and the pages.

/// Declares an enum whose variants have one word each, used by `Display`, `FromStr`, serde and
/// diesel (`Text`).
///
/// `ALL` lists the variants in the order of declaration; the error of an unknown word lists the
/// known ones.
macro_rules! text_enum {
    (
        $(#[$doc:meta])* $vis:vis enum $name:ident {
            $($(#[$vdoc:meta])* $variant:ident = $text:literal),
            + $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow,
        )]
        #[diesel(sql_type = diesel::sql_types::Text)]
        $vis enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            /// Every variant, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word of the variant.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::types::text_enum::UnknownWord;

            fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    _ => Err(
                        $crate::types::text_enum::UnknownWord {
                            word: text.to_owned(),
                            known: &[$($text),+]
                        }
                    ),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(
                &self,
                serializer: S
            ) -> std::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D
            ) -> std::result::Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        $crate::types::stored_as::stored_as!(Text, $name, as_str, str::parse::<Self>);
    };
}
pub(crate) use text_enum;

use super::mistake::Mistake;

/// The error of a word that is not one of an enum's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Mistake::NotOneOf(word.clone(), known.to_vec()))]
pub struct UnknownWord {
    pub(crate) word: String,
    pub(crate) known: &'static [&'static str],
}

#[cfg(test)]
mod tests {
    text_enum! {
        /// An enum for the test.
        pub enum Colour { Red = "red", DarkBlue = "dark_blue" }
    }

    #[test]
    fn a_variant_is_written_and_read_as_its_word() {
        assert_eq!(Colour::DarkBlue.to_string(), "dark_blue");
        assert_eq!("red".parse(), Ok(Colour::Red));
        assert_eq!(serde_json::to_string(Colour::ALL).unwrap(), r#"["red","dark_blue"]"#);
    }

    #[test]
    fn an_unknown_word_names_the_known_ones() {
        let error = "green".parse::<Colour>().unwrap_err().to_string();
        assert_eq!(error, "Unknown: “green”. Use one of: red, dark_blue.");
    }
}
