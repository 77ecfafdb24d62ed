//! The fixture of the tests: a running simulator, a receiver for its webhooks, and a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use serde_json::Value;

use crate::{
    ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, RunningSimulator, Simulator, SimulatorOptions,
    webhook_client,
};

pub(super) const HANDSET: &str = "+12065550111";

/// A simulator, a receiver for its webhooks, and a client.
pub(super) struct Story {
    pub(super) running: RunningSimulator,
    pub(super) simulator: Simulator,
    pub(super) receiver: Receiver,
}

/// A web server that records every webhook call.
pub(super) struct Receiver {
    pub(super) url: String,
    pub(super) seen: Arc<Mutex<Seen>>,
    server: ServerHandle,
}

#[derive(Default)]
pub(super) struct Seen {
    calls: Vec<WebhookCall>,
    /// The statuses of the next responses; 204 when it is empty.
    next_statuses: Vec<u16>,
    /// The body of every response.
    pub(super) body: String,
}

/// A received webhook call.
#[derive(Clone, Debug)]
pub(super) struct WebhookCall {
    pub(super) path: String,
    pub(super) params: Vec<(String, String)>,
    pub(super) signature: String,
    pub(super) token: String,
}

impl WebhookCall {
    pub(super) fn get(&self, key: &str) -> &str {
        self.params.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value)
    }
}

impl Receiver {
    fn start() -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let data = Data::from(Arc::clone(&seen));
        let server = HttpServer::new(move || {
            App::new().app_data(data.clone()).default_service(web::to(receive))
        })
        .workers(1)
        .disable_signals()
        .bind("127.0.0.1:0")
        .unwrap();
        let url = format!("http://{}", server.addrs()[0]);
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { url, seen, server: handle }
    }

    pub(super) fn calls(&self) -> Vec<WebhookCall> {
        self.seen.lock().unwrap().calls.clone()
    }

    pub(super) fn statuses(&self) -> Vec<String> {
        self.calls().iter().map(|call| call.get("MessageStatus").to_owned()).collect()
    }

    pub(super) fn respond_next(&self, statuses: &[u16]) {
        self.seen.lock().unwrap().next_statuses = statuses.to_vec();
    }
}

async fn receive(request: HttpRequest, body: Bytes, seen: Data<Mutex<Seen>>) -> HttpResponse {
    let header = |name: &str| request.headers().get(name).unwrap().to_str().unwrap().to_owned();
    let mut seen = seen.lock().unwrap();
    seen.calls.push(WebhookCall {
        path: request.uri().to_string(),
        params: url::form_urlencoded::parse(&body).into_owned().collect(),
        signature: header("X-Twilio-Signature"),
        token: header("I-Twilio-Idempotency-Token"),
    });
    let status = if seen.next_statuses.is_empty() { 204 } else { seen.next_statuses.remove(0) };
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).body(seen.body.clone())
}

impl Story {
    pub(super) async fn begin() -> Self {
        Self::with(SimulatorOptions::instant()).await
    }

    pub(super) async fn with(options: SimulatorOptions) -> Self {
        let running = Simulator::new(options).start("127.0.0.1:0").await.unwrap();
        Self { simulator: running.simulator.clone(), running, receiver: Receiver::start() }
    }

    pub(super) async fn end(self) {
        self.running.stop().await;
        self.receiver.server.stop(false).await;
    }

    pub(super) fn callback(&self) -> String {
        format!("{}/status/42?a=1&b=%20#rc=5&rp=all", self.receiver.url)
    }

    /// Sends a form to a path of the account; returns the status and the JSON.
    pub(super) async fn post(&self, path: &str, params: &[(&str, &str)]) -> (u16, Value) {
        self.post_as(ACCOUNT_SID, AUTH_TOKEN, path, params).await
    }

    /// Sends a form to a path of the account with the given credentials; returns the status and the
    /// JSON.
    pub(super) async fn post_as(
        &self,
        user: &str,
        password: &str,
        path: &str,
        params: &[(&str, &str)],
    ) -> (u16, Value) {
        let url = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/{path}", self.running.url);
        let request =
            webhook_client::test_client().post(url).basic_auth(user, Some(password)).form(params);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    /// Sends a text from the long code to the handset.
    pub(super) async fn send(&self, body: &str) -> (u16, Value) {
        let callback = self.callback();
        let params =
            [("To", HANDSET), ("From", LONG_CODE), ("Body", body), ("StatusCallback", &callback)];
        self.post("Messages.json", &params).await
    }

    /// Sends a text with a timeout of 300 ms; `None` if there is no response.
    pub(super) async fn send_with_timeout(&self) -> Option<u16> {
        let url = format!("{}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json", self.running.url);
        let callback = self.callback();
        let params =
            [("To", HANDSET), ("From", LONG_CODE), ("Body", "x"), ("StatusCallback", &callback)];
        let request = webhook_client::test_client()
            .post(url)
            .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
            .form(&params);
        let response = request.timeout(Duration::from_millis(300)).send().await.ok()?;
        Some(response.status().as_u16())
    }

    /// Requests a path with the given credentials; returns the status and the JSON.
    pub(super) async fn get_as(&self, user: &str, password: &str, path: &str) -> (u16, Value) {
        let url = format!("{}{path}", self.running.url);
        let response = webhook_client::test_client()
            .get(url)
            .basic_auth(user, Some(password))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    pub(super) async fn get(&self, path: &str) -> (u16, Value) {
        self.get_as(ACCOUNT_SID, AUTH_TOKEN, path).await
    }

    /// Requests a page; returns the status and the text.
    pub(super) async fn page(&self, path: &str) -> (u16, String) {
        let response = webhook_client::test_client()
            .get(format!("{}{path}", self.running.url))
            .send()
            .await
            .unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }
}
