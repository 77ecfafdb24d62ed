//! The opt-out words and wordings that every organization has, and the words that lift a STOP.

use std::sync::LazyLock;

use super::quotations::UnquotedText;
use super::rules::{self, Rules, Verdict};

/// How an opt-out was expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOutForm {
    /// By an opt-out word as the whole text, or by one that Twilio recognised.
    Word,
    /// By other wording that is clear enough; a user can undo it.
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
    /// A custom word of the Twilio account, which Twilio recognised (Advanced Opt-Out).
    Custom,
}

pub(super) const START: [(&str, StartWord); 3] =
    [("start", StartWord::Start), ("unstop", StartWord::Unstop), ("yes", StartWord::Yes)];

pub(super) const HELP: [&str; 2] = ["help", "info"];

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

/// Each language with its opt-out words, as they are listed in its file.
pub fn standard_words() -> impl Iterator<Item = (&'static str, Vec<&'static str>)> {
    LANGUAGES.into_iter().map(|(language, rules)| (language, rules::words_of(rules)))
}

/// Whether a text is an opt-out by one of the standard words, as the whole text, or by its wording.
/// `word` is the same text, folded and squeezed.
pub(super) fn opt_out(text: &str, word: Option<&str>) -> Option<OptOutForm> {
    if word.is_some_and(|word| RULES.is_word(word)) {
        return Some(OptOutForm::Word);
    }
    match RULES.classify(&UnquotedText::of(text)) {
        Verdict::OptOut(rule) => {
            tracing::debug!(rule, "a text reads as an opt-out");
            Some(OptOutForm::Wording)
        }
        Verdict::Other => None,
    }
}
