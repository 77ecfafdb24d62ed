//! The layers: which module may use which, and which crates are used only in some places.
//! [`LAYERS`] is the list.

use super::{Source, files, sources, word};

/// The layers from the bottom up: a module uses only modules of lower layers.
const LAYERS: &[&[&str]] = &[
    &["error", "batcher", "clock", "fail_point"],
    &["types"],
    &["db", "twilio", "mail"],
    &["config", "queue", "users"],
    &["logging", "connections", "consent", "ledger"],
    &["senders", "contacts"],
    &["templates", "events"],
    &["context", "messages"],
    &["automations", "connection_center"],
    &["search", "sources"],
    &["worker", "web"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Modules that may use less than their layer allows, with what they may use.
const STRICTER_MODULES: &[(&str, &[&str])] = &[
    ("twilio", &["types", "fail_point"]),
    ("mail", &["types"]),
    ("error", &[]),
    ("clock", &[]),
    ("batcher", &[]),
];

/// Crates that only some paths may use.
const RESTRICTED_CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["web/", "main.rs", "app/"]),
    ("actix_http", &["web/http/server/"]),
    ("actix_server", &["web/http/server/"]),
    ("actix_service", &["web/http/server/"]),
    ("apalis", &["queue/", "worker/"]),
    ("apalis_core", &["queue/", "worker/"]),
    ("reqwest", &["twilio/"]),
    ("lettre", &["mail/"]),
    // Only the demo runs the simulator.
    ("twilio_simulator", &["app/"]),
];

impl Source {
    /// The number of `super::` that lead to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The other top-level modules that it names, by `crate::…`, `use crate::{…}` or enough
    /// `super::`.
    pub(super) fn uses(&self) -> Vec<String> {
        let up = format!("{}::", vec!["super"; self.depth()].join("::"));
        let mut names = Vec::new();
        for root in ["crate::", &up] {
            for (at, _) in self.text.match_indices(root) {
                let before = self.text[..at].chars().next_back();
                if before.is_some_and(|character| {
                    character.is_alphanumeric() || character == '_' || character == ':'
                }) {
                    continue;
                }
                let rest = &self.text[at + root.len()..];
                match rest.strip_prefix('{') {
                    Some(list) => names.extend(first_words(list)),
                    None => names.push(word(rest)),
                }
            }
        }
        let known = |name: &String| layer(name).is_some();
        names.retain(|name| known(name) && name != self.module());
        names
    }
}

/// The first word of each item of a `{…}` list, without nested lists.
fn first_words(list: &str) -> Vec<String> {
    let (mut depth, mut start, mut words) = (0, true, Vec::new());
    for (at, character) in list.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            other if start && depth == 0 && !other.is_whitespace() => {
                words.push(word(&list[at..]));
                start = false;
            }
            _ => {}
        }
    }
    words
}

pub(super) fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

#[test]
fn modules_depend_only_on_lower_layers() {
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        let own = layer(module)
            .unwrap_or_else(|| panic!("src/{} belongs to no layer: add it to LAYERS", source.path));
        for used in source.uses() {
            let stricter = STRICTER_MODULES.iter().find(|(name, _)| *name == module);
            let allowed = match stricter {
                Some((_, only)) => only.contains(&used.as_str()),
                None => layer(&used).is_some_and(|used| used < own),
            };
            if !allowed {
                wrong.push(format!("src/{} uses crate::{used}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "these dependencies point the wrong way:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_of_the_layers_exists() {
    let files = files();
    for module in LAYERS.iter().copied().flatten() {
        let exists = [format!("{module}.rs"), format!("{module}/mod.rs")]
            .iter()
            .any(|path| files.contains_key(path));
        assert!(exists, "LAYERS names src/{module}, which does not exist");
    }
}

#[test]
fn some_crates_are_used_only_in_some_places() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (name, places) in RESTRICTED_CRATES {
            let named = source.text.match_indices(name).any(|(at, _)| {
                let is_part = |character: char| character.is_alphanumeric() || character == '_';
                let before = source.text[..at].chars().next_back();
                let after = source.text[at + name.len()..].chars().next();
                !before.is_some_and(is_part) && !after.is_some_and(is_part) && after == Some(':')
            });
            if named && !places.iter().any(|place| source.path.starts_with(place)) {
                wrong.push(format!("src/{} uses {name}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
