//! Hostile values in every parameter of every route never cause a server error. The routes come
//! from the source and from the OpenAPI description, so new ones are covered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures::{StreamExt, stream};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::fixtures::send_sms;
use crate::harness::{HANDSET, TestApp};

/// Hostile values for a URL parameter, percent-encoded.
fn hostile_values() -> Vec<String> {
    let plain = [
        "a%00b",
        "%FF%ED%A0%80",
        "%EF%BF%BF%0D%0Ax:%20y",
        "99999999999999999999",
        "-9223372036854775808",
        "%2B262142-12-31T23:59:59Z",
        "9999-12-31",
        "%27%3B--%25%5F%5C",
        "ffffffff-ffff-ffff-ffff-ffffffffffff",
    ];
    plain.into_iter().map(str::to_owned).chain(["x".repeat(7_000)]).collect()
}

/// Hostile values for a cursor or position of a list.
fn hostile_positions() -> Vec<String> {
    let cursors = [
        json!("a\0b"),
        json!(i64::MAX),
        json!(["+262142-12-31T23:59:59Z", 1]),
        json!(["-262143-01-01T00:00:00Z", i64::MIN]),
        json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
        json!("x".repeat(5_000)),
        json!({}),
    ];
    let cursors = cursors.iter().map(|cursor| URL_SAFE_NO_PAD.encode(cursor.to_string()));
    ["9223372036854775807", "2147483647"].into_iter().map(str::to_owned).chain(cursors).collect()
}

/// Hostile values for a parameter with a given name.
fn hostile(name: &str) -> Vec<String> {
    let is_position = ["cursor", "before", "after", "older", "newer", "until"].contains(&name);
    hostile_values()
        .into_iter()
        .chain(if is_position { hostile_positions() } else { Vec::new() })
        .collect()
}

/// Hostile values for a JSON field, as source text.
fn hostile_json() -> Vec<String> {
    let written = [
        r#""\u0000""#,
        r#""a\u0000b""#,
        r#""\ud800""#,
        r#""\udc00x""#,
        r#"{"\u0000": 1}"#,
        r#"[["\u0000"]]"#,
        "null",
        "true",
        "-1",
        "0.1",
        "1e308",
        "1e400",
        "9223372036854775807",
        "18446744073709551616",
        r#""""#,
        r#"" ""#,
        "[]",
        "{}",
        r#"["a", 1, null]"#,
        r#"{"type": "x", "a": {"b": []}}"#,
        r#""\ufffe\u202e\u0001""#,
        r#""ffffffff-ffff-ffff-ffff-ffffffffffff""#,
        r#""+12065550100""#,
        r#""9999-12-31T23:59:59Z""#,
        r#""-262143-01-01T00:00:00Z""#,
    ];
    let long =
        ["x".repeat(100_000), "\u{10ffff}".repeat(2_000)].map(|text| json!(text).to_string());
    let deep = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    written.into_iter().map(str::to_owned).chain(long).chain([deep]).collect()
}

fn pages() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/web/ui")
}

