//! Rules for all texts: the same thing in the same words, in sentence case, and about persons who
//! are named.

use std::collections::{BTreeMap, BTreeSet};

use super::chapters;
use super::words::bare;

/// A text with the file that it is in.
struct Placed {
    path: String,
    text: String,
}

fn all_texts() -> Vec<Placed> {
    let files = chapters().into_iter().flat_map(|chapter| chapter.files);
    files
        .flat_map(|(path, texts)| {
            texts.into_iter().map(move |text| Placed { path: path.clone(), text })
        })
        .collect()
}

/// The complaints about texts, one in a line.
fn complaints(complain: impl Fn(&str) -> Vec<String>) -> String {
    let mut wrong = Vec::new();
    for Placed { path, text } in all_texts() {
        wrong.extend(complain(&text).iter().map(|word| format!("{path}: {word}: {text}")));
    }
    wrong.join("\n")
}

/// One of two texts that differ only in their form, and why both are right.
const RIGHT_IN_BOTH_FORMS: &[(&str, &str)] = &[
    ("Add a contact", "the first steps say what to do; their buttons are verb and noun"),
    ("Write a template", "the first steps say what to do; their buttons are verb and noun"),
    ("deleted a contact", "what the audit log says, and the name of a deleted contact"),
    ("Not sent. {}", "a sentence follows, where a fragment follows a colon"),
    ("Order Completed", "an event as Segment’s specification names it, and one of the API"),
    ("$.id", "a path"),
];

const ARTICLES: &[&str] = &["a", "an", "the"];

