//! Each kind of mistake has the same wording in all endpoints. The calls and their fields come from
//! the OpenAPI description.

use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::harness::api_client::Answer;
use crate::harness::fixtures::id;
use crate::harness::{HANDSET, TestApp};

/// An API call that takes a JSON object.
struct Call {
    method: Method,
    path: String,
    /// The fields of the body, with their schemas.
    fields: Map<String, Value>,
    required: Vec<String>,
}

impl Call {
    async fn send(&self, app: &TestApp, body: Value) -> Answer {
        app.api().call(self.method.clone(), &self.path, Some(body)).await
    }

    /// Sends a body and returns the error sentence of a field.
    async fn field_error(&self, app: &TestApp, field: &str, body: Value) -> String {
        let answer = self.send(app, body.clone()).await;
        assert_eq!(answer.status, 422, "{} {} {body}: {:#}", self.method, self.path, answer.json);
        let sentence = answer.json["error"]["fields"][field][0].as_str();
        sentence
            .unwrap_or_else(|| {
                panic!(
                    "{} {} {body}: nothing on {field}: {:#}",
                    self.method, self.path, answer.json
                )
            })
            .to_owned()
    }
}

async fn description(app: &TestApp) -> Value {
    app.http
        .get(format!("{}/openapi.json", app.api().url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

/// The calls of the description that take a body, with the ids of existing rows in their paths.
async fn calls(app: &TestApp, document: &Value) -> Vec<Call> {
    let twilio = app.connect_twilio().await;
    let contact = app.contact(HANDSET).await;
    let template = app.template("Hello.").await;
    let automation = app
        .api()
        .post("/automations", json!({ "name": "A", "trigger": { "type": "contact_created" } }))
        .await
        .ok();
    let source = app.api().post("/sources", json!({ "name": "A", "kind": "segment" })).await.ok();
    let ids = [
        ("/contacts/{id}", contact),
        ("/templates/{id}", template),
        ("/automations/{id}", id(&automation)),
        ("/connections/{id}", twilio.connection_id),
        ("/senders/{id}", twilio.sender_id),
        ("/sources/{id}", id(&source)),
    ];
    let mut calls = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let Some(reference) = schema["$ref"].as_str() else { continue };
            let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
            let mut path = path.trim_start_matches("/api/v1").replace("{phone}", "%2B12065550100");
            for (start, id) in &ids {
                path = path.replace(start, &start.replace("{id}", id));
            }
            let required = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|name| name.as_str().unwrap().to_owned())
                .collect();
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            calls.push(Call {
                method,
                path,
                fields: schema["properties"].as_object().unwrap().clone(),
                required,
            });
        }
    }
    assert!(calls.len() >= 14, "found only {} calls", calls.len());
    calls
}

