//! Commands in inbound texts: STOP, START, HELP, and opt-outs in a person's own words.
//!
//! - [`Command::of`] reads a text. A whole text that is one of the opt-out words is a STOP, in
//!   whatever form it is written; so is one of the organization's own words ([`own_words`]). Clear
//!   wording ("please take me off your list") is an opt-out too, marked [`OptOutForm::Wording`].
//! - The words and wordings of each language are in `languages/`; `rules.rs` says how they are
//!   read.
//! - START lifts a STOP only if it is the whole text. A wrong stop costs a message, a missed one
//!   breaks the law.

mod command;
#[cfg(test)]
mod corpus_tests;
pub mod own_words;
mod pattern_terms;
mod patterns;
mod quotations;
mod rules;
mod standard_words;
mod text_folding;
mod tokens;

pub use command::{Command, InboundText};
pub use standard_words::{OptOutForm, StartWord, standard_words};
