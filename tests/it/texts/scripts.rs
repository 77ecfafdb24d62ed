//! The texts of our scripts: literals that begin with a capital or a value.

use std::fs;

use super::expressions::braced_length;
use super::words::{VALUE, are_words, collapsed, is_label};
use super::{TextsByFile, each_once};
use crate::architecture::project;

/// Names of keys and errors, which look like labels.
const NAMES: &[&str] = &["AbortError", "Enter", "Escape"];

/// The texts of each script in `static`, without those of other projects in its folders.
pub(super) fn texts_by_file() -> TextsByFile {
    let entries = fs::read_dir(project().join("static")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            let texts = texts(&fs::read_to_string(&path).unwrap());
            (format!("static/{name}"), texts)
        })
        .collect()
}

fn texts(source: &str) -> Vec<String> {
    let is_text = |text: &String| {
        let begins_text = text.starts_with(char::is_uppercase) || text.starts_with('{');
        !NAMES.contains(&text.as_str()) && (is_label(text) || (begins_text && are_words(text)))
    };
    each_once(strings(source).iter().map(|text| collapsed(text)).filter(is_text))
}

/// The values of all string literals of a script, with `{…}` for the expressions in them.
fn strings(source: &str) -> Vec<String> {
    let (mut found, mut rest) = (Vec::new(), source);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").unwrap() + 2,
            '"' | '\'' | '`' => {
                let (text, length) = string(rest, first);
                found.push(text);
                length
            }
            _ => first.len_utf8(),
        };
        rest = &rest[length..];
    }
    found
}

/// The value of the literal that a source begins with, and the length of the literal.
fn string(source: &str, quote: char) -> (String, usize) {
    let (mut text, mut at) = (String::new(), 1);
    loop {
        let rest = &source[at..];
        let next = rest.chars().next().unwrap();
        if next == quote {
            return (text, at + 1);
        }
        if quote == '`' && rest.starts_with("${") {
            text.push_str(VALUE);
            at += 1 + braced_length(&rest[1..]);
        } else if next == '\\' {
            at += 1 + rest[1..].chars().next().unwrap().len_utf8();
        } else {
            text.push(next);
            at += next.len_utf8();
        }
    }
}

#[test]
fn texts_of_scripts_are_found() {
    let source = "// a \"Comment here\"\nbutton.textContent = \"Copied\";\n\
                  note(`${why ? \"}\" : ''} Try it again.`); query(\"main .page\", 'Escape');";
    assert_eq!(texts(source), ["Copied", "{…} Try it again."]);
}
