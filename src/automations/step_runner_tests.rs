//! Tests of running the steps of an enrollment.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{Resources, RunEnd, RunInput, RunResult, run};
use crate::automations::{Definition, Enrollment, EnrollmentStatus};
use crate::connections::{SenderAddress, SenderKind};
use crate::contacts::Contact;
use crate::messages::compose::DraftOrigin;
use crate::senders::Sender;
use crate::templates::{Renderer, Template};
use crate::types::country::Country;
use crate::types::id::{AutomationId, ConnectionId, ContactId, EnrollmentId, SenderId, TemplateId};
use crate::types::phone::PhoneNumber;

struct Fixture {
    template: Template,
    sender: Sender,
    contact: Contact,
    enrollment: Enrollment,
}

impl Fixture {
    fn new(body: &str) -> Self {
        let template = Template {
            id: TemplateId::new(),
            name: "Thank you".to_owned(),
            version: 4,
            body: body.to_owned(),
            media_urls: vec!["https://example.com/a.jpg".to_owned()],
            created_at: now(),
            updated_at: now(),
            archived_at: None,
        };
        let sender = Sender {
            id: SenderId::new(),
            connection_id: ConnectionId::new(),
            kind: SenderKind::PhoneNumber,
            address: SenderAddress::parse("+15005550006").unwrap(),
            twilio_sid: "PN0".to_owned(),
            name: "Shop".to_owned(),
            sms_capable: true,
            mms_capable: true,
            webhook_url: None,
            webhook_error: None,
            parts_per_second: None,
            validity: crate::senders::Validity::USUAL,
            created_at: now(),
            disabled_at: None,
            stopped_at: None,
            stopped_reason: None,
        };
        let contact = Contact {
            id: ContactId::new(),
            phone: PhoneNumber::from_e164("+14155550123").unwrap(),
            first_name: Some("Ada".to_owned()),
            last_name: None,
            email: None,
            external_id: None,
            attributes: json!({}),
            created_at: now(),
            updated_at: now(),
        };
        let enrollment = Enrollment {
            id: EnrollmentId::new(),
            automation_id: AutomationId::new(),
            version: 1,
            contact_id: contact.id,
            event_id: None,
            cause: "test".to_owned(),
            status: EnrollmentStatus::Active,
            step: 0,
            due_at: now(),
            started_at: now(),
            finished_at: None,
            reason: None,
        };
        Self { template, sender, contact, enrollment }
    }

    fn send(&self, to: &str) -> Value {
        json!(
            {
                "type": "send_sms",
                "template_id": self.template.id,
                "sender_id": self.sender.id,
                "to": to
            }
        )
    }

    fn run(&self, steps: &Value, event: Option<&Value>) -> RunResult {
        let definition = Definition::parse(&json!({"type": "contact_created"}), steps).unwrap();
        let resources = Resources {
            templates: &HashMap::from([(self.template.id, self.template.clone())]),
            senders: &HashMap::from([(self.sender.id, self.sender.clone())]),
            renderer: &Renderer::default(),
            organization: "Bells",
            default_country: Country::parse("DE").ok(),
        };
        let input = RunInput {
            enrollment: &self.enrollment,
            definition: &definition,
            contact: &self.contact,
            event,
        };
        run(&input, &resources, now())
    }
}

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

#[test]
fn steps_run_up_to_the_next_wait() {
    let fixture = Fixture::new("Hi {{ contact.first_name }} of {{ organization.name }}");
    let steps = json!(
        [fixture.send("contact.phone"), {"type": "wait", "seconds": 60}, fixture.send("contact.phone")]
    );
    let result = fixture.run(&steps, None);
    assert_eq!(result.end, RunEnd::Waiting { step: 2, due_at: now() + TimeDelta::seconds(60) });
    let [draft] = result.drafts.as_slice() else { panic!("not one draft") };
    assert_eq!(draft.text.as_deref(), Ok("Hi Ada of Bells"));
    assert_eq!(draft.to.as_ref().map(PhoneNumber::as_str), Ok("+14155550123"));
    assert_eq!((draft.template, draft.media_urls.len()), (Some((fixture.template.id, 4)), 1));
    let DraftOrigin::Automation { enrollment_id, step, .. } = draft.origin else {
        panic!("not of an automation")
    };
    assert_eq!((enrollment_id, step), (fixture.enrollment.id, 0));
}

