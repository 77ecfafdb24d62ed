//! The rules that tell an opt-out from other texts: words and patterns of words, read from
//! `languages/`.
//!
//! A file has sections. `[words]` are opt-outs as a whole text, and as a clause of their own
//! ("Stop. Thank you"); `[weak words]` only where the rest says nothing else; `[fillers]` say
//! nothing. `[classes]` name sets of words (`@us = me, us`). The patterns of `[clear]` count
//! whatever stands around them. Otherwise what fits `[other]` is taken out first, since it means
//! something else ("stop by"), and a text that fits `[never]` is none. `[opt-out]` is what then
//! counts; `[reaction]` is how phones begin a text that quotes another one.
//!
//! A pattern is a row of words: `a|b` is either, `do_not` two words, `a?` may be missing, `a*`
//! begins a word, `a~` may have one letter wrong, `..` stands for up to two words, `...` up to
//! four, `....` up to six, `^` and `$` for the beginning and end of a clause, `^^` and `$$` of the
//! text, where fillers do not count. A pattern stays within a clause.
//!
//! Matching follows all ways through a pattern at once, as an automaton does: its cost grows with
//! the length of the text, and never faster.

use std::collections::{HashMap, HashSet};

use super::fold::fold;
use super::terms::{TermId, Terms};
use super::tokens::{Reading, Token, split};

/// What the rules read a text as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// An opt-out, by this pattern.
    OptOut(&'a str),
    /// Nothing that the rules know.
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
                words.extend(line.split(',').map(str::trim))
            }
            None => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What is wrong with a file of rules.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadRules(String);

/// Patterns by the term that they begin with.
#[derive(Debug, Default)]
struct Patterns {
    all: Vec<Pattern>,
    by_first: HashMap<TermId, Vec<usize>>,
}

#[derive(Debug)]
struct Pattern {
    source: String,
    start: Edge,
    steps: Vec<Step>,
    end: Edge,
}

/// Where a pattern has to begin or end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    Anywhere,
    Clause,
    Text,
}

#[derive(Debug)]
enum Step {
    /// One of these rows of terms, by their first term.
    Terms { rows: HashMap<TermId, Vec<Vec<TermId>>>, optional: bool },
    /// Up to as many words, whichever they are.
    Gap(usize),
}

/// A text with the terms that each of its words fits.
struct Text<'a> {
    tokens: &'a [Token],
    terms: Vec<Vec<TermId>>,
    /// What was taken out.
    gone: Vec<bool>,
    /// Whether nothing but fillers stands between a word and the beginning of its clause, or of the
    /// text; and before it, to the end.
    begins_clause: Vec<bool>,
    opens: Vec<bool>,
    ends_clause: Vec<bool>,
    closes: Vec<bool>,
}

impl Rules {
    /// Reads files of rules.
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

    /// Reads a text.
    pub(super) fn judge(&self, reading: &Reading) -> Verdict<'_> {
        let tokens = &reading.tokens;
        let terms = tokens.iter().map(|token| self.terms.of(token)).collect();
        let filler: Vec<bool> = tokens
            .iter()
            .map(|token| token.readings().any(|word| self.fillers.contains(word)))
            .collect();
        let mut text = Text::new(tokens, terms, &filler);
        if reading.quotes && self.reaction.find(&text).is_some() {
            return Verdict::Other;
        }
        if let Some(pattern) = self.clear.find(&text) {
            return Verdict::OptOut(pattern);
        }
        if self.never.find(&text).is_some() {
            return Verdict::Other;
        }
        let out = self.other.find_all(&text);
        for (start, end) in out {
            text.gone[start..end].fill(true);
        }
        text.look_for_edges(&filler);
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
                            // “Stop, please, unsubscribe”: beside another one, a word says nothing
                            // new.
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

impl Patterns {
    fn push(&mut self, pattern: Pattern) -> Result<(), BadRules> {
        let Some(Step::Terms { rows, optional: false }) = pattern.steps.first() else {
            return Err(BadRules(format!("a pattern begins with a word: {}", pattern.source)));
        };
        for first in rows.keys() {
            self.by_first.entry(*first).or_default().push(self.all.len());
        }
        self.all.push(pattern);
        Ok(())
    }

    /// The first pattern that a text fits.
    fn find(&self, text: &Text<'_>) -> Option<&str> {
        let (index, ..) = self.matches(text).next()?;
        Some(&self.all[index].source)
    }

    /// Where the text fits patterns: from a word to before another, as far as each goes.
    fn find_all(&self, text: &Text<'_>) -> Vec<(usize, usize)> {
        self.matches(text).map(|(_, start, end)| (start, end)).collect()
    }

    /// The patterns that a text fits, each with where it begins and ends.
    fn matches(&self, text: &Text<'_>) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..text.tokens.len()).filter(|start| !text.gone[*start]).flat_map(move |start| {
            let mut near: Vec<usize> = text.terms[start]
                .iter()
                .filter_map(|term| self.by_first.get(term))
                .flatten()
                .copied()
                .collect();
            near.sort_unstable();
            near.dedup();
            near.into_iter()
                .filter_map(move |index| Some((index, start, self.all[index].end(text, start)?)))
        })
    }
}

