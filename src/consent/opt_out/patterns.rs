//! Patterns of words, and how they are matched with a text.
//!
//! A pattern is a sequence of words: `a|b` is either, `do_not` two words, `a?` may be missing, `a*`
//! begins a word, `a~` may have one letter wrong, `..` stands for up to two words, `...` up to
//! four, `....` up to six, `^` and `$` for the beginning and end of a clause, `^^` and `$$` of the
//! text, where fillers do not count. A pattern stays within a clause.
//!
//! Matching follows all paths through a pattern at once, like a finite automaton: its cost is
//! linear in the length of the text.

use std::collections::HashMap;

use super::pattern_terms::{TermId, Terms};
use super::tokens::Token;

/// What is wrong with a file of rules.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct BadRules(pub(super) String);

/// Patterns by the term that they begin with.
#[derive(Debug, Default)]
pub(super) struct Patterns {
    all: Vec<Pattern>,
    by_first: HashMap<TermId, Vec<usize>>,
}

#[derive(Debug)]
pub(super) struct Pattern {
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
    /// One of these sequences of terms, by their first term.
    Terms { rows: HashMap<TermId, Vec<Vec<TermId>>>, optional: bool },
    /// Up to this many words of any kind.
    Gap(usize),
}

/// A text with the terms that each of its words matches.
pub(super) struct Text<'a> {
    tokens: &'a [Token],
    terms: Vec<Vec<TermId>>,
    /// The words that were removed.
    pub(super) removed: Vec<bool>,
    /// Whether only fillers precede a word in its clause.
    first_in_clause: Vec<bool>,
    /// Whether only fillers precede a word in the text.
    opens_message: Vec<bool>,
    /// Whether only fillers follow in the clause, from a word on.
    last_in_clause: Vec<bool>,
    /// Whether only fillers follow in the text, from a word on.
    closes_message: Vec<bool>,
}

impl Patterns {
    pub(super) fn push(&mut self, pattern: Pattern) -> Result<(), BadRules> {
        let Some(Step::Terms { rows, optional: false }) = pattern.steps.first() else {
            return Err(BadRules(format!("a pattern begins with a word: {}", pattern.source)));
        };
        for first in rows.keys() {
            self.by_first.entry(*first).or_default().push(self.all.len());
        }
        self.all.push(pattern);
        Ok(())
    }

    /// The source of the first pattern that a text matches.
    pub(super) fn find(&self, text: &Text<'_>) -> Option<&str> {
        let (index, ..) = self.matches(text).next()?;
        Some(&self.all[index].source)
    }

    /// The ranges of words that match patterns, each as long as possible.
    pub(super) fn find_all(&self, text: &Text<'_>) -> Vec<(usize, usize)> {
        self.matches(text).map(|(_, start, end)| (start, end)).collect()
    }

    /// The patterns that a text matches, each with the start and end of the match.
    fn matches(&self, text: &Text<'_>) -> impl Iterator<Item = (usize, usize, usize)> {
        (0..text.tokens.len()).filter(|start| !text.removed[*start]).flat_map(move |start| {
            let mut candidates: Vec<usize> = text.terms[start]
                .iter()
                .filter_map(|term| self.by_first.get(term))
                .flatten()
                .copied()
                .collect();
            candidates.sort_unstable();
            candidates.dedup();
            candidates
                .into_iter()
                .filter_map(move |index| Some((index, start, self.all[index].end(text, start)?)))
        })
    }
}

impl Pattern {
    pub(super) fn parse(
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

    /// The end of the longest match that begins at a word.
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
            Self::Gap(max_words) => {
                next.push(place);
                next.extend(
                    (place + 1..=place + max_words)
                        .take_while(|end| text.continues(start, end - 1)),
                );
            }
            Self::Terms { rows, optional } => {
                if *optional {
                    next.push(place);
                }
                if !text.continues(start, place) {
                    return;
                }
                for rest in text.terms[place].iter().filter_map(|term| rows.get(term)).flatten() {
                    let fits = |(offset, term): (usize, &TermId)| {
                        let at = place + 1 + offset;
                        text.continues(start, at) && text.terms[at].binary_search(term).is_ok()
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
    pub(super) fn new(tokens: &'a [Token], terms: Vec<Vec<TermId>>, filler: &[bool]) -> Self {
        let removed = vec![false; tokens.len()];
        let unknown = Vec::new;
        let mut text = Self {
            tokens,
            terms,
            removed,
            first_in_clause: unknown(),
            opens_message: unknown(),
            last_in_clause: unknown(),
            closes_message: unknown(),
        };
        text.find_edges(filler);
        text
    }

    pub(super) fn find_edges(&mut self, filler: &[bool]) {
        let count = self.tokens.len();
        let is_filler = |at: usize| filler[at] && !self.removed[at];
        let (mut first_in_clause, mut opens_message) = (vec![true; count], vec![true; count]);
        for at in 1..count {
            first_in_clause[at] =
                self.tokens[at].begins_clause || (first_in_clause[at - 1] && is_filler(at - 1));
            opens_message[at] = opens_message[at - 1] && is_filler(at - 1);
        }
        let (mut last_in_clause, mut closes_message) =
            (vec![true; count + 1], vec![true; count + 1]);
        for at in (0..count).rev() {
            let next_begins = self.tokens[at].begins_clause;
            closes_message[at] = closes_message[at + 1] && is_filler(at);
            last_in_clause[at] = next_begins || (last_in_clause[at + 1] && is_filler(at));
        }
        (self.first_in_clause, self.opens_message, self.last_in_clause, self.closes_message) =
            (first_in_clause, opens_message, last_in_clause, closes_message);
    }

    /// Whether word `at` exists, is not removed, and belongs to the clause of a match that began at
    /// `start`.
    fn continues(&self, start: usize, at: usize) -> bool {
        at < self.tokens.len()
            && !self.removed[at]
            && (at == start || !self.tokens[at].begins_clause)
    }

    fn may_begin(&self, at: usize, edge: Edge) -> bool {
        match edge {
            Edge::Anywhere => true,
            Edge::Clause => self.first_in_clause[at],
            Edge::Text => self.opens_message[at],
        }
    }

    fn may_end(&self, at: usize, edge: Edge) -> bool {
        match edge {
            Edge::Anywhere => true,
            Edge::Clause => self.last_in_clause[at],
            Edge::Text => self.closes_message[at],
        }
    }
}