/// The type of a field, if its schema gives a single one.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default()
        }
        _ => "",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_words_unknown_missing_and_mistyped_fields_alike() {
    let app = TestApp::start().await;
    let document = description(&app).await;
    let mut types = Vec::new();
    for call in calls(&app, &document).await {
        let sentence = call.field_error(&app, "nonsense", json!({ "nonsense": 1 })).await;
        assert!(
            sentence.starts_with("There is no such field. Use one of: "),
            "{}: {sentence}",
            call.path
        );
        assert!(
            call.fields.keys().any(|field| sentence.contains(field.as_str())),
            "{}: {sentence}",
            call.path
        );
        let whole: Value = json!([]);
        assert!(
            call.field_error(&app, "body", whole).await.starts_with("This must be an object."),
            "{}",
            call.path
        );
        for field in &call.required {
            // Serde reports the first missing field, so the others are present.
            let others: Map<String, Value> = call
                .fields
                .iter()
                .filter(|(name, schema)| {
                    *name != field && kind(schema) == "string" && call.required.contains(name)
                })
                .map(|(name, _)| (name.clone(), json!("x")))
                .collect();
            let sentence = call.field_error(&app, field, Value::Object(others.clone())).await;
            assert!(
                sentence.starts_with("This field is required."),
                "{} {field}: {sentence}",
                call.path
            );
            let mut with_null = others;
            with_null.insert(field.clone(), Value::Null);
            if kind(&call.fields[field]) == "string" {
                let sentence = call.field_error(&app, field, Value::Object(with_null)).await;
                assert!(
                    sentence.starts_with("This field is required."),
                    "{} {field}: {sentence}",
                    call.path
                );
            }
        }
        for (field, schema) in &call.fields {
            // A time may also be a number.
            if call.path == "/events" && field == "occurred_at" {
                continue;
            }
            let (wrong, words) = match kind(schema) {
                "string" => (json!(7), "This must be text."),
                "boolean" => (json!("x"), "This must be true or false."),
                "integer" => (json!("x"), "This must be a whole number."),
                "number" => (json!("x"), "This must be a number."),
                "array" => (json!("x"), "This must be a list."),
                "object" => (json!("x"), "This must be an object."),
                _ => continue,
            };
            types.push(kind(schema).to_owned());
            // Steps are parsed after the other fields, which must be present.
            let mut body = json!({ field: wrong });
            if call.path == "/automations" && field == "steps" {
                body = json!(
                    { "name": "x", "trigger": { "type": "contact_created" }, field: body[field] }
                );
            }
            let sentence = call.field_error(&app, field, body).await;
            assert!(sentence.starts_with(words), "{} {field}: {sentence}", call.path);
        }
    }
    types.sort();
    types.dedup();
    assert_eq!(types, ["array", "boolean", "integer", "number", "object", "string"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_words_blank_too_long_and_unstorable_texts_alike() {
    let app = TestApp::start().await;
    let document = description(&app).await;
    let mut names = 0;
    for call in calls(&app, &document).await {
        for (field, schema) in call.fields.iter().filter(|(_, schema)| kind(schema) == "string") {
            let sentence = call.field_error(&app, field, json!({ field: "a\0b" })).await;
            assert_eq!(
                sentence, "Remove the NUL character or half surrogate pair, which can’t be stored.",
                "{}",
                call.path
            );
            if schema["format"] == "uuid" {
                let sentence = call.field_error(&app, field, json!({ field: "7" })).await;
                assert!(
                    sentence.starts_with("This is not the id of a"),
                    "{} {field}: {sentence}",
                    call.path
                );
            }
        }
        // The name of a connection is checked only after Twilio has accepted the keys, and a blank
        // one becomes that of the account.
        if !call.fields.contains_key("name") || call.path == "/connections" {
            continue;
        }
        names += 1;
        // Valid values for the other required fields, as far as serde checks them.
        let others = |name: &str| {
            let mut body = Map::new();
            for field in &call.required {
                let value = match field.as_str() {
                    "trigger" => json!({ "type": "contact_created" }),
                    "contact" => json!({ "phone": HANDSET }),
                    "body" => json!("Hi"),
                    _ => json!("x"),
                };
                body.insert(field.clone(), value);
            }
            body.insert("name".to_owned(), json!(name));
            Value::Object(body)
        };
        for (name, words) in [
            (" ".to_owned(), "This must not be blank."),
            ("a\u{7}b".to_owned(), "Remove line breaks and control characters."),
            ("x".repeat(5_000), "Use at most "),
        ] {
            let sentence = call.field_error(&app, "name", others(&name)).await;
            assert!(sentence.starts_with(words), "{} {name:.9?}: {sentence}", call.path);
        }
    }
    assert!(names >= 7, "{names} calls take a name");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_words_wrong_ids_and_query_parameters_alike() {
    let app = TestApp::start().await;
    let document = description(&app).await;
    let unknown_id = "00000000-0000-7000-8000-000000000000";
    let (mut paths, mut queries) = (0, 0);
    for (path, operations) in document["paths"].as_object().unwrap() {
        let path = path.trim_start_matches("/api/v1");
        for (method, operation) in operations.as_object().unwrap() {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let has_body = operation["requestBody"].is_object();
            if path.contains("{id}") {
                paths += 1;
                for bad in ["7", "%00", "%FF", "x%00y"] {
                    let answer = app
                        .api()
                        .call(
                            method.clone(),
                            &path
                                .replace("{id}", bad)
                                .replace("{name}", "VIP")
                                .replace("{number}", "1"),
                            has_body.then(|| json!({})),
                        )
                        .await;
                    let sentence = answer.refused(404)["message"].clone();
                    assert_eq!(
                        sentence, "The id in this address is invalid.",
                        "{method} {path} {bad}"
                    );
                }
                if !has_body {
                    let answer = app
                        .api()
                        .call(
                            method.clone(),
                            &path
                                .replace("{id}", unknown_id)
                                .replace("{name}", "VIP")
                                .replace("{number}", "1"),
                            None,
                        )
                        .await;
                    let sentence = answer.refused(404)["message"].clone();
                    assert!(
                        sentence.as_str().unwrap().starts_with("There is no such "),
                        "{method} {path}: {sentence}"
                    );
                }
            }
            let parameters: Vec<&Value> = operation["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .collect();
            if parameters.is_empty() {
                continue;
            }
            queries += 1;
            let sentence = app.api().get(&format!("{path}?nonsense=1")).await.field("nonsense");
            assert!(
                sentence.starts_with("There is no such field. Use one of: "),
                "{path}: {sentence}"
            );
            for parameter in parameters {
                let name = parameter["name"].as_str().unwrap();
                let sentence = app.api().get(&format!("{path}?{name}=a%00")).await.field(name);
                assert!(
                    sentence.starts_with("Remove the NUL character"),
                    "{path} {name}: {sentence}"
                );
                if name.ends_with("_id") && name != "external_id" {
                    let sentence = app.api().get(&format!("{path}?{name}=7")).await.field(name);
                    assert!(
                        sentence.starts_with("This is not the id of a"),
                        "{path} {name}: {sentence}"
                    );
                }
                // The first of two cursors is parsed before the second is read.
                if name == "cursor" {
                    continue;
                }
                let twice = app.api().get(&format!("{path}?{name}=1&{name}=1")).await.field(name);
                assert_eq!(twice, "Give this field only once.", "{path} {name}");
            }
        }
    }
    assert!(paths >= 14 && queries >= 5, "{paths} {queries}");
    for path in ["/contacts", "/messages", "/templates", "/automations"] {
        for limit in ["0", "501", "x", ""] {
            assert_eq!(
                app.api().get(&format!("{path}?limit={limit}")).await.field("limit"),
                "Enter a number from 1 to 500.",
                "{path}"
            );
        }
        assert!(
            app.api()
                .get(&format!("{path}?cursor=x"))
                .await
                .field("cursor")
                .contains("cursor is invalid"),
            "{path}"
        );
    }
}
