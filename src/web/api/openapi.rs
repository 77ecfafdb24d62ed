//! The description of the API, generated from the code, at `/api/v1/openapi.json`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::error::ErrorBody;

/// The document of the API; the nouns' own documents are merged into it.
#[derive(OpenApi)]
#[openapi(
    info(title = "Carillon", description = "SMS marketing automation on your own Twilio account. Every error has the form of `ErrorBody`."),
    servers((url = "/api/v1")),
    paths(describe),
    components(schemas(ErrorBody)),
    modifiers(&Bearer),
    security(("api_key" = []))
)]
struct Base;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme =
            SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("`ck_…`, made by an admin")).build());
        document.components.get_or_insert_default().add_security_scheme("api_key", scheme);
    }
}

/// Mounts the description itself.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/openapi.json").get(describe));
}

/// The whole description.
pub(super) fn document() -> Document {
    let nouns = [
        super::connections::Description::openapi(),
        super::senders::Description::openapi(),
        super::templates::Document::openapi(),
        super::contacts::Description::openapi(),
        super::tags::Description::openapi(),
        super::automations::Document::openapi(),
        super::events::Document::openapi(),
        super::messages::Description::openapi(),
        super::ledger::Description::openapi(),
    ];
    let mut document = Base::openapi();
    for noun in nouns {
        document.merge(noun);
    }
    name_operations(&mut document);
    document
}

/// Gives every operation a name of its own, such as `patch_contacts_id`: generators of clients need that.
fn name_operations(document: &mut Document) {
    for (path, item) in &mut document.paths.paths {
        let words: Vec<&str> = path.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(format!("{method}_{}", words.join("_")));
            }
        }
    }
}

/// This description.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, description = "OpenAPI 3.1")), security(()))]
async fn describe() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    /// `("get", "/contacts/{id}")` for every `web::resource("/contacts/{id}").get(…)` in the sources.
    fn routed() -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for entry in walk(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/api")) {
            let source = std::fs::read_to_string(entry).unwrap();
            let code: String = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for resource in code.split("web::resource(\"").skip(1) {
                let (path, rest) = resource.split_once("\")").unwrap_or_default();
                let rest = rest.split(".service(").next().unwrap_or_default().split(';').next().unwrap_or_default();
                for method in METHODS {
                    if rest.contains(&format!(".{method}(")) {
                        found.insert((
                            method.to_owned(),
                            path.split(':').next().unwrap().to_owned() + if path.contains(':') { "}" } else { "" },
                        ));
                    }
                }
            }
        }
        found
    }

    fn walk(directory: &str) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        entries
            .flat_map(|path| if path.is_dir() { walk(path.to_str().unwrap()) } else { vec![path] })
            .filter(|path| !path.ends_with("openapi.rs"))
            .collect()
    }

    fn described() -> BTreeSet<(String, String)> {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap().clone();
        paths
            .into_iter()
            .flat_map(|(path, item)| item.as_object().unwrap().keys().map(|method| (method.clone(), path.clone())).collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let mut routed = routed();
        routed.insert(("get".to_owned(), "/openapi.json".to_owned()));
        assert_eq!(routed, described());
    }

    #[test]
    fn the_description_names_the_error_and_the_key() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["components"]["schemas"]["ErrorBody"].is_object());
        assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
    }
}
