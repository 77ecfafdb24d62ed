//! Patterns of words, and whether a text fits one.
//!
//! A pattern is a row of words: `a|b` is either, `do_not` two words, `a?` may be missing, `a*`
//! begins a word, `a~` may have one letter wrong, `..` stands for up to two words, `...` up to
//! four, `....` up to six, `^` and `$` for the beginning and end of a clause, `^^` and `$$` of the
//! text, where fillers do not count. A pattern stays within a clause.
//!
//! Matching follows all ways through a pattern at once, as an automaton does: its cost grows with
//! the length of the text, and never faster.

use std::collections::HashMap;

use super::terms::{TermId, Terms};
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
    /// One of these rows of terms, by their first term.
    Terms { rows: HashMap<TermId, Vec<Vec<TermId>>>, optional: bool },
    /// Up to as many words, whichever they are.
    Gap(usize),
}

/// A text with the terms that each of its words fits.
pub(super) struct Text<'a> {
    tokens: &'a [Token],
    terms: Vec<Vec<TermId>>,
    /// What was taken out.
    pub(super) gone: Vec<bool>,
    /// Whether nothing but fillers stands between a word and the beginning of its clause, or of the
    /// text; and before it, to the end.
    begins_clause: Vec<bool>,
    opens: Vec<bool>,
    ends_clause: Vec<bool>,
    closes: Vec<bool>,
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

    /// The first pattern that a text fits.
    pub(super) fn find(&self, text: &Text<'_>) -> Option<&str> {
        let (index, ..) = self.matches(text).next()?;
        Some(&self.all[index].source)
    }

    /// Where the text fits patterns: from a word to before another, as far as each goes.
    pub(super) fn find_all(&self, text: &Text<'_>) -> Vec<(usize, usize)> {
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
    pub(super) fn new(tokens: &'a [Token], terms: Vec<Vec<TermId>>, filler: &[bool]) -> Self {
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

    pub(super) fn look_for_edges(&mut self, filler: &[bool]) {
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
