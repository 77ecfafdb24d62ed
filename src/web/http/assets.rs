//! Style sheet, scripts, fonts and pictures, served from the binary under addresses that contain a
//! hash of the content.

use std::borrow::Cow;
use std::collections::BTreeMap;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::middleware::Compress;
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};
use sha2::{Digest, Sha256};
use tera::{Kwargs, State, Tera, TeraResult};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// The style sheet; it imports those in `styles/`.
const STYLE_SHEET: &str = "carillon.css";
/// The sprite of all icons, which `scripts/vendor-icons` makes.
const ICONS: &str = "vendor/lucide/icons.svg";

/// A file as it is served.
struct Asset {
    body: Cow<'static, [u8]>,
    content_type: String,
    hash: String,
}

/// Mounts `/static/{hash}/{file}`, and `/favicon.ico` for browsers that request it unprompted.
pub(in crate::web) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/static/{hash}/{file:.+}").wrap(Compress::default()).get(serve))
        .service(web::resource("/favicon.ico").get(favicon));
}

/// Adds the template function `asset(path="carillon.css")`, which returns the address of a file in
/// `static/`.
pub(in crate::web) fn register(tera: &mut Tera, base: &str) {
    let base = base.to_owned();
    // In debug builds files change while the program runs, except the icons, which a page with many
    // rows names thousands of times.
    let known: BTreeMap<String, String> = Files::iter()
        .filter(|path| !cfg!(debug_assertions) || path == ICONS)
        .filter_map(|path| Some((path.to_string(), address(&base, &path)?)))
        .collect();
    tera.register_function(
        "asset",
        move |arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
            let path: String = arguments.must_get("path")?;
            known
                .get(&path)
                .cloned()
                .or_else(|| address(&base, &path))
                .ok_or_else(|| tera::Error::message(format!("there is no file static/{path}")))
        },
    );
}

/// The names of all icons, for the style guide and for tests.
pub(in crate::web) fn icon_names() -> Vec<String> {
    let sprite = text_of(ICONS).unwrap_or_default();
    let ids = sprite.split("<symbol id=\"").skip(1);
    ids.filter_map(|symbol| symbol.split_once('"')).map(|(name, _)| name.to_owned()).collect()
}

async fn serve(request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (requested, name) = path.into_inner();
    let Some(asset) = Asset::find(&name) else {
        return HttpResponse::NotFound().body("There is no such file.");
    };
    let tag = format!("\"{}\"", asset.hash);
    // An old address (on a page from before an update) gets the current file, but must not be
    // cached.
    let caching =
        if requested == asset.hash { "public, max-age=31536000, immutable" } else { "no-cache" };
    if request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return HttpResponse::NotModified()
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, caching))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, asset.content_type))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((ETAG, tag))
        .body(asset.body.into_owned())
}

async fn favicon() -> HttpResponse {
    match Files::get("icon.svg") {
        Some(file) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "image/svg+xml"))
            .body(file.data.into_owned()),
        None => HttpResponse::NotFound().finish(),
    }
}

impl Asset {
    fn find(path: &str) -> Option<Self> {
        let file = Files::get(path)?;
        let content_type = content_type(&file);
        if path == STYLE_SHEET {
            let joined = style_sheet()?.into_bytes();
            let hash = hex(&Sha256::digest(&joined)[..8]);
            return Some(Self { body: Cow::Owned(joined), content_type, hash });
        }
        let hash = hash(&file);
        Some(Self { body: file.data, content_type, hash })
    }
}

/// The style sheet as one file: what it imports stands in the place of the imports, and fonts have
/// the addresses that templates preload.
fn style_sheet() -> Option<String> {
    let mut joined = String::new();
    for line in text_of(STYLE_SHEET)?.lines() {
        match line.strip_prefix("@import \"").and_then(|rest| rest.strip_suffix("\";")) {
            Some(path) => joined.push_str(&text_of(path)?),
            None => joined.push_str(line),
        }
        joined.push('\n');
    }
    for path in Files::iter().filter(|path| path.ends_with(".woff2")) {
        let hash = hash(&Files::get(&path)?);
        joined = joined.replace(&format!("\"../{path}\""), &format!("\"../{hash}/{path}\""));
    }
    Some(joined)
}

fn text_of(path: &str) -> Option<String> {
    String::from_utf8(Files::get(path)?.data.into_owned()).ok()
}

/// The address of a file in `static/`.
fn address(base: &str, path: &str) -> Option<String> {
    Some(format!("{base}/static/{}/{path}", Asset::find(path)?.hash))
}

/// The first 64 bits of the content's SHA-256, in hex.
fn hash(file: &EmbeddedFile) -> String {
    hex(&file.metadata.sha256_hash()[..8])
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |text, byte| format!("{text}{byte:02x}"))
}

fn content_type(file: &EmbeddedFile) -> String {
    let kind = file.metadata.mimetype();
    if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn files_are_found_by_name_and_not_outside_the_folder() {
        assert_eq!(content_type(&Files::get("carillon.css").unwrap()), "text/css; charset=utf-8");
        assert!(Files::get("../Cargo.toml").is_none() && Files::get("nothing.css").is_none());
    }

    #[test]
    fn the_style_sheet_is_one_file_whose_fonts_can_be_cached() {
        let joined = style_sheet().unwrap();
        assert!(!joined.contains("@import") && joined.contains(".page-head {"));
        let imported = text_of(STYLE_SHEET).unwrap().matches("@import").count();
        let styles = Files::iter().filter(|path| path.starts_with("styles/")).count();
        assert_eq!(imported, styles, "carillon.css imports each of styles/ once");
        for font in Files::iter().filter(|path| path.ends_with(".woff2")) {
            let address = address("..", &font).unwrap().replace("/static", "");
            assert!(joined.contains(&format!("url(\"{address}\")")), "{font} is not used");
        }
    }

    #[test]
    fn vendored_files_match_their_recorded_hashes() {
        let record = text_of("vendor/README.md").unwrap();
        let cells = |line: &str| {
            line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
        };
        let recorded: BTreeMap<String, String> = record
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| (cells(line)[1].clone(), cells(line)[5].clone()))
            .collect();
        let vendored: BTreeSet<String> = Files::iter()
            .filter_map(|name| name.strip_prefix("vendor/").map(str::to_owned))
            .filter(|name| name != "README.md" && !name.contains("LICENSE"))
            .collect();
        for name in &vendored {
            let hash = hex(&Files::get(&format!("vendor/{name}")).unwrap().metadata.sha256_hash());
            assert_eq!(recorded.get(name), Some(&hash), "write {name} down in vendor/README.md");
            let folder = name.split('/').next().unwrap();
            let licence = format!("vendor/{folder}/LICENSE");
            assert!(Files::iter().any(|path| path.starts_with(&licence)), "{name} has no licence");
        }
        assert!(recorded.keys().all(|name| vendored.contains(name)));
    }

    #[test]
    fn the_sprite_has_exactly_the_listed_icons() {
        let listed: Vec<&str> = include_str!("../../../scripts/icons.txt")
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        assert_eq!(icon_names(), listed, "run scripts/vendor-icons");
    }
}
