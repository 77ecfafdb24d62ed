//! The check that every page is measured: compares the routes in the source with the cases.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::{Outcome, cases};

/// Fails if a page or a list of the API has no case, or if the route of a case does not exist.
pub(crate) fn check() -> Outcome<()> {
    let mounted: BTreeSet<String> =
        mounted("ui", "")?.union(&mounted("api", "/api/v1")?).cloned().collect();
    let measured: BTreeSet<String> = cases::routes().map(str::to_owned).collect();
    let missing: Vec<&String> = mounted.difference(&measured).collect();
    let obsolete: Vec<&String> = measured.difference(&mounted).collect();
    if missing.is_empty() && obsolete.is_empty() {
        return Ok(());
    }
    Err(
        format!(
            "not measured (add them to benches/pages/cases.rs or api_cases.rs): {missing:?}; measured, but not a route: {obsolete:?}"
        ).into()
    )
}

/// The GET routes in a folder of `src/web`: `web::resource("/contacts/{id}").get(…)`.
fn mounted(folder: &str, prefix: &str) -> Outcome<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web").join(folder))? {
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        for resource in code.split("web::resource(\"/").skip(1) {
            let (path, rest) = resource.split_once("\")").unwrap_or_default();
            let rest = rest
                .split(".service(")
                .next()
                .unwrap_or_default()
                .split(';')
                .next()
                .unwrap_or_default();
            if rest.contains(".get(") {
                found.insert(format!("{prefix}/{path}"));
            }
        }
    }
    Ok(found)
}

fn sources(folder: &Path) -> Outcome<Vec<String>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            all.extend(sources(&path)?);
        } else if path.file_stem().is_none_or(|name| name != "openapi") {
            all.push(fs::read_to_string(path)?);
        }
    }
    Ok(all)
}
