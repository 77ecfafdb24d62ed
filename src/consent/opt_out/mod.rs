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
mod standard;
mod terms;
mod tokens;

use crate::twilio::callbacks::OptOut;
use own::OwnWords;
use standard::{HELP, START};

pub use standard::{Said, StartWord, standard_words};

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

impl Command {
    /// The command in an inbound text: what Twilio recognised (`OptOutType`) if it did, else an
    /// opt-out word or wording in text or button, else START or HELP as the whole text.
    #[must_use]
    pub fn of(heard: &Heard<'_>, own: &OwnWords) -> Option<Self> {
        let word = fold::word_of(heard.body);
        let start =
            START.iter().find(|(name, _)| word.as_deref() == Some(*name)).map(|(_, start)| *start);
        match heard.opt_out_type {
            Some(OptOut::Stop) => return Some(Self::Stop(Said::Word)),
            Some(OptOut::Start) => return Some(Self::Start(start.unwrap_or(StartWord::Custom))),
            Some(OptOut::Help) => return Some(Self::Help),
            None => {}
        }
        let buttons = [heard.button_text, heard.button_payload].into_iter().flatten();
        let said: Vec<Said> = opt_out(heard.body, word.as_deref(), own)
            .into_iter()
            .chain(buttons.filter_map(|text| opt_out(text, fold::word_of(text).as_deref(), own)))
            .collect();
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

/// Whether a text is an opt-out, by the organization's own words or the standard ones.
fn opt_out(text: &str, word: Option<&str>, own: &OwnWords) -> Option<Said> {
    let is_own = word.is_some_and(|word| own.contains(word));
    if is_own { Some(Said::Word) } else { standard::opt_out(text, word) }
}

#[cfg(test)]
mod tests;
