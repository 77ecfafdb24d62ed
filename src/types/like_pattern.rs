//! Patterns for `LIKE` and `ILIKE` that match a text literally, whatever characters it has.

/// The largest number of words to compare with each text.
const MAX_WORDS: usize = 8;

/// A pattern for texts that begin with this one.
#[must_use]
pub fn starting_with(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 1);
    for character in text.chars() {
        if matches!(character, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

/// A pattern for texts that contain this one anywhere.
#[must_use]
pub fn containing(text: &str) -> String {
    format!("%{}", starting_with(text))
}

/// A pattern for each word of a text, of which the first eight count: together they match texts
/// that contain all of them.
#[must_use]
pub fn containing_words(text: &str) -> Vec<String> {
    text.split_whitespace().take(MAX_WORDS).map(containing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_are_escaped() {
        assert_eq!(starting_with("50%_\\"), "50\\%\\_\\\\%");
        assert_eq!(containing("off_now"), "%off\\_now%");
        assert_eq!(containing_words(" 50%  off"), ["%50\\%%", "%off%"]);
        assert_eq!(containing_words(&"a ".repeat(100)).len(), 8);
    }

    proptest! {
        #[test]
        fn a_pattern_has_exactly_one_wildcard_at_its_end(text in "\\PC{0,20}") {
            let pattern = starting_with(&text);
            let mut wildcards = 0;
            let mut chars = pattern.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => prop_assert!(chars.next().is_some()),
                    '%' | '_' => wildcards += 1,
                    _ => {}
                }
            }
            prop_assert_eq!(wildcards, 1);
            prop_assert!(pattern.ends_with('%'));
        }
    }
}
