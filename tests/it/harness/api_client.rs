//! A client of the JSON API: [`Api`] checks that each [`Answer`] conforms to the OpenAPI
//! description.

use std::sync::OnceLock;

use reqwest::header::HeaderMap;
use reqwest::{Client, Method, Response};
use serde_json::Value;

/// An API client with a key.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) http: Client,
    /// The base URL, such as `http://127.0.0.1:20000/api/v1`.
    pub(crate) url: String,
    pub(crate) key: String,
}

/// A response of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Api {
    /// The same client with another key, valid or not.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Calls the API and checks that its description lists the status of the response.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let operation = operation(&method, path);
        let mut request =
            self.http.request(method.clone(), format!("{}{path}", self.url)).bearer_auth(&self.key);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = Answer::read(request.send().await.unwrap()).await;
        if let Some(operation) = operation {
            let described = &operation["responses"][answer.status.to_string()];
            assert!(
                described.is_object(),
                "{method} {path} answered {}, which is not described: {:#}",
                answer.status,
                answer.json
            );
        }
        answer
    }
}

/// The OpenAPI description, as it is served.
pub(crate) fn description() -> &'static Value {
    static DESCRIPTION: OnceLock<Value> = OnceLock::new();
    DESCRIPTION.get_or_init(|| serde_json::to_value(carillon::web::api::document()).unwrap())
}

/// The described operation of a call; none for an unknown path or method.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let segments: Vec<&str> = path.split('?').next().unwrap_or_default().split('/').collect();
    let fits = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(one, other)| one.starts_with('{') || one == other)
    };
    let (_, item) =
        description()["paths"].as_object().unwrap().iter().find(|(template, _)| fits(template))?;
    item.get(method.as_str().to_lowercase())
}

impl Answer {
    /// Reads a response; a body that is not JSON becomes a JSON string.
    pub(crate) async fn read(response: Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, headers, json }
    }

    /// The body of a response, whose status must be 2xx.
    #[track_caller]
    pub(crate) fn ok(self) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "the API answered {}: {:#}",
            self.status,
            self.json
        );
        self.json
    }

    /// The error of a response, which must have the given status and the common form of errors.
    #[track_caller]
    pub(crate) fn refused(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.json);
        let error = self.json["error"].clone();
        let has = |field: &str| error[field].as_str().is_some_and(|text| !text.is_empty());
        assert!(
            has("code") && has("message"),
            "an error has a code and a message: {:#}",
            self.json
        );
        error
    }

    /// The error sentences of one field of a request that was answered with 422.
    #[track_caller]
    pub(crate) fn field(self, name: &str) -> String {
        let error = self.refused(422);
        match &error["fields"][name] {
            Value::Array(sentences) if !sentences.is_empty() => sentences
                .iter()
                .map(|sentence| sentence.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" "),
            _ => panic!("nothing is wrong with {name}: {error:#}"),
        }
    }
}
