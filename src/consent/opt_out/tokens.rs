//! Tokens: the words of a folded text and the breaks between its clauses.

use super::text_folding::{is_hyphen, is_letter};

/// A word, or one character of a script that is written without spaces, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    /// Its alternative readings, if a letter is repeated three times or more: `kapppen` may be
    /// `kappen`, `fitnessstudio` is itself.
    alternatives: Vec<String>,
    /// Whether a clause begins with it.
    pub(super) begins_clause: bool,
}

impl Token {
    fn new(text: String, begins_clause: bool) -> Self {
        Self { text, alternatives: Vec::new(), begins_clause }
    }

    /// A token in place of a text whose words say nothing.
    pub(super) fn placeholder() -> Self {
        Self::new(PLACEHOLDER.to_owned(), true)
    }

    /// The word as it was written.
    pub(super) fn written(&self) -> &str {
        self.alternatives.first().unwrap_or(&self.text)
    }

    /// All its possible readings.
    pub(super) fn readings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.text).chain(&self.alternatives).map(String::as_str)
    }
}

/// The text of a token in place of a web or email address, or of a quotation.
const PLACEHOLDER: &str = "\u{fffc}";

/// The endings that belong to the word before an apostrophe: `don't`, `I'm`, `you're`.
const JOINED: [&str; 7] = ["t", "s", "m", "re", "ve", "d", "ll"];

/// The words of a folded text.
pub(super) fn split(folded: &str) -> Vec<Token> {
    let mut tokens = Tokens::default();
    for (at, line) in folded.split('\n').enumerate() {
        tokens.next_begins_clause |= at > 0;
        for chunk in line.split_whitespace() {
            if is_address(chunk) {
                tokens.end_word();
                tokens.push(PLACEHOLDER.to_owned());
            } else {
                tokens.take(chunk);
            }
            tokens.end_word();
        }
    }
    tokens.done
}

/// The tokens of a text that is being split.
#[derive(Default)]
struct Tokens {
    done: Vec<Token>,
    word: String,
    next_begins_clause: bool,
}

impl Tokens {
    fn take(&mut self, chunk: &str) {
        let characters: Vec<char> = chunk.chars().collect();
        for (at, &character) in characters.iter().enumerate() {
            let next = characters.get(at + 1).copied().filter(|next| is_letter(*next));
            if is_of_unspaced_script(character) {
                self.end_word();
                self.push(character.to_string());
            } else if is_letter(character) {
                self.word.push(character);
            } else if character == '\'' && !self.word.is_empty() && next.is_some() {
                let rest: String =
                    characters[at + 1..].iter().take_while(|next| is_letter(**next)).collect();
                if !JOINED.contains(&rest.as_str()) {
                    self.end_word();
                }
            } else if character == '*' || matches!(character, '#' | '@' | '$' | '€' | '%') {
                // Emphasis, or a letter that the writer masked.
            } else if is_hyphen(character)
                && next.is_some()
                && at > 0
                && is_letter(characters[at - 1])
            {
                self.end_word();
            } else if character == '=' {
                self.end_word();
                self.push("to".to_owned());
            } else if matches!(character, '&' | '+') && characters.len() == 1 {
                self.push("and".to_owned());
            } else if character != '\'' || next.is_none() {
                self.end_word();
                self.next_begins_clause |= character != '\'';
            }
        }
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            let word = std::mem::take(&mut self.word);
            self.push(without_runs(&word, 1));
            if let Some(token) = self.done.last_mut().filter(|token| token.text != word) {
                token.alternatives = vec![word.clone(), without_runs(&word, 2)];
            }
        }
    }

    fn push(&mut self, text: String) {
        let begins_clause = std::mem::take(&mut self.next_begins_clause) || self.done.is_empty();
        self.done.push(Token::new(text, begins_clause));
    }
}

