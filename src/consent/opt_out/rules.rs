//! The rules that distinguish an opt-out from other texts: words and patterns of words, read from
//! `languages/`.
//!
//! A file has sections. `[words]` are opt-outs as a whole text or as a whole clause ("Stop. Thank
//! you"); `[weak words]` only if the rest of the text has no meaning; `[fillers]` have no meaning.
//! `[classes]` name sets of words (`@us = me, us`). Patterns of `[clear]` match in any context.
//! Otherwise, a text that matches `[never]` is not an opt-out; matches of `[other]` are removed,
//! since they mean something else ("stop by"); and the rest is matched with `[opt-out]`.
//! `[reaction]` is how phones begin a text that quotes another one.
//!
//! Patterns are described in `patterns.rs`.

use std::collections::{HashMap, HashSet};

use super::pattern_terms::Terms;
use super::patterns::{BadRules, Pattern, Patterns, Text};
use super::quotations::UnquotedText;
use super::text_folding::fold;
use super::tokens::split;

/// What the rules classify a text as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// An opt-out, by this pattern.
    OptOut(&'a str),
    /// Not an opt-out.
    Other,
}

/// The rules of all languages.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The opt-out words, squeezed.
    words: HashSet<String>,
    fillers: HashSet<String>,
    clear: Patterns,
    never: Patterns,
    other: Patterns,
    opt_out: Patterns,
    reaction: Patterns,
    terms: Terms,
}

/// The opt-out words of a file, as they are listed there.
pub(super) fn words_of(file: &str) -> Vec<&str> {
    let mut section = "";
    let mut words = Vec::new();
    for line in file.lines().map(str::trim) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) => section = name,
            None if matches!(section, "words" | "weak words") => {
                words.extend(line.split(',').map(str::trim));
            }
            None => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

impl Rules {
    /// Parses files of rules.
    pub(super) fn parse(files: &[&str]) -> Result<Self, BadRules> {
        let mut rules = Self::default();
        for file in files {
            rules.add(file)?;
        }
        Ok(rules)
    }

    /// Whether the whole text, folded and squeezed, is an opt-out word, once or a few times.
    pub(super) fn is_word(&self, squeezed: &str) -> bool {
        let parts = (1..=4).filter(|times| squeezed.len().is_multiple_of(*times));
        let mut words =
            parts.filter_map(|times| Some((squeezed.get(..squeezed.len() / times)?, times)));
        words.any(|(word, times)| self.words.contains(word) && word.repeat(times) == squeezed)
    }

    /// Classifies a text.
    pub(super) fn classify(&self, unquoted: &UnquotedText) -> Verdict<'_> {
        let tokens = &unquoted.tokens;
        let terms = tokens.iter().map(|token| self.terms.of(token)).collect();
        let filler: Vec<bool> = tokens
            .iter()
            .map(|token| token.readings().any(|word| self.fillers.contains(word)))
            .collect();
        let mut text = Text::new(tokens, terms, &filler);
        if unquoted.has_quotation && self.reaction.find(&text).is_some() {
            return Verdict::Other;
        }
        if let Some(pattern) = self.clear.find(&text) {
            return Verdict::OptOut(pattern);
        }
        if self.never.find(&text).is_some() {
            return Verdict::Other;
        }
        let other_meanings = self.other.find_all(&text);
        for (start, end) in other_meanings {
            text.removed[start..end].fill(true);
        }
        text.find_edges(&filler);
        self.opt_out.find(&text).map_or(Verdict::Other, Verdict::OptOut)
    }

    fn add(&mut self, file: &str) -> Result<(), BadRules> {
        let mut section = "";
        let mut classes: HashMap<&str, &str> = HashMap::new();
        for line in
            file.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                section = name;
                continue;
            }
            match section {
                "words" | "weak words" => {
                    for word in line.split(',').map(str::trim) {
                        let tokens: Vec<String> = split(&fold(word))
                            .iter()
                            .map(|token| token.written().to_owned())
                            .collect();
                        let is_strong = section == "words";
                        if let ([one], true) = (tokens.as_slice(), is_strong) {
                            // “Stop, please, unsubscribe”: beside another opt-out word, one acts as
                            // a filler.
                            self.fillers
                                .extend(Some(one.clone()).filter(|one| one.chars().count() >= 4));
                        }
                        self.words.insert(tokens.concat());
                        let (start, end) = if is_strong { ("^", "$") } else { ("^^", "$$") };
                        let word = word.replace(' ', "_");
                        self.opt_out.push(Pattern::parse(
                            &format!("{start} {word} {word}? {word}? {end}"),
                            &classes,
                            &mut self.terms,
                        )?)?;
                    }
                }
                "fillers" => {
                    let words = line.split(',').flat_map(|word| split(&fold(word)));
                    self.fillers.extend(words.map(|token| token.written().to_owned()));
                }
                "classes" => {
                    let (name, words) = line
                        .split_once('=')
                        .ok_or_else(|| BadRules(format!("no class: {line}")))?;
                    classes.insert(name.trim(), words.trim());
                }
                _ => {
                    let pattern = Pattern::parse(line, &classes, &mut self.terms)?;
                    match section {
                        "clear" => &mut self.clear,
                        "never" => &mut self.never,
                        "other" => &mut self.other,
                        "opt-out" => &mut self.opt_out,
                        "reaction" => &mut self.reaction,
                        _ => return Err(BadRules(format!("no section: {section}"))),
                    }
                    .push(pattern)?;
                }
            }
        }
        Ok(())
    }
}
