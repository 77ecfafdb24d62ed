//! What a person asks for by text: STOP, START, HELP, and an opt-out in words of their own.
//!
//! - [`Command::of`] reads a text. A whole text that is one of the opt-out words is a STOP, in
//!   whatever form it is written; so is one of the organization's own words ([`own`]). Clear
//!   wording ("please take me off your list") is an opt-out too, marked [`Said::Wording`].
//! - The words and wordings of each language stand in `languages/`; `rules.rs` says how they are
//!   read.
//! - START lifts a STOP only when it is the whole text. A wrong stop costs a message, a missed one
//!   breaks the law.

#[cfg(test)]
mod corpus;
mod fold;
pub mod own;
mod patterns;
mod rules;
mod terms;
mod tokens;

use std::sync::LazyLock;

use crate::twilio::callbacks::OptOut;
use own::OwnWords;
use rules::{Rules, Verdict};

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// No more messages.
    Stop(Said),
    /// Messages again.
    Start(StartWord),
    /// Who is this, and how does one get out.
    Help,
}

/// How an opt-out was said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// By an opt-out word as the whole text, or by one that Twilio recognised.
    Word,
    /// In other words that are clear enough; a user can undo it.
    Wording,
}

/// The words that lift a STOP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartWord {
    /// START.
    Start,
    /// UNSTOP.
    Unstop,
    /// YES, which toll-free networks ignore.
    Yes,
    /// A word of the account's own, which Twilio recognised (Advanced Opt-Out).
    Custom,
}

/// An inbound text with what came along.
#[derive(Debug, Clone, Copy, Default)]
pub struct Heard<'a> {
    /// The text.
    pub body: &'a str,
    /// What Twilio recognised in it.
    pub opt_out_type: Option<OptOut>,
    /// The label of the button that was pressed.
    pub button_text: Option<&'a str>,
    /// What the sender of the button named it.
    pub button_payload: Option<&'a str>,
}

const START: [(&str, StartWord); 3] =
    [("start", StartWord::Start), ("unstop", StartWord::Unstop), ("yes", StartWord::Yes)];
const HELP: [&str; 2] = ["help", "info"];

/// Each language with its file of rules.
const LANGUAGES: [(&str, &str); 17] = [
    ("English", include_str!("languages/en.txt")),
    ("Arabic", include_str!("languages/ar.txt")),
    ("Chinese", include_str!("languages/zh.txt")),
    ("Danish", include_str!("languages/da.txt")),
    ("Dutch", include_str!("languages/nl.txt")),
    ("Finnish", include_str!("languages/fi.txt")),
    ("French", include_str!("languages/fr.txt")),
    ("German", include_str!("languages/de.txt")),
    ("Italian", include_str!("languages/it.txt")),
    ("Japanese", include_str!("languages/ja.txt")),
    ("Korean", include_str!("languages/ko.txt")),
    ("Norwegian", include_str!("languages/no.txt")),
    ("Polish", include_str!("languages/pl.txt")),
    ("Portuguese", include_str!("languages/pt.txt")),
    ("Russian", include_str!("languages/ru.txt")),
    ("Spanish", include_str!("languages/es.txt")),
    ("Swedish", include_str!("languages/sv.txt")),
];

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    Rules::parse(&LANGUAGES.map(|(_, rules)| rules)).expect("the rules can be read")
});

impl Command {
    /// The command in an inbound text: what Twilio recognised (`OptOutType`) if it did, else an
    /// opt-out word or wording in text or button, else START or HELP as the whole text.
    #[must_use]
    pub fn of(heard: &Heard<'_>, own: &OwnWords) -> Option<Self> {
        let word = fold::squeeze(&fold::fold(heard.body));
        let start =
            START.iter().find(|(name, _)| word.as_deref() == Some(*name)).map(|(_, start)| *start);
        match heard.opt_out_type {
            Some(OptOut::Stop) => return Some(Self::Stop(Said::Word)),
            Some(OptOut::Start) => return Some(Self::Start(start.unwrap_or(StartWord::Custom))),
            Some(OptOut::Help) => return Some(Self::Help),
            None => {}
        }
        let parts = [Some(heard.body), heard.button_text, heard.button_payload];
        let said: Vec<Said> =
            parts.into_iter().flatten().filter_map(|part| opt_out(part, own)).collect();
        if said.contains(&Said::Word) {
            return Some(Self::Stop(Said::Word));
        }
        if let Some(said) = said.first() {
            return Some(Self::Stop(*said));
        }
        match word {
            Some(word) if HELP.contains(&word.as_str()) => Some(Self::Help),
            _ => start.map(Self::Start),
        }
    }

    /// The command in a text without anything else.
    #[must_use]
    pub fn of_text(body: &str, own: &OwnWords) -> Option<Self> {
        Self::of(&Heard { body, ..Heard::default() }, own)
    }

    /// Whether it asks for no more messages.
    #[must_use]
    pub fn is_stop(self) -> bool {
        matches!(self, Self::Stop(_))
    }

    /// Whether this undoes a STOP to a toll-free number: there the networks know START and UNSTOP
    /// alone.
    #[must_use]
    pub fn lifts_toll_free(self) -> bool {
        matches!(self, Self::Start(StartWord::Start | StartWord::Unstop))
    }
}

/// Each language with its opt-out words, as they are listed in its file.
pub fn standard_words() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    LANGUAGES.into_iter().map(|(language, rules)| (language, rules::words_of(rules)))
}

fn opt_out(text: &str, own: &OwnWords) -> Option<Said> {
    if let Some(word) = fold::squeeze(&fold::fold(text))
        && (RULES.is_word(&word) || own.contains(&word))
    {
        return Some(Said::Word);
    }
    match RULES.judge(&tokens::read(text)) {
        Verdict::OptOut(rule) => {
            tracing::debug!(rule, "a text reads as an opt-out");
            Some(Said::Wording)
        }
        Verdict::Other => None,
    }
}

#[cfg(test)]
mod tests;
