//! Terms: the words of all patterns, and which of them a word of a text matches: exactly, by its
//! beginning, or with one letter wrong.

use std::collections::HashMap;

use super::text_folding::fold;
use super::tokens::{Token, split};

/// The number of a word of a pattern.
pub(super) type TermId = u32;

/// The words of all patterns by number, with indexes to find those that a word of a text matches.
#[derive(Debug, Default)]
pub(super) struct Terms {
    numbers: HashMap<String, TermId>,
    exact: HashMap<String, Vec<TermId>>,
    prefixes: HashMap<String, Vec<TermId>>,
    /// The words that may be misspelt, under themselves and under each form with one letter
    /// removed.
    misspelt: HashMap<String, Vec<(TermId, String)>>,
}

impl Terms {
    /// The terms that a token matches in any of its readings.
    pub(super) fn of(&self, token: &Token) -> Vec<TermId> {
        let mut found: Vec<TermId> = token.readings().flat_map(|word| self.of_word(word)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The terms that a word matches; misspelt ones only if the word is not itself a word of the
    /// rules.
    fn of_word(&self, word: &str) -> Vec<TermId> {
        let mut found = self.exact.get(word).cloned().unwrap_or_default();
        let ends = word.char_indices().skip(1).map(|(at, _)| at).chain([word.len()]);
        for end in ends.take(24) {
            found.extend(self.prefixes.get(&word[..end]).into_iter().flatten());
        }
        if found.is_empty() && (4..=24).contains(&word.len()) {
            for variant in [word.to_owned()].into_iter().chain(without_one(word)) {
                let near = self.misspelt.get(&variant).into_iter().flatten();
                found.extend(
                    near.filter(|(_, right)| is_misspelt(word, right)).map(|(term, _)| *term),
                );
            }
        }
        found
    }

    /// A word of a pattern as terms; several if its script has no spaces.
    pub(super) fn row(&mut self, word: &str) -> Vec<TermId> {
        let (bare, mark) = match word.char_indices().next_back() {
            Some((at, mark @ ('*' | '~'))) => (&word[..at], Some(mark)),
            _ => (word, None),
        };
        let tokens = split(&fold(bare));
        let last = tokens.len().saturating_sub(1);
        tokens
            .into_iter()
            .enumerate()
            .map(|(at, token)| self.number(token.written(), mark.filter(|_| at == last)))
            .collect()
    }

    fn number(&mut self, word: &str, mark: Option<char>) -> TermId {
        let key = format!("{word}{}", mark.map(String::from).unwrap_or_default());
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = TermId::try_from(self.numbers.len()).unwrap_or(TermId::MAX);
        self.numbers.insert(key, number);
        if mark == Some('*') {
            self.prefixes.entry(word.to_owned()).or_default().push(number);
        } else {
            self.exact.entry(word.to_owned()).or_default().push(number);
        }
        if mark == Some('~') {
            for variant in [word.to_owned()].into_iter().chain(without_one(word)) {
                self.misspelt.entry(variant).or_default().push((number, word.to_owned()));
            }
        }
        number
    }
}

/// All forms of the word with one letter removed.
fn without_one(word: &str) -> impl Iterator<Item = String> {
    word.char_indices()
        .map(|(at, character)| format!("{}{}", &word[..at], &word[at + character.len_utf8()..]))
}

/// Whether a word is `right` with one letter wrong, missing, surplus or transposed; the first
/// letter has to match.
fn is_misspelt(word: &str, right: &str) -> bool {
    word.chars().next() == right.chars().next() && strsim::osa_distance(word, right) <= 1
}
