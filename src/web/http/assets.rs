//! Style sheet, scripts and pictures, served from the binary under addresses that contain a hash of
//! the content.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use actix_web::middleware::Compress;
use actix_web::web::{self, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rust_embed::{EmbeddedFile, RustEmbed};
use tera::{Kwargs, State, Tera, TeraResult};

#[derive(RustEmbed)]
#[folder = "static/"]
struct Files;

/// Mounts `/static/{hash}/{file}`, and `/favicon.ico` for browsers that request it unprompted.
pub(in crate::web) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/static/{hash}/{file:.+}").wrap(Compress::default()).get(serve))
        .service(web::resource("/favicon.ico").get(favicon));
}

/// Adds the template function `asset(path="carillon.css")`, which returns the address of a file in
/// `static/`.
pub(in crate::web) fn register(tera: &mut Tera, base: &str) {
    let base = base.to_owned();
    tera.register_function(
        "asset",
        move |arguments: Kwargs, _: &State<'_>| -> TeraResult<String> {
            let path: String = arguments.must_get("path")?;
            let file = Files::get(&path)
                .ok_or_else(|| tera::Error::message(format!("there is no file static/{path}")))?;
            Ok(format!("{base}/static/{}/{path}", hash(&file)))
        },
    );
}

async fn serve(request: HttpRequest, path: Path<(String, String)>) -> HttpResponse {
    let (requested, name) = path.into_inner();
    let Some(file) = Files::get(&name) else {
        return HttpResponse::NotFound().body("There is no such file.");
    };
    let tag = format!("\"{}\"", hash(&file));
    // An old address (on a page from before an update) gets the current file, but must not be
    // cached.
    let caching =
        if requested == hash(&file) { "public, max-age=31536000, immutable" } else { "no-cache" };
    if request.headers().get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return HttpResponse::NotModified()
            .insert_header((ETAG, tag))
            .insert_header((CACHE_CONTROL, caching))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, content_type(&file)))
        .insert_header((CACHE_CONTROL, caching))
        .insert_header((ETAG, tag))
        .body(file.data.into_owned())
}

async fn favicon() -> HttpResponse {
    match Files::get("icon.svg") {
        Some(file) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "image/svg+xml"))
            .body(file.data.into_owned()),
        None => HttpResponse::NotFound().finish(),
    }
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
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn files_are_found_by_name_and_not_outside_the_folder() {
        assert_eq!(content_type(&Files::get("carillon.css").unwrap()), "text/css; charset=utf-8");
        assert!(Files::get("../Cargo.toml").is_none() && Files::get("nothing.css").is_none());
    }

    #[test]
    fn vendored_scripts_match_their_recorded_hashes() {
        let record =
            String::from_utf8(Files::get("vendor/README.md").unwrap().data.into_owned()).unwrap();
        let cells = |line: &str| {
            line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
        };
        let recorded: BTreeMap<String, String> = record
            .lines()
            .filter(|line| line.starts_with("| `"))
            .map(|line| (cells(line)[1].clone(), cells(line)[5].clone()))
            .collect();
        let scripts = Files::iter().filter_map(|name| {
            name.strip_prefix("vendor/")
                .filter(|name| Path::new(name).extension().is_some_and(|kind| kind == "js"))
                .map(str::to_owned)
        });
        for name in scripts {
            let hash = hex(&Files::get(&format!("vendor/{name}")).unwrap().metadata.sha256_hash());
            assert_eq!(
                recorded.get(&name),
                Some(&hash),
                "write {name} down in static/vendor/README.md"
            );
        }
        assert!(recorded.keys().all(|name| Files::get(&format!("vendor/{name}")).is_some()));
    }
}
