//! Folders: what stands in each, and what it knows nothing of.

use std::collections::BTreeSet;

use super::layers::layer;
use super::{files, files_below, rust_files, simulator, sources, without_literals};

#[test]
fn time_comes_from_the_clock() {
    let readers: Vec<String> = sources()
        .into_iter()
        .filter(|source| {
            ["Utc::now", "Local::now", "SystemTime::now"]
                .iter()
                .any(|call| source.text.contains(call))
        })
        .map(|source| source.path)
        .collect();
    assert_eq!(readers, ["clock.rs"]);
    let of_the_simulator = files_below(&simulator().join("src"));
    let mut readers = of_the_simulator
        .iter()
        .filter(|(_, text)| text.contains("Utc::now") || text.contains("SystemTime::now"));
    assert!(readers.all(|(path, _)| path == "clock.rs"));
}

#[test]
fn stories_sleep_only_in_the_harness() {
    // Elsewhere they wait for a condition, or say by `real_time` why time has to pass.
    const PLACE: &str = "tests/it/harness/waiting.rs";
    let sleeps = |text: &str| {
        let code = without_literals(text);
        ["time::sleep", "thread::sleep", "sleep("].iter().any(|call| code.contains(call))
    };
    let files = rust_files();
    let sleepers: Vec<&str> = files
        .iter()
        .filter(|(path, text)| path.starts_with("tests/it/") && sleeps(text))
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(sleepers, [PLACE], "wait with {PLACE}");
}

#[test]
fn the_simulator_knows_nothing_of_carillon() {
    let files = files_below(&simulator());
    for path in ["README.md", "src/lib.rs", "src/main.rs", "tests/program.rs"] {
        assert!(files.contains_key(path), "crates/twilio-simulator has no {path}");
    }
    let wrong: Vec<_> = files
        .into_iter()
        .filter(|(_, text)| text.to_lowercase().contains("carillon"))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "crates/twilio-simulator must stay independent: {wrong:?}");
}

#[test]
fn web_shows_pages_api_hooks_and_their_shared_http() {
    let parts: BTreeSet<String> = files()
        .keys()
        .filter_map(|path| Some(path.strip_prefix("web/")?.split('/').next()?.to_owned()))
        .collect();
    let found: Vec<String> = parts.into_iter().collect();
    assert_eq!(
        found,
        [
            "api",
            "application.rs",
            "connect_error_conversions.rs",
            "hooks",
            "http",
            "mod.rs",
            "quantities.rs",
            "segment",
            "ui",
            "webhook_sources"
        ]
    );
}

/// Nouns of the product that mean nothing else in HTTP or HTML.
const NOUNS: &[&str] = &[
    "automation",
    "broadcast",
    "consent",
    "contact",
    "conversation",
    "enrollment",
    "ledger",
    "sender",
    "suppression",
    "twilio",
];

/// The words of the names in a text, in lower case: `SenderId` and `sender_id` have two.
fn words(text: &str) -> BTreeSet<String> {
    let (mut separated, mut follows_lower) = (String::new(), false);
    for character in text.chars() {
        if character.is_uppercase() && follows_lower {
            separated.push(' ');
        }
        follows_lower = character.is_lowercase();
        separated.extend(character.to_lowercase());
    }
    separated.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect()
}

#[test]
fn web_http_names_no_noun_of_the_product_and_uses_no_slice_but_users() {
    let mut wrong = Vec::new();
    let is_slice = |module: &str| {
        let at = layer(module);
        at >= layer("connections") && at <= layer("connection_center")
    };
    let full_texts = files();
    for source in sources().iter().filter(|source| source.path.starts_with("web/http/")) {
        let code = without_literals(&full_texts[&source.path]);
        let code = code.lines().filter_map(|line| line.split("//").next());
        let named = words(&code.chain([source.path.as_str()]).collect::<Vec<_>>().join("\n"));
        let is_noun = |word: &&str| NOUNS.contains(&word.strip_suffix('s').unwrap_or(word));
        let nouns = named.iter().map(String::as_str).filter(is_noun).map(str::to_owned);
        let mut used = source.uses();
        used.retain(|module| is_slice(module) && module != "context");
        wrong.extend(nouns.chain(used).map(|noun| format!("src/{}: {noun}", source.path)));
    }
    assert!(wrong.is_empty(), "move these to web/ui or web/api:\n{}", wrong.join("\n"));
}

#[test]
fn web_calls_slices_instead_of_the_database() {
    const SQL: &[&str] = &[
        "sql_query(",
        "statement!",
        "schema::",
        "insert_into(",
        "diesel::update(",
        "diesel::delete(",
    ];
    let sources = sources();
    let users = sources.iter().filter(|source| {
        source.path.starts_with("web/") && SQL.iter().any(|call| source.text.contains(call))
    });
    let users: Vec<&str> = users.map(|source| source.path.as_str()).collect();
    assert!(users.is_empty(), "move the statements of these to a slice: {users:?}");
}

#[test]
fn samples_of_pages_are_in_folders_of_their_own() {
    let files = files();
    let with_samples = files.iter().filter(|(_, text)| text.contains("impl Samples for "));
    let (away, beside): (Vec<&str>, Vec<&str>) =
        with_samples.map(|(path, _)| path.as_str()).partition(|path| path.contains("/samples/"));
    assert!(away.len() > 30, "found only {} files with samples", away.len());
    assert!(beside.is_empty(), "move the samples of these pages to a folder samples/: {beside:?}");
}
