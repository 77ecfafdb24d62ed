//! The OpenAPI document, generated from the code, at `/api/v1/openapi.json`.

use actix_web::HttpResponse;
use actix_web::web::{self, ServiceConfig};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder};
use utoipa::{Modify, OpenApi};

use super::error::ErrorBody;

/// The base document, into which the documents of the nouns are merged.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Carillon",
        description = "SMS marketing automation on your own Twilio account. Every error has the \
                       form of `ErrorBody`."
    ),
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
        let scheme = SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .description(Some("`ck_…`, created by an admin"))
                .build(),
        );
        document.components.get_or_insert_default().add_security_scheme("api_key", scheme);
    }
}

/// Mounts the document itself.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/openapi.json").get(describe));
}

/// Builds the whole document.
#[must_use]
pub fn document() -> Document {
    let nouns = [
        super::connections::ConnectionsApi::openapi(),
        super::senders::SendersApi::openapi(),
        super::sources::SourcesApi::openapi(),
        super::templates::TemplatesApi::openapi(),
        super::contacts::ContactsApi::openapi(),
        super::tags::TagsApi::openapi(),
        super::opt_out_words::OptOutWordsApi::openapi(),
        super::automations::AutomationsApi::openapi(),
        super::events::EventsApi::openapi(),
        super::messages::MessagesApi::openapi(),
        super::ledger::LedgerApi::openapi(),
    ];
    let mut document = Base::openapi();
    for noun in nouns {
        document.merge(noun);
    }
    for_operations(&mut document, |method, path, operation| {
        operation.operation_id = Some(operation_id(method, path));
        describe_errors(method, path, operation);
    });
    document
}

fn for_operations(document: &mut Document, mut visit: impl FnMut(&str, &str, &mut Operation)) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("put", &mut item.put),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                visit(method, path, operation);
            }
        }
    }
}

/// The id of an operation, such as `patch_contacts_id`: generators of clients need a unique one.
fn operation_id(method: &str, path: &str) -> String {
    let words = path
        .split(|character: char| !character.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |operation_id, word| format!("{operation_id}_{word}"))
}

/// The only operation that needs no key and no database.
const PUBLIC: &str = "/openapi.json";

/// Operations that may be impossible in the current state, beside those that declare it themselves.
const CONFLICTS: [(&str, &str); 11] = [
    ("post", "/contacts"),
    ("patch", "/contacts/{id}"),
    ("put", "/contacts/by-phone/{phone}"),
    ("post", "/events"),
    ("post", "/connections/{id}/senders"),
    ("post", "/connections/{id}/webhook-secret"),
    ("post", "/connections/{id}/webhook-test"),
    ("post", "/connections/{id}/verify"),
    ("put", "/connections/{id}/keys"),
    ("post", "/senders/{id}/webhook"),
    ("post", "/sources"),
];

/// Adds the errors that follow from an operation's inputs, and the schema of errors that it
/// declares without one.
fn describe_errors(method: &str, path: &str, operation: &mut Operation) {
    if path == PUBLIC {
        return;
    }
    let has_body = operation.request_body.is_some();
    // An invalid path is 404; an invalid query or header is 422.
    let is_read = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => {
            matches!(parameter.parameter_in, ParameterIn::Query | ParameterIn::Header)
        }
        RefOr::Ref(_) => false,
    };
    let has_parameters =
        operation.parameters.as_ref().is_some_and(|parameters| parameters.iter().any(is_read));
    let errors = [
        ("400", has_body, "The body is not valid JSON; the message says where"),
        ("401", true, "There is no API key, or it is unknown or revoked"),
        ("403", method != "get", "The role of the API key does not allow this"),
        ("404", path.contains('{'), "There is nothing with this id"),
        (
            "409",
            CONFLICTS.contains(&(method, path)),
            "Not possible in the current state; the message says why and what to do",
        ),
        ("413", has_body, "The body is larger than 4 MB"),
        ("415", has_body, "The body is not sent as `application/json`"),
        ("422", has_body || has_parameters, "Some fields are invalid. `fields` says which and why"),
        ("500", true, "An error of the server, which its log explains"),
        (
            "503",
            true,
            "Nothing was changed, since the database doesn’t answer; try again after \
             `Retry-After` seconds",
        ),
    ];
    for (status, applies, description) in errors {
        if applies {
            operation
                .responses
                .responses
                .entry(status.to_owned())
                .or_insert_with(|| RefOr::T(error(description)));
        }
    }
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        if (status.starts_with('4') || status.starts_with('5')) && response.content.is_empty() {
            let described = error(&response.description);
            response.content = described.content;
        }
        let standard = errors.iter().find(|(code, ..)| code == status);
        if response.description.is_empty() {
            standard
                .map_or("Done", |(_, _, description)| description)
                .clone_into(&mut response.description);
        }
    }
}

/// A response with the schema of all errors.
fn error(description: &str) -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    ResponseBuilder::new().description(description).content("application/json", body).build()
}

/// Returns this document.
#[
    utoipa::path(
        get,
        path = "/openapi.json",
        responses((status = 200, description = "OpenAPI 3.1")),
        security(())
    )
]
async fn describe() -> HttpResponse {
    HttpResponse::Ok().json(document())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    /// The method and path, such as `("get", "/contacts/{id}")`, of every `web::resource(…)` in the
    /// sources.
    fn routed() -> BTreeSet<(String, String)> {
        let mut found = BTreeSet::new();
        for entry in walk(concat!(env!("CARGO_MANIFEST_DIR"), "/src/web/api")) {
            let source = std::fs::read_to_string(entry).unwrap();
            let code: String =
                source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            for resource in code.split("web::resource(\"").skip(1) {
                let (path, rest) = resource.split_once("\")").unwrap_or_default();
                let rest = rest
                    .split(".service(")
                    .next()
                    .unwrap_or_default()
                    .split(';')
                    .next()
                    .unwrap_or_default();
                for method in METHODS {
                    if rest.contains(&format!(".{method}(")) {
                        found.insert((
                            method.to_owned(),
                            path.split(':').next().unwrap().to_owned()
                                + if path.contains(':') { "}" } else { "" },
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
            .flat_map(|(path, item)| {
                item.as_object()
                    .unwrap()
                    .keys()
                    .map(|method| (method.clone(), path.clone()))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    #[test]
    fn every_route_is_described_and_every_description_has_a_route() {
        let mut routed = routed();
        routed.insert(("get".to_owned(), "/openapi.json".to_owned()));
        assert_eq!(routed, described());
    }

    #[test]
    fn the_document_contains_the_error_schema_and_the_key() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["components"]["schemas"]["ErrorBody"].is_object());
        assert_eq!(document["components"]["securitySchemes"]["api_key"]["scheme"], "bearer");
    }
}
