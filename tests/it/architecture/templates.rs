//! Templates of pages: the icons that they name, and the comments of components.

use std::collections::BTreeSet;

use super::{files_below, project};

#[test]
fn templates_name_only_icons_of_the_sprite() {
    let listed = std::fs::read_to_string(project().join("scripts/icons.txt")).unwrap();
    let listed: BTreeSet<&str> = listed.lines().collect();
    let mut wrong = Vec::new();
    for (file, text) in files_below(&project().join("templates")) {
        for name in text.split("<ui.icon name=\"").skip(1).filter_map(|at| at.split('"').next()) {
            if !listed.contains(name) {
                wrong.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "add them to scripts/icons.txt: {}", wrong.join(", "));
}

#[test]
fn every_component_says_what_it_is_and_takes() {
    let mut wrong = Vec::new();
    for (file, text) in files_below(&project().join("templates/components")) {
        for (at, _) in text.match_indices("{% component ") {
            let name = text[at..].split(['(', ' ']).nth(2).unwrap_or_default();
            if !text[..at].trim_end().ends_with("-#}") {
                wrong.push(format!("{file}: {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "without a comment: {}", wrong.join(", "));
}