#[test]
fn after_a_wait_the_rest_runs_to_the_end() {
    let mut fixture = Fixture::new("Hi");
    let steps = json!(
        [fixture.send("contact.phone"), {"type": "wait", "seconds": 60}, fixture.send("contact.phone")]
    );
    fixture.enrollment.step = 2;
    let result = fixture.run(&steps, None);
    assert_eq!((result.drafts.len(), result.end), (1, RunEnd::Completed { step: 3 }));
    fixture.enrollment.step = 3;
    let result = fixture.run(&steps, None);
    assert_eq!((result.drafts.len(), result.end), (0, RunEnd::Completed { step: 3 }));
}

#[test]
fn a_message_without_its_variable_fails_and_the_next_step_follows() {
    let fixture = Fixture::new("Hi {{ contact.last_name }}");
    let steps = json!([fixture.send("contact.phone"), fixture.send("contact.phone")]);
    let result = fixture.run(&steps, None);
    assert_eq!((result.drafts.len(), result.end), (2, RunEnd::Completed { step: 2 }));
    let reason = result.drafts[0].text.as_ref().unwrap_err();
    assert!(reason.contains("contact.last_name"), "{reason}");
}

#[test]
fn the_recipient_may_be_written_as_segment_does() {
    let fixture = Fixture::new("Hi {{$.traits.firstName}}, order {{$.properties.id}}");
    let to = |to: &str, event: Value| {
        let result = fixture.run(&json!([fixture.send(to)]), Some(&event));
        let draft = &result.drafts[0];
        assert_eq!(draft.text.as_deref(), Ok("Hi Ada, order 7"));
        draft.to.clone().map(|phone| phone.as_str().to_owned())
    };
    let of_event = || Ok("+14155550199".to_owned());
    let event = json!({ "id": 7, "phone": "+14155550199" });
    assert_eq!(to("$.properties.phone", event.clone()), of_event());
    assert_eq!(to("$.traits.phone", event), Ok("+14155550123".to_owned()));
    let event = json!({ "id": 7, "phone": "+14155550199" });
    assert_eq!(to("event.properties.phone", event), of_event());
    let context = json!({ "id": 7, "context": { "traits": { "phone": "+14155550199" } } });
    assert_eq!(to("$.traits.phone", context), of_event());
    let unreadable = json!({ "id": 7, "context": { "traits": { "phone": "none" } } });
    let reason = to("$.traits.phone", unreadable).unwrap_err();
    assert!(reason.contains("“context.traits.phone” is not a phone number"), "{reason}");
}

#[test]
fn the_recipient_may_be_a_property_of_the_event() {
    let fixture = Fixture::new("Hi");
    let to = |property: &str, event: Option<Value>| {
        let result =
            fixture.run(&json!([fixture.send(&format!("event.{property}"))]), event.as_ref());
        assert_eq!(result.end, RunEnd::Completed { step: 1 });
        result.drafts[0].to.clone().map(|phone| phone.as_str().to_owned())
    };
    assert_eq!(to("phone", Some(json!({"phone": "0171 1234567"}))), Ok("+491711234567".to_owned()));
    assert_eq!(
        to("buyer.phone", Some(json!({"buyer": {"phone": "+14155550199"}}))),
        Ok("+14155550199".to_owned())
    );
    for (event, words) in [
        (None, "No event started this"),
        (Some(json!({})), "no property “phone”"),
        (Some(json!({"phone": null})), "no property “phone”"),
        (Some(json!({"phone": ["+1"]})), "not a phone number."),
        (Some(json!({"phone": "12"})), "“phone” is not a phone number: "),
    ] {
        let reason = to("phone", event).unwrap_err();
        assert!(reason.contains(words), "{reason}");
    }
}

#[test]
fn only_a_step_without_its_sender_ends_the_enrollment() {
    let fixture = Fixture::new("Hi");
    let lost = json!({"type": "send_sms", "template_id": fixture.template.id, "sender_id": SenderId::new()});
    let result = fixture
        .run(&json!([fixture.send("contact.phone"), lost, fixture.send("contact.phone")]), None);
    assert_eq!(result.drafts.len(), 1);
    let reason = "The sender of step 2 no longer exists.".to_owned();
    assert_eq!(result.end, RunEnd::Failed { step: 1, reason });
    let without_template = json!({"type": "send_sms", "template_id": TemplateId::new(), "sender_id": fixture.sender.id});
    let result = fixture.run(&json!([without_template]), None);
    assert_eq!(result.drafts[0].text, Err("The template no longer exists.".to_owned()));
    assert_eq!(result.end, RunEnd::Completed { step: 1 });
}
