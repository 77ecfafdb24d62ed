//! The form of files: their length, the width of their lines, their first line, and where a module
//! with children stands.

use super::{rust_files, without_literals};

#[test]
fn every_file_is_short_and_begins_with_a_module_comment() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        let lines = text.lines().count();
        let is_source = ["src/", "crates/", "tests/it/architecture/"]
            .iter()
            .any(|folder| path.starts_with(folder));
        // Stories and lists of cases are read one by one.
        let max = if is_source { 400 } else { 500 };
        // The schema is generated and grows with every table.
        if lines > max && path != "src/db/schema.rs" {
            wrong.push(format!("{path} has {lines} lines; the maximum is {max}"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{path} does not begin with a `//!` line that says what it is"));
        }
        let name = path.rsplit('/').next().unwrap();
        if ["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"].contains(&name) {
            wrong.push(format!("{path}: name a file by what it is about"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn code_and_comments_fit_in_100_columns() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files() {
        // A text that is one line for its reader may be longer.
        for (number, line) in without_literals(&text).lines().enumerate() {
            if line.chars().count() > 100 {
                wrong.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "rustfmt cannot break these lines:\n{}", wrong.join("\n"));
}

#[test]
fn a_module_with_children_is_in_its_folder() {
    let files = rust_files();
    let wrong: Vec<_> = files
        .keys()
        .filter(|path| {
            let folder = path.replace(".rs", "/");
            files.keys().any(|other| other.starts_with(&folder))
        })
        .collect();
    assert!(wrong.is_empty(), "move each of these to mod.rs in its folder: {wrong:?}");
}