/// Whether a character belongs to a script that does not separate words reliably: each is read as a
/// word.
pub(super) fn is_of_unspaced_script(character: char) -> bool {
    matches!(
        character,
        '\u{e01}'..='\u{e7f}'
            | '\u{3005}'
            | '\u{3041}'..='\u{30ff}'
            | '\u{3400}'..='\u{4dbf}'
            | '\u{4e00}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{323af}'
    )
}

fn is_address(chunk: &str) -> bool {
    let named =
        chunk.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let host = chunk.split('/').next().unwrap_or_default();
    let dotted = host
        .split_once('.')
        .is_some_and(|(name, end)| name.len() > 1 && end.len() > 1 && end.is_ascii());
    named || chunk.contains("://") || chunk.starts_with("www.") || (dotted && chunk.contains('/'))
}

/// The word with each run of three or more of a letter cut to `kept`: with 1, `stooooop` is `stop`.
fn without_runs(word: &str, kept: usize) -> String {
    let mut shortened = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        let run = rest.len() - rest.trim_start_matches(first).len();
        let is_repeated = run >= 3 * first.len_utf8() && !first.is_numeric();
        shortened.push_str(&rest[..if is_repeated { kept * first.len_utf8() } else { run }]);
        rest = &rest[run..];
    }
    shortened
}

/// Joins three or more single letters into one word: `S.T.O.P` and `u n s u b please`.
pub(super) fn join_single_letters(tokens: &[Token]) -> Vec<Token> {
    let is_letter = |token: &Token| {
        let mut characters = token.text.chars();
        matches!(
            (characters.next(), characters.next()),
            (Some(first), None) if first.is_alphabetic() && !is_of_unspaced_script(first)
        )
    };
    let mut joined = Vec::with_capacity(tokens.len());
    for run in tokens.chunk_by(|one, next| is_letter(one) && is_letter(next)) {
        if run.len() >= 3 {
            joined.push(Token::new(
                run.iter().map(|token| token.text.as_str()).collect(),
                run[0].begins_clause,
            ));
        } else {
            joined.extend_from_slice(run);
        }
    }
    joined
}

/// The words of tokens, with a bar before each clause but the first.
#[cfg(test)]
pub(super) fn render(tokens: &[Token]) -> String {
    let clauses = tokens.chunk_by(|_, next| !next.begins_clause);
    let words = |clause: &[Token]| {
        clause.iter().map(|token| token.text.as_str()).collect::<Vec<_>>().join(" ")
    };
    clauses.map(words).collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::opt_out::text_folding::fold;

    fn tokens_of(text: &str) -> Vec<Token> {
        join_single_letters(&split(&fold(text)))
    }

    fn rendered(text: &str) -> String {
        render(&tokens_of(text))
    }

    #[test]
    fn a_text_is_split_into_words_and_clauses() {
        assert_eq!(rendered("Please, DON’T text me anymore!!!"), "please | dont text me anymore");
        assert_eq!(rendered("N'envoyez plus de SMS"), "n envoyez plus de sms");
        assert_eq!(rendered("Stooooop it - now"), "stop it | now");
        assert_eq!(rendered("non-stop opt_out"), "non stop opt out");
        assert_eq!(rendered("S.T.O.P."), "stop");
        assert_eq!(rendered("с.т.о.п, please"), "стоп | please");
        assert_eq!(rendered("🛑 no more texts"), "no more texts");
        assert_eq!(rendered("f*ck off"), "fck off");
        assert_eq!(rendered("不要发"), "不 要 发");
    }

    #[test]
    fn repeated_letters_may_stand_for_one_two_or_as_many() {
        let readings =
            |text: &str| tokens_of(text)[0].readings().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(readings("kapppen"), ["kapen", "kapppen", "kappen"]);
        assert_eq!(readings("Fitnessstudio"), ["fitnestudio", "fitnessstudio", "fitnesstudio"]);
        assert_eq!(readings("stopp"), ["stopp"]);
    }

    #[test]
    fn addresses_are_not_read() {
        assert_eq!(rendered("see example.com/stop or me@stop.example"), "see \u{fffc} or \u{fffc}");
    }
}
