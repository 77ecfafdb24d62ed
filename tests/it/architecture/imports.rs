//! One convention for imports, which [`complaints`] checks: first `std`, then other crates, then
//! our own, each in a block; a module once; neighbours by `super`, all others by `crate`.

use std::collections::BTreeSet;

use super::{is_test, rust_files, split_visibility, without_literals};

/// An import at the top of a file.
struct Import {
    /// `pub`, `pub(super)` or nothing.
    visibility: String,
    /// The text between `use` and the semicolon, in one line.
    path: String,
    /// Whether an attribute stands above it, such as `#[cfg(debug_assertions)]`.
    has_attribute: bool,
}

/// The kind of a block of imports, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Std,
    OtherCrates,
    Own,
    ReExports,
}

/// The blocks of imports of a file; other lines stand between them.
fn blocks(code: &str) -> Vec<Vec<Import>> {
    let (mut blocks, mut block) = (Vec::new(), Vec::new());
    let mut has_attribute = false;
    let mut lines = code.lines();
    while let Some(line) = lines.next() {
        let (visibility, item) = split_visibility(line);
        if let Some(first) = item.strip_prefix("use ") {
            let mut path = first.to_owned();
            while !path.ends_with(';') {
                let Some(next) = lines.next() else { break };
                path.push_str(next.trim());
            }
            path.pop();
            block.push(Import { visibility: visibility.to_owned(), path, has_attribute });
        } else if !line.starts_with("#[") {
            blocks.push(std::mem::take(&mut block));
        }
        has_attribute = line.starts_with("#[");
    }
    blocks.push(block);
    // A path of one name is a macro of this file.
    for block in &mut blocks {
        block.retain(|import| import.path.contains("::"));
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

impl Import {
    /// The module that it imports from: `crate::db` for `crate::db::{Conn, Tx}`.
    fn module(&self) -> &str {
        let end = self.path.find('{').or_else(|| self.path.rfind("::"));
        self.path[..end.unwrap_or_default()].trim_end_matches("::")
    }

    fn kind(&self, children: &BTreeSet<&str>) -> Kind {
        let root = self.path.split("::").next().unwrap_or_default();
        match root {
            _ if !self.visibility.is_empty() => Kind::ReExports,
            "std" | "core" | "alloc" => Kind::Std,
            "crate" | "super" | "self" => Kind::Own,
            _ if children.contains(root) => Kind::Own,
            _ => Kind::OtherCrates,
        }
    }

    /// What is wrong with it in the file of this path.
    fn complaint(&self, path: &str) -> Option<&'static str> {
        let list = self.path.split_once('{').map_or("", |(_, list)| list);
        let is_glob = self.path.ends_with("::*");
        let of_tests = is_test(path) && self.path == "super::*";
        if list.contains("::") {
            Some("write one `use` for each module")
        } else if self.path.starts_with("self::") {
            Some("leave `self::` out")
        } else if is_glob && !of_tests && !self.path.ends_with("::prelude::*") {
            Some("import names instead of `*`")
        } else if self.path.starts_with("super::super::") && !is_test(path) {
            Some("begin with `crate`")
        } else if folder(path).is_some_and(|folder| self.path.starts_with(&folder)) {
            Some("begin with `super`")
        } else {
            None
        }
    }
}

/// The module of a file's neighbours, as `crate::contacts::`. None for `mod.rs`, whose neighbours
/// are those of its folder, and for tests and samples, which are children of another file.
fn folder(path: &str) -> Option<String> {
    let (folder, name) = path.strip_prefix("src/")?.rsplit_once('/')?;
    let is_child = is_test(path) || path.contains("/samples/");
    (name != "mod.rs" && !is_child).then(|| format!("crate::{}::", folder.replace('/', "::")))
}

/// What is wrong with the imports of a file.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let code = without_literals(text);
    let children: BTreeSet<&str> = code
        .lines()
        .filter_map(|line| split_visibility(line).1.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    let blocks = blocks(&code);
    let mut wrong = Vec::new();
    let mut kinds = Vec::new();
    for block in &blocks {
        let of_block: BTreeSet<Kind> = block.iter().map(|import| import.kind(&children)).collect();
        if of_block.len() > 1 {
            wrong.push(format!("separate {of_block:?} by blank lines"));
        }
        kinds.extend(of_block);
    }
    kinds.retain(|kind| *kind != Kind::ReExports);
    if !kinds.is_sorted_by(|one, next| one < next) {
        wrong.push(format!("blocks in the order {kinds:?}"));
    }
    let mut modules = BTreeSet::new();
    for import in blocks.iter().flatten() {
        let is_new = modules.insert((&import.visibility, import.module()));
        let complaint = import.complaint(path).or_else(|| {
            let is_alone = is_new || import.has_attribute || import.path.ends_with('*');
            (!is_alone).then_some("import from a module once")
        });
        wrong.extend(complaint.map(|complaint| format!("{}: {complaint}", import.path)));
    }
    wrong
}

#[test]
fn imports_follow_one_convention() {
    let (mut count, mut wrong) = (0, Vec::new());
    for (path, text) in rust_files() {
        count += blocks(&text).iter().flatten().count();
        wrong.extend(complaints(&path, &text).iter().map(|wrong| format!("{path}: {wrong}")));
    }
    assert!(count > 4_000, "found only {count} imports");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_import_in_another_style_is_found() {
    const GOOD: &str = "mod c;\n\nuse std::fs;\n\nuse url::Url;\n\nuse super::{a,\n    b};\n\
                        use c::D;\n\npub use c::E;\n";
    assert_eq!(complaints("src/x/y.rs", GOOD), [""; 0]);
    for bad in [
        "use std::fs;\nuse url::Url;\n",
        "use url::Url;\n\nuse std::fs;\n",
        "use crate::db;\n\nuse super::a;\n",
        "use super::a;\nuse super::b;\n",
        "use std::{fmt::Write, fs};\n",
        "use self::c::D;\n",
        "use super::*;\n",
        "use super::super::z::A;\n",
        "use crate::x::z::A;\n",
        "use super::a;\npub use super::b;\n",
    ] {
        assert_eq!(complaints("src/x/y.rs", bad).len(), 1, "{bad}");
    }
}
