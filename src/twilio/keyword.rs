//! STOP, START and HELP: which words in an inbound message are commands.

use super::callbacks::OptOut;

/// A command that a person sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keyword {
    /// No more messages.
    Stop,
    /// Messages again.
    Start {
        /// The word, since toll-free networks do not take every one.
        word: StartWord,
    },
    /// Who is this, and how does one get out.
    Help,
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

const STOP: [&str; 8] = ["STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"];
const START: [(&str, StartWord); 3] = [("START", StartWord::Start), ("UNSTOP", StartWord::Unstop), ("YES", StartWord::Yes)];
const HELP: [&str; 2] = ["HELP", "INFO"];

impl Keyword {
    /// The command in an inbound message: what Twilio recognised (`OptOutType`) if it did, else the whole text as one
    /// of the default words, ignoring case, surrounding white space and trailing punctuation.
    #[must_use]
    pub fn of(body: &str, opt_out_type: Option<OptOut>) -> Option<Self> {
        let word = normalised(body);
        let start = START.iter().find(|(name, _)| *name == word).map(|(_, start)| *start);
        match opt_out_type {
            Some(OptOut::Stop) => Some(Self::Stop),
            Some(OptOut::Start) => Some(Self::Start { word: start.unwrap_or(StartWord::Custom) }),
            Some(OptOut::Help) => Some(Self::Help),
            None if STOP.contains(&word.as_str()) => Some(Self::Stop),
            None if HELP.contains(&word.as_str()) => Some(Self::Help),
            None => start.map(|word| Self::Start { word }),
        }
    }

    /// Whether this undoes a STOP to a toll-free number: there the networks know START and UNSTOP alone.
    #[must_use]
    pub fn lifts_toll_free(self) -> bool {
        matches!(self, Self::Start { word: StartWord::Start | StartWord::Unstop })
    }
}

fn normalised(body: &str) -> String {
    let invisible =
        |character: char| character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\0');
    let punctuation = |character: char| character.is_ascii_punctuation() || "…¡¿«»‘’“”„‚·•–—。！？，、".contains(character);
    body.trim_matches(invisible).trim_end_matches(|character| invisible(character) || punctuation(character)).to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(body: &str) -> Option<Keyword> {
        Keyword::of(body, None)
    }

    #[test]
    fn every_default_word_is_known() {
        for word in STOP {
            assert_eq!(of(word), Some(Keyword::Stop), "{word}");
        }
        for (word, start) in START {
            assert_eq!(of(word), Some(Keyword::Start { word: start }), "{word}");
        }
        for word in HELP {
            assert_eq!(of(word), Some(Keyword::Help), "{word}");
        }
    }

    #[test]
    fn case_white_space_and_trailing_punctuation_do_not_matter() {
        for body in ["stop", "Stop.", " STOP \n", "sToP!!!", "stop…", "STOP ?", "stop\u{200b}", "\u{feff}STOP", "Stop。"] {
            assert_eq!(of(body), Some(Keyword::Stop), "{body:?}");
        }
    }

    #[test]
    fn only_the_whole_text_counts() {
        for body in ["STOP PLEASE", "please stop", "don't stop", "STOPPED", "non-stop", "stop 😀", ".stop", "S T O P", "", "?"] {
            assert_eq!(of(body), None, "{body:?}");
        }
    }

    #[test]
    fn what_twilio_recognised_comes_first() {
        assert_eq!(Keyword::of("arrêt", Some(OptOut::Stop)), Some(Keyword::Stop));
        assert_eq!(Keyword::of("join", Some(OptOut::Start)), Some(Keyword::Start { word: StartWord::Custom }));
        assert_eq!(Keyword::of("stop", Some(OptOut::Help)), Some(Keyword::Help));
    }

    #[test]
    fn yes_does_not_lift_a_toll_free_stop() {
        let lifts = |body| of(body).is_some_and(Keyword::lifts_toll_free);
        assert!(lifts("start"));
        assert!(lifts("Unstop"));
        assert!(!lifts("YES"));
        assert!(!lifts("STOP"));
        assert!(!Keyword::of("join", Some(OptOut::Start)).is_some_and(Keyword::lifts_toll_free));
    }

    proptest! {
        #[test]
        fn a_second_word_makes_it_a_message(word in 0..8_usize, more in "[a-z]{1,10}") {
            prop_assert_eq!(of(&format!("{} {more}", STOP[word])), None);
            prop_assert_eq!(of(&format!("{more} {}", STOP[word])), None);
        }
    }
}