impl Pattern {
    fn parse(
        source: &str,
        classes: &HashMap<&str, &str>,
        terms: &mut Terms,
    ) -> Result<Self, BadRules> {
        let edge = |mark: &str, sign: &str| match mark {
            mark if mark == sign => Some(Edge::Clause),
            mark if mark.len() == 2 && mark.strip_prefix(sign) == Some(sign) => Some(Edge::Text),
            _ => None,
        };
        let mut parts: Vec<&str> = source.split_whitespace().collect();
        let start = parts.first().and_then(|first| edge(first, "^")).unwrap_or(Edge::Anywhere);
        let end = parts.last().and_then(|last| edge(last, "$")).unwrap_or(Edge::Anywhere);
        parts.retain(|part| edge(part, "^").is_none() && edge(part, "$").is_none());
        let steps = parts
            .into_iter()
            .map(|part| Step::parse(part, classes, terms))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { source: source.to_owned(), start, steps, end })
    }

    /// Where the farthest way through the pattern ends that begins at a word.
    fn end(&self, text: &Text<'_>, start: usize) -> Option<usize> {
        if !text.may_begin(start, self.start) {
            return None;
        }
        let mut places = vec![start];
        for step in &self.steps {
            let mut next = Vec::new();
            for &place in &places {
                step.follow(text, start, place, &mut next);
            }
            next.sort_unstable();
            next.dedup();
            if next.is_empty() {
                return None;
            }
            places = next;
        }
        places.into_iter().rev().find(|place| *place > start && text.may_end(*place, self.end))
    }
}

impl Step {
    fn parse(
        part: &str,
        classes: &HashMap<&str, &str>,
        terms: &mut Terms,
    ) -> Result<Self, BadRules> {
        if part.chars().all(|character| character == '.') {
            return Ok(Self::Gap(2 * (part.len() - 1)));
        }
        let (part, optional) = part.strip_suffix('?').map_or((part, false), |part| (part, true));
        let mut rows: HashMap<TermId, Vec<Vec<TermId>>> = HashMap::new();
        for name in part.split('|') {
            let words = match name.strip_prefix('@') {
                Some(class) => {
                    *classes.get(name).ok_or_else(|| BadRules(format!("no class {class}")))?
                }
                None => name,
            };
            for words in words.split(',') {
                let row: Vec<TermId> = words
                    .split(['_', ' '])
                    .filter(|word| !word.is_empty())
                    .flat_map(|word| terms.row(word))
                    .collect();
                let Some((first, rest)) = row.split_first() else {
                    return Err(BadRules(format!("nothing in {part}")));
                };
                rows.entry(*first).or_default().push(rest.to_vec());
            }
        }
        Ok(Self::Terms { rows, optional })
    }

    fn follow(&self, text: &Text<'_>, start: usize, place: usize, next: &mut Vec<usize>) {
        match self {
            Self::Gap(most) => {
                next.push(place);
                next.extend(
                    (place + 1..=place + most).take_while(|end| text.goes_on(start, end - 1)),
                );
            }
            Self::Terms { rows, optional } => {
                if *optional {
                    next.push(place);
                }
                if !text.goes_on(start, place) {
                    return;
                }
                for rest in text.terms[place].iter().filter_map(|term| rows.get(term)).flatten() {
                    let fits = |(offset, term): (usize, &TermId)| {
                        let at = place + 1 + offset;
                        text.goes_on(start, at) && text.terms[at].binary_search(term).is_ok()
                    };
                    if rest.iter().enumerate().all(fits) {
                        next.push(place + 1 + rest.len());
                    }
                }
            }
        }
    }
}

impl<'a> Text<'a> {
    fn new(tokens: &'a [Token], terms: Vec<Vec<TermId>>, filler: &[bool]) -> Self {
        let gone = vec![false; tokens.len()];
        let nothing = Vec::new;
        let mut text = Self {
            tokens,
            terms,
            gone,
            begins_clause: nothing(),
            opens: nothing(),
            ends_clause: nothing(),
            closes: nothing(),
        };
        text.look_for_edges(filler);
        text
    }

    fn look_for_edges(&mut self, filler: &[bool]) {
        let count = self.tokens.len();
        let says_nothing = |at: usize| filler[at] && !self.gone[at];
        let (mut begins_clause, mut opens) = (vec![true; count], vec![true; count]);
        for at in 1..count {
            begins_clause[at] =
                self.tokens[at].begins || (begins_clause[at - 1] && says_nothing(at - 1));
            opens[at] = opens[at - 1] && says_nothing(at - 1);
        }
        let (mut ends_clause, mut closes) = (vec![true; count + 1], vec![true; count + 1]);
        for at in (0..count).rev() {
            let next_begins = self.tokens[at].begins;
            closes[at] = closes[at + 1] && says_nothing(at);
            ends_clause[at] = next_begins || (ends_clause[at + 1] && says_nothing(at));
        }
        (self.begins_clause, self.opens, self.ends_clause, self.closes) =
            (begins_clause, opens, ends_clause, closes);
    }

    /// Whether a word is there and belongs to the clause of a pattern that began at `start`.
    fn goes_on(&self, start: usize, at: usize) -> bool {
        at < self.tokens.len() && !self.gone[at] && (at == start || !self.tokens[at].begins)
    }

    fn may_begin(&self, at: usize, edge: Edge) -> bool {
        match edge {
            Edge::Anywhere => true,
            Edge::Clause => self.begins_clause[at],
            Edge::Text => self.opens[at],
        }
    }

    fn may_end(&self, at: usize, edge: Edge) -> bool {
        match edge {
            Edge::Anywhere => true,
            Edge::Clause => self.ends_clause[at],
            Edge::Text => self.closes[at],
        }
    }
}