/// The text with `{}` for each value.
fn without_names(text: &str) -> String {
    let (mut kept, mut depth) = (String::new(), 0_usize);
    for character in text.chars() {
        match character {
            '{' => {
                if depth == 0 {
                    kept.push_str("{}");
                }
                depth += 1;
            }
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

/// The words of a text without articles and marks, in small letters and without contractions.
fn words_only(text: &str) -> String {
    let text = without_names(text).to_lowercase().replace('’', "'");
    let text = text.replace("can't", "can not").replace("cannot", "can not").replace("n't", " not");
    let is_part = |character: char| character.is_alphanumeric() || "{}".contains(character);
    let words = text.split(|character: char| !is_part(character));
    let words = words.filter(|word| !word.is_empty() && !ARTICLES.contains(word));
    words.collect::<Vec<_>>().join(" ")
}

/// The form of a text. Not part of it: the marks around the text and its values, the first article,
/// and whether it begins with a capital, since a label has neither of them.
fn form(text: &str) -> String {
    let text = without_names(text).replace(['[', ']'], "").replace("“{}”", "{}");
    let text = text.trim_matches(|character: char| " .,:;…!?·(|)".contains(character));
    let text = match text.split_once(' ') {
        Some((first, rest)) if ARTICLES.contains(&first.to_lowercase().as_str()) => rest,
        _ => text,
    };
    let mut characters = text.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_lowercase).collect();
    first + characters.as_str()
}

#[test]
fn the_same_thing_is_said_in_the_same_words() {
    let mut groups: BTreeMap<String, Vec<Placed>> = BTreeMap::new();
    for placed in all_texts() {
        groups.entry(words_only(&placed.text)).or_default().push(placed);
    }
    let mut wrong = Vec::new();
    for (words, group) in &groups {
        let forms: BTreeSet<String> = group.iter().map(|placed| form(&placed.text)).collect();
        let is_right = RIGHT_IN_BOTH_FORMS
            .iter()
            .any(|(right, _)| group.iter().any(|placed| placed.text == *right));
        if forms.len() > 1 && !is_right && words.chars().any(char::is_alphabetic) {
            let line = |placed: &Placed| format!("{}: {}", placed.path, placed.text);
            wrong.push(group.iter().map(line).collect::<Vec<_>>().join("\n"));
        }
    }
    assert!(wrong.is_empty(), "write these alike:\n{}", wrong.join("\n\n"));
}

#[test]
fn texts_that_differ_only_in_form_are_found() {
    for (one, other) in [
        ("Show the newest", "Show newest"),
        ("It can’t be read.", "It cannot be read."),
        ("Sign out, then in", "Sign out then in"),
        ("Not Found", "Not found"),
    ] {
        assert_eq!(words_only(one), words_only(other));
        assert_ne!(form(one), form(other), "{one}");
    }
    for (one, other) in [
        ("Choose a sender", "choose a sender."),
        ("The sender “{name}” is off", "sender {} is off"),
        ("Add tag…", "Add tag"),
    ] {
        assert_eq!(form(one), form(other));
    }
}

/// Pronouns for persons that a better word names: the user, contact, admin or caller.
const REFUSED: &[&str] =
    &["anybody", "everybody", "everyone", "nobody", "somebody", "someone", "whoever"];

/// Where one of them is right, and why.
const RIGHT_PRONOUNS: &[(&str, &str)] =
    &[("a user postgres nor nobody", "nobody is an account of the system")];

#[test]
fn texts_say_which_person_they_mean() {
    let wrong = complaints(|text| {
        if RIGHT_PRONOUNS.iter().any(|(right, _)| text.contains(right)) {
            return Vec::new();
        }
        let words = text.split(|character: char| !character.is_alphabetic());
        words.map(str::to_lowercase).filter(|word| REFUSED.contains(&word.as_str())).collect()
    });
    assert!(wrong.is_empty(), "say who is meant:\n{wrong}");
}

#[test]
fn texts_have_typographic_apostrophes() {
    let wrong = complaints(|text| {
        let words = text.split_whitespace().filter(|word| {
            let mut parts = bare(word).split('\'');
            let ends = |part: &str| part.ends_with(char::is_alphabetic);
            let begins = |part: &str| part.starts_with(char::is_alphabetic);
            parts.next().is_some_and(ends) && parts.next().is_some_and(begins)
        });
        words.map(str::to_owned).collect()
    });
    assert!(wrong.is_empty(), "write ’ instead of ':\n{wrong}");
}

/// Names that have a capital within a sentence.
const NAMES: &[&str] = &[
    "Account Dashboard",
    // Events as Segment’s specification names them.
    "Checkout Started",
    "Order Cancelled",
    "Order Completed",
    "Order Refunded",
    "Product Added",
    "Signed Up",
    "Account SID",
    "API Key Secret",
    "Auth Token",
    "Authorization",
    "Business Account",
    "Business Manager",
    "Canada",
    "Carillon",
    "Compliance Toolkit",
    "Connection Center",
    "Enter",
    "Esc",
    "Home",
    "Message SID",
    "Messaging Service",
    "Meta",
    "Pacific",
    "Phone Number SID",
    "Samsung Internet",
    "Segment",
    "Shopify",
    "Stripe",
    "Twilio",
    "Unicode",
    "United States",
];

/// The text with a full stop in place of what stands in quotes, such as the name of a page.
fn without_quotations(text: &str) -> String {
    let (mut kept, mut end) = (String::new(), None);
    for character in text.chars() {
        match (end, character) {
            (Some(mark), _) => end = Some(mark).filter(|mark| *mark != character),
            (None, '“' | '`') => {
                end = Some(if character == '`' { '`' } else { '”' });
                kept.push('.');
            }
            (None, _) => kept.push(character),
        }
    }
    kept
}

/// Words within a sentence that have a capital, except names.
fn capitals(text: &str) -> Vec<String> {
    let mut text = without_quotations(text);
    for name in NAMES {
        text = text.replace(name, "x");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let is_capital = |word: &&str| {
        let mut characters = word.chars();
        characters.next().is_some_and(char::is_uppercase)
            && !characters.as_str().is_empty()
            && characters.all(char::is_lowercase)
    };
    let continues = |last: char| last.is_lowercase() || last == ',' || last == ';';
    let pairs = words.windows(2).filter(|pair| pair[0].ends_with(continues));
    let following = pairs.map(|pair| bare(pair[1]));
    let following = following.map(|word| word.strip_suffix("’s").unwrap_or(word));
    following.filter(is_capital).map(str::to_owned).collect()
}

#[test]
fn texts_are_in_sentence_case() {
    let wrong = complaints(capitals);
    assert!(wrong.is_empty(), "write these small, or quote the names of pages:\n{wrong}");
}

#[test]
fn capitals_within_a_sentence_are_found() {
    assert_eq!(capitals("Send Test Message"), ["Test", "Message"]);
    assert_eq!(capitals("Open the Team, then Twilio’s console"), ["Team"]);
    for text in ["Open “Team”. Then go", "At Twilio’s Connection Center, {name} See", "SMS or MMS"]
    {
        assert_eq!(capitals(text), [""; 0], "{text}");
    }
}
