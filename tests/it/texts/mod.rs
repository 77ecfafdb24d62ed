//! All texts that people read, so that they can be reviewed together: [`document`] lists them in
//! `docs/texts.md`, and [`wording`] holds them to rules.
//!
//! [`templates`] finds those of pages, by their [`markup`] and [`expressions`]; [`scripts`] those
//! of scripts, and [`rust_literals`] those of the source. [`words`] says what a text is, and
//! [`choices`] how one that varies is written.

mod choices;
mod document;
mod expressions;
mod markup;
mod rust_literals;
mod scripts;
mod templates;
mod wording;
mod words;

use std::collections::{BTreeMap, BTreeSet};

/// The texts of each file, by its path.
type TextsByFile = BTreeMap<String, Vec<String>>;

/// The files of one kind, as a chapter of the document.
struct Chapter {
    title: &'static str,
    about: &'static str,
    files: TextsByFile,
}

/// The texts of pages, of scripts and of the source.
fn chapters() -> [Chapter; 3] {
    [
        Chapter {
            title: "Pages",
            about: "Templates, with the labels of fields and buttons.",
            files: templates::texts_by_file(),
        },
        Chapter {
            title: "Scripts",
            about: "What pages say without the server.",
            files: scripts::texts_by_file(),
        },
        Chapter {
            title: "Source",
            about: "Errors, labels, notices, and what the command line prints.",
            files: rust_literals::texts_by_file(),
        },
    ]
}

/// Each text once, where it stands first.
fn each_once(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts.into_iter().filter(|text| seen.insert(text.clone())).collect()
}
