//! Text from outside: where it is read, and how pages link to it.

use std::fs;

use super::{root, sources};

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
    (
        "query_string(",
        &["web/http/query.rs", "web/api/extractors.rs", "web/webhook_sources/incoming_request.rs"],
    ),
    ("from_query(", &["web/http/query.rs", "web/api/extractors.rs"]),
    ("web::Query", &["web/http/query.rs", "web/api/extractors.rs"]),
    ("web::Form", &["web/http/form.rs"]),
    ("web::Json", &[]),
    ("match_info(", &["web/api/extractors.rs", "web/hooks/status.rs", "web/hooks/verification.rs"]),
    (
        "headers().get(",
        &[
            "web/http/intake/read_body.rs",
            "web/segment/write_key.rs",
            "web/api/authentication.rs",
            "web/api/messages/idempotency_key.rs",
            "web/http/assets.rs",
            "web/http/csrf.rs",
            "web/http/form_guard.rs",
            "web/ui/error_pages.rs",
            "web/hooks/verification.rs",
            "web/ui/visit.rs",
            "web/api/error.rs",
            "web/webhook_sources/incoming_request.rs",
            "twilio/client.rs",
            "twilio/hook_test_call.rs",
        ],
    ),
    ("request.cookie(", &["web/http/cookies.rs"]),
    (
        "serde_json::from_slice",
        &[
            "twilio/json.rs",
            "web/http/cursor.rs",
            "web/http/flash.rs",
            "web/api/extractors.rs",
            "web/segment/handlers.rs",
            "sources/webhook/document.rs",
            "web/ui/sources/delivery_view.rs",
        ],
    ),
    ("serde_json::from_str", &["web/ui/automations/form.rs", "web/ui/preview_event.rs"]),
    ("Deserializer::from_slice", &["web/api/extractors.rs"]),
];

/// Files that take a text from a path only to compare or parse it: file names, and path segments
/// that are not used in queries.
const PATH_TEXT_FILES: &[&str] = &[
    "web/http/assets.rs",
    "web/hooks/inbound.rs",
    "web/hooks/webhook_test.rs",
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
