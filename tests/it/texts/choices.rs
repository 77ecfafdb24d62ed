//! How a text that varies is written: `[one | other]` for one of several texts, and `[text]` for
//! one that is not always there.

use super::words::collapsed;

/// Stands where markup joins two pieces that a reader sees apart.
pub(super) const SEAM: char = '\u{e000}';

/// A text that is one of these. Empty ones mean that it is not always there.
pub(super) fn choice(texts: &[String]) -> String {
    if texts.iter().all(|text| is_blank(text)) {
        return String::new();
    }
    let space = |is_there: bool| if is_there { " " } else { "" };
    let before = space(texts.iter().any(|text| text.starts_with(char::is_whitespace)));
    let after = space(texts.iter().any(|text| text.ends_with(char::is_whitespace)));
    let mut is_always_there = !texts.iter().any(|text| is_blank(text));
    let mut found: Vec<&str> = Vec::new();
    for text in texts {
        for option in options(text.trim()).unwrap_or_else(|| vec![text.trim()]) {
            if is_blank(option) {
                is_always_there = false;
            } else if !found.contains(&option) {
                found.push(option);
            }
        }
    }
    match found.as_slice() {
        [only] if is_always_there => format!("{before}{only}{after}"),
        _ => format!("{before}[{}]{after}", found.join(" | ")),
    }
}

/// The texts of a choice; none if the text is more than one choice.
pub(super) fn options(text: &str) -> Option<Vec<&str>> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let (mut depth, mut start, mut found) = (0_usize, 0, Vec::new());
    for (at, character) in inner.char_indices() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.checked_sub(1)?,
            '|' if depth == 0 && is_separator(inner, at) => {
                found.push(&inner[start..at - 1]);
                start = at + 2;
            }
            _ => {}
        }
    }
    found.push(&inner[start..]);
    (depth == 0).then_some(found)
}

/// Whether the mark at this place has spaces around it.
fn is_separator(text: &str, at: usize) -> bool {
    text[..at].ends_with(' ') && text[at + 1..].starts_with(' ')
}

/// A text as a reader sees it: with single spaces, also between two words of different pieces.
pub(super) fn tidy(text: &str) -> String {
    let (mut joined, mut follows_seam) = (String::new(), false);
    for character in text.chars() {
        if character == SEAM {
            follows_seam = true;
            continue;
        }
        let ends_word =
            joined.ends_with(|last: char| last.is_alphanumeric() || "}].".contains(last));
        let begins_word = character.is_alphanumeric() || "{[".contains(character);
        if follows_seam && ends_word && begins_word {
            joined.push(' ');
        }
        follows_seam = false;
        joined.push(character);
    }
    collapsed(&joined).replace("[ ", "[").replace(" ]", "]")
}

fn is_blank(text: &str) -> bool {
    text.chars().all(|character| character.is_whitespace() || character == SEAM)
}

#[test]
fn choices_are_written_and_read() {
    let chosen =
        |texts: &[&str]| choice(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
    assert_eq!(chosen(&["one", "other"]), "[one | other]");
    assert_eq!(chosen(&[" of {a}", ""]), " [of {a}]");
    assert_eq!(chosen(&["a", "[b | c]"]), "[a | b | c]");
    assert_eq!(chosen(&["same", "same "]), "same ");
    assert_eq!(chosen(&["", " "]), "");
    assert_eq!(options("[a | [b | c] d]"), Some(vec!["a", "[b | c] d"]));
    assert_eq!((options("[a] or [b]"), options("a")), (None, None));
    assert_eq!(
        tidy("Senders\u{e000}{n}\u{e000}, all\u{e000} of  them"),
        "Senders {n}, all of them"
    );
}
