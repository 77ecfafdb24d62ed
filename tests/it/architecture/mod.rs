//! The rules of `ARCHITECTURE.md` about the source, checked by reading the source files. Each
//! module has the rules of one kind; this one reads the files. Start with [`layers`]. An exception
//! stands with its reason in the list of its rule.

mod cycles;
mod external_text;
mod folders;
mod formatting;
mod imports;
mod language;
mod layers;
mod names;
mod schema;
mod style_sheets;
mod templates;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file without its tests and comments.
struct Source {
    /// The path below `src/`, such as `contacts/tags.rs`.
    path: String,
    text: String,
}

/// The directory of the project.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn root() -> PathBuf {
    project().join("src")
}

/// The directory of the simulator crate.
fn simulator() -> PathBuf {
    project().join("crates/twilio-simulator")
}

/// All source files with their full text, by their path below `src/`.
fn files() -> BTreeMap<String, String> {
    let mut files = files_below(&root());
    files.retain(|path, _| is_rust(path));
    assert!(files.len() > 100, "found only {} source files", files.len());
    files
}

/// All Rust files of the project with their full text, by their path.
fn rust_files() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for top in ["src", "crates", "benches", "tests/it"] {
        let files = files_below(&project().join(top)).into_iter();
        all.extend(files.map(|(path, text)| (format!("{top}/{path}"), text)));
    }
    all.retain(|path, _| is_rust(path));
    all
}

pub(crate) fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|ending| ending == "rs")
}

/// Whether a file consists of tests.
pub(crate) fn is_test(path: &str) -> bool {
    path.contains("tests/") || path.ends_with("tests.rs")
}

/// All files below a directory, by their relative path.
pub(crate) fn files_below(top: &Path) -> BTreeMap<String, String> {
    fn read(directory: &Path, top: &Path, into: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, top, into);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                into.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    read(top, top, &mut files);
    files
}

/// All source files without their tests, which may use any module.
fn sources() -> Vec<Source> {
    let without_tests = |text: &str| {
        let end = text.match_indices("#[cfg(test)]").find(|(at, _)| {
            let next = text[*at..].lines().skip(1).find(|line| !line.trim().starts_with("#["));
            next.is_some_and(|line| {
                line.trim_start().starts_with("mod ") && line.trim_end().ends_with('{')
            })
        });
        text[..end.map_or(text.len(), |(at, _)| at)].to_owned()
    };
    let without_comments = |text: &str| {
        text.lines()
            .map(|line| line.split("//").next().unwrap_or(""))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let files = files().into_iter().filter(|(path, _)| !is_test(path));
    files
        .map(|(path, text)| Source { path, text: without_comments(&without_tests(&text)) })
        .collect()
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

/// The visibility of an item (`pub`, `pub(super)` or nothing), and the rest of its line.
fn split_visibility(line: &str) -> (&str, &str) {
    let scoped = line.strip_prefix("pub(").and_then(|scope| scope.find(") "));
    let end = scoped.map(|at| at + "pub()".len());
    let end = end.or_else(|| line.starts_with("pub ").then_some("pub".len()));
    end.map_or(("", line), |end| (&line[..end], &line[end + 1..]))
}

/// The text without its literals of strings and characters; the numbers of the lines stay.
fn without_literals(text: &str) -> String {
    let (mut kept, mut rest) = (String::new(), text);
    while let Some(first) = rest.chars().next() {
        let literal = literal_length(rest);
        let length = match literal {
            Some(length) => length,
            // Quotes in a comment begin no literal.
            None if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            None => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_kept = |character: &char| literal.is_none() || *character == '\n';
        kept.extend(token.chars().filter(is_kept));
        rest = after;
    }
    kept
}

/// The length of the literal that a text begins with; `None` if it begins with something else.
fn literal_length(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", &raw[..hashes]);
        return Some(text.len() - body.len() + body.find(&end)? + end.len());
    }
    if let Some(body) = text.strip_prefix('"') {
        let mut is_escaped = false;
        let end = body.find(|character| {
            let is_end = character == '"' && !is_escaped;
            is_escaped = character == '\\' && !is_escaped;
            is_end
        });
        return end.map(|end| end + 2);
    }
    let body = text.strip_prefix('\'')?;
    let mut characters = body.char_indices().skip(1);
    if body.starts_with('\\') {
        // The escaped character may be a quote itself.
        characters.next();
        return characters.find(|(_, character)| *character == '\'').map(|(at, _)| at + 2);
    }
    // A lifetime has no second quote.
    characters.next().filter(|(_, character)| *character == '\'').map(|(at, _)| at + 2)
}

#[test]
fn literals_are_left_out() {
    for (text, rest) in [
        ("a(\"b\", c) // \"d\"", "a(, c) // \"d\""),
        ("a = \"\\\"b\\\\\";\n\"c\nd\"", "a = ;\n\n"),
        ("r\"a\\\" + r#\"b\"c\"# + r#for", " +  + r#for"),
        ("['\"', '\\'', '\\\\', '\\u{300}', 'ä']", "[, , , , ]"),
        ("fn a<'b>(c: &'b str, d: char)", "fn a<'b>(c: &'b str, d: char)"),
    ] {
        assert_eq!(without_literals(text), rest, "{text}");
    }
}
