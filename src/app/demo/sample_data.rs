//! The sample data: a small coffee roaster with a connected account, contacts, templates and
//! automations.

use diesel_async::AsyncConnection;
use secrecy::SecretString;
use serde_json::{Map, Value, json};
use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, SERVICE_SID};

use crate::app::AppError;
use crate::automations::{self, AutomationName, AutomationStatus, Definition, NewAutomation};
use crate::connection_center::{self, ConnectForm};
use crate::connections::NewKeys;
use crate::contacts::tags::{self, TagName};
use crate::contacts::{self, Attributes, Email, Name, NewContact};
use crate::context::Context;
use crate::db::{self, Conn};
use crate::error::{Error, Result};
use crate::ledger;
use crate::senders::Sender;
use crate::templates::{self, NewTemplate, Template};
use crate::types::id::SenderId;
use crate::types::phone::PhoneNumber;
use crate::users::audit::Actor;
use crate::users::organization::{self, Organization};
use crate::users::password::Password;
use crate::users::{self, NewUser, Role};

/// The email address of the demo's admin.
pub(super) const EMAIL: &str = "demo@example.com";
/// The password of the demo's admin. It is public, which is why the demo listens on this machine
/// only.
pub(super) const PASSWORD: &str = "carillon-demo";
/// The number of the first sample contact.
pub(super) const FIRST_PHONE: &str = "+14155550101";

