//! Fixtures that most stories start with, as methods of [`TestApp`]: a connected account
//! ([`Twilio`]), contacts, templates, automations, users, and queries of what was sent.

use carillon::ledger::{self, Days, Grouping, Ledger, LedgerFilter};
use carillon::messages::attempt::{self, Attempt};
use carillon::messages::log::filter::MessageFilter;
use carillon::messages::log::search;
use carillon::messages::log::status_history::{self, StatusEntry};
use carillon::messages::message::{self, Message};
use carillon::types::id::MessageId;
use carillon::users::password::Password;
use carillon::users::{self, NewUser, Role, organization};
use diesel::sql_query;
use diesel_async::RunQueryDsl;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use twilio_simulator::{
    ACCOUNT_SID, AUTH_TOKEN, InboundResult, LONG_CODE, TRIAL_ACCOUNT_SID, TRIAL_AUTH_TOKEN,
    TRIAL_NUMBER, sign,
};

use super::TestApp;
use super::scriptless_browser::Site;

/// The handset that most stories send to.
pub(crate) const HANDSET: &str = "+12065550111";
/// A second handset.
pub(crate) const OTHER_HANDSET: &str = "+12065550112";
/// The password of all users in stories.
pub(crate) const PASSWORD: &str = "four unrelated words here";

/// A connected account, with its first sender.
#[derive(Debug, Clone)]
pub(crate) struct Twilio {
    pub(crate) connection_id: String,
    pub(crate) sender_id: String,
    /// The phone number or the SID of the Messaging Service.
    pub(crate) sender: String,
}

impl TestApp {
    /// Connects the account of the simulator, with its long code as the sender.
    pub(crate) async fn connect_twilio(&self) -> Twilio {
        self.connect_sender(LONG_CODE).await
    }

    /// Connects the account with another number or service, without a rate limit.
    pub(crate) async fn connect_sender(&self, sender: &str) -> Twilio {
        let twilio = self.connect_throttled(sender).await;
        self.api()
            .patch(&format!("/senders/{}", twilio.sender_id), json!({ "parts_per_second": null }))
            .await
            .ok();
        twilio
    }

