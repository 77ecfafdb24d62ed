//! No dependency cycles between files: what two files share belongs in a third file that both use.
//!
//! A file depends on the file that defines a name, also through re-exports. [`File::read`] collects
//! `use` statements, paths that begin with `crate`, `self` or `super`, and paths into declared or
//! imported modules; [`in_cycles`] finds the cycles.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, sources, split_visibility};

/// The segments of a path, such as `contacts`, `tags`; without a leading `crate`.
type Names = Vec<String>;

/// A name that a `use` statement imports.
struct Import {
    path: Names,
    alias: String,
    is_public: bool,
}

/// A file as a module of the crate.
struct File {
    path: String,
    module: Names,
    imports: Vec<Import>,
    /// The paths in the rest of the file, including single names.
    paths: BTreeSet<Names>,
}

/// All files, by their module path.
struct Files(BTreeMap<Names, File>);

/// For each file, the files that it depends on.
type Dependencies = BTreeMap<String, BTreeSet<String>>;

fn names(path: &str) -> Names {
    path.split("::").map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// Expands a `use` tree: `a::{b, c as d}` into `a::b` and `a::c`.
fn expand(tree: &str, prefix: &[String], into: &mut Vec<(Names, String)>) {
    let Some((before, list)) = tree.split_once('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(p, a)| (p, Some(a)));
        let mut path = [prefix, &names(path)].concat();
        if path.last().is_some_and(|name| name == "self") && path.len() > 1 {
            path.pop();
        }
        if let Some(last) = path.last().cloned() {
            into.push((path, alias.map_or(last, |alias| alias.trim().to_owned())));
        }
        return;
    };
    let prefix = [prefix, &names(before)].concat();
    let (mut depth, mut start) = (0, 0);
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            ',' if depth == 0 => {
                expand(list[start..at].trim(), &prefix, into);
                start = at + 1;
            }
            '}' if depth == 0 => return expand(list[start..at].trim(), &prefix, into),
            '}' => depth -= 1,
            _ => {}
        }
    }
}

/// The paths in a text: names joined by `::`.
fn paths_in(text: &str) -> BTreeSet<Names> {
    let is_name = |character: char| character.is_alphanumeric() || character == '_';
    let (mut found, mut rest) = (BTreeSet::new(), text);
    let mut follows_colons = false;
    while let Some(start) = rest.find(is_name) {
        follows_colons = rest[..start].ends_with("::") || (start == 0 && follows_colons);
        rest = &rest[start..];
        let mut path = Names::new();
        loop {
            let end = rest.find(|character| !is_name(character)).unwrap_or(rest.len());
            path.push(rest[..end].to_owned());
            rest = &rest[end..];
            match rest.strip_prefix("::") {
                Some(next) if next.starts_with(is_name) => rest = next,
                _ => break,
            }
        }
        if !follows_colons {
            found.insert(path);
        }
        follows_colons = false;
    }
    found
}

impl File {
    fn read(source: &Source) -> Self {
        let mut module = names(&source.path.trim_end_matches(".rs").replace('/', "::"));
        if module.last().is_some_and(|name| name == "mod" || name == "lib") {
            module.pop();
        }
        let (mut imports, mut body) = (Vec::new(), String::new());
        let mut lines = source.text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            let (visibility, item) = split_visibility(line);
            let is_public = !visibility.is_empty();
            if item.starts_with("mod ") && item.ends_with(';') {
                continue;
            }
            let Some(first) = item.strip_prefix("use ") else {
                body.extend([item, "\n"]);
                continue;
            };
            let mut tree = first.to_owned();
            while !tree.ends_with(';') {
                let Some(next) = lines.next() else { break };
                tree.extend([" ", next]);
            }
            let mut leaves = Vec::new();
            expand(tree.trim_end_matches(';'), &[], &mut leaves);
            let import = |(path, alias)| Import { path, alias, is_public };
            imports.extend(leaves.into_iter().map(import));
        }
        Self { path: source.path.clone(), module, imports, paths: paths_in(&body) }
    }
}

impl Files {
    fn of(sources: &[Source]) -> Self {
        let files = sources.iter().map(File::read);
        Self(files.map(|file| (file.module.clone(), file)).collect())
    }

    /// A path in a file, resolved from the root of the crate; none if it leads out of the crate.
    fn absolute(&self, file: &File, path: &[String]) -> Option<Names> {
        let below = |module: &[String], rest: &[String]| Some([module, rest].concat());
        match path.first()?.as_str() {
            "crate" => Some(path[1..].to_vec()),
            "self" => below(&file.module, &path[1..]),
            "super" => {
                let up = path.iter().take_while(|name| *name == "super").count();
                below(file.module.get(..file.module.len().checked_sub(up)?)?, &path[up..])
            }
            _ => below(&file.module, path)
                .filter(|child| self.0.contains_key(&child[..=file.module.len()])),
        }
    }