fn sources(directory: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else {
            let group = path.strip_prefix(pages()).unwrap().components().next().unwrap();
            let group = group.as_os_str().to_str().unwrap().trim_end_matches(".rs").to_owned();
            into.push((group, fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A route of the pages: its path, its methods, and the names of its parameters.
struct Route {
    path: String,
    gets: bool,
    posts: bool,
    /// The names of query parameters.
    queried: BTreeSet<String>,
    /// The names of all parameters, including form fields.
    names: BTreeSet<String>,
}

/// The structs that a source file deserializes, with their fields.
fn structs(source: &str) -> impl Iterator<Item = (&str, Vec<String>)> {
    source.split("Deserialize").skip(1).filter_map(|rest| {
        let (name, body) = rest.split_once("struct ")?.1.split_once('{')?;
        let lines = body
            .split("\n}")
            .next()?
            .lines()
            .map(|line| line.trim().trim_start_matches("pub(super) "));
        let fields =
            lines.filter_map(|line| line.split_once(": ")).map(|(field, _)| field.to_owned());
        Some((name.trim(), fields.filter(|field| !field.contains(' ')).collect()))
    })
}

fn page_routes() -> Vec<Route> {
    let mut found = Vec::new();
    sources(&pages(), &mut found);
    let query = fs::read_to_string(pages().join("../../messages/log/query_parameters.rs")).unwrap();
    found.push(("messages".to_owned(), query));
    let mut whole: BTreeMap<&str, String> = BTreeMap::new();
    for (group, source) in &found {
        whole.entry(group).or_default().push_str(source);
    }
    let mut names: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    let mut queried = names.clone();
    for (group, source) in &whole {
        for (name, fields) in structs(source) {
            if source.contains(&format!("Query<{name}>")) || name == "MessageQuery" {
                queried.entry(group).or_default().extend(fields.clone());
            }
            names.entry(group).or_default().extend(fields);
        }
    }
    let mut routes = Vec::new();
    for (group, source) in &found {
        for rest in source.split("web::resource(\"").skip(1) {
            let (path, rest) = rest.split_once('"').unwrap();
            let methods = rest.split(';').next().unwrap();
            let of = |names: &BTreeMap<&str, BTreeSet<String>>| {
                names.get(group.as_str()).cloned().unwrap_or_default()
            };
            let (gets, posts) = (methods.contains(".get("), methods.contains(".post("));
            routes.push(Route {
                path: path.to_owned(),
                gets,
                posts,
                queried: of(&queried),
                names: of(&names),
            });
        }
    }
    assert!(
        routes.len() > 80 && routes.iter().map(|route| route.queried.len()).sum::<usize>() > 200,
        "found too few routes"
    );
    routes
}

/// Sends all requests, eight at a time, and returns those that were answered with a server error.
async fn faults(requests: Vec<(String, RequestBuilder)>) -> Vec<String> {
    let count = requests.len();
    let faults: Vec<String> = stream::iter(requests)
        .map(|(what, request)| async move {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            // Too many live streams at once are refused with 503.
            let is_busy = status == 503 && what.starts_with("GET /messages/live");
            (status >= 500 && !is_busy).then(|| format!("{status} {what:.300}"))
        })
        .buffer_unordered(8)
        .filter_map(async |fault| fault)
        .collect()
        .await;
    crate::harness::print_line(&format!("{count} hostile requests, {} faults", faults.len()));
    faults
}

/// Existing rows of each kind, by the first segment of their paths.
async fn existing_ids(app: &TestApp) -> BTreeMap<&'static str, String> {
    let twilio = app.connect_twilio().await;
    let contact = app.contact(HANDSET).await;
    let template = app.template("Hello.").await;
    let automation = app
        .automation(
            json!({ "type": "event", "name": "hello" }),
            json!([send_sms(&template, &twilio)]),
        )
        .await;
    app.event("hello", HANDSET, json!({})).await;
    app.run_until_idle().await;
    let message = app.message_to(HANDSET).await.id.to_string();
    let enrollment = app.texts("SELECT id::text AS text FROM enrollments").await.remove(0);
    let user = app.texts("SELECT id::text AS text FROM users").await.remove(0);
    BTreeMap::from([
        ("contacts", contact),
        ("templates", template),
        ("automations", automation),
        ("messages", message),
        ("enrollments", enrollment),
        ("connections", twilio.connection_id),
        ("senders", twilio.sender_id),
        ("settings", user),
    ])
}

/// A path with the ids of existing rows.
fn filled(path: &str, existing_ids: &BTreeMap<&str, String>) -> String {
    let noun = path.trim_start_matches('/').split('/').next().unwrap();
    let id = existing_ids.get(noun).map_or("00000000-0000-7000-8000-000000000000", String::as_str);
    path.replace("{id}", id)
        .replace("{version}", "1")
        .replace("{name}", "VIP")
        .replace("{phone}", "%2B12065550100")
}

/// Copies of a path, each with a hostile value in one variable segment.
fn hostile_paths(path: &str, existing_ids: &BTreeMap<&str, String>) -> Vec<String> {
    let mut paths = Vec::new();
    for variable in path.split('/').filter(|part| part.starts_with('{')) {
        paths.extend(
            hostile_values()
                .iter()
                .map(|value| filled(&path.replace(variable, value), existing_ids)),
        );
    }
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_fails_on_a_hostile_url() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let existing_ids = existing_ids(&app).await;
    let mut requests = Vec::new();
    for route in page_routes().iter().filter(|route| route.gets) {
        for path in hostile_paths(&route.path, &existing_ids) {
            requests.push((format!("GET {path}"), admin.get(&path)));
        }
        let path = filled(&route.path, &existing_ids);
        for name in &route.queried {
            for value in hostile(name) {
                let path = format!("{path}?{name}={value}");
                // A live stream does not end, but its status arrives at once.
                requests.push((format!("GET {path}"), admin.get(&path)));
            }
        }
        for odd in ["?%00=%00", "?=", "?&&&", "?%FF=%FF", "?a=1&a=2"] {
            requests.push((format!("GET {path}{odd}"), admin.get(&format!("{path}{odd}"))));
        }
    }
    let faults = faults(requests).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_form_fails_on_hostile_fields() {
    let app = TestApp::start().await;
    let admin = app.sign_in().await;
    let existing_ids = existing_ids(&app).await;
    let csrf = admin
        .open("/account")
        .await
        .ok()
        .form("/account/profile")
        .value("csrf")
        .unwrap()
        .to_owned();
    let mut requests = Vec::new();
    // Routes that would end the session or lock the admin out.
    let ends_session = |path: &str| {
        path.contains("sign-out")
            || path.starts_with("/settings/users/{id}")
            || path == "/account/password"
    };
    for route in page_routes().iter().filter(|route| route.posts && !ends_session(&route.path)) {
        let mut post = |path: &str, value: &str| {
            let names = route.names.iter().filter(|name| *name != "csrf");
            let fields = names.map(|name| format!("&{name}={value}")).collect::<Vec<_>>().concat();
            let body = format!("csrf={csrf}{fields}");
            let address = admin.get(path).build().unwrap();
            let request = app.http.post(address.url().clone()).headers(address.headers().clone());
            let request =
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body);
            requests.push((format!("POST {path} {value:.40}"), request));
        };
        for value in hostile_values().iter().filter(|value| value.len() < 1_000) {
            post(&filled(&route.path, &existing_ids), value);
        }
        for path in hostile_paths(&route.path, &existing_ids).iter().take(8) {
            post(path, "a");
        }
    }
    let faults = faults(requests).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

/// Resolves the reference of a schema.
fn schema<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    }
}

fn call(http: &Client, key: &str, method: &str, url: &str, body: Option<String>) -> RequestBuilder {
    let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
    let request = http.request(method, url).bearer_auth(key);
    match body {
        Some(body) => request.header(CONTENT_TYPE, "application/json").body(body),
        None => request,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_api_call_fails_on_hostile_parameters_and_fields() {
    let app = TestApp::start().await;
    let _admin = app.sign_in().await;
    let existing_ids = existing_ids(&app).await;
    let api = app.api();
    let document: Value = app
        .http
        .get(format!("{}/openapi.json", api.url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let mut requests = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.trim_start_matches("/api/v1");
        for (method, operation) in operations.as_object().unwrap() {
            let mut add = |path: &str, body: Option<String>| {
                let what = format!("{method} {path} {}", body.as_deref().unwrap_or_default());
                requests.push((
                    what,
                    call(&app.http, &api.key, method, &format!("{}{path}", api.url), body),
                ));
            };
            let whole = filled(path, &existing_ids);
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            for path in hostile_paths(path, &existing_ids) {
                add(&path, body.is_object().then(|| "{}".to_owned()));
            }
            for parameter in operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
            {
                let name = parameter["name"].as_str().unwrap();
                for value in hostile(name) {
                    add(&format!("{whole}?{name}={value}"), None);
                }
            }
            for odd in ["?%00=%00", "?%FF=%FF", "?a=1&a=2"] {
                add(&format!("{whole}{odd}"), body.is_object().then(|| "{}".to_owned()));
            }
            if !body.is_object() {
                continue;
            }
            let properties =
                schema(&document, body)["properties"].as_object().cloned().unwrap_or_default();
            assert!(!properties.is_empty(), "{method} {path} has fields");
            for value in hostile_json() {
                add(&whole, Some(value.clone()));
                for name in properties.keys() {
                    add(&whole, Some(format!("{{{}: {value}}}", json!(name))));
                }
                let all: Vec<String> =
                    properties.keys().map(|name| format!("{}: {value}", json!(name))).collect();
                add(&whole, Some(format!("{{{}}}", all.join(", "))));
            }
        }
    }
    assert!(requests.len() > 2_000, "found only {} calls", requests.len());
    let faults = faults(requests).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_hostile_header_or_unknown_url_is_a_server_error() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let admin = app.sign_in().await;
    let names = [
        "cookie",
        "user-agent",
        "referer",
        "accept",
        "accept-language",
        "accept-encoding",
        "if-none-match",
        "x-request-id",
        "idempotency-key",
        "authorization",
        "sec-fetch-site",
        "origin",
        "x-forwarded-for",
        "x-forwarded-host",
        "forwarded",
        "hx-request",
        "hx-current-url",
        "last-event-id",
        "x-twilio-signature",
        "traceparent",
    ];
    let long = "x".repeat(4_000);
    let values: [&[u8]; 6] = [
        b"\xff\xfe\x80",
        b"%00",
        b"carillon_session=%00; carillon_flash=%FF; =; a",
        b"a\tb \"=;,\\",
        b"",
        long.as_bytes(),
    ];
    let inbound = format!("/hooks/twilio/{}/inbound", twilio.connection_id);
    let mut requests = Vec::new();
    for name in names {
        for value in values {
            let header = HeaderValue::from_bytes(value).unwrap();
            for path in ["/", "/login", "/api/v1/contacts", "/static/x/y"] {
                let request =
                    app.http.get(format!("{}{path}", app.url)).header(name, header.clone());
                requests.push((format!("{path} {name} {header:?}"), request));
            }
            let message = json!({ "to": HANDSET, "body": "Hi", "sender_id": twilio.sender_id });
            let post = app.http.post(format!("{}/messages", app.api().url)).json(&message);
            let post =
                if name == "authorization" { post } else { post.bearer_auth(&app.api().key) };
            requests
                .push((format!("messages {name} {header:?}"), post.header(name, header.clone())));
            let hook = app
                .http
                .post(format!("{}{inbound}", app.url))
                .form(&[("Body", "Hi")])
                .header(name, header.clone());
            requests.push((format!("{inbound} {name} {header:?}"), hook));
        }
    }
    for value in hostile_values() {
        for path in [
            "/",
            "/static/",
            "/static/x/",
            "/api/",
            "/api/v1/",
            "/hooks/twilio/",
            "/favicon.ico?a=",
            "/readyz?",
            "/login?next=",
            "/join?token=",
        ] {
            requests.push((
                format!("{path}{value:.40}"),
                app.http.get(format!("{}{path}{value}", app.url)),
            ));
            requests.push((
                format!("signed in: {path}{value:.40}"),
                admin.get(&format!("{path}{value}")),
            ));
        }
    }
    let faults = faults(requests).await;
    assert!(faults.is_empty(), "{faults:#?}");
}
