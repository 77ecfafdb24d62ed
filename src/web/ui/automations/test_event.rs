//! *Send test event*: reports the event that an automation waits for, as a program would, with a
//! number of the user. What follows is real.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::sentences;
use crate::automations::{
    self, Automation, AutomationStatus, ReportedEvents, Trigger, report_events,
};
use crate::db::{self, Conn};
use crate::error::{FieldErrors, Result};
use crate::events::{self, ClientId, ContactRef, EventName, NewEvent, Properties, RecordOutcome};
use crate::queue::handover::{Handover, HandoverReservation};
use crate::types::id::AutomationId;
use crate::types::phone::PhoneNumber;
use crate::users::test_message_phone;
use crate::web::ui::made_up_contact::unassigned_number;
use crate::web::ui::preview_event;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The input of the form.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TestEventInput {
    /// The number of the contact.
    to: String,
    /// The properties, as JSON.
    event: String,
    /// Generated with the page, so that submitting the form twice reports one event.
    request_key: String,
}

/// The page that reports a test event.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationTestEventPage {
    id: AutomationId,
    name: String,
    event_name: EventName,
    /// The names of other active automations that wait for the same event.
    others: Vec<String>,
    form: TestEventInput,
    errors: FieldErrors,
}

pub(super) async fn show(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let Some(event_name) = awaited_event(&automation) else {
        return visit.redirect(format!("/automations/{id}")).warning(NOT_AWAITED);
    };
    let known = test_message_phone::find(&mut conn, visit.user.id).await?;
    let sample =
        automations::sample_event(&mut conn, &automation.definition, &unassigned_number()?).await?;
    let form = TestEventInput {
        to: known.map(|phone| phone.international()).unwrap_or_default(),
        event: preview_event::initial_properties(&sample),
        request_key: Uuid::new_v4().to_string(),
    };
    let page = AutomationTestEventPage::load(
        &mut conn,
        automation,
        event_name,
        form,
        FieldErrors::default(),
    )
    .await?;
    drop(conn);
    visit.page(&page)
}

pub(super) async fn send(
    visit: Visit<Marketer>,
    id: Path<AutomationId>,
    form: Form<TestEventInput>,
) -> PageResult {
    let (form, now) = (form.into_inner(), visit.now());
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, *id).await?;
    let back = format!("/automations/{id}");
    let Some(event_name) = awaited_event(&automation) else {
        return visit.redirect(back).warning(NOT_AWAITED);
    };
    let parsed = form.parse(&visit, event_name.clone()).and_then(|(event, phone)| {
        let trigger = &automation.definition.trigger;
        check_conditions(trigger, event.properties.value())?;
        Ok((NewEvent { source_id: trigger.source_id(), ..event }, phone))
    });
    let (event, phone) = match parsed {
        Ok(parsed) => parsed,
        Err(errors) => {
            let page =
                AutomationTestEventPage::load(&mut conn, automation, event_name, form, errors)
                    .await?;
            drop(conn);
            return visit.invalid(&page);
        }
    };
    test_message_phone::remember(&mut conn, visit.user.id, &phone).await?;
    let reported =
        report(&mut conn, &visit.context.handover, std::slice::from_ref(&event), now).await?;
    let enrolled = reported.enrolled.iter().find(|enrolled| enrolled.automation_id == *id);
    match (enrolled, reported.recorded.first()) {
        (Some(enrolled), _) => visit
            .redirect(format!("/enrollments/{}", enrolled.enrollment_id))
            .flash("Test event sent. Its messages appear here."),
        (None, Some(RecordOutcome::Repeat(_))) => {
            visit.redirect(back).flash("This test event was already sent. It counts once.")
        }
        (None, _) => visit.redirect(back).warning(
            "Test event recorded, but it started nothing. The automation changed in the meantime.",
        ),
    }
}

/// Why a test event cannot be sent.
const NOT_AWAITED: &str = "Only an active automation with an event as trigger takes test events.";