    /// Connects the account with a number or service at the default rate; to a connected account,
    /// the sender is added.
    pub(crate) async fn connect_throttled(&self, sender: &str) -> Twilio {
        let connections = self.api().get("/connections").await.ok();
        let existing = connections["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|connection| connection["account_sid"] == ACCOUNT_SID);
        if let Some(connection_id) = existing.map(id) {
            let added = self
                .api()
                .post(&format!("/connections/{connection_id}/senders"), json!({ "sender": sender }))
                .await
                .ok();
            return Twilio { sender_id: id(&added), connection_id, sender: sender.to_owned() };
        }
        let keys = json!(
            {
                "name": format!("Twilio {sender}"),
                "account_sid": ACCOUNT_SID,
                "auth_token": AUTH_TOKEN,
                "sender": sender
            }
        );
        let connection = self.api().post("/connections", keys).await.ok();
        Twilio {
            connection_id: id(&connection),
            sender_id: id(&connection["senders"][0]),
            sender: sender.to_owned(),
        }
    }

    /// Connects the trial account, which may text only verified numbers.
    pub(crate) async fn connect_trial(&self) -> Twilio {
        let keys = json!(
            {
                "account_sid": TRIAL_ACCOUNT_SID,
                "auth_token": TRIAL_AUTH_TOKEN,
                "sender": TRIAL_NUMBER
            }
        );
        let connection = self.api().post("/connections", keys).await.ok();
        Twilio {
            connection_id: id(&connection),
            sender_id: id(&connection["senders"][0]),
            sender: TRIAL_NUMBER.to_owned(),
        }
    }

    /// Creates a contact with only a number, and returns its id.
    pub(crate) async fn contact(&self, phone: &str) -> String {
        id(&self.api().post("/contacts", json!({ "phone": phone })).await.ok())
    }

    /// The contact with a number, as the API returns it.
    pub(crate) async fn contact_of(&self, phone: &str) -> Value {
        let phone = phone.replace('+', "%2B");
        let found = self.api().get(&format!("/contacts?phone={phone}")).await.ok();
        assert_eq!(
            found["data"].as_array().unwrap().len(),
            1,
            "there is one contact with the number {phone}"
        );
        found["data"][0].clone()
    }

    /// Creates a template and returns its id.
    pub(crate) async fn template(&self, body: &str) -> String {
        let name = format!("Template {}", uuid::Uuid::new_v4());
        id(&self.api().post("/templates", json!({ "name": name, "body": body })).await.ok())
    }

    /// Creates an active automation and returns its id.
    pub(crate) async fn automation(&self, trigger: Value, steps: Value) -> String {
        let name = format!("Automation {}", uuid::Uuid::new_v4());
        let new = json!({ "name": name, "trigger": trigger, "steps": steps, "status": "active" });
        id(&self.api().post("/automations", new).await.ok())
    }

    /// Creates an active automation that answers an event with one SMS.
    pub(crate) async fn sms_on(&self, event: &str, twilio: &Twilio, body: &str) -> String {
        let template = self.template(body).await;
        self.automation(
            json!({ "type": "event", "name": event }),
            json!([send_sms(&template, twilio)]),
        )
        .await
    }

    /// Reports an event of the contact with a number, and returns the response.
    pub(crate) async fn event(&self, name: &str, phone: &str, properties: Value) -> Value {
        let event =
            json!({ "name": name, "contact": { "phone": phone }, "properties": properties });
        self.api().post("/events", event).await.ok()
    }

    /// Texts from a handset to a sender; the webhook must accept it.
    pub(crate) async fn text(&self, handset: &str, to: &str, body: &str) -> InboundResult {
        let reply = self.simulator.reply(handset, to, body).await.unwrap();
        assert_eq!(reply.webhook_status, Some(200), "{}", reply.webhook);
        reply
    }

    /// A webhook call with a valid signature of Twilio.
    pub(crate) fn signed_call(&self, path: &str, params: &[(&str, &str)]) -> RequestBuilder {
        let owned: Vec<(String, String)> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let url = format!("{}{path}", self.url);
        let signature = sign(AUTH_TOKEN, &url, &owned);
        self.http.post(url).form(params).header("X-Twilio-Signature", signature)
    }

    /// The messages to a number, oldest first.
    pub(crate) async fn messages_to(&self, phone: &str) -> Vec<Message> {
        let filter =
            MessageFilter { to_address: Some(phone.to_owned()), ..MessageFilter::default() };
        let mut found = search::list(&mut *self.conn().await, &filter, None, 1_000).await.unwrap();
        found.reverse();
        found
    }

    /// Reports the event `hello` for a contact, and returns the message that it caused.
    pub(crate) async fn message_for_hello(&self, phone: &str) -> Message {
        self.event("hello", phone, json!({})).await;
        self.run_until_idle().await;
        self.message_to(phone).await
    }

    /// Disables a connection or sender, by its path in the API, while a text to a handset is sent:
    /// it waits, and arrives once that is enabled again.
    pub(crate) async fn waits_while_disabled(
        &self,
        path: &str,
        handset: &str,
        text: &str,
        send: impl AsyncFnOnce(),
    ) {
        self.api().patch(path, json!({ "disabled": true })).await.ok();
        send().await;
        self.run_until_idle().await;
        let statuses = self.statuses_to(handset).await;
        assert_eq!(statuses.last().map(String::as_str), Some("pending"), "{text}");
        assert!(!self.received(handset).contains(&text.to_owned()), "{path} is disabled");
        self.api().patch(path, json!({ "disabled": false })).await.ok();
        self.run_until_idle().await;
        assert_eq!(self.received(handset).last().map(String::as_str), Some(text));
    }

    /// The only message to a number; fails if there are others.
    pub(crate) async fn message_to(&self, phone: &str) -> Message {
        let mut found = self.messages_to(phone).await;
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }

    /// The statuses of the messages to a number, oldest first.
    pub(crate) async fn statuses_to(&self, phone: &str) -> Vec<String> {
        self.messages_to(phone).await.iter().map(|message| message.status.to_string()).collect()
    }

    /// The statuses that a message has gone through.
    pub(crate) async fn status_history(&self, id: MessageId) -> Vec<String> {
        self.status_entries(id)
            .await
            .into_iter()
            .filter(|entry| entry.applied)
            .map(|entry| entry.status)
            .collect()
    }

    /// All entries of the history of a message, applied or not.
    pub(crate) async fn status_entries(&self, id: MessageId) -> Vec<StatusEntry> {
        let mut conn = self.conn().await;
        let message = message::find(&mut conn, id).await.unwrap();
        status_history::entries(&mut conn, &message).await.unwrap()
    }

    /// The attempts of a message: its calls to Twilio.
    pub(crate) async fn attempts(&self, id: MessageId) -> Vec<Attempt> {
        attempt::of_message(&mut *self.conn().await, id).await.unwrap()
    }

    /// The ledger by day. It must equal the message rows in every bucket and add up, and so must
    /// the list of failures.
    pub(crate) async fn ledger(&self) -> Ledger {
        let mut conn = self.conn().await;
        let zone = organization::find(&conn).await.unwrap().day_zone;
        let filter =
            LedgerFilter { days: Days::all(self.clock.now(), zone), origin: None, sender_id: None };
        assert_eq!(
            ledger::check(&mut conn, &filter).await.unwrap(),
            [],
            "the ledger differs from the messages"
        );
        let difference = "WITH failed AS (SELECT id, created_at, automation_id, sender_id,
                        ledger_error_code(status, NULL, error_code) AS code FROM messages
                WHERE status IN ('failed', 'expired') AND retried_at IS NULL),
            listed AS (SELECT message_id, created_at, automation_id, sender_id, error_code
                FROM failures)
            SELECT * FROM ((TABLE failed EXCEPT TABLE listed) UNION ALL (TABLE listed EXCEPT TABLE
                failed)) AS difference";
        assert_eq!(
            sql_query(difference).execute(&mut conn).await.unwrap(),
            0,
            "the list of failures differs from the failed messages"
        );
        let ledger = ledger::read(&mut conn, &filter, Grouping::Day).await.unwrap();
        assert!(
            ledger.totals.add_up() && ledger.rows.iter().all(|row| row.counts.add_up()),
            "{ledger:#?}"
        );
        ledger
    }

