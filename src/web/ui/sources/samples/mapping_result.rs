//! Samples of what a mapping makes of a request: an event, a description without a number, and what
//! would be rejected or cannot be read.

use chrono::DateTime;
use serde_json::{Value, json};

use super::{MappedValue, MappingProblem, MappingResult, ShownItem, TriedMapping, paths_of};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl TriedMapping {
    pub(in crate::web::ui::sources) fn samples() -> Vec<Self> {
        let body = json!({ "id": 7, "customer": { "phone": "+1 415 555 0123" }, "note": "<b>" });
        let headers = json!({ "x-shopify-topic": "orders/create" });
        let tried = || Self {
            is_captured: true,
            body: serde_json::to_string_pretty(&body).unwrap_or_default(),
            paths: paths_of(&body, &headers),
            ..Self::default()
        };
        let value = |label: &str, value: &str| MappedValue {
            label: label.to_owned(),
            value: value.to_owned(),
        };
        let event = ShownItem {
            person: vec![value("Phone", "+1 415 555 0123"), value("First name", "Ada <b>")],
            has_phone: true,
            attributes: vec![value("city", "Berlin & Umland")],
            event: Some("orders/create".to_owned()),
            event_id: Some("5f0c:orders/create:7".to_owned()),
            at: Some(DateTime::UNIX_EPOCH),
            properties: body.clone(),
        };
        let description = ShownItem {
            person: vec![value("Email", "ada@example.com")],
            properties: Value::Null,
            ..ShownItem::default()
        };
        let problem = |label, reason: &str| MappingProblem { label, reasons: vec![reason.into()] };
        let remarks = vec!["email is left out: Found “x” at $.email.".to_owned()];
        vec![
            Self { item: Some(event), remarks, ..tried() },
            Self { item: Some(description), is_captured: false, ..tried() },
            Self {
                problems: vec![
                    problem("Phone", "There is nothing at $.phone."),
                    problem("", "Name at least one field."),
                ],
                errors: FieldErrors::default().with("phone", "There is nothing at $.phone."),
                ..tried()
            },
            Self {
                body: "{<b>".to_owned(),
                is_captured: true,
                unreadable: Some("The body is not valid JSON: check line 1, column 2.".to_owned()),
                ..Self::default()
            },
        ]
    }
}

impl Samples for MappingResult {
    const VARIES: Varies = Varies { texts: &["tried.body"], lists: &["tried.paths"] };

    fn samples() -> Vec<Self> {
        TriedMapping::samples().into_iter().map(|tried| Self { tried }).collect()
    }
}
