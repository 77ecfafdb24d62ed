//! The OpenAPI description matches what each operation returns. All other stories that call the API
//! compare its responses with it.

use carillon::users::Role;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::harness::TestApp;
use crate::harness::api_client::{Answer, description};
use crate::harness::test_database::Reachable;

/// An operation of the description.
struct Operation {
    method: Method,
    path: &'static str,
    described: &'static Value,
}

impl Operation {
    fn all() -> Vec<Self> {
        let paths = description()["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, described)| {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                Self { method, path: path.as_str(), described }
            })
        });
        operations.filter(|operation| operation.path != "/openapi.json").collect()
    }

    /// A call with ids that do not exist.
    fn call(&self, app: &TestApp, query: &str) -> RequestBuilder {
        let unknown_id = uuid::Uuid::now_v7().to_string();
        let path = self
            .path
            .replace("{id}", &unknown_id)
            .replace("{name}", "vip")
            .replace("{phone}", "%2B12065550111");
        app.http.request(self.method.clone(), format!("{}{path}{query}", app.api().url))
    }

    fn describes(&self, status: u16) -> bool {
        self.described["responses"][status.to_string()].is_object()
    }

    fn takes_body(&self) -> bool {
        self.described["requestBody"].is_object()
    }

    fn takes_query(&self) -> bool {
        self.described["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|parameter| parameter["in"] == "query"))
    }

    /// Asserts that the response has a status, and that it is described as an error with code and
    /// message.
    async fn assert_answers(&self, status: u16, call: RequestBuilder) {
        let name = format!("{} {}", self.method, self.path);
        let answer = Answer::read(call.send().await.unwrap()).await;
        assert_eq!(answer.status, status, "{name}: {:#}", answer.json);
        assert!(self.describes(status), "{name} does not describe the answer {status}");
        answer.refused(status);
        let schema = &self.described["responses"][status.to_string()]["content"]["application/json"]
            ["schema"]["$ref"];
        assert_eq!(schema, "#/components/schemas/ErrorBody", "{name} {status}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_returns_the_errors_that_it_describes() {
    let app = TestApp::start().await;
    let (admin, viewer) = (app.api().key.clone(), app.api_as(Role::Viewer).await.key);
    let large = format!("{{\"name\": \"{}\"}}", "x".repeat(4 * 1024 * 1024));
    for operation in Operation::all() {
        let call = |query: &str| operation.call(&app, query).bearer_auth(&admin);
        operation.assert_answers(401, operation.call(&app, "")).await;
        operation.assert_answers(401, operation.call(&app, "").bearer_auth("ck_unknown")).await;
        let as_viewer = operation.call(&app, "").bearer_auth(&viewer);
        if operation.describes(403) {
            operation.assert_answers(403, as_viewer.json(&json!({}))).await;
        } else {
            assert_ne!(as_viewer.send().await.unwrap().status(), 403, "{}", operation.path);
        }
        if operation.path.contains("{id}") {
            let path = operation.path.replace("{id}", "x").replace("{name}", "vip");
            let unreadable = app
                .http
                .request(operation.method.clone(), format!("{}{path}", app.api().url))
                .bearer_auth(&admin);
            operation.assert_answers(404, unreadable.json(&json!({}))).await;
        }
        if operation.takes_query() {
            operation.assert_answers(422, call("?nonsense=1")).await;
        }
        if operation.takes_body() {
            operation
                .assert_answers(400, call("").header("Content-Type", "application/json").body("{"))
                .await;
            operation
                .assert_answers(415, call("").header("Content-Type", "text/plain").body("{}"))
                .await;
            operation.assert_answers(415, call("").body("{}")).await;
            operation
                .assert_answers(
                    413,
                    call("").header("Content-Type", "application/json").body(large.clone()),
                )
                .await;
            operation.assert_answers(422, call("").json(&json!({ "nonsense": 1 }))).await;
        } else {
            for status in [400, 413, 415] {
                assert!(
                    !operation.describes(status),
                    "{} {} takes no body",
                    operation.method,
                    operation.path
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_describes_a_503_without_a_database() {
    let app = TestApp::start().await;
    let key = app.api().key.clone();
    app.database.set_reachable(Reachable::No).await;
    for operation in Operation::all() {
        let call = operation.call(&app, "").bearer_auth(&key);
        let answer = Answer::read(call.json(&json!({})).send().await.unwrap()).await;
        assert!(
            answer.headers.contains_key("retry-after"),
            "{} {}",
            operation.method,
            operation.path
        );
        answer.refused(503);
        assert!(operation.describes(503), "{} {}", operation.method, operation.path);
    }
    app.database.set_reachable(Reachable::Yes).await;
}

#[test]
fn every_response_has_a_description_and_every_error_the_common_schema() {
    for operation in Operation::all() {
        for (status, response) in operation.described["responses"].as_object().unwrap() {
            let name = format!("{} {} {status}", operation.method, operation.path);
            assert!(
                response["description"].as_str().is_some_and(|words| !words.is_empty()),
                "{name}"
            );
            if status.starts_with(['4', '5']) {
                assert_eq!(
                    response["content"]["application/json"]["schema"]["$ref"],
                    "#/components/schemas/ErrorBody",
                    "{name}"
                );
            }
        }
        assert!(
            operation.describes(401) && operation.describes(500) && operation.describes(503),
            "{}",
            operation.path
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_has_the_number_of_parts_of_its_text() {
    let app = TestApp::start().await;
    let api = app.api();
    let sms = |template: &Value| template["sms"].clone();
    let new = async |name: &str, body: &str| {
        api.post("/templates", json!({ "name": name, "body": body })).await.ok()
    };
    let plain = new("Plain", "Hello.").await;
    assert_eq!(
        sms(&plain),
        json!(
            {
                "varies": false,
                "parts": 1,
                "encoding": "gsm7",
                "characters": 6,
                "units": 6,
                "units_per_part": 160,
                "fewest_parts": 1,
                "most_parts": 1
            }
        )
    );
    for (name, body, parts, encoding, characters) in [
        ("Long", "a".repeat(161), 2, "gsm7", 161),
        ("Euro", "€".repeat(81), 2, "gsm7", 81),
        ("Emoji", format!("{}😀", "a".repeat(69)), 2, "ucs2", 71),
        ("Curly", "It’s here".to_owned(), 1, "ucs2", 9),
    ] {
        let sms = sms(&new(name, &body).await);
        assert_eq!(
            (&sms["parts"], &sms["encoding"], &sms["characters"]),
            (&json!(parts), &json!(encoding), &json!(characters)),
            "{name}"
        );
    }
    let greeting =
        format!("Hi {{{{ contact.first_name | default(value=\"you\") }}}}, {}", "x".repeat(140));
    let varying = new("Greeting", &greeting).await;
    let sms = sms(&varying);
    assert_eq!(
        (&sms["varies"], &sms["parts"], &sms["fewest_parts"], &sms["most_parts"]),
        (&json!(true), &json!(1), &json!(1), &json!(3)),
        "{sms}"
    );

    // The same numbers in all calls that return a template, and in the editor.
    let path = format!("/templates/{}", plain["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.ok()["sms"], plain["sms"]);
    let changed = api.patch(&path, json!({ "body": "Grüße 🎉" })).await.ok();
    assert_eq!(
        (&changed["sms"]["encoding"], &changed["sms"]["characters"]),
        (&json!("ucs2"), &json!(8))
    );
    let listed = api.get("/templates").await.ok();
    let of_list = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|template| template["id"] == plain["id"])
        .unwrap();
    assert_eq!(of_list["sms"], changed["sms"]);
    let editor = app.sign_in().await.open(&path).await.ok();
    editor.must_say("UCS-2");
    // Without a sample text, the numbers are absent.
    let unsampled = new(
        "Strange",
        "{{ contact.attributes.list | first }} {{ contact.attributes.total | round }}",
    )
    .await;
    assert!(
        unsampled["sms"].is_null() || unsampled["sms"]["parts"].as_u64() > Some(0),
        "{unsampled}"
    );
}
