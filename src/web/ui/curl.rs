//! Commands for `curl` that call the API, to be copied from pages.

use serde_json::Value;

/// Stands for an API key in commands of pages that know none.
pub(super) const KEY_PLACEHOLDER: &str = "YOUR_API_KEY";

/// The longest body that stays in one line, in bytes.
const MAX_LINE: usize = 72;

/// The command that calls a URL of the API; with a body, as JSON.
pub(super) fn command(method: &str, url: &str, key: &str, body: Option<&Value>) -> String {
    let method = match (method, body) {
        ("GET", _) | ("POST", Some(_)) => String::new(),
        (other, _) => format!("-X {other} "),
    };
    let mut command = format!(
        "curl {method}{} \\\n  -H {}",
        quoted(url),
        quoted(&format!("Authorization: Bearer {key}"))
    );
    if let Some(body) = body {
        let line = body.to_string();
        let written = if line.len() > MAX_LINE {
            serde_json::to_string_pretty(body).unwrap_or(line)
        } else {
            line
        };
        command.push_str(" \\\n  -H 'Content-Type: application/json' \\\n  -d ");
        command.push_str(&quoted(&written));
    }
    command
}

/// A text as one word of a POSIX shell, which takes it literally.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const URL: &str = "https://sms.example.com/api/v1/events";

    #[test]
    fn a_command_names_the_method_only_where_curl_would_take_another() {
        assert_eq!(
            command("GET", URL, "ck_1", None),
            format!("curl '{URL}' \\\n  -H 'Authorization: Bearer ck_1'")
        );
        assert!(command("DELETE", URL, "k", None).starts_with("curl -X DELETE '"));
        assert!(command("POST", URL, "k", None).starts_with("curl -X POST '"));
        let body = json!({ "name": "order" });
        assert!(command("POST", URL, "k", Some(&body)).starts_with("curl 'https"));
        assert!(command("PATCH", URL, "k", Some(&body)).ends_with("-d '{\"name\":\"order\"}'"));
    }

    #[test]
    fn no_text_ends_its_quotes() {
        let short = command("POST", URL, "k", Some(&json!({ "name": "it's $HOME" })));
        assert!(short.ends_with("-d '{\"name\":\"it'\\''s $HOME\"}'"), "{short}");
        let long = command("POST", URL, "k", Some(&json!({ "name": "x".repeat(MAX_LINE) })));
        assert!(long.contains("-d '{\n  \"name\": "), "{long}");
    }
}
