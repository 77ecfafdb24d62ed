//! Style sheets: they have only what pages use.

use std::collections::BTreeSet;

use super::{files_below, project};

/// Beginnings of classes that templates complete with a value: an outcome, a colour of the guide.
const COMPLETED: [&str; 2] = ["of-", "as-"];

/// All templates and our own scripts, as one text.
fn markup() -> String {
    let templates = files_below(&project().join("templates")).into_values();
    let scripts = std::fs::read_dir(project().join("static")).unwrap();
    let scripts = scripts
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "js"))
        .map(|path| std::fs::read_to_string(path).unwrap());
    templates.chain(scripts).collect::<Vec<_>>().join("\n")
}

/// The words of a text as class names are written.
fn words(text: &str) -> BTreeSet<&str> {
    text.split(|one: char| !one.is_ascii_alphanumeric() && one != '-' && one != '_').collect()
}

/// The classes that the selectors of a style sheet name.
fn classes(sheet: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for rule in sheet.split('}') {
        // A comment may precede the selector, and the head of an at-rule too.
        let selector = rule.rsplit_once("*/").map_or(rule, |(_, after)| after);
        let selector = &selector[..selector.rfind('{').unwrap_or(0)];
        for class in selector.split('.').skip(1) {
            let end = class.find(|one: char| !one.is_ascii_alphanumeric() && one != '-');
            let name = &class[..end.unwrap_or(class.len())];
            if name.starts_with(|one: char| one.is_ascii_alphabetic()) {
                found.insert(name.to_owned());
            }
        }
    }
    found
}

#[test]
fn every_class_of_the_style_sheets_is_used() {
    let markup = markup();
    let used = words(&markup);
    let mut unused = Vec::new();
    for (file, sheet) in files_below(&project().join("static/styles")) {
        let of_file = classes(&sheet).into_iter().filter(|class| {
            let is_completed = COMPLETED.iter().any(|beginning| class.starts_with(beginning));
            !used.contains(class.as_str()) && !is_completed
        });
        unused.extend(of_file.map(|class| format!("{file}: .{class}")));
    }
    assert!(unused.is_empty(), "no page has these: {}", unused.join(", "));
}

#[test]
fn every_custom_property_is_set_and_used() {
    let sheets: String = files_below(&project().join("static/styles")).into_values().collect();
    let set: BTreeSet<&str> = words(&sheets)
        .into_iter()
        .filter(|word| word.starts_with("--") && sheets.contains(&format!("{word}: ")))
        .collect();
    for property in words(&sheets).into_iter().filter(|word| word.starts_with("--")) {
        assert!(set.contains(property), "{property} is not set");
        assert!(sheets.contains(&format!("var({property}")), "{property} is not used");
    }
}