/// The event that starts the automation; none if it is not active, or not started by an event.
fn awaited_event(automation: &Automation) -> Option<EventName> {
    match &automation.definition.trigger {
        Trigger::Event { name, .. } if automation.status == AutomationStatus::Active => {
            name.clone()
        }
        _ => None,
    }
}

/// Refuses properties that do not meet the conditions of the trigger.
fn check_conditions(trigger: &Trigger, properties: &Value) -> Result<(), FieldErrors> {
    let Trigger::Event { conditions, .. } = trigger else { return Ok(()) };
    let unmet: Vec<String> = conditions
        .0
        .iter()
        .filter(|condition| !condition.holds(properties))
        .map(sentences::condition)
        .collect();
    if unmet.is_empty() {
        return Ok(());
    }
    let sentence = format!("Won’t start it. Required: {}.", unmet.join(" and "));
    Err(FieldErrors::default().with("event", sentence))
}

/// Reports the events as the API does: in one transaction with what they start.
async fn report(
    conn: &mut Conn,
    handover: &Handover,
    reports: &[NewEvent],
    now: DateTime<Utc>,
) -> Result<ReportedEvents> {
    let reservation = handover.reserve(reports.len()).await;
    let receiver = HandoverReservation::receiver(reservation.as_ref());
    let mut recorded =
        db::transaction(conn, async |tx| report_events(tx, reports, receiver, now).await).await;
    // The same form was submitted at the same time: its event is found now.
    if recorded.as_ref().is_err_and(events::is_client_id_conflict) {
        recorded =
            db::transaction(conn, async |tx| report_events(tx, reports, receiver, now).await).await;
    }
    let reported: ReportedEvents = recorded?;
    if let Some(reservation) = reservation {
        reservation.dispatch(&reported.jobs);
    }
    Ok(reported)
}

impl TestEventInput {
    fn parse(
        &self,
        visit: &Visit<Marketer>,
        name: EventName,
    ) -> Result<(NewEvent, PhoneNumber), FieldErrors> {
        let mut errors = FieldErrors::default();
        let country = visit.organization.default_country;
        let phone = errors.check("to", PhoneNumber::parse(&self.to, country));
        let key = self.request_key.parse::<Uuid>().unwrap_or_else(|_| Uuid::new_v4());
        let client_id = errors.check("form", ClientId::parse(&format!("test-{key}")));
        // The number of the sample stands for the one of the form, where a step reads a number.
        let typed = match (errors.check("form", unassigned_number()), &phone) {
            (Some(sample), Some(to)) => self.event.replace(sample.as_str(), to.as_str()),
            _ => self.event.clone(),
        };
        let properties = errors.check("event", preview_event::parse_properties(&typed)).flatten();
        match (phone, client_id) {
            (Some(phone), Some(client_id)) if errors.is_empty() => {
                let event = NewEvent {
                    client_id: Some(client_id),
                    name,
                    contact: ContactRef::Phone(phone.clone()),
                    properties: properties.map(Properties::from).unwrap_or_default(),
                    occurred_at: None,
                    source_id: None,
                };
                Ok((event, phone))
            }
            _ => Err(errors),
        }
    }
}

impl AutomationTestEventPage {
    async fn load(
        conn: &mut Conn,
        automation: Automation,
        event_name: EventName,
        form: TestEventInput,
        errors: FieldErrors,
    ) -> Result<Self> {
        let waiting = automations::list_active(conn).await?.into_iter();
        let others = waiting
            .filter(|other| other.id != automation.id)
            .filter(|other| awaited_event(other).as_ref() == Some(&event_name))
            .map(|other| other.name)
            .collect();
        let (id, name) = (automation.id, automation.name);
        Ok(Self { id, name, event_name, others, form, errors })
    }
}

impl Page for AutomationTestEventPage {
    const TEMPLATE: &'static str = "ui/automations/test_event.html";
}

#[cfg(debug_assertions)]
#[path = "samples/test_event.rs"]
mod samples;
