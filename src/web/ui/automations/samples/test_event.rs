//! Samples of the form that sends a test event: as it begins, and with errors.

use super::{AutomationTestEventPage, TestEventInput};
use crate::error::FieldErrors;
use crate::events::EventName;
use crate::types::id::AutomationId;
use crate::web::{Samples, Varies};

impl Samples for AutomationTestEventPage {
    const VARIES: Varies = Varies { texts: &["name", "event_name", "others"], lists: &["others"] };

    fn samples() -> Vec<Self> {
        let page = |others: &[&str], errors| {
            Some(Self {
                id: AutomationId::new(),
                name: "Thank <you>".to_owned(),
                event_name: EventName::parse("order_completed").ok()?,
                others: others.iter().map(|name| (*name).to_owned()).collect(),
                form: TestEventInput {
                    to: "+1 415 555 0123".to_owned(),
                    event: "{\n  \"order_id\": \"A-1 <b>\"\n}".to_owned(),
                    ..TestEventInput::default()
                },
                errors,
            })
        };
        let errors = FieldErrors::default()
            .with("to", "Enter a number with its country code.")
            .with("event", "Won’t start it. Required: total is at least 100.");
        let samples =
            [page(&[], FieldErrors::default()), page(&["Ask for a <review>", "Remind"], errors)];
        samples.into_iter().flatten().collect()
    }
}
