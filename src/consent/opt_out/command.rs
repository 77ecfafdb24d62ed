//! [`Command`]: what an inbound text asks for, and the one function that reads it.

use super::own_words::OwnWords;
use super::standard_words::{self, HELP, OptOutForm, START, StartWord};
use super::text_folding;
use crate::twilio::callbacks::OptOut;

/// A command in an inbound text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Send no more messages.
    Stop(OptOutForm),
    /// Send messages again.
    Start(StartWord),
    /// Say who sends the messages, and how to opt out.
    Help,
}

/// An inbound text with its metadata.
#[derive(Debug, Clone, Copy, Default)]
pub struct InboundText<'a> {
    /// The text.
    pub body: &'a str,
    /// The command that Twilio recognised in it.
    pub opt_out_type: Option<OptOut>,
    /// The label of the button that was pressed.
    pub button_text: Option<&'a str>,
    /// The payload that the sender of the button gave it.
    pub button_payload: Option<&'a str>,
}

impl Command {
    /// The command in an inbound text: what Twilio recognised (`OptOutType`), if anything; else an
    /// opt-out word or wording in the text or button; else START or HELP as the whole text.
    #[must_use]
    pub fn of(inbound: &InboundText<'_>, own: &OwnWords) -> Option<Self> {
        let word = text_folding::word_of(inbound.body);
        let start =
            START.iter().find(|(name, _)| word.as_deref() == Some(*name)).map(|(_, start)| *start);
        match inbound.opt_out_type {
            Some(OptOut::Stop) => return Some(Self::Stop(OptOutForm::Word)),
            Some(OptOut::Start) => return Some(Self::Start(start.unwrap_or(StartWord::Custom))),
            Some(OptOut::Help) => return Some(Self::Help),
            None => {}
        }
        let buttons = [inbound.button_text, inbound.button_payload].into_iter().flatten();
        let forms: Vec<OptOutForm> = opt_out(inbound.body, word.as_deref(), own)
            .into_iter()
            .chain(
                buttons
                    .filter_map(|text| opt_out(text, text_folding::word_of(text).as_deref(), own)),
            )
            .collect();
        if forms.contains(&OptOutForm::Word) {
            return Some(Self::Stop(OptOutForm::Word));
        }
        if let Some(form) = forms.first() {
            return Some(Self::Stop(*form));
        }
        match word {
            Some(word) if HELP.contains(&word.as_str()) => Some(Self::Help),
            _ => start.map(Self::Start),
        }
    }

    /// The command in a text without metadata.
    #[must_use]
    pub fn of_text(body: &str, own: &OwnWords) -> Option<Self> {
        Self::of(&InboundText { body, ..InboundText::default() }, own)
    }

    /// Whether it is an opt-out.
    #[must_use]
    pub fn is_stop(self) -> bool {
        matches!(self, Self::Stop(_))
    }

    /// Whether this undoes a STOP to a toll-free number, where the networks accept START and UNSTOP
    /// alone.
    #[must_use]
    pub fn lifts_toll_free(self) -> bool {
        matches!(self, Self::Start(StartWord::Start | StartWord::Unstop))
    }
}

/// Whether a text is an opt-out, by the organization's own words or the standard ones.
fn opt_out(text: &str, word: Option<&str>, own: &OwnWords) -> Option<OptOutForm> {
    let is_own = word.is_some_and(|word| own.contains(word));
    if is_own { Some(OptOutForm::Word) } else { standard_words::opt_out(text, word) }
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
