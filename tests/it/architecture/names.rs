//! Names: of types, of the files that they stand in, and of pages.

use std::collections::{BTreeMap, BTreeSet};

use super::{Source, files, sources, split_visibility, word};

/// The names of the types that a source text declares as `pub`.
fn public_types(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let (visibility, item) = split_visibility(line.trim_start());
        let (kind, rest) = item.split_once(' ')?;
        let name = word(rest);
        let is_type = ["struct", "enum", "trait", "type"].contains(&kind) && !name.is_empty();
        (is_type && !visibility.is_empty()).then_some(name)
    })
}

/// The files that declare each public type.
fn places_of_types() -> BTreeMap<String, Vec<String>> {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources() {
        for name in public_types(&source.text) {
            places.entry(name).or_default().push(source.path.clone());
        }
    }
    places
}

#[test]
fn no_two_public_types_share_a_name() {
    let mut places = places_of_types();
    assert!(places.len() > 500, "found only {} types", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "give each of these types its own name: {places:#?}");
}

/// The files of types that are not the noun of their slice.
const PLACES_OF_TYPES: &[(&str, &str)] = &[
    ("Attempt", "messages/attempt.rs"),
    ("ConsentRecord", "consent/record.rs"),
    ("Counts", "ledger/counts.rs"),
    ("Enrollment", "automations/enrollment.rs"),
    ("Job", "queue/job.rs"),
    ("Ledger", "ledger/read.rs"),
    ("MessageFilter", "messages/log/filter.rs"),
    ("Organization", "users/organization.rs"),
    ("Outcome", "ledger/outcome.rs"),
    ("OwnWords", "consent/opt_out/own_words.rs"),
    ("Price", "ledger/prices.rs"),
    ("SearchPage", "messages/log/search.rs"),
    ("Step", "automations/step.rs"),
    ("Suppression", "consent/suppression.rs"),
    ("Trigger", "automations/trigger.rs"),
    ("View", "messages/log/saved_views.rs"),
];

#[test]
fn an_entity_stands_in_the_file_of_its_name() {
    // A slice with a plural name is about an entity: `contacts/contact.rs` declares `Contact`.
    let slices: BTreeSet<String> = files()
        .keys()
        .filter_map(|path| Some(path.split_once('/')?.0.strip_suffix('s')?.to_owned()))
        .filter(|noun| noun != "type")
        .collect();
    assert!(slices.len() >= 8, "found only {slices:?}");
    let entities = slices.iter().map(|noun| (capitalised(noun), format!("{noun}s/{noun}.rs")));
    let others = PLACES_OF_TYPES.iter().map(|(name, path)| ((*name).into(), (*path).into()));
    let places = places_of_types();
    for (name, path) in entities.chain(others) {
        assert_eq!(places.get(&name), Some(&vec![path]), "the place of {name}");
    }
}

/// The type and the template of each page in a source file.
fn pages_in(source: &Source) -> Vec<(String, String)> {
    let implementations = source.text.split("impl Page for ").skip(1);
    implementations
        .map(|rest| {
            let template =
                rest.split("const TEMPLATE").nth(1).and_then(|rest| rest.split('"').nth(1));
            (word(rest), template.unwrap_or_default().to_owned())
        })
        .collect()
}

#[test]
fn a_page_its_file_and_its_template_share_a_name() {
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("web/ui/")) {
        let path = source.path.strip_prefix("web/").unwrap().strip_suffix(".rs").unwrap();
        let path = path.strip_suffix("/mod").unwrap_or(path);
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        for (page, template) in pages_in(source) {
            // A template whose name begins with an underscore is a part of a page.
            let is_part = template == format!("{folder}/_{name}.html");
            let is_page = template == format!("{folder}/{name}.html");
            let type_name = format!("{}Page", name.split('_').map(capitalised).collect::<String>());
            let is_whole = is_page && page.ends_with(&type_name);
            if !is_part && !is_whole {
                wrong.push(format!("src/{}: {page} shows {template}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "a page, its file and its template: {}", wrong.join("\n"));
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(1);
    first.to_uppercase() + rest
}

#[test]
fn no_type_is_called_manager_helper_or_the_like() {
    const REFUSED: &[&str] =
        &["Service", "Manager", "Handler", "Helper", "Util", "Dto", "Repository"];
    let mut wrong = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "twilio") {
        for kind in ["struct ", "enum ", "trait "] {
            for (at, _) in source.text.match_indices(kind) {
                let name = word(&source.text[at + kind.len()..]);
                if REFUSED.iter().any(|refused| name.ends_with(refused)) {
                    wrong.push(format!("src/{}: {kind}{name}", source.path));
                }
            }
        }
    }
    // “Messaging Service” is a term of Twilio.
    wrong.retain(|name| !name.contains("MessagingService"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
