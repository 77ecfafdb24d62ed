//! The document of all texts, `docs/texts.md`, which a test compares with the texts.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use super::words::collapsed;
use super::{Chapter, TextsByFile, chapters, each_once};
use crate::architecture::project;
use crate::harness::api_client::description;

const INTRODUCTION: &str = "\
# Texts

What people read: the texts of pages, of scripts and of the source, in the order of the files, so
that they can be reviewed together. `{name}` stands for a value, `[one | other]` for one of several
texts, and `[text]` for a text that is not always there. The rules are in `tests/it/texts/`.

This page is generated: `make docs` writes it anew.
";

/// The document, in Markdown.
fn markdown() -> String {
    let mut document = INTRODUCTION.to_owned();
    let api = Chapter {
        title: "API reference",
        about: "The descriptions of calls and schemas, from the comments in the source.",
        files: api_descriptions(),
    };
    for Chapter { title, about, files } in chapters().into_iter().chain([api]) {
        write!(document, "\n## {title}\n\n{about}\n").unwrap();
        for (path, texts) in files.iter().filter(|(_, texts)| !texts.is_empty()) {
            let lines = texts.join("\n");
            write!(document, "\n### `{path}`\n\n```text\n{lines}\n```\n").unwrap();
        }
    }
    document
}

/// The descriptions in the OpenAPI document, by path and by schema.
fn api_descriptions() -> TextsByFile {
    let document = description();
    let parts = [&document["paths"], &document["components"]["schemas"]];
    let entries = parts.into_iter().flat_map(|part| part.as_object().unwrap());
    entries
        .map(|(name, described)| {
            let mut texts = Vec::new();
            collect(described, &mut texts);
            (name.clone(), each_once(texts))
        })
        .collect()
}

fn collect(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value.as_str() {
                    Some(text) if ["description", "summary"].contains(&name.as_str()) => {
                        texts.push(collapsed(text));
                    }
                    _ => collect(value, texts),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                collect(item, texts);
            }
        }
        _ => {}
    }
}

#[test]
fn the_document_has_every_text() {
    let (path, text) = (project().join("docs/texts.md"), markdown());
    if std::env::var_os("CARILLON_TEST_WRITE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    let saved = fs::read_to_string(&path).unwrap();
    let differing = saved.lines().zip(text.lines()).find(|(saved, found)| saved != found);
    assert!(
        saved == text,
        "docs/texts.md is out of date, first at (old, new) {differing:?}: run `make docs`, and \
         review how the texts change"
    );
    let count = text.lines().count();
    assert!(count > 3_000, "found only {count} lines of texts");
}