    /// The file that defines the item at a path from the root, following at most eight re-exports.
    fn defining(&self, path: &[String], hops: usize) -> Option<&File> {
        let file = (0..=path.len()).rev().find_map(|length| self.0.get(&path[..length]))?;
        let Some((name, rest)) = path[file.module.len()..].split_first() else { return Some(file) };
        let re_exports = file.imports.iter().filter(|import| import.alias == *name && hops < 8);
        let elsewhere = re_exports.filter_map(|import| {
            let target = self.absolute(file, &import.path)?;
            self.defining(&[&target, rest].concat(), hops + 1)
        });
        elsewhere.into_iter().next().or(Some(file))
    }

    fn dependencies_of(&self, file: &File) -> BTreeSet<String> {
        let mut targets: Vec<Names> = Vec::new();
        let depth = file.module.len();
        let children = self
            .0
            .keys()
            .filter(|module| module.len() == depth + 1 && module.starts_with(&file.module));
        let mut modules: BTreeMap<&str, Names> =
            children.map(|module| (module[depth].as_str(), module.clone())).collect();
        for import in &file.imports {
            let Some(path) = self.absolute(file, &import.path) else { continue };
            let is_used = || file.paths.iter().any(|path| path[0] == import.alias);
            if self.0.contains_key(&path) {
                modules.insert(&import.alias, path);
            } else if !import.is_public || is_used() {
                targets.push(path);
            }
        }
        for path in &file.paths {
            let (first, rest) = (path[0].as_str(), &path[1..]);
            if ["crate", "self", "super"].contains(&first) && !rest.is_empty() {
                targets.extend(self.absolute(file, path));
            } else if let Some(module) = modules.get(first).filter(|_| !rest.is_empty()) {
                targets.push([module, rest].concat());
            }
        }
        let files = targets.iter().filter_map(|path| self.defining(path, 0));
        files.map(|file| file.path.clone()).filter(|path| *path != file.path).collect()
    }

    fn dependencies(&self) -> Dependencies {
        self.0.values().map(|file| (file.path.clone(), self.dependencies_of(file))).collect()
    }
}

/// The dependencies that are part of a cycle or lead from one cycle to another.
fn in_cycles(mut dependencies: Dependencies) -> Vec<String> {
    loop {
        let reached: BTreeSet<String> = dependencies.values().flatten().cloned().collect();
        let ends: Vec<String> = dependencies
            .iter()
            .filter(|(file, to)| to.is_empty() || !reached.contains(*file))
            .map(|(file, _)| file.clone())
            .collect();
        if ends.is_empty() {
            break;
        }
        for end in &ends {
            dependencies.remove(end);
            for to in dependencies.values_mut() {
                to.remove(end);
            }
        }
    }
    let line = |(from, to): (&String, &BTreeSet<String>)| {
        to.iter().map(|to| format!("src/{from} -> src/{to}")).collect::<Vec<_>>()
    };
    dependencies.iter().flat_map(line).collect()
}

#[test]
fn no_files_depend_on_each_other_in_a_cycle() {
    let files = Files::of(&sources());
    let dependencies = files.dependencies();
    let count = dependencies.values().map(BTreeSet::len).sum::<usize>();
    assert!(count > 2_000, "found only {count} dependencies");
    let wrong = in_cycles(dependencies);
    assert!(wrong.is_empty(), "move what these files share to a third file:\n{}", wrong.join("\n"));
}

#[test]
fn a_cycle_is_found_however_its_paths_are_written() {
    const FACE: (&str, &str) = ("a/mod.rs", "mod b;\nmod c;\npub use b::B;\npub use c::C;");
    let cycle_length = |files: &[(&str, &str)]| {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        };
        in_cycles(Files::of(&files.iter().map(source).collect::<Vec<_>>()).dependencies()).len()
    };
    let b_uses_c = ("a/b.rs", "use super::{\n    C, D,\n};\npub struct B(C);");
    assert_eq!(cycle_length(&[FACE, b_uses_c, ("a/c.rs", "pub struct C;")]), 0);
    for c in [
        "use crate::a::B;\npub struct C(B);",
        "use super::b;\npub struct C(b::B);",
        "use crate::{a, d};\npub struct C(a::B);",
        "pub struct C(crate::a::b::B);",
        "pub(super) use super::b::B;\npub struct C(B);",
    ] {
        assert_eq!(cycle_length(&[FACE, b_uses_c, ("a/c.rs", c)]), 2, "{c}");
    }
    let parent = ("a/mod.rs", "mod b;\npub struct A;\nfn f() {\n    b::g();\n}");
    assert_eq!(cycle_length(&[parent, ("a/b.rs", "use super::A;\npub fn g() {}")]), 2);
    assert_eq!(cycle_length(&[parent, ("a/b.rs", "pub fn g() {}")]), 0);
}
