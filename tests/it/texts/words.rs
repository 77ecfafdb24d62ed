//! What a text is: words of a language, in contrast to names and values of programs.

/// Marks around words.
const MARKS: &str = "“”‘’\"'()[],.;:!?…";

/// Stands for a value without a name.
pub(super) const VALUE: &str = "{…}";

/// The text without line breaks and repeated spaces.
pub(super) fn collapsed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word without the marks around it.
pub(super) fn bare(piece: &str) -> &str {
    piece.trim_matches(|character: char| MARKS.contains(character))
}

/// Whether a text has letters, apart from the names of its values.
pub(super) fn has_words(text: &str) -> bool {
    let mut depth = 0_usize;
    text.chars().any(|character| {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && character.is_alphabetic()
    })
}

/// Whether a text has two words beside each other, or a word and a value.
pub(super) fn are_words(text: &str) -> bool {
    let pieces: Vec<&str> = text.split_whitespace().collect();
    pieces.windows(2).any(|pair| {
        let (one, next) = (pair[0], pair[1]);
        let follows_value =
            is_placeholder(one) && is_word(next) && next.starts_with(char::is_lowercase);
        follows_value || (is_word(one) && (is_word(next) || is_value(next)))
    })
}

/// Whether a text is a single word as labels have it, such as “Delivered”.
pub(super) fn is_label(text: &str) -> bool {
    let word = text.strip_suffix('…').unwrap_or(text);
    let mut characters = word.chars();
    word.len() > 1
        && characters.next().is_some_and(|first| first.is_ascii_uppercase())
        && characters.all(|character| character.is_ascii_lowercase() || character == '’')
}

fn is_word(piece: &str) -> bool {
    let word = bare(piece.split('{').next().unwrap_or_default());
    let is_spelled = |character: char| character.is_alphabetic() || "’'-".contains(character);
    word.eq_ignore_ascii_case("a") || (word.chars().count() > 1 && word.chars().all(is_spelled))
}

fn is_placeholder(piece: &str) -> bool {
    bare(piece).starts_with('{') && bare(piece).ends_with('}')
}

fn is_value(piece: &str) -> bool {
    is_placeholder(piece) || piece.starts_with(|character: char| character.is_ascii_digit())
}

#[test]
fn sentences_and_labels_are_told_from_names_and_values() {
    for text in ["Choose a sender.", "{count} messages", "at most {max}", "a tab", "up to 10"] {
        assert!(are_words(text), "{text}");
    }
    for text in ["{name}", "text/plain; charset=utf-8", "{\"op\": \"gte\"}", "a.b", "Delivered"] {
        assert!(!are_words(text), "{text}");
    }
    for text in ["Delivered", "Choose…", "Couldn’t"] {
        assert!(is_label(text), "{text}");
    }
    for text in ["delivered", "X", "SMS", "AccountSid", "Idempotency-Key"] {
        assert!(!is_label(text), "{text}");
    }
}
