//! An installation with a Twilio of its own, its API and a signed-in browser.

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use carillon::app::App;
use carillon::clock::Clock;
use carillon::config::Config;
use carillon::db::Pool;
use carillon::simulator::{self as twilio, RunningSimulator, Simulator, SimulatorOptions};
use carillon::users::{self, NewUser, Role, api_keys, sessions};
use carillon::web;
use chrono::DateTime;
use serde_json::{Value, json};

use crate::harness;

const PUBLIC_URL: &str = "https://sms.example.com";
const SECRET_KEY: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

/// An installation without users, and a Twilio of its own.
pub(super) struct House {
    pub(super) app: Data<App>,
    pub(super) twilio: RunningSimulator,
    pub(super) admin: String,
    pub(super) viewer: String,
}

impl House {
    pub(super) async fn build() -> Self {
        let twilio = Simulator::new(SimulatorOptions::instant()).start("127.0.0.1:0").await.unwrap();
        let settings =
            [("CARILLON_PUBLIC_URL", PUBLIC_URL), ("CARILLON_TWILIO_API_URL", twilio.url.as_str()), ("CARILLON_SECRET_KEY", SECRET_KEY)];
        let config = Config::from_vars(settings).unwrap();
        let pool = Pool::new(harness::database().await.target, 4.try_into().unwrap());
        let app = App::new(config, pool, Clock::manual(DateTime::from_timestamp(1_800_000_000, 0).unwrap())).unwrap();
        let (admin, viewer) = {
            let mut conn = app.db.get().await.unwrap();
            let now = app.clock.now();
            let (_, admin) = api_keys::create(&mut conn, "admin", Role::Admin, now).await.unwrap();
            let (_, viewer) = api_keys::create(&mut conn, "viewer", Role::Viewer, now).await.unwrap();
            (admin.expose().to_owned(), viewer.expose().to_owned())
        };
        Self { app: Data::new(app), twilio, admin, viewer }
    }

    pub(super) async fn call(&self, key: &str, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let request = TestRequest::default().method(method).uri(&format!("/api/v1{path}"));
        let request = request.insert_header((header::AUTHORIZATION, format!("Bearer {key}"))).set_json(body).to_request();
        let service = init_service(web::application(self.app.clone())).await;
        let response = call_service(&service, request).await;
        let status = response.status();
        (status, serde_json::from_slice(&read_body(response).await).unwrap_or_default())
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.call(&self.admin, Method::POST, path, body).await
    }

    pub(super) async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(&self.viewer, Method::GET, path, json!(null)).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    /// Connects the account with its Auth Token and this sender.
    pub(super) async fn connect(&self, sender: &str) -> Value {
        let (status, body) = self.post("/connections", account(sender)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body
    }

    pub(super) fn number_url(&self, number: &str) -> Option<String> {
        let mut url = None;
        assert!(self.twilio.simulator.change_number(number, |number| url.clone_from(&number.sms_url)));
        url
    }

    pub(super) fn service_url(&self) -> Option<String> {
        let mut url = None;
        assert!(self.twilio.simulator.change_service(twilio::SERVICE_SID, |service| url.clone_from(&service.inbound_request_url)));
        url
    }
}

/// A browser with an admin's session.
pub(super) struct Browser<'a> {
    house: &'a House,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub(super) async fn signed_in(house: &'a House) -> Self {
        let (name, email, password) = users::parse_account("Ada", "ada@example.com", "correct horse battery").unwrap();
        let new = NewUser { name, email, role: Role::Admin, password_hash: password.hash().await.unwrap() };
        let mut conn = house.app.db.get().await.unwrap();
        let now = house.app.clock.now();
        let user = users::create(&mut conn, &new, now).await.unwrap();
        let token = sessions::start(&mut conn, user.id, now).await.unwrap();
        Self { house, cookie: format!("__Host-carillon_session={}", token.expose()) }
    }

    pub(super) async fn get(&self, path: &str) -> (StatusCode, String) {
        self.send(TestRequest::get().uri(path)).await
    }

    /// Sends the form of the page at `from` to `path`; a redirect is answered with the path that it leads to.
    pub(super) async fn post(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
        let (_, page) = self.get(from).await;
        let csrf = page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let form: Vec<_> = fields.iter().copied().chain([("csrf", csrf)]).collect();
        self.send(TestRequest::post().uri(path).set_form(form)).await
    }

    async fn send(&self, request: TestRequest) -> (StatusCode, String) {
        let service = init_service(web::application(self.house.app.clone())).await;
        let response = call_service(&service, request.insert_header((header::COOKIE, self.cookie.clone())).to_request()).await;
        let status = response.status();
        let location = response.headers().get(header::LOCATION).map(|place| place.to_str().unwrap().to_owned());
        let body = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        (status, location.unwrap_or(body))
    }
}

/// The simulator's account with this sender, as the API takes it.
pub(super) fn account(sender: &str) -> Value {
    json!({"name": "Shop", "account_sid": twilio::ACCOUNT_SID, "auth_token": twilio::AUTH_TOKEN, "sender": sender})
}

/// The same body with other fields.
pub(super) fn with(mut body: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Where Twilio has to report what comes in for a connection.
pub(super) fn inbound_url(connection: &Value) -> String {
    format!("{PUBLIC_URL}/hooks/twilio/{}/inbound", connection["id"].as_str().unwrap())
}
