//! A Carillon in which nobody has connected anything yet.

use carillon::users::Role;
use reqwest::Method;
use serde_json::{Value, json};
use twilio_simulator as twilio;
use twilio_simulator::Simulator;

use crate::harness::TestApp;
use crate::harness::api::Api;

/// The installation, with an admin and a viewer who use the API.
pub(super) struct House {
    pub(super) test: TestApp,
    pub(super) admin: Api,
    pub(super) viewer: Api,
}

impl House {
    pub(super) async fn build() -> Self {
        let test = TestApp::start().await;
        Self { admin: test.api().clone(), viewer: test.api_as(Role::Viewer).await, test }
    }

    /// Calls the API; a body of `null` is none.
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

    /// Reads as a viewer.
    pub(super) async fn get(&self, path: &str) -> Value {
        self.viewer.get(path).await.ok()
    }

    /// Connects the account with its Auth Token and this sender.
    pub(super) async fn connect(&self, sender: &str) -> Value {
        self.admin.post("/connections", account(sender)).await.ok()
    }

    pub(super) const fn twilio(&self) -> &Simulator {
        &self.test.simulator
    }

    /// Where Twilio has to report what comes in for a connection.
    pub(super) fn inbound_url(&self, connection: &Value) -> String {
        format!(
            "{}/hooks/twilio/{}/inbound#rc=5&rp=all",
            self.test.url,
            connection["id"].as_str().unwrap()
        )
    }

    /// Where Twilio reports what comes in at a number.
    pub(super) fn number_url(&self, number: &str) -> Option<String> {
        let mut url = None;
        assert!(self.twilio().change_number(number, |number| url.clone_from(&number.sms_url)));
        url
    }

    /// Where Twilio reports what comes in at the Messaging Service.
    pub(super) fn service_url(&self) -> Option<String> {
        let mut url = None;
        assert!(self.twilio().change_service(twilio::SERVICE_SID, |service| {
            url.clone_from(&service.inbound_request_url);
        }));
        url
    }
}

/// The simulator's account with this sender, as the API takes it.
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

/// The same body with other fields.
pub(super) fn with(mut body: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
