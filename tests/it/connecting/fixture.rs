//! The fixture of stories about connecting: a Carillon without a connection. See [`Fixture`].

use carillon::users::Role;
use reqwest::Method;
use serde_json::{Value, json};
use twilio_simulator as twilio;
use twilio_simulator::Simulator;

use crate::harness::TestApp;
use crate::harness::api_client::Api;

/// A Carillon with an admin and a viewer of the API.
pub(super) struct Fixture {
    pub(super) app: TestApp,
    pub(super) admin: Api,
    pub(super) viewer: Api,
}

impl Fixture {
    pub(super) async fn build() -> Self {
        let app = TestApp::start().await;
        Self { admin: app.api().clone(), viewer: app.api_as(Role::Viewer).await, app }
    }

    /// Calls the API; a `null` body is not sent.
    pub(super) async fn call(
        &self,
        api: &Api,
        method: Method,
        path: &str,
        body: Value,
    ) -> (u16, Value) {
        let answer = api.call(method, path, Some(body).filter(|body| !body.is_null())).await;
        (answer.status, answer.json)
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(&self.admin, Method::POST, path, body).await
    }

    /// Gets a path as a viewer.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.viewer.get(path).await.ok()
    }

    /// Connects the account of the simulator with its Auth Token and a sender.
    pub(super) async fn connect(&self, sender: &str) -> Value {
        self.admin.post("/connections", account(sender)).await.ok()
    }

    pub(super) const fn twilio(&self) -> &Simulator {
        &self.app.simulator
    }

    /// The inbound webhook URL of a connection.
    pub(super) fn inbound_url(&self, connection: &Value) -> String {
        format!(
            "{}/hooks/twilio/{}/inbound#rc=5&rp=all",
            self.app.url,
            connection["id"].as_str().unwrap()
        )
    }

    /// The inbound webhook URL that a number has at Twilio.
    pub(super) fn number_url(&self, number: &str) -> Option<String> {
        let mut url = None;
        assert!(self.twilio().change_number(number, |number| url.clone_from(&number.sms_url)));
        url
    }

    /// The inbound webhook URL that the Messaging Service has at Twilio.
    pub(super) fn service_url(&self) -> Option<String> {
        let mut url = None;
        assert!(self.twilio().change_service(twilio::SERVICE_SID, |service| {
            url.clone_from(&service.inbound_request_url);
        }));
        url
    }
}

/// The body of a request that connects the account of the simulator with a sender.
pub(super) fn account(sender: &str) -> Value {
    json!(
        {
            "name": "Shop",
            "account_sid": twilio::ACCOUNT_SID,
            "auth_token": twilio::AUTH_TOKEN,
            "sender": sender
        }
    )
}

/// A copy of a body with some fields changed.
pub(super) fn with(mut body: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
