//! The rules of `ARCHITECTURE.md` about the source, checked by reading the source files. [`LAYERS`]
//! lists which module may use which, and [`cycles`] finds dependency cycles between files.

mod cycles;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::TestApp;

/// The layers from the bottom up: a module uses only modules of lower layers.
const LAYERS: &[&[&str]] = &[
    &["error", "batcher", "clock", "fail_point"],
    &["types"],
    &["db", "twilio"],
    &["config", "queue", "users"],
    &["logging", "connections", "consent", "ledger"],
    &["senders", "contacts"],
    &["templates", "events"],
    &["context", "messages"],
    &["automations", "broadcasts", "conversations", "connection_center"],
    &["worker", "web"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Modules that may use less than their layer allows, with what they may use.
const STRICTER_MODULES: &[(&str, &[&str])] =
    &[("twilio", &["types", "fail_point"]), ("error", &[]), ("clock", &[]), ("batcher", &[])];

/// Crates that only some paths may use.
const RESTRICTED_CRATES: &[(&str, &[&str])] = &[
    ("actix_web", &["web/", "main.rs", "app/"]),
    ("actix_http", &["web/http/server/"]),
    ("actix_server", &["web/http/server/"]),
    ("actix_service", &["web/http/server/"]),
    ("apalis", &["queue/", "worker/"]),
    ("apalis_core", &["queue/", "worker/"]),
    ("reqwest", &["twilio/"]),
    // Only the demo runs the simulator.
    ("twilio_simulator", &["app/"]),
];

/// A source file without its tests and comments.
struct Source {
    /// The path below `src/`, such as `contacts/tags.rs`.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The directory of the simulator crate.
fn simulator() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/twilio-simulator")
}

/// All source files with their full text, by their path below `src/`.
fn files() -> BTreeMap<String, String> {
    let mut files = files_below(&root());
    files.retain(|path, _| Path::new(path).extension().is_some_and(|ending| ending == "rs"));
    assert!(files.len() > 100, "found only {} source files", files.len());
    files
}

/// All files below a directory, by their relative path.
fn files_below(top: &Path) -> BTreeMap<String, String> {
    fn read(directory: &Path, top: &Path, into: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, top, into);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                into.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut files = BTreeMap::new();
    read(top, top, &mut files);
    files
}

/// All source files without their tests, which may use any module.
fn sources() -> Vec<Source> {
    let is_test = |path: &str| path.contains("tests/") || path.ends_with("tests.rs");
    let without_tests = |text: &str| {
        let end = text.match_indices("#[cfg(test)]").find(|(at, _)| {
            let next = text[*at..].lines().skip(1).find(|line| !line.trim().starts_with("#["));
            next.is_some_and(|line| {
                line.trim_start().starts_with("mod ") && line.trim_end().ends_with('{')
            })
        });
        text[..end.map_or(text.len(), |(at, _)| at)].to_owned()
    };
    let without_comments = |text: &str| {
        text.lines()
            .map(|line| line.split("//").next().unwrap_or(""))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let files = files().into_iter().filter(|(path, _)| !is_test(path));
    files
        .map(|(path, text)| Source { path, text: without_comments(&without_tests(&text)) })
        .collect()
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The number of `super::` that lead to the root of the crate.
    fn depth(&self) -> usize {
        let parts = self.path.split('/').count();
        if self.path.ends_with("/mod.rs") { parts - 1 } else { parts }
    }

    /// The other top-level modules that it names, by `crate::…`, `use crate::{…}` or enough
    /// `super::`.
    fn uses(&self) -> Vec<String> {
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

fn word(text: &str) -> String {
    text.chars().take_while(|character| character.is_alphanumeric() || *character == '_').collect()
}

fn layer(module: &str) -> Option<usize> {
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

/// The calls that read external input, each with the files that may use it. These files sanitise or
/// refuse the input, so that all other code can store and show it.
const INPUT_CALLS: &[(&str, &[&str])] = &[
    (
        "form_urlencoded::parse",
        &[
            "types/storable_text.rs",
            "twilio/webhook_form.rs",
            "twilio/signature.rs",
            "db/target.rs",
        ],
    ),
    ("query_string(", &["web/http/query.rs", "web/api/extractors.rs"]),
    ("from_query(", &["web/http/query.rs", "web/api/extractors.rs"]),
    ("web::Query", &["web/http/query.rs", "web/api/extractors.rs"]),
    ("web::Form", &["web/http/form.rs"]),
    ("web::Json", &[]),
    ("match_info(", &["web/api/extractors.rs", "web/hooks/status.rs", "web/hooks/verification.rs"]),
    (
        "headers().get(",
        &[
            "web/api/json_bytes.rs",
            "web/api/authentication.rs",
            "web/api/messages/idempotency_key.rs",
            "web/http/assets.rs",
            "web/http/csrf.rs",
            "web/http/error_page.rs",
            "web/hooks/verification.rs",
            "web/http/visit.rs",
            "web/api/error.rs",
            "twilio/client.rs",
            "twilio/hook_test_call.rs",
        ],
    ),
    ("request.cookie(", &["web/http/cookies.rs"]),
    ("serde_json::from_slice", &["twilio/json.rs", "web/http/cursor.rs", "web/http/flash.rs"]),
    ("serde_json::from_str", &["web/ui/automations/form.rs", "web/ui/preview_event.rs"]),
    ("Deserializer::from_slice", &["web/api/extractors.rs"]),
];

/// Files that take a text from a path only to compare or parse it: file names, and path segments
/// that are not used in queries.
const PATH_TEXT_FILES: &[&str] = &[
    "web/http/assets.rs",
    "web/hooks/inbound.rs",
    "web/hooks/self_test.rs",
    "web/api/contacts/handlers.rs",
    "web/api/tags.rs",
    "web/api/extractors.rs",
];

#[test]
fn external_text_is_read_only_where_it_is_sanitised_or_refused() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (call, places) in INPUT_CALLS {
            if source.text.contains(call) && !places.contains(&source.path.as_str()) {
                wrong.push(format!("src/{} reads {call}", source.path));
            }
        }
        let imports = source
            .text
            .split("use actix_web::web::")
            .skip(1)
            .filter_map(|rest| rest.split(';').next());
        for import in imports.filter(|import| {
            import
                .split(|c: char| !c.is_alphanumeric())
                .any(|name| ["Query", "Form", "Json"].contains(&name))
        }) {
            wrong.push(format!("src/{} takes actix_web's {import}", source.path));
        }
        let has_path_text = source
            .text
            .split("Path<")
            .skip(1)
            .any(|rest| rest.split('>').next().is_some_and(|kind| kind.contains("String")));
        if has_path_text && !PATH_TEXT_FILES.contains(&source.path.as_str()) {
            wrong.push(format!("src/{} takes a text from a path", source.path));
        }
    }
    assert!(wrong.is_empty(), "external text is read without sanitising:\n{}", wrong.join("\n"));
}

#[test]
fn pages_link_to_foreign_urls_only_through_a_filter() {
    let mut wrong = Vec::new();
    let mut directories = vec![root().join("../templates/ui")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for attribute in
                ["href=\"", "src=\"", "action=\"", "formaction=\"", "srcset=\"", "poster=\""]
            {
                for value in text.split(attribute).skip(1) {
                    let Some(expression) = value.strip_prefix("{{") else { continue };
                    let expression = expression.split("}}").next().unwrap().trim();
                    let is_ours = expression == "base"
                        || expression.starts_with("asset(")
                        || expression.ends_with("| foreign_address");
                    if !is_ours {
                        wrong
                            .push(format!("{}: {attribute}{{{{ {expression} }}}}", path.display()));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The names of the types that a source text declares as `pub`.
fn public_types(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter_map(|line| {
        let rest = line.trim_start().strip_prefix("pub")?;
        let rest = match rest.strip_prefix('(') {
            Some(scope) => scope.split_once(')')?.1,
            None => rest,
        };
        let (kind, rest) = rest.trim_start().split_once(' ')?;
        let name = word(rest);
        (["struct", "enum", "trait", "type"].contains(&kind) && !name.is_empty()).then_some(name)
    })
}

#[test]
fn no_two_public_types_share_a_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.module() != "simulator") {
        for name in public_types(&source.text) {
            places.entry(name).or_default().push(source.path.clone());
        }
    }
    assert!(places.len() > 500, "found only {} types", places.len());
    places.retain(|_, places| places.len() > 1);
    assert!(places.is_empty(), "give each of these types its own name: {places:#?}");
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
fn the_simulator_knows_nothing_of_carillon() {
    let files = files_below(&simulator());
    assert!(files.contains_key("src/lib.rs") && files.contains_key("README.md"));
    let wrong: Vec<_> = files
        .into_iter()
        .filter(|(_, text)| text.to_lowercase().contains("carillon"))
        .map(|(path, _)| path)
        .collect();
    assert!(wrong.is_empty(), "crates/twilio-simulator must stay independent: {wrong:?}");
}

#[test]
fn every_file_is_short_and_begins_with_a_module_comment() {
    let mut wrong = Vec::new();
    let of_the_simulator = files_below(&simulator())
        .into_iter()
        .filter(|(path, _)| Path::new(path).extension().is_some_and(|ending| ending == "rs"))
        .map(|(path, text)| (format!("../crates/twilio-simulator/{path}"), text));
    for (path, text) in files().into_iter().chain(of_the_simulator) {
        let lines = text.lines().count();
        // The schema is generated and grows with every table.
        if lines > 400 && path != "db/schema.rs" {
            wrong.push(format!("src/{path} has {lines} lines; the maximum is 400"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("src/{path} does not begin with a `//!` line that says what it is"));
        }
        let name = path.rsplit('/').next().unwrap();
        if ["utils.rs", "util.rs", "common.rs", "helpers.rs", "misc.rs"].contains(&name) {
            wrong.push(format!("src/{path}: name a file by what it is about"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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

/// Each column of `schema.rs`, as `table column type`.
fn declared_columns() -> Vec<String> {
    let text = fs::read_to_string(root().join("db/schema.rs")).unwrap();
    let mut columns = Vec::new();
    for table in text.split("diesel::table! {").skip(1) {
        let lines = table
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with('#'));
        let mut name = "";
        for line in lines.take_while(|line| *line != "}") {
            match line.split_once(" -> ") {
                Some((column, kind)) => {
                    columns.push(format!("{name} {column} {}", kind.trim_end_matches(',')));
                }
                None => name = line.split(' ').next().unwrap(),
            }
        }
    }
    columns
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_equals_the_migrated_database() {
    let app = TestApp::start().await;
    let mut found = app
        .texts(
            "SELECT table_name || ' ' || column_name || ' ' ||
                CASE WHEN is_nullable = 'YES' THEN 'Nullable<' || kind || '>' ELSE kind END AS text
             FROM (SELECT *, CASE udt_name
                WHEN 'uuid' THEN 'Uuid' WHEN 'text' THEN 'Text' WHEN 'bytea' THEN 'Bytea' WHEN 'timestamptz' THEN 'Timestamptz'
                WHEN 'int2' THEN 'Int2' WHEN 'int4' THEN 'Int4' WHEN 'int8' THEN 'Int8' WHEN 'bool' THEN 'Bool' WHEN 'jsonb' THEN 'Jsonb' WHEN 'json' THEN 'Json' WHEN 'date' THEN 'Date' WHEN 'float8' THEN 'Float8'
                WHEN '_text' THEN 'Array<Text>' ELSE udt_name END AS kind
                FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%') AS c
             ORDER BY table_name, ordinal_position",
        )
        .await;
    let mut declared = declared_columns();
    found.sort();
    declared.sort();
    let missing: Vec<_> = found.iter().filter(|column| !declared.contains(column)).collect();
    let surplus: Vec<_> = declared.iter().filter(|column| !found.contains(column)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "src/db/schema.rs lacks {missing:#?} and has the extra {surplus:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cascading_foreign_key_has_an_index() {
    let app = TestApp::start().await;
    // Without an index, deleting a row would scan the referencing table.
    let unindexed = app
        .texts(
            "SELECT c.conrelid::regclass || ' (' || a.attname || ')' AS text
             FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
             WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n')
               AND c.confrelid IN ('contacts'::regclass, 'messages'::regclass, 'connections'::regclass)
               AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = a.attnum)
             ORDER BY 1",
        )
        .await;
    assert_eq!(unindexed, Vec::<String>::new());
}