    /// The texts that a handset has received through the API.
    pub(crate) fn received(&self, handset: &str) -> Vec<String> {
        self.simulator.messages_to(handset).into_iter().map(|message| message.body).collect()
    }

    /// Creates a user.
    pub(crate) async fn user(&self, email: &str, role: Role) {
        let password_hash = Password::parse(PASSWORD, email).unwrap().hash().await.unwrap();
        let user = NewUser { email: email.to_owned(), name: "Ada".to_owned(), role, password_hash };
        users::create(&mut *self.conn().await, &user, self.clock.now()).await.unwrap();
    }

    /// A browser session of a new admin.
    pub(crate) async fn sign_in(&self) -> Site {
        self.sign_in_as(Role::Admin).await
    }

    /// A browser session of a new user with a role.
    pub(crate) async fn sign_in_as(&self, role: Role) -> Site {
        let email = format!("{role}@example.com");
        self.user(&email, role).await;
        self.sign_in_with(&email).await
    }

    /// A browser session of an existing user.
    pub(crate) async fn sign_in_with(&self, email: &str) -> Site {
        let site = self.site();
        let form = site
            .open("/login")
            .await
            .ok()
            .form("/login")
            .with("email", email)
            .with("password", PASSWORD);
        site.send(&form).await.ok();
        site
    }
}

/// A step that sends a template.
pub(crate) fn send_sms(template: &str, twilio: &Twilio) -> Value {
    json!({ "type": "send_sms", "template_id": template, "sender_id": twilio.sender_id })
}

/// A step that waits.
pub(crate) fn wait(seconds: i64) -> Value {
    json!({ "type": "wait", "seconds": seconds })
}

/// The `id` in a response of the API.
pub(crate) fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap_or_else(|| panic!("no id: {answer:#}")).to_owned()
}