/// A sample contact: phone, first name, last name, email, city, tags.
pub(super) type SampleContact =
    (&'static str, &'static str, &'static str, &'static str, &'static str, &'static [&'static str]);

/// The sample contacts; their numbers are reserved for fiction.
pub(super) const CONTACTS: &[SampleContact] = &[
    (FIRST_PHONE, "Ada", "Moreno", "ada@example.com", "Oakland", &["newsletter", "vip"]),
    ("+14155550102", "Ben", "Osei", "ben@example.com", "San Francisco", &["newsletter"]),
    ("+14155550103", "Chloé", "Durand", "chloe@example.com", "Berkeley", &["newsletter"]),
    ("+14155550104", "Dmitri", "Volkov", "", "San José", &["wholesale"]),
    (
        "+14155550105",
        "Eun-ji",
        "Park",
        "eunji@example.com",
        "Oakland",
        &["newsletter", "wholesale"],
    ),
    ("+14155550106", "Farah", "Haddad", "", "Alameda", &[]),
    ("+14155550107", "Gita", "Rao", "gita@example.com", "Fremont", &["newsletter"]),
    ("+14155550108", "Hugo", "Lindqvist", "", "", &["vip"]),
    ("+14155550109", "Imani", "Brooks", "imani@example.com", "Richmond", &["newsletter"]),
    ("+14155550110", "Jonas", "Weber", "jonas@example.com", "San Francisco", &[]),
    ("+14155550111", "", "", "", "", &[]),
    ("+14155550112", "Lucía", "Fernández", "lucia@example.com", "Oakland", &["newsletter"]),
];

/// Fills an empty database with a user, contacts, a connection, templates and automations.
pub(super) async fn fill(context: &Context) -> std::result::Result<(), AppError> {
    let admin = admin().await?;
    let mut conn = context.db.get().await?;
    set_up_organization(&mut conn, context).await?;
    conn.transaction(async |conn| create_contacts(conn, context, &admin).await).await?;
    drop(conn);
    let [long_code, service] = connect(context).await?;
    context
        .db
        .get()
        .await?
        .transaction(async |conn| create_automations(conn, context, long_code.id, service.id).await)
        .await?;
    Ok(())
}

/// The error of a step at which the simulated Twilio was not connected.
pub(super) fn connecting_failed(error: &connection_center::ConnectError) -> AppError {
    AppError::Other(format!("the simulated Twilio could not be connected: {error:?}"))
}

async fn admin() -> Result<NewUser> {
    let password = Password::parse(PASSWORD, EMAIL)
        .map_err(|error| Error::field("password", error.to_string()))?;
    Ok(NewUser {
        email: EMAIL.to_owned(),
        name: "Demo".to_owned(),
        role: Role::Admin,
        password_hash: password.hash().await?,
    })
}

/// Sets up the organization, and the ledger for days in its time zone.
async fn set_up_organization(conn: &mut Conn, context: &Context) -> Result<()> {
    let organization = Organization::parse("Harbour Roasters", "US", "America/Los_Angeles")?;
    organization::update(conn, &organization).await?;
    let now = context.clock.now();
    db::transaction(conn, async |tx| {
        ledger::follow_zone(tx, ledger::INLINE_RECOUNT_LIMIT, now).await
    })
    .await?;
    Ok(())
}

/// Creates the admin and the contacts. This precedes the automations, so that none of them reacts.
async fn create_contacts(conn: &mut Conn, context: &Context, admin: &NewUser) -> Result<()> {
    let now = context.clock.now();
    for (phone, first, last, email, city, tagged) in CONTACTS {
        let mut new = NewContact::with_phone(
            PhoneNumber::from_e164(phone)
                .map_err(|error| Error::field("phone", error.to_string()))?,
        );
        new.first_name = Name::parse(first).ok();
        new.last_name = Name::parse(last).ok();
        new.email = Email::parse(email).ok();
        if !city.is_empty() {
            new.attributes =
                Attributes::parse(Map::from_iter([("city".to_owned(), Value::from(*city))]))
                    .map_err(Error::Invalid)?;
        }
        let (contact, _) = contacts::create(conn, new, now).await?;
        for tag in *tagged {
            let tag =
                TagName::parse(tag).map_err(|error| Error::field("tag", error.to_string()))?;
            drop(tags::add(conn, contact.id, &tag, now).await?);
        }
    }
    users::create(conn, admin, now).await.map(drop)
}

/// Connects the simulated account as a user would: verified live, with the inbound webhooks set.
async fn connect(context: &Context) -> std::result::Result<[Sender; 2], AppError> {
    let form = ConnectForm {
        name: "Simulated Twilio".to_owned(),
        keys: NewKeys {
            account_sid: ACCOUNT_SID.to_owned(),
            auth_token: SecretString::from(AUTH_TOKEN),
            ..NewKeys::default()
        },
        ..ConnectForm::default()
    };
    let (connection, _) = connection_center::connect(context, &Actor::command_line(), form)
        .await
        .map_err(|error| connecting_failed(&error))?;
    let add = async |sender| {
        connection_center::add_sender(context, &Actor::command_line(), connection.id, sender)
            .await
            .map_err(|error| connecting_failed(&error))
    };
    Ok([add(LONG_CODE).await?, add(SERVICE_SID).await?])
}

/// Creates the templates and the automations that use them.
async fn create_automations(
    conn: &mut Conn,
    context: &Context,
    long_code: SenderId,
    service: SenderId,
) -> Result<()> {
    let thanks = template(
        conn,
        context,
        "Order thanks",
        "Hi {{ contact.first_name | default(value=\"there\") }}, thank you for order \
         {{ event.order_id }}! \
         We roast it today and text you when it ships. Reply STOP to opt out.",
    )
    .await?;
    let review = template(
        conn,
        context,
        "How was it?",
        "{% if contact.first_name %}{{ contact.first_name }}, how{% else %}How{% endif %} do you \
         like your coffee from order \
         {{ event.order_id }}? Just reply to this message.",
    )
    .await?;
    let vip = template(
        conn,
        context,
        "Welcome, VIP",
        "Welcome to the Harbour Club, {{ contact.first_name | default(value=\"friend\") }}! \
         Your next bag ships free{% if contact.attributes.city %} to \
         {{ contact.attributes.city }}{% endif %} ☕",
    )
    .await?;
    let send = |template: &Template, sender: SenderId| {
        json!(
            {"type": "send_sms", "template_id": template.id, "sender_id": sender}
        )
    };
    let wait = |seconds: u32| json!({"type": "wait", "seconds": seconds});
    automation(
        conn,
        context,
        ("Thank for the order", AutomationStatus::Active),
        &json!({"type": "event", "name": "order_completed"}),
        &json!([send(&thanks, long_code), wait(120), send(&review, long_code)]),
    )
    .await?;
    automation(
        conn,
        context,
        ("Welcome VIPs", AutomationStatus::Active),
        &json!({"type": "tag_added", "tag": "vip"}),
        &json!([send(&vip, service)]),
    )
    .await?;
    automation(
        conn,
        context,
        ("Large orders", AutomationStatus::Draft),
        &json!(
            {
                "type": "event",
                "name": "order_completed",
                "where": {"total": {"op": "gte", "value": 100}}
            }
        ),
        &json!([wait(86_400), send(&vip, service)]),
    )
    .await
}

async fn template(conn: &mut Conn, context: &Context, name: &str, body: &str) -> Result<Template> {
    let new = NewTemplate::parse(name, body, &[]).map_err(Error::Invalid)?;
    templates::create(conn, &Actor::command_line(), new, context.clock.now()).await
}

async fn automation(
    conn: &mut Conn,
    context: &Context,
    named: (&str, AutomationStatus),
    trigger: &Value,
    steps: &Value,
) -> Result<()> {
    let (name, status) = named;
    let name = AutomationName::parse(name).map_err(|error| Error::field("name", error))?;
    let new = NewAutomation { name, definition: Definition::parse(trigger, steps)?, status };
    automations::create(conn, &Actor::command_line(), new, context.clock.now()).await.map(drop)
}
